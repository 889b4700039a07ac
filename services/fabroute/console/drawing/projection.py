"""From places on the globe to points of a picture: projections, the view that holds what matters, great circles."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

Point = tuple[float, float]
Projection = Literal["mercator", "patterson"]
"""Mercator keeps the shapes of a region; Patterson (2014) shows the whole world without a giant north."""

_MERCATOR_LIMIT = 85.0
_PATTERSON = (1.0148, 0.23185, -0.14499, 0.02406)
_REGION_DEGREES, _REGION_LATITUDE = 100.0, 72.0
_LEAST_DEGREES = 9.0
"""So much is seen of the country around a single city."""
_MARGIN = 0.1
_ZOOM_STEP, _PLACE_STEPS = 1.12, 24
"""Views are taken from a grid of zooms and places, so that the next order finds its land already drawn."""
_WORLD_PITCH = 25.0
_FLAT = 1e-12
_PLACES_KEPT = 4_096


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the globe, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class View:
    """A window on the projected globe: its middle in radians of the projection, and units of the picture a radian."""

    projection: Projection
    middle_x: float
    middle_y: float
    scale: float
    width: int
    height: int

    @property
    def period(self) -> float:
        """Once around the globe, in units of the picture."""
        return 2 * math.pi * self.scale

    def point(self, place: Place) -> Point:
        """Return where a place is in the picture: the nearest to its middle of all the times it recurs."""
        turns = math.radians(place.longitude) - self.middle_x
        turns -= 2 * math.pi * round(turns / (2 * math.pi))
        return self.width / 2 + turns * self.scale, self.height_of(place.latitude)

    def height_of(self, latitude: float) -> float:
        """Return how far below the upper edge a parallel is."""
        return self.height / 2 - (northing(latitude, self.projection) - self.middle_y) * self.scale

    def holds(self, point: Point) -> bool:
        """Return whether a point is inside the picture."""
        return 0 <= point[0] <= self.width and 0 <= point[1] <= self.height


def northing(latitude: float, projection: Projection) -> float:
    """Return how far north of the equator a parallel is drawn, on a globe of radius 1."""
    if projection == "mercator":
        return math.asinh(math.tan(math.radians(max(-_MERCATOR_LIMIT, min(_MERCATOR_LIMIT, latitude)))))
    angle = math.radians(latitude)
    return sum(factor * angle**power for factor, power in zip(_PATTERSON, (1, 5, 7, 9), strict=True))


def view_of(places: Sequence[Place], *, width: int, height: int) -> View:
    """Return a view that holds all the places with room around them; the whole world if there are none."""
    if not places:
        return _world(width, height)
    west, span = _narrowest(place.longitude for place in places)
    south, north = min(it.latitude for it in places), max(it.latitude for it in places)
    region = span <= _REGION_DEGREES and max(abs(south), abs(north)) <= _REGION_LATITUDE
    projection: Projection = "mercator" if region else "patterson"
    low, high = northing(south, projection), northing(north, projection)
    middle = (low + high) / 2
    scale = _zoom(math.radians(span), high - low, middle=middle, width=width, height=height)
    return _snapped(View(projection, math.radians(west + span / 2), middle, scale, width, height))


def great_circle(start: Place, end: Place, *, steps: int = 48) -> list[Place]:
    """Return places along the shortest way between two; between opposite ends of the globe any is the shortest."""
    first, last = _vector(start), _vector(end)
    angle = central_angle(start, end)
    if angle < _FLAT:
        return [start]
    if math.pi - angle < 1e-6:
        pole = Place(90.0, start.longitude)
        return [*great_circle(start, pole, steps=steps // 2), *great_circle(pole, end, steps=steps // 2)[1:]]
    weights = ((math.sin((1 - it) * angle), math.sin(it * angle)) for it in (step / steps for step in range(steps + 1)))
    return [_place([w * a + v * b for a, b in zip(first, last, strict=True)]) for w, v in weights]


def central_angle(start: Place, end: Place) -> float:
    """Return the angle between two places seen from the middle of the globe, in radians."""
    first, last = _vector(start), _vector(end)
    cross = (
        first[1] * last[2] - first[2] * last[1],
        first[2] * last[0] - first[0] * last[2],
        first[0] * last[1] - first[1] * last[0],
    )
    return math.atan2(math.hypot(*cross), sum(a * b for a, b in zip(first, last, strict=True)))


def _narrowest(longitudes: Iterable[float]) -> tuple[float, float]:
    """Return the western end and the width of the narrowest band of longitudes that holds all of them, in degrees."""
    around = sorted({longitude % 360 for longitude in longitudes})
    gaps = [(after - before, after) for before, after in zip(around, [*around[1:], around[0] + 360], strict=True)]
    widest, west = max(gaps)
    return west, 360 - widest


def _world(width: int, height: int) -> View:
    middle = northing(_WORLD_PITCH, "patterson")
    return _held(View("patterson", 0.0, middle, width / (2 * math.pi), width, height))


def _zoom(wide: float, high: float, *, middle: float, width: int, height: int) -> float:
    """Return the largest zoom of the grid at which so many radians fit, with a margin; at least the world fits."""
    room = 1 - 2 * _MARGIN
    fitting = min(
        width / math.radians(_LEAST_DEGREES) / math.cosh(middle),
        width * room / wide if wide > _FLAT else math.inf,
        height * room / high if high > _FLAT else math.inf,
    )
    world = width / (2 * math.pi)
    steps = math.floor(math.log(fitting / world, _ZOOM_STEP) + _FLAT)
    return float(world * _ZOOM_STEP ** max(0, steps))


def _snapped(view: View) -> View:
    """Return the view with its middle on a point of the grid of its zoom."""
    step_x, step_y = view.width / view.scale / _PLACE_STEPS, view.height / view.scale / _PLACE_STEPS
    middle_x, middle_y = round(view.middle_x / step_x) * step_x, round(view.middle_y / step_y) * step_y
    return _held(replace(view, middle_x=math.remainder(middle_x, 2 * math.pi), middle_y=middle_y))


def _held(view: View) -> View:
    """Return the view moved so that it shows nothing beyond the poles, as far as it is that small."""
    most = max(0.0, northing(90, view.projection) - view.height / 2 / view.scale)
    return replace(view, middle_y=max(-most, min(most, view.middle_y)))


@lru_cache(maxsize=_PLACES_KEPT)
def _vector(place: Place) -> tuple[float, float, float]:
    latitude, longitude = math.radians(place.latitude), math.radians(place.longitude)
    return (
        math.cos(latitude) * math.cos(longitude),
        math.cos(latitude) * math.sin(longitude),
        math.sin(latitude),
    )


def _place(vector: Sequence[float]) -> Place:
    x, y, z = vector
    return Place(math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)))
