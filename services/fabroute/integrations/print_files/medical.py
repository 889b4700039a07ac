"""Instruments and implants: a drill guide, an acetabular cup, a dental bar."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from manifold3d import CrossSection, Manifold

from fabroute.integrations.print_files.fitting import Box, Recipe
from fabroute.integrations.print_files.sections import Point, arc, disc, fused, on_circle, stroke
from fabroute.integrations.print_files.solids import (
    Coordinates,
    Point3,
    around,
    copies,
    cut,
    cylinder,
    fuse,
    lying_x,
    slab,
    softened,
    tube,
    turned,
)

_LOBES = ((-0.36, -0.12, 0.28), (-0.08, 0.14, 0.36), (0.22, -0.1, 0.32), (0.4, 0.16, 0.2))
"""The plate's rounds: place and radius as shares of the box's x and y (the radius of y)."""
_PINS = ((-0.2, -0.02), (0.1, 0.08))


def drill_guide(box: Box, wall: float) -> Manifold:
    """Draw a drill guide: a plate that follows a bone's surface, with four guide sleeves and two pin holes."""
    rounds = [disc(2 * size * box.y, (x * box.x, y * box.y), 32) for x, y, size in _LOBES]
    outline = fused(CrossSection.batch_hull(list(pair)) for pair in pairwise(rounds))
    plate = slab(outline, wall).refine_to_length(0.07 * box.x).warp_batch(_draped(box))
    sleeve = softened(disc(0.15 * box.x, segments=48), 0.5 * box.z, 0.015 * box.x)
    drill = cylinder(0.075 * box.x, 1.2 * box.z, base=-0.6 * box.z)
    places = [_on_bone(box, x, y) for x, y, _ in _LOBES]
    tilts = [(8.0 * step, -10.0 * step, 0.0) for step in (-1.5, -0.5, 0.5, 1.5)]
    sleeves, drills = (
        [tool.rotate(tilt).translate(place) for tilt, place in zip(tilts, places, strict=True)]
        for tool in (sleeve, drill)
    )
    pins = [cylinder(0.05 * box.x, 4 * box.z, (x * box.x, y * box.y), -2 * box.z) for x, y in _PINS]
    return cut(fuse(plate, *sleeves), *drills, *pins)


def _draped(box: Box) -> Callable[[Coordinates], Coordinates]:
    def drape(points: Coordinates) -> Coordinates:
        lift = 0.5 * box.z * _bone(points[:, 0] / box.x, points[:, 1] / box.y)
        return np.column_stack([points[:, 0], points[:, 1], points[:, 2] + lift])

    return drape


def _on_bone(box: Box, x: float, y: float) -> Point3:
    return x * box.x, y * box.y, 0.5 * box.z * float(_bone(np.array([x]), np.array([y]))[0])


def _bone(x: Coordinates, y: Coordinates) -> Coordinates:
    """Return a bone-like relief, roughly -1 to 0.3, at places given as shares of the box."""
    return np.cos(2.6 * x) * 0.7 - 2.2 * y**2 + 0.18 * np.sin(9 * x + 3 * y) - 0.7


def cup_trial(box: Box, wall: float) -> Manifold:
    """Draw an acetabular cup trial, mouth up: a half-ball shell with windows, a notched rim and a threaded pole."""
    radius = box.x / 2
    bowl, room = (_goblet(radius - inset, radius, box.z + above) for inset, above in ((0.0, 0.0), (wall, 1.0)))
    window, notch = (slab(disc(share * box.x, segments=32), box.x, 0.4 * (radius - wall)) for share in (0.13, 0.1))
    windows = around(window.rotate((0.0, 125.0, 0.0)), 6).translate((0.0, 0.0, radius))
    notches = around(lying_x(notch), 6, 30.0).translate((0.0, 0.0, box.z))
    pole = cylinder(0.14 * box.x, box.z, base=-1.0)
    groove = tube(box.x + 2, 0.96 * box.x, 0.05 * box.z, base=0.8 * box.z)
    return cut(bowl, room, pole, groove, windows, notches)


def _goblet(radius: float, middle: float, top: float) -> Manifold:
    """Return a round-bottomed body of revolution about z, its half-ball centred at z = ``middle``."""
    curve = arc(radius, -90.0, 0.0, (0.0, middle), 20)
    return turned([*curve, (radius, top), (0.0, top)])


def dental_bar(box: Box, wall: float) -> Manifold:
    """Draw a dental bar: a curved beam along the jaw's arch on six implant posts, ends run out."""
    post = 0.155 * box.x
    arch = [_jaw(box, post, angle) for angle in np.linspace(8, 172, 24)]
    beam = slab(stroke(arch, wall), 0.5 * box.z, 0.24 * box.z)
    crest = slab(stroke(arch, 0.6 * wall), 0.14 * box.z, 0.73 * box.z)
    posts = [_jaw(box, post, angle) for angle in (6, 44, 76, 104, 136, 174)]
    collar = fuse(
        cylinder(0.7 * post, 0.35 * box.z), softened(disc(post), 0.74 * box.z, 0.1 * post, 0.26 * box.z, foot=True)
    )
    bores = copies(
        fuse(cylinder(0.36 * post, box.z + 2, base=-1.0), cylinder(0.62 * post, box.z, base=0.75 * box.z)), posts
    )
    return cut(fuse(beam, crest, copies(collar, posts)), bores)


def _jaw(box: Box, post: float, angle: float) -> Point:
    x, y = on_circle(1.0, angle)
    return (box.x - post) / 2 * x, (box.y - post) * (y - math.sin(math.radians(6)))


DRILL_GUIDE = Recipe(draw=drill_guide, thinnest=0.03, thickest=0.4)
CUP_TRIAL = Recipe(draw=cup_trial, thinnest=0.15, thickest=0.6)
DENTAL_BAR = Recipe(draw=dental_bar, thinnest=0.1, thickest=0.95)
