"""The ways from nodes to a destination, as lines of a map."""

import math
from collections.abc import Sequence

from fabroute.console.drawing.projection import Place, Point, View, central_angle, great_circle

_SHORT = math.radians(25)
_BOW, _STEPS = 0.14, 24
_SAME = 0.5


def lane_lines(view: View, start: Place, end: Place) -> list[list[Point]]:
    """Return a lane as lines in units of the picture: one, or two where it leaves on one side and enters on the other.

    A long lane is its great circle, a short one bows a little, so that lanes to the same place are told apart; a lane
    from a place to itself has no line.
    """
    if central_angle(start, end) < _SHORT:
        line = bow(view.point(start), _nearest(view.point(end), view.point(start), view.period))
    else:
        line = _unwrapped([view.point(place) for place in great_circle(start, end)], view.period)
    if len(line) < 2:
        return []
    beyond = view.point(end)[0] - line[-1][0]
    return [line] if abs(beyond) < _SAME else [line, [(x + beyond, y) for x, y in line]]


def bow(start: Point, end: Point) -> list[Point]:
    """Return points of a flat arc between two points that bulges to the upper side; none between equal ones."""
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    if math.hypot(along_x, along_y) < _SAME:
        return []
    side = _BOW if along_x >= 0 else -_BOW
    middle = (start[0] + along_x / 2 + along_y * side, start[1] + along_y / 2 - along_x * side)
    return [_between(start, middle, end, step / _STEPS) for step in range(_STEPS + 1)]


def _between(start: Point, middle: Point, end: Point, share: float) -> Point:
    """Return a point of the quadratic curve that two ends and a middle pull at."""
    first, second, third = (1 - share) ** 2, 2 * share * (1 - share), share**2
    return (
        first * start[0] + second * middle[0] + third * end[0],
        first * start[1] + second * middle[1] + third * end[1],
    )


def _unwrapped(points: Sequence[Point], period: float) -> list[Point]:
    found = [points[0]]
    for point in points[1:]:
        found.append(_nearest(point, found[-1], period))
    return found


def _nearest(point: Point, other: Point, period: float) -> Point:
    """Return the recurrence of a point that is nearest to another one."""
    return point[0] - period * round((point[0] - other[0]) / period), point[1]
