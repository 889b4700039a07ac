"""How many copies of a part one build holds, and how they stand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fabroute.estimation.facts import Box, MachineModelFacts, PartGeometry
from fabroute.estimation.processes import PROCESSES
from fabroute.estimation.rotations import FIT_MARGIN_MM, allowed_rotations

_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """The copies of one part that a build holds, and the box of one copy as it stands (height last, mm)."""

    standing_mm: Box
    copies: int


def pack(part: PartGeometry, machine: MachineModelFacts) -> Packing:
    """Return how a part is packed on a machine: nested through the whole bed, or one layer on the plate.

    Plate processes stand the part as low as it may, because height is time. Nested processes take the rotation that
    packs most. ``PartDoesNotFit`` if it can't be built there at all.
    """
    process = PROCESSES[machine.process]
    rotations = allowed_rotations(part, machine)
    if not process.nested:
        lowest = [box for box in rotations if box[2] == rotations[0][2]]
        return _best(
            [Packing(standing_mm=box, copies=_on_plate(box, machine.box_mm, process.part_gap_mm)) for box in lowest]
        )
    grids = _best(
        [Packing(standing_mm=box, copies=_in_bed(box, machine.box_mm, process.part_gap_mm)) for box in rotations]
    )
    by_density = math.floor(process.nesting_density * math.prod(machine.box_mm) / (part.volume_cm3 * 1000) + _TOLERANCE)
    return Packing(standing_mm=grids.standing_mm, copies=max(1, min(grids.copies, by_density)))


def _best(packings: Sequence[Packing]) -> Packing:
    return max(packings, key=lambda packing: packing.copies)


def _on_plate(standing: Box, build_box: Box, gap_mm: float) -> int:
    """Return the copies of a rectangular grid in one layer."""
    return _along(standing[0], build_box[0], gap_mm) * _along(standing[1], build_box[1], gap_mm)


def _in_bed(standing: Box, build_box: Box, gap_mm: float) -> int:
    """Return the copies of a grid through the height of the bed: what geometry surely allows."""
    return _on_plate(standing, build_box, gap_mm) * _along(standing[2], build_box[2], gap_mm)


def _along(side_mm: float, build_side_mm: float, gap_mm: float) -> int:
    room = build_side_mm - 2 * FIT_MARGIN_MM
    return math.floor((room + gap_mm) / (side_mm + gap_mm) + _TOLERANCE)
