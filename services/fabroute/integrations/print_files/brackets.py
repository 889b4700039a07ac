"""Brackets, mounts, housings and frames: what bolts one thing to another."""

from manifold3d import CrossSection, Manifold

from fabroute.integrations.print_files.fitting import Box, Recipe
from fabroute.integrations.print_files.sections import (
    arc,
    disc,
    fused,
    grown,
    placed,
    polygon,
    rectangle,
    ring,
    rounded,
    slot,
    spots,
    stroke,
    tapered,
)
from fabroute.integrations.print_files.solids import (
    block,
    copies,
    cut,
    cylinder,
    fuse,
    gusset,
    hull,
    lying_y,
    profile_along_x,
    profile_along_y,
    slab,
    twins,
)


def pantograph_housing(box: Box, wall: float) -> Manifold:
    """Draw a bearing housing on a bolted flange: a tapered shell, a round neck, two side bearings, ribs at the ends."""
    foot, head = rounded(0.8 * box.x, 0.72 * box.y, 0.1 * box.y), rounded(0.56 * box.x, 0.54 * box.y, 0.1 * box.y)
    roof, neck, bearing = 0.9 * box.z, 0.42 * box.y, 0.32 * box.z
    skin = hull(slab(foot, 0.3 * box.z), slab(head, 0.1 * wall, roof - 0.1 * wall))
    core = hull(slab(grown(foot, -wall), 0.3 * box.z, -1.0), slab(grown(head, -wall), 0.1 * wall, roof - 1.1 * wall))
    collar = cylinder(neck + 2 * wall, box.z - roof + wall, base=roof - wall)
    axle, bore = (
        lying_y(cylinder(width, length, base=-length / 2)).translate((0.0, 0.0, 0.52 * box.z))
        for width, length in ((bearing + 3 * wall, box.y), (bearing, box.y + 2))
    )
    rib = gusset(0.26 * box.x, 0.72 * box.z, wall).translate((0.22 * box.x, 0.0, 0.0))
    ribs = copies(twins(rib, (1.0, 0.0, 0.0)), [(0.0, -0.2 * box.y), (0.0, 0.2 * box.y)])
    seats = [*spots(0.88 * box.x, 0.84 * box.y), (0.0, 0.42 * box.y), (0.0, -0.42 * box.y)]
    flange = fuse(
        slab(rounded(box.x, box.y, 0.12 * box.y), 1.4 * wall), copies(cylinder(0.11 * box.y, 2.2 * wall), seats[:4])
    )
    holes = copies(cylinder(0.06 * box.y, 4 * wall, base=-1.0), seats)
    mouth = cylinder(neck, box.z, base=roof - 3 * wall)
    return cut(fuse(flange, skin, collar, axle, ribs), core, mouth, bore, holes)


def duct_bracket(box: Box, wall: float) -> Manifold:
    """Draw a duct's saddle: a half-round cradle with bolted ears, on two pierced webs over a windowed base."""
    radius, width = 0.31 * box.x, 0.56 * box.y
    trough = stroke(arc(radius + wall / 2, 180.0, 360.0, (0.0, box.z - wall / 2), 32), wall)
    ear = rectangle(0.48 * box.x - radius, wall, ((0.48 * box.x + radius) / 2, box.z - wall / 2))
    cradle = profile_along_y(trough + ear + ear.mirror((1.0, 0.0)), width)
    web = profile_along_y(_duct_web(box, radius, wall), 0.7 * wall).translate((0.0, width / 2 - 0.4 * wall, 0.0))
    feet, ears = spots(0.86 * box.x, 0.74 * box.y), spots(0.86 * box.x, 0.3 * box.y)
    base = slab(rounded(box.x, box.y, 0.14 * box.y) - rounded(0.5 * box.x, 0.42 * box.y, 0.1 * box.y), wall)
    pads = copies(cylinder(0.17 * box.y, 1.5 * wall), feet)
    low_bolts = copies(cylinder(0.09 * box.y, 3 * wall, base=-wall), feet)
    high_bolts = copies(cylinder(0.09 * box.y, 3 * wall, base=box.z - 2 * wall), ears)
    return cut(fuse(cradle, twins(web, (0.0, 1.0, 0.0)), base, pads), low_bolts, high_bolts)


def _duct_web(box: Box, radius: float, wall: float) -> CrossSection:
    dip = box.z - radius - wall
    outline = polygon(
        (-0.44 * box.x, 0.0), (0.44 * box.x, 0.0), (radius + 2 * wall, box.z), (-radius - 2 * wall, box.z)
    )
    large = placed(disc(0.24 * box.z), [(-0.31 * box.x, 0.24 * box.z), (0.31 * box.x, 0.24 * box.z)])
    small = placed(disc(0.11 * box.z), [(-0.355 * box.x, 0.5 * box.z), (0.355 * box.x, 0.5 * box.z)])
    window = slot(0.3 * box.x, 0.42 * dip, (0.0, 0.55 * dip))
    return outline - disc(2 * radius + wall, (0.0, box.z)) - large - small - window


