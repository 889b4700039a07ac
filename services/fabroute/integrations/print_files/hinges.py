"""Hinges: two leaves, screwed down, that meet in a barrel of alternating knuckles."""

import math

from manifold3d import Manifold

from fabroute.integrations.print_files.fitting import Box, Recipe
from fabroute.integrations.print_files.sections import rounded
from fabroute.integrations.print_files.solids import cut, cylinder, fuse, lying_x, screw_hole, slab


def leaf(length: float, reach: float, wall: float, barrel: float, screws: int) -> Manifold:
    """Return one leaf lying on z = 0, out along -y from the barrel's axis, with a row of countersunk screw holes."""
    plate = slab(rounded(length, reach, 0.12 * length), wall).translate((0.0, -reach / 2, 0.0))
    spread = 0.72 * length
    row = -(0.5 * barrel + reach) / 2
    places = [(spread * (number / (screws - 1) - 0.5), row) for number in range(screws)]
    square = slab(rounded(length, 0.5 * reach, 0.01 * length), wall).translate((0.0, -0.25 * reach, 0.0))
    return cut(
        fuse(plate, square), *(screw_hole(0.09 * length * 3 / screws * 0.8, wall, wall, place) for place in places)
    )


def knuckles(length: float, barrel: float, numbers: range, count: int) -> Manifold:
    """Return those of ``count`` knuckles along x whose ``numbers`` are given, a narrow gap between neighbours."""
    pitch, gap = length / count, 0.006 * length
    return fuse(
        *(
            lying_x(cylinder(barrel, pitch - gap)).translate((-length / 2 + number * pitch + gap / 2, 0.0, 0.0))
            for number in numbers
        )
    )


def barrel_hinge(length: float, reaches: tuple[float, float], angle: float, wall: float, barrel: float) -> Manifold:
    """Return a hinge as one body, its pin fused in: leaves of two reaches, ``angle`` degrees between them."""
    count = 5
    relief = lying_x(
        cylinder(1.06 * barrel, length / count + 0.006 * length, base=-0.5 * (length / count + 0.006 * length))
    )
    halves = []
    for numbers, reach, turn in ((range(0, count, 2), reaches[0], 0.0), (range(1, count, 2), reaches[1], -angle)):
        others = [number for number in range(count) if number not in numbers]
        plate = leaf(length, reach, wall, barrel, 3).translate((0.0, 0.0, -wall / 2))
        gaps = [relief.translate(((number - (count - 1) / 2) * length / count, 0.0, 0.0)) for number in others]
        half = fuse(cut(plate, *gaps), knuckles(length, barrel, numbers, count))
        bore = lying_x(cylinder(0.4 * barrel, length + 2, base=-length / 2 - 1))
        halves.append(cut(half, bore).rotate((turn, 0.0, 0.0)))
    pin = lying_x(cylinder(0.42 * barrel, length, base=-length / 2))
    return fuse(*halves, pin)


def flap_hinge(box: Box, wall: float) -> Manifold:
    """Draw a flap's hinge: one leaf flat, the other upright."""
    barrel = 0.34 * box.z
    rise, run = box.z - barrel / 2, box.y - barrel / 2
    return barrel_hinge(box.x, (run, rise), 90.0, wall, barrel)


def butterfly_hinge(box: Box, wall: float) -> Manifold:
    """Draw a long, low hinge, half open, that carries a galley door."""
    barrel, opening = 0.42 * box.z, 128.0
    rise = (box.z - barrel / 2) / math.sin(math.radians(180 - opening))
    run = box.y - rise * math.cos(math.radians(180 - opening))
    return barrel_hinge(box.x, (run, rise), opening, wall, barrel)


FLAP_HINGE = Recipe(draw=flap_hinge, thinnest=0.02, thickest=0.3)
BUTTERFLY_HINGE = Recipe(draw=butterfly_hinge, thinnest=0.03, thickest=0.4)
