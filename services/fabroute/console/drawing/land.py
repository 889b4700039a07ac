"""The land and the borders of a view as paths: only what is seen, and no finer than it can be seen."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from fabroute.console.drawing.atlas import Line, world
from fabroute.console.drawing.projection import Point, View, northing

_BLEED = 4.0
"""So far outside the picture the land is cut, so that the cut is not seen."""
_TOLERANCE, _LEAST = 0.3, 1.2
"""Units of the picture: how far a simplified coast may be off, and how large an island must be."""
_VIEWS_KEPT = 48


@dataclass(frozen=True, slots=True)
class Ground:
    """Two values of a path's ``d``: the land to fill (even-odd), and the borders to draw on it."""

    land: str
    borders: str


@lru_cache(maxsize=_VIEWS_KEPT)
def ground_of(view: View) -> Ground:
    """Return the ground of a view; the second time a view is asked for it is there already."""
    atlas = world()
    rings = (_simplified(ring) for ring in _rings(atlas.land, view))
    lines = (_simplified(part) for line in _seen(atlas.borders, view) for part in _pieces(line, view))
    return Ground(
        land="".join(_path(ring, "z") for ring in rings if len(ring) > 3),
        borders="".join(_path(line, "") for line in lines if len(line) > 1),
    )


def clipped_ring(ring: Sequence[Point], *, width: float, height: float) -> list[Point]:
    """Return a closed ring cut to the picture and its bleed, side by side (Sutherland and Hodgman)."""
    points = list(ring)
    for axis, limit, sign in _sides(width, height):
        points = list(_cut(points, axis, limit, sign))
        if not points:
            break
    return points


def simplified(points: Sequence[Point], tolerance: float) -> list[Point]:
    """Return a line with as few of its points as stay within the tolerance (Douglas and Peucker)."""
    keep, todo = {0, len(points) - 1}, [(0, len(points) - 1)]
    while todo:
        first, last = todo.pop()
        far, at = _farthest(points, first, last)
        if far > tolerance:
            keep.add(at)
            todo += ((first, at), (at, last))
    return [points[index] for index in sorted(keep)]


def _rings(lines: Iterable[Line], view: View) -> Iterator[list[Point]]:
    for ring in _seen(lines, view):
        cut = clipped_ring(ring, width=view.width, height=view.height)
        if cut and _is_large(cut):
            yield [*cut, cut[0]]


def _seen(lines: Iterable[Line], view: View) -> Iterator[list[Point]]:
    """Yield the lines that may be in the picture, in its units, as often as the globe comes round."""
    project = _projector(view)
    for line in lines:
        west, south, east, north = line.box
        if view.height_of(south) < -_BLEED or view.height_of(north) > view.height + _BLEED:
            continue
        left, right = project((west, 0.0))[0], project((east, 0.0))[0]
        first = math.ceil((-_BLEED - right) / view.period)
        last = math.floor((view.width + _BLEED - left) / view.period)
        if first > last:
            continue
        points = [project(point) for point in line.points]
        for turn in range(first, last + 1):
            yield [(x + turn * view.period, y) for x, y in points]


def _projector(view: View) -> Callable[[Point], Point]:
    left, projection = view.width / 2 - view.middle_x * view.scale, view.projection
    across, top = math.radians(view.scale), view.height / 2 + view.middle_y * view.scale
    return lambda degrees: (left + degrees[0] * across, top - northing(degrees[1], projection) * view.scale)


def _sides(width: float, height: float) -> tuple[tuple[int, float, int], ...]:
    return ((0, -_BLEED, 1), (0, width + _BLEED, -1), (1, -_BLEED, 1), (1, height + _BLEED, -1))


def _cut(points: Sequence[Point], axis: int, limit: float, sign: int) -> Iterator[Point]:
    before = points[-1]
    for point in points:
        inside, was_inside = (point[axis] - limit) * sign >= 0, (before[axis] - limit) * sign >= 0
        if inside != was_inside:
            yield _crossing(before, point, axis, limit)
        if inside:
            yield point
        before = point


def _crossing(start: Point, end: Point, axis: int, limit: float) -> Point:
    share = (limit - start[axis]) / (end[axis] - start[axis])
    other = start[1 - axis] + share * (end[1 - axis] - start[1 - axis])
    return (limit, other) if axis == 0 else (other, limit)


def _pieces(line: Sequence[Point], view: View) -> Iterator[list[Point]]:
    """Yield the pieces of an open line that are in the picture or enter it."""
    piece: list[Point] = []
    for start, end in itertools.pairwise(line):
        if _passes(start, end, view):
            piece = piece or [start]
            piece.append(end)
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _passes(start: Point, end: Point, view: View) -> bool:
    return all(
        max(start[axis], end[axis]) >= -_BLEED and min(start[axis], end[axis]) <= size + _BLEED
        for axis, size in ((0, view.width), (1, view.height))
    )


def _is_large(points: Sequence[Point]) -> bool:
    return any(max(it[axis] for it in points) - min(it[axis] for it in points) >= _LEAST for axis in (0, 1))


def _simplified(points: Sequence[Point]) -> list[Point]:
    return simplified(points, _TOLERANCE)


def _farthest(points: Sequence[Point], first: int, last: int) -> tuple[float, int]:
    """Return how far the points between two are from the line through these, and which is the farthest."""
    (start_x, start_y), (end_x, end_y) = points[first], points[last]
    along_x, along_y = end_x - start_x, end_y - start_y
    length = math.hypot(along_x, along_y)
    far, at = 0.0, first
    for index in range(first + 1, last):
        x, y = points[index][0] - start_x, points[index][1] - start_y
        distance = abs(along_x * y - along_y * x) / length if length else math.hypot(x, y)
        if distance > far:
            far, at = distance, index
    return far, at


def _path(points: Sequence[Point], end: str) -> str:
    """Return a path in tenths of a unit, each point told by its difference to the one before."""
    x, y = _tenths(points[0])
    steps = [f"M{_short(x)} {_short(y)}l"]
    for point in points[1:-1] if end else points[1:]:
        next_x, next_y = _tenths(point)
        if (next_x, next_y) != (x, y):
            steps.append(f"{_short(next_x - x)} {_short(next_y - y)} ")
            x, y = next_x, next_y
    return ("".join(steps).rstrip() + end).replace(" -", "-") if len(steps) > 1 else ""


def _tenths(point: Point) -> tuple[int, int]:
    return round(point[0] * 10), round(point[1] * 10)


def _short(tenths: int) -> str:
    """Return tenths as a decimal number of a path, without a zero that says nothing: ``-.5``, ``12``."""
    sign, (whole, rest) = "-" if tenths < 0 else "", divmod(abs(tenths), 10)
    return f"{sign}{whole or ('' if rest else 0)}{f'.{rest}' if rest else ''}"
