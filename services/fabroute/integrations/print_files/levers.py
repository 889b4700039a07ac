"""Levers, links and latches: arms that turn on an eye."""

from manifold3d import CrossSection, Manifold

from fabroute.integrations.print_files.fitting import Box, Recipe
from fabroute.integrations.print_files.sections import (
    bolt_circle,
    disc,
    grown,
    hexagon,
    placed,
    polygon,
    rounded,
    stroke,
    tapered,
)
from fabroute.integrations.print_files.solids import (
    bar,
    block,
    cut,
    cylinder,
    fuse,
    hull,
    slab,
    softened,
    tube,
)


def splined(diameter: float, teeth: int) -> CrossSection:
    """Return the outline of a splined bore, ``diameter`` over the grooves."""
    return disc(0.86 * diameter) + placed(disc(0.16 * diameter, segments=12), bolt_circle(0.84 * diameter, teeth))


def suspension_link(box: Box, wall: float) -> Manifold:
    """Draw a link with two eyes: a big and a small bush seat joined by a waisted I-section."""
    big, small = box.y, 0.76 * box.y
    left, right = -box.x / 2 + big / 2, box.x / 2 - small / 2
    belt = tapered((left, 0.0), 0.8 * big, (right, 0.0), 0.8 * small)
    web = slab(belt, 0.5 * wall, -0.25 * wall)
    rails = slab(belt - grown(belt, -0.55 * wall), 0.46 * box.z, -0.23 * box.z)
    stiffener = block((0.5 * (right - left), 0.4 * wall, 0.34 * box.z), ((left + right) / 2, 0.0, -0.17 * box.z))
    eyes = [(left, big, box.z), (right, small, 0.72 * box.z)]
    drums = [cylinder(width, height, (x, 0.0), -height / 2) for x, width, height in eyes]
    bores = [cylinder(width - 2.6 * wall, box.z + 2, (x, 0.0), -box.z / 2 - 1) for x, width, _ in eyes]
    seats = [cylinder(width - 2 * wall, box.z, (x, 0.0), -0.42 * height) for x, width, height in eyes]
    return cut(fuse(web, rails, stiffener, *drums), *bores, *seats)


def brew_lever(box: Box, wall: float) -> Manifold:
    """Draw a small lever: a hub with a hexagon seat, a cranked arm with a hollow, a pin at its end."""
    hub, tip = box.y, 0.46 * box.y
    left, right = -box.x / 2 + hub / 2, box.x / 2 - tip / 2
    elbow, end = (0.1 * box.x, -0.16 * box.y), (right, 0.1 * hub)
    arm = tapered((left, 0.0), 0.7 * hub, elbow, 0.5 * hub) + tapered(elbow, 0.5 * hub, end, tip)
    hollow = grown(arm, -0.09 * box.y) - disc(hub + 0.1 * box.y, (left, 0.0)) - disc(1.3 * tip, end)
    beam = cut(slab(arm, 0.45 * box.z), slab(hollow, box.z, wall))
    pin = softened(disc(0.7 * tip, end), box.z, 0.1 * tip)
    seat = slab(hexagon(0.6 * hub), box.z + 2, -1.0).translate((left, 0.0, 0.0))
    return cut(fuse(beam, cylinder(hub, box.z, (left, 0.0)), pin), seat)


def tilt_lever(box: Box, wall: float) -> Manifold:
    """Draw an office chair's tilt lever: a splined boss, a round shaft bent upwards and a flat paddle with grooves."""
    boss = 0.74 * box.y
    left = -box.x / 2 + boss / 2
    middle = 0.3 * box.z
    knee, grip = (0.12 * box.x, 0.0, middle), (0.3 * box.x, 0.0, box.z - 0.75 * wall)
    shaft = fuse(bar((left, 0.0, middle), knee, wall), bar(knee, grip, wall))
    paddle_outline = rounded(0.34 * box.x, box.y, 0.42 * box.y)
    paddle = softened(paddle_outline, 0.8 * wall, 0.3 * wall, foot=True).translate(
        (0.33 * box.x, 0.0, box.z - 0.8 * wall)
    )
    grooves = [
        block((0.012 * box.x, 0.6 * box.y, wall), (share * box.x, 0.0, box.z - 0.12 * wall))
        for share in (0.26, 0.3, 0.34, 0.38, 0.42)
    ]
    bore = slab(splined(0.6 * boss, 12), box.z + 2, -1.0).translate((left, 0.0, 0.0))
    socket = softened(disc(boss), 0.86 * box.z, 0.08 * boss, foot=True).translate((left, 0.0, 0.0))
    collar = hull(
        cylinder(0.9 * boss, 0.5 * box.z, (left, 0.0), 0.05 * box.z),
        bar((left, 0.0, middle), (left + 0.2 * box.x, 0.0, middle), wall),
    )
    return cut(fuse(shaft, paddle, socket, collar), bore, *grooves)


