"""Make a shape take up exactly a given box and a given volume."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from manifold3d import Error, Manifold

from fabroute.kernel.errors import DomainError

VOLUME_TOLERANCE = 0.001
"""Relative; the reference rows allow 2 %."""
STRETCH_LIMIT = 0.25
"""How far a side may be drawn out to meet the box before the shape counts as another shape."""
_ROUNDS = 60
_TIDY_MM = 0.001
"""Edges whose removal moves no surface by more than this are left out of the finished body."""


class ShapeOutOfReach(DomainError):
    """No setting of the shape's free measure gives the volume asked for in the box asked for."""

    code = "shape_out_of_reach"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The outer measures of a part in mm."""

    x: float
    y: float
    z: float

    def __post_init__(self) -> None:
        if min(self.x, self.y, self.z) <= 0:
            raise ValueError(f"a box needs three lengths above 0 mm, not {self}")

    @property
    def shortest(self) -> float:
        """The shortest side in mm, which wall thicknesses are a share of."""
        return min(self.x, self.y, self.z)

    def __str__(self) -> str:
        return f"{self.x:g} x {self.y:g} x {self.z:g} mm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to draw one kind of part: a function of the box and of one free measure, a wall or a web in mm.

    ``thinnest`` and ``thickest`` bound the free measure as shares of the box's shortest side.
    """

    draw: Callable[[Box, float], Manifold]
    thinnest: float
    thickest: float

    def __post_init__(self) -> None:
        if not 0 < self.thinnest < self.thickest:
            raise ValueError("a recipe's free measure needs 0 < thinnest < thickest")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    """One setting of the free measure and the volume it gives."""

    free_mm: float
    volume_mm3: float


def solve_shape(recipe: Recipe, box: Box, volume_mm3: float) -> Manifold:
    """Return the recipe's body with exactly that box and, within 0.1 %, that volume.

    ``ShapeOutOfReach`` if even the thinnest or the thickest setting of the free measure misses the volume, or if the
    shape has to be stretched too far to fill the box.
    """
    low, high = (_attempt(recipe, box, share * box.shortest)[1] for share in (recipe.thinnest, recipe.thickest))
    if not low.volume_mm3 <= volume_mm3 <= high.volume_mm3:
        raise ShapeOutOfReach(
            f"the shape holds {low.volume_mm3 / 1000:.1f} to {high.volume_mm3 / 1000:.1f} cm3 in a box of {box}, "
            f"{volume_mm3 / 1000:.1f} cm3 were asked for: mend the part's volume or box, or give it its own recipe"
        )
    tries = [low, high]
    for number in range(_ROUNDS):
        body, found = _attempt(recipe, box, _between(low, high, _estimate(tries, volume_mm3), halve=number % 5 == 4))
        if abs(found.volume_mm3 - volume_mm3) <= VOLUME_TOLERANCE * volume_mm3:
            return body.simplify(_TIDY_MM)
        low, high = (found, high) if found.volume_mm3 < volume_mm3 else (low, found)
        tries.append(found)
    raise ShapeOutOfReach(
        f"the shape's volume jumps past {volume_mm3 / 1000:.1f} cm3 near {low.free_mm:.3f} mm: mend its recipe"
    )


def _attempt(recipe: Recipe, box: Box, free_mm: float) -> tuple[Manifold, _Try]:
    body = fitted(recipe.draw(box, free_mm), box)
    return body, _Try(free_mm=free_mm, volume_mm3=body.volume())


def _estimate(tries: list[_Try], volume_mm3: float) -> float:
    """Return the setting that should give the volume: the curve through the three nearest tries, read at it.

    Volumes grow nearly as a power of a wall's thickness, so the curve is drawn between logarithms.
    """
    nearest = sorted({math.log(one.volume_mm3 / volume_mm3): math.log(one.free_mm) for one in tries}.items(), key=_miss)
    points = nearest[:3]
    return math.exp(sum(free * _weight(miss, points) for miss, free in points))


def _miss(point: tuple[float, float]) -> float:
    return abs(point[0])


def _weight(miss: float, points: list[tuple[float, float]]) -> float:
    """Return the Lagrange weight, at a miss of zero, of the point with this ``miss``."""
    return math.prod(other / (other - miss) for other, _ in points if other != miss)


def _between(low: _Try, high: _Try, estimate_mm: float, *, halve: bool) -> float:
    """Return the next setting to try: the estimate where it lies inside the bracket, else (or if due) the middle.

    Rounded, so that a last bit that differs between machines changes nothing.
    """
    if halve or not low.free_mm < estimate_mm < high.free_mm:
        return round((low.free_mm + high.free_mm) / 2, 6)
    return round(estimate_mm, 6)


def fitted(body: Manifold, box: Box) -> Manifold:
    """Return ``body`` moved to the first octant and stretched, if need be, to fill ``box`` exactly."""
    if body.status() != Error.NoError or body.is_empty():
        raise ShapeOutOfReach(f"the recipe draws no valid solid in a box of {box}")
    x0, y0, z0, x1, y1, z1 = body.bounding_box()
    stretch = (box.x / (x1 - x0), box.y / (y1 - y0), box.z / (z1 - z0))
    if max(abs(factor - 1) for factor in stretch) > STRETCH_LIMIT:
        raise ShapeOutOfReach(
            f"the shape is {x1 - x0:.1f} x {y1 - y0:.1f} x {z1 - z0:.1f} mm and would have to be stretched "
            f"by more than {STRETCH_LIMIT:.0%} to fill {box}: mend its recipe"
        )
    return body.translate((-x0, -y0, -z0)).scale(stretch)
