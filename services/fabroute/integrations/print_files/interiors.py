"""Things to look at: a lattice lamp shade and a pierced wall panel."""

import math
from collections.abc import Callable

import numpy as np
from manifold3d import CrossSection, Manifold

from fabroute.integrations.print_files.fitting import Box, Recipe
from fabroute.integrations.print_files.sections import bolt_circle, disc, placed, rectangle, rounded
from fabroute.integrations.print_files.solids import Coordinates, around, block, fuse, slab, tube, turned


def lamp_shade(box: Box, wall: float) -> Manifold:
    """Draw a lamp shade: two families of round ribs wound against each other over a bulb-shaped skin, three rings."""
    radius = box.x / 2 - wall
    strands = placed(disc(2 * wall, segments=6), bolt_circle(2 * radius, 14))
    wound = [Manifold.extrude(strands, box.z, 16, turn).warp_batch(_bulged(box.z)) for turn in (120.0, -120.0)]
    mouth, crown = (radius * float(_belly(np.array([level]))[0]) for level in (0.0, 1.0))
    hoops = [_hoop(mouth, 1.3 * wall, 1.2 * wall), _hoop(crown, 1.3 * wall, box.z - 1.2 * wall)]
    holder = 0.16 * box.x
    socket = tube(holder, holder - 2.6 * wall, 0.05 * box.z, base=0.95 * box.z)
    reach = crown - holder / 2 + wall
    spoke = block((reach, 2 * wall, 2.6 * wall), (holder / 2 - wall + reach / 2, 0.0, box.z - 2.6 * wall))
    return fuse(*wound, *hoops, socket, around(spoke, 4))


def _bulged(height: float) -> Callable[[Coordinates], Coordinates]:
    def bulge(points: Coordinates) -> Coordinates:
        factor = _belly(points[:, 2] / height)
        return np.column_stack([points[:, 0] * factor, points[:, 1] * factor, points[:, 2]])

    return bulge


def _belly(height: Coordinates) -> Coordinates:
    """Return the skin's radius at a height of 0 to 1, as a share of its widest radius (at a height of 0.38)."""
    rise = np.where(height < 0.38, (0.38 - height) / 0.38 * 0.75, (height - 0.38) / 0.62 * 1.15)
    return np.cos(rise)


def _hoop(radius: float, thickness: float, level: float) -> Manifold:
    corners = [
        (radius + thickness * math.cos(turn * math.pi / 4), level + thickness * math.sin(turn * math.pi / 4))
        for turn in range(8)
    ]
    return turned(corners)


def decor_panel(box: Box, wall: float) -> Manifold:
    """Draw a wall panel: a deep frame around interlaced rings in three depths, with two tabs to hang it."""
    rim = 0.25 * box.z
    outline = rounded(box.x, box.y, 0.6 * box.z)
    frame = slab(outline - rounded(box.x - 2 * rim, box.y - 2 * rim, 0.5 * box.z), box.z)
    pitch = (box.x / 5, box.y / 3)
    knots = [((column - 2.5) * pitch[0], (row - 1.5) * pitch[1]) for column in range(6) for row in range(4)]
    middles = [(x + pitch[0] / 2, y + pitch[1] / 2) for x, y in knots if x < box.x / 2 - 1 and y < box.y / 2 - 1]
    wide, narrow = (_loop(pitch[0] * share, pitch[1] * share, wall) for share in (1.42, 0.56))
    low = slab(placed(wide, middles) ^ outline, 0.3 * box.z)
    high = slab(placed(wide, knots) ^ outline, 0.5 * box.z)
    flowers = slab(placed(narrow, [*knots, *middles]) ^ outline, 0.7 * box.z)
    tab = rectangle(1.6 * box.z, box.z) - disc(0.4 * box.z, segments=32)
    tabs = slab(placed(tab, [(side * 0.33 * box.x, 0.5 * box.y - 0.7 * box.z) for side in (-1, 1)]), 0.2 * box.z)
    return fuse(frame, low, high, flowers, tabs)


def _loop(width: float, depth: float, thickness: float) -> CrossSection:
    outer, inner = disc(1.0, segments=28), disc(1.0, segments=28)
    return outer.scale((width, depth)) - inner.scale((width - 2 * thickness, depth - 2 * thickness))


LAMP_SHADE = Recipe(draw=lamp_shade, thinnest=0.002, thickest=0.03)
DECOR_PANEL = Recipe(draw=decor_panel, thinnest=0.02, thickest=0.4)