def payload_mount(box: Box, wall: float) -> Manifold:
    """Draw a gimbal mount: four arms to damper bosses, a ring in the middle and a fork with two pivot eyes."""
    boss, eye = 0.2 * box.y, 0.34 * box.z
    corners = spots(box.x - boss, box.y - boss)
    arms = fused(tapered((0.0, 0.0), 0.34 * box.y, corner, 0.6 * boss) for corner in corners)
    plate = slab(disc(0.6 * box.y) + arms - disc(0.3 * box.y), 0.9 * wall)
    rim = slab(ring(0.63 * box.y, 0.63 * box.y - wall), 1.8 * wall)
    pivot = (0.0, box.z - eye / 2)
    cheek_outline = CrossSection.batch_hull([disc(eye, pivot), rectangle(0.44 * box.x, wall, (0.0, wall / 2))])
    window = rounded(0.2 * box.x, 0.22 * box.z, 0.07 * box.z, (0.0, 0.32 * box.z))
    cheek = profile_along_y(cheek_outline - window, 0.9 * wall)
    bush = lying_y(cylinder(0.9 * eye, 2.2 * wall, base=-1.1 * wall)).translate((0.0, 0.0, pivot[1]))
    fork = twins(fuse(cheek, bush).translate((0.0, 0.26 * box.y, 0.0)), (0.0, 1.0, 0.0))
    axle = lying_y(cylinder(0.5 * eye, 2 * box.y, base=-box.y)).translate((0.0, 0.0, pivot[1]))
    dampers = copies(cylinder(0.5 * boss, box.z, base=-1.0), corners)
    return cut(fuse(plate, rim, copies(cylinder(boss, 0.22 * box.z), corners), fork), axle, dampers)


def slide_bracket(box: Box, wall: float) -> Manifold:
    """Draw a table extension's slide: a lipped channel with an end stop beside a flange with long slots and gussets."""
    edge, split, lip = box.y / 2, -0.1 * box.y, 0.14 * box.y
    channel = (
        rectangle(box.y, wall, (0.0, wall / 2))
        + rectangle(wall, box.z, (split + wall / 2, box.z / 2))
        + rectangle(wall, box.z, (edge - wall / 2, box.z / 2))
        + rectangle(lip, wall, (split + lip / 2, box.z - wall / 2))
        + rectangle(lip, wall, (edge - lip / 2, box.z - wall / 2))
    )
    stop_outline = polygon((split, 0.0), (edge, 0.0), (edge, box.z), (split, box.z))
    stop = profile_along_x(stop_outline, 1.5 * wall).translate((box.x / 2 - 0.75 * wall, 0.0, 0.0))
    rib = gusset(0.36 * box.y, 0.8 * box.z, wall).rotate((0.0, 0.0, -90.0)).translate((0.0, split + 0.01, 0.0))
    ribs = copies(rib, [(share * box.x, 0.0) for share in (-0.34, 0.0, 0.34)])
    row = (split - edge) / 2
    slots = slab(
        placed(slot(0.2 * box.x, 0.16 * box.y), [(share * box.x, row) for share in (-0.17, 0.17)]), 3 * wall, -wall
    )
    holes = copies(cylinder(0.13 * box.y, 3 * wall, base=-wall), [(share * box.x, row) for share in (-0.44, 0.44)])
    windows = placed(slot(0.16 * box.x, 0.3 * box.z), [(share * box.x, 0.5 * box.z) for share in (-0.17, 0.17)])
    return cut(fuse(profile_along_x(channel, box.x), stop, ribs), slots, holes, profile_along_y(windows, 2 * box.y))


def space_frame(box: Box, wall: float) -> Manifold:
    """Draw a machine's frame: twelve square beams, posts in the middle, diagonals, corner plates and bolted feet."""
    x, y, z = (box.x - wall) / 2, (box.y - wall) / 2, box.z - wall
    low = wall / 2
    beams = [block((box.x, wall, wall), (0.0, side * y, level)) for side in (-1, 1) for level in (0.0, z)]
    beams += [block((wall, box.y, wall), (place * x, 0.0, level)) for place in (-1, 0, 1) for level in (0.0, z)]
    beams += [block((wall, wall, box.z), (place * x, side * y, 0.0)) for place in (-1, 0, 1) for side in (-1, 1)]
    slant = stroke([(-x, low), (0.0, z + low), (x, low)], 0.7 * wall)
    diagonal = profile_along_y(slant, 0.6 * wall)
    sides = twins(diagonal.translate((0.0, y, 0.0)), (0.0, 1.0, 0.0))
    foot = slab(rounded(3 * wall, 3 * wall, 0.4 * wall) - disc(0.7 * wall, (0.6 * wall, -0.6 * wall)), 0.4 * wall)
    corner = fuse(
        gusset(3 * wall, 3 * wall, 0.35 * wall).translate((-x, y, low)), foot.translate((wall - x, y - wall, 0.0))
    )
    corners = twins(twins(corner, (1.0, 0.0, 0.0)), (0.0, 1.0, 0.0))
    return fuse(*beams, sides, corners)


PANTOGRAPH_HOUSING = Recipe(draw=pantograph_housing, thinnest=0.01, thickest=0.12)
DUCT_BRACKET = Recipe(draw=duct_bracket, thinnest=0.02, thickest=0.2)
PAYLOAD_MOUNT = Recipe(draw=payload_mount, thinnest=0.03, thickest=0.25)
SLIDE_BRACKET = Recipe(draw=slide_bracket, thinnest=0.02, thickest=0.3)
SPACE_FRAME = Recipe(draw=space_frame, thinnest=0.02, thickest=0.25)
