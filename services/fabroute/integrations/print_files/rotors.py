"""Round machine parts: impeller, coupling, knob, seal carrier, threaded plug."""

import numpy as np
from manifold3d import Manifold

from fabroute.integrations.print_files.fitting import Box, Recipe
from fabroute.integrations.print_files.sections import (
    bolt_circle,
    disc,
    hexagon,
    on_circle,
    placed,
    rectangle,
    sector,
    stroke,
)
from fabroute.integrations.print_files.solids import (
    Coordinates,
    around,
    block,
    cone,
    cut,
    cylinder,
    fuse,
    lying_x,
    slab,
    softened,
    tube,
    turned,
)


def impeller(box: Box, wall: float) -> Manifold:
    """Draw a pump's impeller: a back plate, a flowing hub with bore and keyway, seven blades swept backwards."""
    radius, bore = box.x / 2, 0.17 * box.x
    hub_top = 0.125 * box.x
    flow = [
        (0.0, 0.0),
        (radius, 0.0),
        (radius, wall),
        (0.6 * radius, 1.2 * wall),
        (0.42 * radius, 1.1 * wall + 0.06 * box.z),
    ]
    flow += [
        (0.32 * radius, 0.36 * box.z),
        (0.27 * radius, 0.56 * box.z),
        (hub_top, 0.8 * box.z),
        (hub_top, box.z),
        (0.0, box.z),
    ]
    sweep = [on_circle(radius * (0.26 + 0.74 * step / 14), -92 * (step / 14) ** 0.8) for step in range(15)]
    blade = slab(stroke(sweep, 0.75 * wall), box.z)
    room = [
        (0.0, 0.0),
        (radius, 0.0),
        (radius, 0.44 * box.z),
        (0.5 * radius, 0.7 * box.z),
        (0.3 * radius, 0.86 * box.z),
    ]
    blades = around(blade, 7) ^ turned([*room, (0.0, 0.86 * box.z)])
    keyway = block((0.2 * bore, 0.26 * bore, box.z + 2), (bore / 2, 0.0, -1.0))
    return cut(fuse(turned(flow), blades), cylinder(bore, box.z + 2, base=-1.0), keyway)


def jaw_coupling(box: Box, wall: float) -> Manifold:
    """Draw a drive coupling: a grooved hub with a hexagon bore, a deck and three jaws standing on it."""
    width, hub = box.x, 0.7 * box.x
    deck, root = 0.56 * box.z, 0.42 * box.z
    neck = softened(disc(hub), deck, 0.05 * width, foot=True)
    plate = softened(disc(width), deck - root, 0.04 * width, root, foot=True)
    grooves = [tube(hub + 1, 0.93 * hub, 0.04 * box.z, base=share * box.z) for share in (0.12, 0.22)]
    outline = sector(0.49 * width, -26.0, 26.0) - disc(0.44 * width)
    jaw = slab(outline, box.z - root, root + 0.02 * box.z)
    roof = fuse(cylinder(width, 0.92 * box.z), cone(width, 0.86 * width, 0.08 * box.z, 0.92 * box.z))
    socket = slab(hexagon(max(hub - 2 * wall, 0.2 * width)), root, -1.0)
    return cut(
        fuse(cut(fuse(neck, plate), *grooves), around(jaw, 3, 90.0) ^ roof), socket, cylinder(0.3 * width, box.z)
    )


def knob(box: Box, wall: float) -> Manifold:
    """Draw an oven's knob: a skirt, a fluted grip with a pointer, hollow below with a D-shaped stem seat."""
    width, grip = box.x, 0.8 * box.x
    fluted = disc(grip) - placed(disc(0.09 * width, segments=24), bolt_circle(1.03 * grip, 20, 9.0))
    edge = 0.12 * box.z
    body = slab(fluted, box.z) ^ softened(disc(1.01 * grip), box.z, edge)
    skirt = fuse(cone(width, 0.97 * width, 0.12 * box.z), cone(0.97 * width, 0.9 * grip, 0.2 * box.z, 0.12 * box.z))
    dish = cylinder(0.66 * grip, box.z, base=box.z - 0.06 * box.z)
    pointer = block((0.4 * grip, 0.08 * width, 0.1 * box.z), (0.24 * grip, 0.0, 0.9 * box.z))
    hollow = cylinder(0.88 * grip - 2 * wall, box.z - 1.2 * wall - 0.06 * box.z + 1, base=-1.0)
    stem = slab(
        disc(0.3 * width) - (disc(0.15 * width) - rectangle(0.1 * width, width, (0.1 * width, 0.0))), 0.9 * box.z
    )
    spokes = around(
        block((0.45 * grip - 0.1 * width, 0.7 * wall, 0.5 * box.z), (0.27 * grip, 0.0, 0.4 * box.z)), 4, 45.0
    )
    return fuse(cut(fuse(body, skirt), dish, hollow), pointer, stem, spokes)


