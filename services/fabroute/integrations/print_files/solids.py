"""Bodies made from outlines: plates, shells, rings, ribs, eyes. Lengths in mm; z is up."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from manifold3d import CrossSection, Manifold, OpType

from fabroute.integrations.print_files.sections import SEGMENTS, Point, disc, grown, polygon, rectangle

Point3 = tuple[float, float, float]
Coordinates = npt.NDArray[np.float64]


def slab(section: CrossSection, height: float, base: float = 0.0) -> Manifold:
    """Return ``section`` pulled up by ``height`` from z = ``base``."""
    return Manifold.extrude(section, height).translate((0.0, 0.0, base))


def softened(section: CrossSection, height: float, radius: float, base: float = 0.0, *, foot: bool = False) -> Manifold:
    """Return a convex ``section`` pulled up, its upper edge rounded by ``radius`` (with ``foot`` the lower one too)."""
    layers = []
    for angle in (0, 22.5, 45, 67.5, 90):
        inset = radius * (1 - math.cos(math.radians(angle)))
        drop = radius * (1 - math.sin(math.radians(angle)))
        low = drop if foot else 0.0
        layers.append(slab(grown(section, -inset), height - drop - low, base + low))
    return Manifold.batch_hull(layers)


def cylinder(diameter: float, height: float, at: Point = (0.0, 0.0), base: float = 0.0) -> Manifold:
    """Return an upright cylinder."""
    return slab(disc(diameter, at), height, base)


def tube(outer: float, inner: float, height: float, at: Point = (0.0, 0.0), base: float = 0.0) -> Manifold:
    """Return an upright pipe."""
    return slab(disc(outer, at) - disc(inner, at), height, base)


def cone(low: float, high: float, height: float, base: float = 0.0) -> Manifold:
    """Return an upright cone between two diameters."""
    return Manifold.cylinder(height, low / 2, high / 2, SEGMENTS).translate((0.0, 0.0, base))


def block(size: Point3, at: Point3 = (0.0, 0.0, 0.0)) -> Manifold:
    """Return a cuboid, centred in x and y on ``at`` and standing on its z."""
    return slab(rectangle(size[0], size[1], (at[0], at[1])), size[2], at[2])


def ball(diameter: float, at: Point3 = (0.0, 0.0, 0.0), segments: int = 32) -> Manifold:
    """Return a sphere."""
    return Manifold.sphere(diameter / 2, segments).translate(at)


def turned(points: Sequence[Point], segments: int = SEGMENTS) -> Manifold:
    """Return the body of revolution of an outline of (radius, z) points, given counter-clockwise."""
    return Manifold.revolve(polygon(*points), segments)


def bar(start: Point3, end: Point3, diameter: float, segments: int = 16) -> Manifold:
    """Return a round bar with ball ends between two points."""
    return hull(ball(diameter, start, segments), ball(diameter, end, segments))


def hull(*parts: Manifold) -> Manifold:
    """Return the convex skin around ``parts``."""
    return Manifold.batch_hull(list(parts))


def fuse(*parts: Manifold) -> Manifold:
    """Return the union of ``parts``."""
    return Manifold.batch_boolean(list(parts), OpType.Add)


def cut(body: Manifold, *tools: Manifold) -> Manifold:
    """Return ``body`` without what ``tools`` cover."""
    return Manifold.batch_boolean([body, *tools], OpType.Subtract)


def copies(part: Manifold, places: Iterable[Point]) -> Manifold:
    """Return ``part`` repeated at ``places`` on the ground."""
    return fuse(*(part.translate((x, y, 0.0)) for x, y in places))


def around(part: Manifold, count: int, start: float = 0.0) -> Manifold:
    """Return ``part`` repeated ``count`` times about the z axis."""
    return fuse(*(part.rotate((0.0, 0.0, start + 360 * number / count)) for number in range(count)))


def twins(part: Manifold, normal: Point3) -> Manifold:
    """Return ``part`` and its mirror image across the plane through the origin with that ``normal``."""
    return fuse(part, part.mirror(normal))


def lying_x(part: Manifold) -> Manifold:
    """Return ``part`` tipped over so that its z axis points along x (and its x axis down)."""
    return part.rotate((0.0, 90.0, 0.0))


def lying_y(part: Manifold) -> Manifold:
    """Return ``part`` tipped over so that its z axis points along y (x stays, its y axis points down)."""
    return part.rotate((-90.0, 0.0, 0.0))


def profile_along_y(section: CrossSection, length: float) -> Manifold:
    """Return an outline drawn in (x, z), pulled along y and centred on y = 0."""
    return slab(section, length).rotate((90.0, 0.0, 0.0)).translate((0.0, length / 2, 0.0))


def profile_along_x(section: CrossSection, length: float) -> Manifold:
    """Return an outline drawn in (y, z), pulled along x and centred on x = 0."""
    return slab(section, length).rotate((90.0, 0.0, 90.0)).translate((-length / 2, 0.0, 0.0))


def gusset(length: float, height: float, thickness: float) -> Manifold:
    """Return a triangular rib in the x–z plane, its right angle at the origin, running out along +x."""
    return profile_along_y(polygon((0.0, 0.0), (length, 0.0), (0.0, height)), thickness)


def screw_hole(diameter: float, depth: float, top: float, at: Point = (0.0, 0.0)) -> Manifold:
    """Return the cutter of a countersunk hole: its wide end at z = ``top``, ``depth`` long below."""
    through = cylinder(diameter, depth + 2, at, top - depth - 1)
    sink = Manifold.cylinder(diameter / 2, diameter / 2, diameter, 32).translate(
        (at[0], at[1], top - diameter / 2 + 0.01)
    )
    return fuse(through, sink)
