"""Whether a part has the size that was meant: files without a unit, or with a wrong one, show in their box."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fabroute.integrations.validation.solids import Solid
from fabroute.inventory.ports import Finding, PrintFileFormat

Box = Sequence[float]

_SAME = 0.02
"""Two lengths that differ by less than this share are the same, however they were tessellated."""
_SLACK_MM = 0.5
"""A stated size may be rounded by so much, but not by more than a quarter of it."""
_TINY_MM = 1.0
"""No part's longest side is shorter."""
_SMALL_MM = 8.0
"""Few parts' longest side is shorter; of parts drawn in inches most are (203 mm)."""
HUGE_MM = 2_000.0
"""Longer than any machine of the reference network (1,500 mm)."""
_COARSE_MM = 0.01
"""Steps between neighbouring coordinates in single precision, from which on surfaces get rough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mistake:
    code: str
    unit: str
    factor: float
    """What a length has to be multiplied by to come out as meant."""


_MISTAKES = (
    _Mistake(code="UNITS_METRES", unit="metres", factor=1000.0),
    _Mistake(code="UNITS_INCHES", unit="inches", factor=25.4),
    _Mistake(code="UNITS_CENTIMETRES", unit="centimetres", factor=10.0),
    _Mistake(code="UNITS_MICRONS", unit="micrometres", factor=0.001),
)


def size_findings(solid: Solid, source: PrintFileFormat, expected: Box | None) -> tuple[Finding, ...]:
    """Return what the size gives away; ``expected`` is the size in mm that the part's revision states.

    With an expectation, a box that is off by exactly the factor of another unit is an error, any other difference a
    warning. Without one, a part of less than 1 mm is an error in STL, which has no unit, and else a warning.
    """
    units = _against(solid.box_mm, expected, source) if expected else _alone(solid.box_mm, source)
    return (*units, *_huge(solid.box_mm), *_coarse(solid))


def _against(box: Box, expected: Box, source: PrintFileFormat) -> tuple[Finding, ...]:
    found, wanted = np.sort(box), np.sort(expected)
    if (np.abs(found - wanted) <= _SAME * wanted + np.minimum(_SLACK_MM, wanted / 4)).all():
        return ()
    for mistake in _MISTAKES:
        if (np.abs(found * mistake.factor - wanted) <= _SAME * wanted).all():
            return (_wrong_unit(mistake, box, expected, source),)
    return (
        Finding(
            code="BOX_DIFFERS",
            severity="warning",
            message=f"The part measures {_sides(box)} mm, its revision says {_sides(expected)} mm.",
            advice="Check that this is the file of that part and revision, and correct whichever is wrong.",
        ),
    )


def _wrong_unit(mistake: _Mistake, box: Box, expected: Box, source: PrintFileFormat) -> Finding:
    factor = f"{1 / mistake.factor:g}" if mistake.factor < 1 else f"{mistake.factor:g}"
    smaller = "smaller" if mistake.factor > 1 else "larger"
    return Finding(
        code=mistake.code,
        severity="error",
        message=f"The part measures {_sides(box)} mm, its revision says {_sides(expected)} mm: "
        f"{factor} times {smaller}, as a drawing in {mistake.unit} is.",
        advice=_advice(mistake, source),
    )


def _alone(box: Box, source: PrintFileFormat) -> tuple[Finding, ...]:
    metres, inches = _MISTAKES[0], _MISTAKES[1]
    if max(box) < _TINY_MM:
        return (_suspicion(metres, box, source, "error" if source == "stl" else "warning"),)
    if max(box) < _SMALL_MM and _inch_fractions(box):
        return (_suspicion(inches, box, source, "warning"),)
    if max(box) < _SMALL_MM:
        return (
            Finding(
                code="UNITS_SUSPECT",
                severity="warning",
                message=f"The part measures only {_sides(box)} mm; in inches it would be {_scaled(box, inches)} mm, "
                f"in centimetres {_scaled(box, _MISTAKES[2])} mm.",
                advice="Check the unit of the export; state the part's size with its revision to be sure.",
            ),
        )
    return ()


def _suspicion(mistake: _Mistake, box: Box, source: PrintFileFormat, severity: Literal["error", "warning"]) -> Finding:
    return Finding(
        code=mistake.code,
        severity=severity,
        message=f"The part measures only {_sides(box)} mm; read in {mistake.unit} it is {_scaled(box, mistake)} mm.",
        advice=_advice(mistake, source),
    )


def _inch_fractions(box: Box) -> bool:
    """Tell whether all sides are whole 64ths, as drawn in inches, and not just round numbers of anything."""
    sides = np.array(box)
    fractions = np.abs(sides * 64 - np.round(sides * 64)) <= 64 * 0.0006
    round_numbers = np.abs(sides * 20 - np.round(sides * 20)) <= 0.01
    return bool(fractions.all() and not round_numbers.all())


def _advice(mistake: _Mistake, source: PrintFileFormat) -> str:
    scale = f"Scale the part by {mistake.factor:g}"
    if source == "stl":
        return f"{scale}, or send it as 3MF, which states its unit; STL has none and is read as millimetres."
    return f"{scale}, or state the right unit in the file."


def _huge(box: Box) -> tuple[Finding, ...]:
    if max(box) <= HUGE_MM:
        return ()
    return (
        Finding(
            code="HUGE",
            severity="warning",
            message=f"The part measures {_sides(box)} mm; no machine that we know of builds more than "
            f"{HUGE_MM:,.0f} mm.",
            advice="Check the unit of the export, or cut the part into pieces that can be joined.",
        ),
    )


def _coarse(solid: Solid) -> tuple[Finding, ...]:
    farthest = float(np.abs(solid.centre).max()) + max(solid.box_mm) / 2
    step = float(np.spacing(np.float32(farthest)))
    if step < _COARSE_MM:
        return ()
    return (
        Finding(
            code="FAR_FROM_ORIGIN",
            severity="warning",
            message=f"Coordinates reach {farthest:,.0f} mm, where single precision steps by {step:.2g} mm.",
            advice="Move the part to the origin before the export; its surface may already be rough.",
        ),
    )


def _sides(box: Box) -> str:
    return " × ".join(f"{side:.4g}" if side < 1000 else f"{side:.0f}" for side in box)


def _scaled(box: Box, mistake: _Mistake) -> str:
    return _sides([side * mistake.factor for side in box])
