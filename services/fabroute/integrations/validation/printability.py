"""Hold a part against what each process can make."""

from collections.abc import Iterator, Sequence

from fabroute.integrations.validation.geometry import Geometry
from fabroute.integrations.validation.process_limits import LIMITS, ProcessLimits
from fabroute.inventory.ports import Finding, Printability

_FEW_LAYERS = 5


def judge(geometry: Geometry, processes: Sequence[str]) -> tuple[Printability, ...]:
    """Return for each process whether it can make the part, in the order asked.

    An error means that this process can't make it, a warning that a person should look. The size is only warned of:
    which machine is big enough is decided where the machines are known.
    """
    return tuple(Printability(process=process, findings=tuple(_judged(geometry, process))) for process in processes)


def _judged(geometry: Geometry, process: str) -> Iterator[Finding]:
    limits = LIMITS.get(process)
    if limits is None:
        yield Finding(
            code="PROCESS_UNKNOWN",
            severity="warning",
            message=f"No limits are known of process {process}; known are {', '.join(LIMITS)}.",
            advice="Ask the bureau, or correct the process.",
        )
        return
    yield from _wall(geometry, limits)
    yield from _cavity(geometry, limits)
    yield from _too_large(geometry, limits)
    yield from _too_small(geometry, limits)


def _wall(geometry: Geometry, limits: ProcessLimits) -> Iterator[Finding]:
    wall = geometry.measures.thinnest_wall_mm
    if wall is None or wall >= limits.safe_wall * _ROUNDING:
        return
    breaks = wall < limits.thinnest_wall * _ROUNDING
    least = f"needs at least {limits.thinnest_wall:g} mm" if breaks else f"is only safe from {limits.safe_wall:g} mm on"
    yield Finding(
        code="THIN_WALL",
        severity="error" if breaks else "warning",
        message=f"A wall is about {wall:.2f} mm thin; {limits.name} {least} (assumption, {limits.wall_source}).",
        advice=f"Make the wall {limits.safe_wall:g} mm thick, or choose another process.",
        where=geometry.thinnest_at,
    )


_ROUNDING = 0.99
"""A wall drawn exactly as thin as the limit, and measured between its facets, is not too thin."""


def _cavity(geometry: Geometry, limits: ProcessLimits) -> Iterator[Finding]:
    if geometry.cavities and limits.cavity is not None:
        yield Finding(
            code="CAVITY",
            severity=limits.cavity,
            message=f"{geometry.cavities:,} closed cavit{'y' if geometry.cavities == 1 else 'ies'}: "
            f"{limits.cavity_reason}.",
            advice="Add an escape hole of at least 4 mm, or two of 2 mm, or fill the cavity.",
        )


def _too_large(geometry: Geometry, limits: ProcessLimits) -> Iterator[Finding]:
    sides, known = sorted(geometry.measures.box_mm), sorted(limits.largest_box)
    if any(side > most for side, most in zip(sides, known, strict=True)):
        yield Finding(
            code="TOO_LARGE",
            severity="warning",
            message=f"{_box(geometry.measures.box_mm)} mm is more than the largest known machine of {limits.name} "
            f"builds, {_box(limits.largest_box)} mm ({limits.box_source}).",
            advice="Cut it into pieces that can be joined, turn it across the corner, or choose another process.",
        )


def _too_small(geometry: Geometry, limits: ProcessLimits) -> Iterator[Finding]:
    box = geometry.measures.box_mm
    if sum(box) < limits.smallest_sum:
        yield Finding(
            code="TOO_SMALL",
            severity="warning",
            message=f"{_box(box)} mm: parts of less than {limits.smallest_sum:g} mm for x + y + z get lost in the "
            "powder (V2: a bureau's MJF design guide).",
            advice="Hang several on a frame or in a cage, or choose another process.",
        )
    elif min(box) < _FEW_LAYERS * limits.layer:
        yield Finding(
            code="FEW_LAYERS",
            severity="warning",
            message=f"{min(box):.2f} mm lying flat is less than {_FEW_LAYERS} layers of {limits.layer:g} mm "
            f"({limits.layer_source}).",
            advice="Print it upright, or expect its thickness to be off by up to a layer.",
        )


def _box(sides: Sequence[float]) -> str:
    return " × ".join(f"{side:.4g}" for side in sides)
