"""The parcel around some parts: its size, its weight, and the weight that carriers charge."""

import math
from dataclasses import dataclass

VOLUMETRIC_CM3_PER_KG = 5000
WEIGHT_STEP_GRAMS = 500
PADDING_MM = 20
"""Between the parts and each wall of the box (assumption)."""
PACKAGING_BASE_GRAMS = 50
PACKAGING_GRAMS_PER_LITRE = 25
"""Box and filling (assumption)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A packed box, ready to be weighed by a carrier."""

    sides_cm: tuple[int, int, int]
    net_grams: int
    packaging_grams: int
    chargeable_grams: int

    @property
    def gross_grams(self) -> int:
        """Return what the parcel really weighs."""
        return self.net_grams + self.packaging_grams


def chargeable_grams(*, gross_grams: int, sides_cm: tuple[float, float, float]) -> int:
    """Return the weight that carriers charge: actual or volumetric, whichever is more, up to the next half kilogram.

    Each side counts as the next whole cm; 5,000 cm3 count as a kilogram (vendor rule).
    """
    volume_cm3 = math.prod(math.ceil(side) for side in sides_cm)
    weight = max(gross_grams, volume_cm3 * 1000 / VOLUMETRIC_CM3_PER_KG)
    return math.ceil(weight / WEIGHT_STEP_GRAMS) * WEIGHT_STEP_GRAMS


def pack_parcel(*, part_box_mm: tuple[float, float, float], quantity: int, net_grams: int) -> Parcel:
    """Return the parcel of ``quantity`` equal parts that weigh ``net_grams`` together.

    The parts stand in a grid that is as near to a cube as can be, with padding on all sides.
    """
    counts = _grid(part_box_mm, quantity)
    inside = [count * side for count, side in zip(counts, part_box_mm, strict=True)]
    length, width, height = (math.ceil(round((side + 2 * PADDING_MM) / 10, 6)) for side in inside)
    litres = length * width * height / 1000
    packaging_grams = PACKAGING_BASE_GRAMS + math.ceil(PACKAGING_GRAMS_PER_LITRE * litres)
    sides_cm = (length, width, height)
    return Parcel(
        sides_cm=sides_cm,
        net_grams=net_grams,
        packaging_grams=packaging_grams,
        chargeable_grams=chargeable_grams(gross_grams=net_grams + packaging_grams, sides_cm=sides_cm),
    )


def _grid(box_mm: tuple[float, float, float], quantity: int) -> list[int]:
    """Return how many parts stand along each side: the shortest side grows until all have a place."""
    counts = [1, 1, 1]
    while math.prod(counts) < quantity:
        shortest = min(range(3), key=lambda axis: counts[axis] * box_mm[axis])
        counts[shortest] += 1
    return counts
