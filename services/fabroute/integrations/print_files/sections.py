"""Flat outlines that the solids are drawn from. Lengths in mm, angles in degrees, centred on the origin."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from manifold3d import CrossSection, JoinType

SEGMENTS = 64
"""Straight pieces per full circle; a multiple of four, so that a circle touches its bounding box."""

Point = tuple[float, float]


def disc(diameter: float, at: Point = (0.0, 0.0), segments: int = SEGMENTS) -> CrossSection:
    """Return a filled circle."""
    return CrossSection.circle(diameter / 2, segments).translate(at)


def ring(outer: float, inner: float, at: Point = (0.0, 0.0)) -> CrossSection:
    """Return a flat ring between two diameters."""
    return disc(outer, at) - disc(inner, at)


def rectangle(width: float, depth: float, at: Point = (0.0, 0.0)) -> CrossSection:
    """Return a rectangle with sharp corners, its middle at ``at``."""
    return CrossSection.square((width, depth), True).translate(at)


def rounded(width: float, depth: float, radius: float, at: Point = (0.0, 0.0)) -> CrossSection:
    """Return a rectangle with round corners, its middle at ``at``."""
    radius = min(radius, 0.4999 * min(width, depth))
    places = spots(width - 2 * radius, depth - 2 * radius)
    return CrossSection.batch_hull([disc(2 * radius, place) for place in places]).translate(at)


def hexagon(across_flats: float) -> CrossSection:
    """Return a regular hexagon by its width across flats, corners on the x axis."""
    return CrossSection.circle(across_flats / math.sqrt(3), 6)


def polygon(*points: Point) -> CrossSection:
    """Return the filled outline through ``points``, given counter-clockwise."""
    return CrossSection([[list(point) for point in points]])


def slot(length: float, width: float, at: Point = (0.0, 0.0)) -> CrossSection:
    """Return an oblong with round ends, ``length`` over all along x."""
    return rounded(length, width, width / 2, at)


def sector(radius: float, start: float, end: float) -> CrossSection:
    """Return a slice of a pie from angle ``start`` to ``end`` (less than a full turn)."""
    steps = max(2, math.ceil((end - start) / (360 / SEGMENTS)))
    angles = [start + (end - start) * step / steps for step in range(steps + 1)]
    return polygon((0.0, 0.0), *(on_circle(radius, angle) for angle in angles))


def stroke(points: Sequence[Point], width: float, segments: int = 16) -> CrossSection:
    """Return a line through ``points`` drawn with a round pen of ``width``."""
    dots = [disc(width, point, segments) for point in points]
    return fused(CrossSection.batch_hull(list(pair)) for pair in pairwise(dots))


def tapered(start: Point, start_diameter: float, end: Point, end_diameter: float) -> CrossSection:
    """Return the belt around two discs: the outline of an arm that gets thinner."""
    return CrossSection.batch_hull([disc(start_diameter, start), disc(end_diameter, end)])


def grown(section: CrossSection, by: float) -> CrossSection:
    """Return ``section`` with its outline moved outwards (negative: inwards), round at the corners."""
    return section.offset(by, JoinType.Round, 2.0, SEGMENTS)


def fused(sections: Iterable[CrossSection]) -> CrossSection:
    """Return the union of all ``sections``."""
    whole = CrossSection()
    for section in sections:
        whole = whole + section
    return whole


def placed(section: CrossSection, places: Iterable[Point]) -> CrossSection:
    """Return one copy of ``section`` at each of ``places``."""
    return fused(section.translate(place) for place in places)


def spots(width: float, depth: float) -> tuple[Point, Point, Point, Point]:
    """Return the corners of a rectangle around the origin, where holes and feet go."""
    x, y = width / 2, depth / 2
    return (-x, -y), (x, -y), (x, y), (-x, y)


def on_circle(radius: float, angle: float) -> Point:
    """Return the point at ``angle`` on a circle around the origin."""
    return radius * math.cos(math.radians(angle)), radius * math.sin(math.radians(angle))


def bolt_circle(diameter: float, count: int, start: float = 0.0) -> list[Point]:
    """Return ``count`` points evenly on a circle, the first one at angle ``start``."""
    return [on_circle(diameter / 2, start + 360 * number / count) for number in range(count)]


def arc(radius: float, start: float, end: float, centre: Point = (0.0, 0.0), steps: int = 12) -> list[Point]:
    """Return points along an arc from angle ``start`` to ``end``, ends included."""
    angles = (start + (end - start) * step / steps for step in range(steps + 1))
    return [(centre[0] + x, centre[1] + y) for x, y in (on_circle(radius, angle) for angle in angles)]