def seal_carrier(box: Box, wall: float) -> Manifold:
    """Draw a shaft seal's carrier: a bolted flange, a sleeve with two O-ring grooves and a stepped bore."""
    outer, flange, sleeve = box.x / 2, 0.28 * box.z, 0.42 * box.x
    bore, groove = sleeve - wall, 0.16 * wall
    side = [(sleeve, flange)]
    for share in (0.55, 0.72):
        low, high = share * box.z, (share + 0.08) * box.z
        side += [(sleeve, low), (sleeve - groove, low), (sleeve - groove, high), (sleeve, high)]
    profile = [(bore - 0.14 * wall, 0.0), (0.97 * outer, 0.0), (outer, 0.04 * box.z), (outer, flange), *side]
    profile += [
        (sleeve, 0.95 * box.z),
        (sleeve - 0.1 * wall, box.z),
        (bore + 0.3 * wall, box.z),
        (bore + 0.3 * wall, 0.7 * box.z),
    ]
    profile += [(bore, 0.7 * box.z), (bore, 0.2 * box.z), (bore - 0.14 * wall, 0.2 * box.z)]
    circle = outer + sleeve
    bolts = slab(placed(disc(0.042 * box.x), bolt_circle(circle, 12)), flange + 2, -1.0)
    heads = slab(placed(disc(0.065 * box.x), bolt_circle(circle, 12)), flange, 0.6 * flange)
    jacks = slab(placed(disc(0.022 * box.x), bolt_circle(circle, 4, 15.0)), flange + 2, -1.0)
    return cut(turned(profile, 128), bolts, heads, jacks)


def threaded_rod(diameter: float, length: float, turns: int) -> Manifold:
    """Return a rod with a coiled thread of ``turns`` turns, a twelfth of its radius deep."""
    steps = 8

    def coil(points: Coordinates) -> Coordinates:
        turn = points[:, 2] / length * turns - np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi)
        depth = 1 - np.abs(2 * (turn % 1.0) - 1) / 6
        return np.column_stack([points[:, 0] * depth, points[:, 1] * depth, points[:, 2]])

    return Manifold.extrude(disc(diameter), length, turns * steps).warp_batch(coil)


def threaded_plug(box: Box, wall: float) -> Manifold:
    """Draw a borescope plug: a hexagon head with a lock-wire hole, a sealing collar and a coiled thread, bored out."""
    width = box.x
    stem, head = 0.62 * width, 0.68 * width
    deck, top = 0.52 * box.z, 0.62 * box.z
    coil = threaded_rod(stem, 0.42 * box.z, 6)
    lead = cone(0.74 * stem, 1.1 * stem, 0.12 * box.z) + cylinder(1.1 * stem, box.z, base=0.12 * box.z)
    neck = cylinder(0.8 * stem, 0.16 * box.z, base=0.4 * box.z)
    collar = softened(disc(width), top - deck, 0.25 * (top - deck), deck, foot=True)
    nut = slab(hexagon(head), box.z - top, top) ^ softened(disc(1.12 * head), box.z, 0.16 * box.z)
    wire = lying_x(cylinder(0.05 * width, 2 * width, base=-width)).translate((0.0, 0.3 * head, 0.5 * (top + box.z)))
    bore = cylinder(max(stem * 0.8 - 2 * wall, 0.02 * width), top - 0.06 * box.z, base=-1.0)
    return cut(fuse(coil ^ lead, neck, collar, nut), bore, wire)


IMPELLER = Recipe(draw=impeller, thinnest=0.03, thickest=0.3)
JAW_COUPLING = Recipe(draw=jaw_coupling, thinnest=0.03, thickest=0.3)
KNOB = Recipe(draw=knob, thinnest=0.03, thickest=0.35)
SEAL_CARRIER = Recipe(draw=seal_carrier, thinnest=0.05, thickest=0.9)
THREADED_PLUG = Recipe(draw=threaded_plug, thinnest=0.02, thickest=0.25)
