"""How a part can stand in a machine."""

from itertools import permutations

from fabroute.estimation.facts import Box, MachineModelFacts, PartGeometry
from fabroute.kernel.errors import DomainError

FIT_MARGIN_MM = 3.0
"""Kept free on each side of the build volume (assumption; machines need 2 to 5 mm)."""
_TOLERANCE_MM = 1e-6


class PartDoesNotFit(DomainError):
    """No allowed rotation of the part stands inside the build volume with its margins."""

    code = "part_does_not_fit"
    status = 422


def fitting_rotations(box_mm: Box, build_box_mm: Box, *, margin_mm: float = FIT_MARGIN_MM) -> tuple[Box, ...]:
    """Return the axis-aligned rotations of a box that fit a build volume less its margins, lowest first; maybe none.

    Each is (width, depth, height) in mm as the part would stand; equal rotations are given once.
    """
    room = [side - 2 * margin_mm + _TOLERANCE_MM for side in build_box_mm]
    rotations = {(box_mm[i], box_mm[j], box_mm[k]) for i, j, k in permutations(range(3))}
    fitting = [turned for turned in rotations if all(side <= free for side, free in zip(turned, room, strict=True))]
    return tuple(sorted(fitting, key=lambda turned: (turned[2], turned)))


def allowed_rotations(part: PartGeometry, machine: MachineModelFacts) -> tuple[Box, ...]:
    """Return the rotations in which a part may be built on a machine, lowest first.

    A fixed orientation leaves only its turns about the vertical axis. ``PartDoesNotFit`` says what is too long.
    """
    fitting = fitting_rotations(part.box_mm, machine.box_mm)
    if part.orientation_mm is not None:
        *plate, height = part.orientation_mm
        fitting = tuple(box for box in fitting if box[2] == height and sorted(box[:2]) == sorted(plate))
    if not fitting:
        needed = part.orientation_mm or part.box_mm
        raise PartDoesNotFit(
            f"needs {_sides(needed)} mm and {FIT_MARGIN_MM:g} mm free on each side, {machine.model} has "
            f"{_sides(machine.box_mm)} mm: choose a larger machine or another orientation"
        )
    return fitting


def _sides(box: Box) -> str:
    return " x ".join(f"{side:g}" for side in box)
