"""Caps and covers: shells, open below or above, that close something."""

from manifold3d import CrossSection, Manifold

from fabroute.integrations.print_files.fitting import Box, Recipe
from fabroute.integrations.print_files.sections import (
    bolt_circle,
    disc,
    grown,
    hexagon,
    rounded,
    slot,
    spots,
)
from fabroute.integrations.print_files.solids import (
    around,
    block,
    cone,
    copies,
    cut,
    cylinder,
    fuse,
    screw_hole,
    slab,
    softened,
    tube,
)


def hood(outline: CrossSection, height: float, wall: float, edge: float) -> Manifold:
    """Return a convex shell of even ``wall``, closed and round at the top, open at z = 0."""
    skin = softened(outline, height, edge)
    return cut(skin, softened(grown(outline, -wall), height - wall + 1, max(edge - wall, 0.3), -1.0))


def end_cap(box: Box, wall: float) -> Manifold:
    """Draw the end cap of an arm-rest: a hood with a round nose, a rim, a sunk screw and two screw bosses inside."""
    nose = CrossSection.batch_hull(
        [disc(box.y, (box.x / 2 - box.y / 2, 0.0)), *_corners(-box.x / 2, box.y, 0.12 * box.y)]
    )
    rim_height, edge = 0.14 * box.z, 0.3 * box.z
    body = hood(grown(nose, -0.03 * box.y), box.z, wall, edge)
    rim = slab(nose - grown(nose, -0.03 * box.y - 0.5 * wall), rim_height)
    middle = -0.22 * box.x
    well = cylinder(0.26 * box.y, 0.5 * box.z, (middle, 0.0), 0.55 * box.z)
    sleeve = cylinder(0.26 * box.y + 2 * wall, 0.5 * box.z - wall, (middle, 0.0), 0.5 * box.z)
    boss = tube(0.12 * box.y + 2 * wall, 0.12 * box.y, box.z - wall / 2 - 1)
    hole = cylinder(0.1 * box.y, box.z, (middle, 0.0))
    bosses = copies(boss, [(0.12 * box.x, -0.2 * box.y), (0.12 * box.x, 0.2 * box.y)])
    return cut(fuse(body, rim, sleeve, bosses), well, hole)


def _corners(left: float, depth: float, radius: float) -> list[CrossSection]:
    reach = depth / 2 - radius
    return [disc(2 * radius, (left + radius, -reach)), disc(2 * radius, (left + radius, reach))]


def leg_cap(box: Box, wall: float) -> Manifold:
    """Draw the cap of a chair leg, mouth up: a thick foot, a lip, grip rings outside and clamping ribs inside."""
    width, floor = box.x, 1.8 * wall
    skin = fuse(
        cone(0.8 * width, 0.93 * width, 0.18 * box.z),
        cone(0.93 * width, 0.95 * width, 0.82 * box.z, 0.18 * box.z),
        cylinder(width, 0.1 * box.z, base=0.9 * box.z),
        *(cylinder(0.975 * width, 0.035 * box.z, base=share * box.z) for share in (0.3, 0.42, 0.54)),
    )
    mouth = 0.93 * width - 2 * wall
    hollow = fuse(
        cone(0.8 * width - 2 * wall, mouth, 0.18 * box.z, floor),
        cylinder(mouth, box.z, base=0.18 * box.z + floor - 0.01),
    )
    rib = block((0.1 * width, wall, 0.56 * box.z), (mouth / 2 - 0.04 * width, 0.0, 0.2 * box.z))
    nub = tube(0.34 * width, 0.34 * width - 2 * wall, 0.3 * box.z, base=floor - 0.1)
    return fuse(cut(skin, hollow), around(rib, 8), nub)


def gland_cover(box: Box, wall: float) -> Manifold:
    """Draw a cable gland's cover: a bolted flange, a hexagon to grip, a dome and a collar round the cable's hole."""
    width, flat, collar = box.x, 0.64 * box.x, 0.32 * box.x
    top = 0.78 * box.z
    nut = slab(hexagon(flat), 0.5 * box.z)
    dome = softened(disc(0.96 * flat), top, 0.26 * box.z)
    lip = cylinder(collar + 1.4 * wall, 0.6 * box.z, base=0.4 * box.z)
    bead = fuse(
        cone(collar, collar + 2 * wall, 0.5 * wall, box.z - 1.2 * wall),
        cone(collar + 2 * wall, collar, 0.5 * wall, box.z - 0.7 * wall),
    )
    bolts = bolt_circle(0.84 * width, 6, 30.0)
    seats = copies(cylinder(0.14 * width, 1.5 * wall), bolts)
    holes = copies(cylinder(0.075 * width, 3 * wall, base=-1.0), bolts)
    inside = softened(disc(flat - 1.6 * wall), top - wall + 1, 0.2 * box.z, -1.0)
    body = fuse(cylinder(width, 1.1 * wall), seats, nut, dome, lip, bead)
    return cut(body, inside, holes, cylinder(collar, box.z + 1))


def latch_cover(box: Box, wall: float) -> Manifold:
    """Draw a cabin latch's cover: a flat hood with a rim, a finger well bridged by the latch bar, four screws."""
    outline = rounded(box.x, box.y, 0.18 * box.y)
    inset = 0.05 * box.y
    body = fuse(
        hood(grown(outline, -inset), box.z, wall, 0.3 * box.z),
        slab(outline - grown(outline, -inset - 0.5 * wall), wall),
    )
    well, depth = slot(0.6 * box.x, 0.5 * box.y), 0.62 * box.z
    basin = slab(grown(well, wall), depth + 0.8 * wall, box.z - depth - wall)
    carved = cut(fuse(body, basin), sunk(well, depth, box.z))
    grip = block((0.16 * box.x, 0.5 * box.y + wall, 1.3 * wall), (0.08 * box.x, 0.0, box.z - 1.5 * wall))
    legs = copies(tube(0.11 * box.y + 2 * wall, 0.11 * box.y, box.z - wall / 2), spots(0.68 * box.x, 0.52 * box.y))
    screws = [screw_hole(0.07 * box.y, box.z, box.z, place) for place in spots(0.68 * box.x, 0.52 * box.y)]
    return cut(fuse(carved, grip, legs), *screws)


def sunk(outline: CrossSection, depth: float, top: float) -> Manifold:
    """Return the cutter of a well ``depth`` below z = ``top``, its bottom edge rounded."""
    return softened(outline, depth + 1, 0.3 * depth).mirror((0.0, 0.0, 1.0)).translate((0.0, 0.0, top + 1))


END_CAP = Recipe(draw=end_cap, thinnest=0.02, thickest=0.2)
LEG_CAP = Recipe(draw=leg_cap, thinnest=0.015, thickest=0.2)
GLAND_COVER = Recipe(draw=gland_cover, thinnest=0.03, thickest=0.25)
LATCH_COVER = Recipe(draw=latch_cover, thinnest=0.02, thickest=0.15)
