"""How large a listed part is: as stated, from its mass and material, or taken for granted and marked."""

from collections.abc import Sequence
from dataclasses import dataclass

from fabroute.advice.rules.screening_parts import ScreenedPart
from fabroute.estimation.facts import Box, InvalidFact, MaterialFacts, PartGeometry

USUAL_FILL = 0.24
"""Share of its bounding box that a printed part fills: the median of real ones."""
THINNEST_MM = 0.1
"""No part is flatter (assumption): a side under it was measured in other units."""
_ALIKE = 1.2
"""Materials whose densities differ by more say nothing about a volume."""
_BOX = ("box_x_mm", "box_y_mm", "box_z_mm")


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeFound:
    """A part's geometry, why it can't be, or what is missing."""

    geometry: PartGeometry | None = None
    problem: str | None = None
    assumed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def size_of(part: ScreenedPart, materials: Sequence[MaterialFacts]) -> SizeFound:
    """Return the size of a part that would be printed in one of these materials.

    A box without a volume is taken to be filled as usual, a volume without a box to be a cube so filled; both are
    marked. A mass gives the volume in the lightest of the materials, if they are about as heavy.
    """
    if part.box_mm is not None and 0 < min(part.box_mm) < THINNEST_MM:
        return SizeFound(problem=f"a side of the box is {min(part.box_mm):g} mm, thinner than anything printed")
    if part.box_mm is not None and min(part.box_mm) <= 0:
        return SizeFound(problem=f"a side of the box is {min(part.box_mm):g} mm: leave unknown sides empty")
    volume, known = _volume_of(part, materials)
    if volume is not None and volume <= 0:
        return SizeFound(problem="volume or mass is 0: leave what is unknown empty")
    if part.box_mm is None and volume is None:
        return SizeFound(missing=(*_BOX, "volume_cm3"))
    if part.box_mm is None:
        assumed = ("size: a cube that is filled to 24 %",)
        return _geometry(_cube(volume or 0.0), volume or 0.0, (*known, *assumed), _BOX)
    if volume is None:
        filled = USUAL_FILL * part.box_mm[0] * part.box_mm[1] * part.box_mm[2] / 1000
        return _geometry(part.box_mm, filled, ("volume: the box is filled to 24 %",), ("volume_cm3",))
    return _geometry(part.box_mm, volume, known, ())


def _volume_of(part: ScreenedPart, materials: Sequence[MaterialFacts]) -> tuple[float | None, tuple[str, ...]]:
    """Return the volume in cm³, and where it comes from if it is not stated."""
    if part.volume_cm3 is not None or part.mass_g is None or not materials:
        return part.volume_cm3, ()
    lightest = min(materials, key=lambda material: (material.density_g_per_cm3, material.code))
    if max(material.density_g_per_cm3 for material in materials) > _ALIKE * lightest.density_g_per_cm3:
        return None, ()
    words = f"volume: {part.mass_g:g} g of {lightest.code} at {lightest.density_g_per_cm3:g} g/cm3"
    return part.mass_g / lightest.density_g_per_cm3, (words,)


def _geometry(box: Box, volume: float, assumed: tuple[str, ...], missing: tuple[str, ...]) -> SizeFound:
    try:
        geometry = PartGeometry(box_mm=box, volume_cm3=volume)
    except InvalidFact as error:
        return SizeFound(problem=error.message)
    return SizeFound(geometry=geometry, assumed=assumed, missing=missing)


def _cube(volume_cm3: float) -> Box:
    side = (volume_cm3 * 1000 / USUAL_FILL) ** (1 / 3)
    return (side, side, side)