def winch_lever(box: Box, wall: float) -> Manifold:
    """Draw a winch's control lever: a splined hub with a clamp slit, an I-section arm and an upright round grip."""
    hub, grip = box.y, 0.6 * box.y
    left, right = -box.x / 2 + hub / 2, box.x / 2 - grip / 2
    arm = tapered((left, 0.0), 0.72 * hub, (right, 0.0), 0.7 * grip)
    hollow = grown(arm, -0.5 * wall) - disc(0.97 * hub, (left, 0.0)) - disc(0.97 * grip, (right, 0.0))
    deep = 0.4 * box.z
    beam = cut(slab(arm, deep), slab(hollow, deep, 0.7 * deep), slab(hollow, 0.3 * deep + 1, -1.0))
    handle = softened(disc(grip, (right, 0.0)), box.z, 0.36 * grip)
    groove = [tube(1.2 * grip, 0.93 * grip, 0.035 * box.z, (right, 0.0), share * box.z) for share in (0.5, 0.6, 0.7)]
    hollow_grip = cylinder(max(grip - 2 * wall, 0.3 * grip), 0.8 * box.z, (right, 0.0), -1.0)
    boss = cylinder(hub, 0.62 * box.z, (left, 0.0))
    bore = slab(splined(max(hub - 2 * wall, 0.3 * hub), 18), box.z + 2, -1.0).translate((left, 0.0, 0.0))
    slit = block((hub, 0.05 * hub, box.z), (left - 0.6 * hub, 0.0, -1.0))
    return cut(fuse(beam, handle, boss), bore, slit, hollow_grip, *groove)


def door_latch(box: Box, wall: float) -> Manifold:
    """Draw a door latch: a pivot eye, an arm with a ramped hook at its nose and a ribbed thumb tab behind."""
    eye, right, top = 0.72 * box.y, box.x / 2, box.y / 2
    middle = (-0.1 * box.x, top - eye / 2)
    arm = tapered(middle, 0.6 * eye, (0.32 * box.x, 0.3 * box.y), 0.26 * box.y)
    hook = polygon(
        (0.3 * box.x, 0.17 * box.y),
        (0.38 * box.x, 0.1 * box.y),
        (0.38 * box.x, -0.12 * box.y),
        (0.27 * box.x, -0.12 * box.y),
        (0.27 * box.x, -0.24 * box.y),
        (0.4 * box.x, -top),
        (right, -0.22 * box.y),
        (right, 0.24 * box.y),
        (0.44 * box.x, 0.43 * box.y),
        (0.3 * box.x, 0.43 * box.y),
    )
    tab = stroke([middle, (-0.3 * box.x, 0.02 * box.y), (-right + 0.14 * box.y, -0.04 * box.y)], 0.28 * box.y)
    ridges = placed(
        disc(0.1 * box.y, segments=16), [(-share * box.x, -0.16 * box.y) for share in (0.32, 0.36, 0.4, 0.44)]
    )
    plate = slab(arm + tab + ridges, wall, (box.z - wall) / 2)
    nose = slab(grown(grown(hook, -0.05 * box.y), 0.05 * box.y), 0.86 * box.z, 0.07 * box.z)
    boss = cylinder(eye, box.z, middle)
    return cut(fuse(plate, nose, boss), cylinder(0.5 * eye, box.z + 2, middle, -1.0))


SUSPENSION_LINK = Recipe(draw=suspension_link, thinnest=0.04, thickest=0.3)
BREW_LEVER = Recipe(draw=brew_lever, thinnest=0.02, thickest=0.55)
TILT_LEVER = Recipe(draw=tilt_lever, thinnest=0.15, thickest=0.9)
WINCH_LEVER = Recipe(draw=winch_lever, thinnest=0.05, thickest=0.4)
DOOR_LATCH = Recipe(draw=door_latch, thinnest=0.05, thickest=0.99)
