"""Pieces that lead air or liquid: adapters between two bores, and a scoop."""

from manifold3d import Manifold

from fabroute.integrations.print_files.fitting import Box, Recipe
from fabroute.integrations.print_files.sections import bolt_circle, disc, placed, rounded
from fabroute.integrations.print_files.solids import (
    around,
    ball,
    block,
    cone,
    cut,
    cylinder,
    fuse,
    hull,
    lying_x,
    slab,
    softened,
    twins,
)


def nozzle_adapter(box: Box, wall: float) -> Manifold:
    """Draw a vacuum cleaner's adapter: a ribbed round socket that flattens into an oblong mouth."""
    socket, mouth = 0.84 * box.z, (0.5 * box.z, 0.98 * box.y)
    skin = _round_to_flat(box.x, socket, mouth, 0.0)
    bore = _round_to_flat(box.x, socket - 2 * wall, (mouth[0] - 2 * wall, mouth[1] - 2 * wall), 1.0)
    cuff = softened(disc(box.z), 0.1 * box.x, 0.02 * box.x, foot=True)
    grip = around(block((0.06 * box.z, 0.05 * box.z, 0.24 * box.x), (0.5 * socket, 0.0, 0.08 * box.x)), 20, 4.5)
    stop = cylinder(1.1 * socket, 0.04 * box.x, base=0.36 * box.x)
    lip = slab(rounded(1.12 * mouth[0], box.y, 0.22 * mouth[0]), 0.05 * box.x, 0.9 * box.x)
    return lying_x(cut(fuse(skin, cuff, grip, stop, lip), bore))


def _round_to_flat(length: float, diameter: float, flat: tuple[float, float], overrun: float) -> Manifold:
    """Return a round rod that becomes an oblong one, ``overrun`` longer at both ends."""
    straight, blend = 0.4 * length, 0.74 * length
    mouth = rounded(flat[0], flat[1], 0.2 * flat[0])
    neck = hull(slab(disc(diameter), 0.01, straight - 0.01), slab(mouth, 0.01, blend))
    inlet = cylinder(diameter, straight + overrun, base=-overrun)
    return fuse(inlet, neck, slab(mouth, length - blend + overrun, blend))


def valve_adapter(box: Box, wall: float) -> Manifold:
    """Draw a ventilator's valve adapter: a round valve chamber with a lid, two coned ports and one port on top."""
    chamber, port, deck = box.y, 0.54 * box.z, 0.74 * box.z
    lid = cylinder(chamber, 1.6 * wall, base=deck - 1.6 * wall)
    lug = cylinder(0.12 * chamber, 0.2 * box.z, (0.43 * chamber, 0.0), deck - 0.2 * box.z)
    bead = lying_x(cylinder(1.12 * port, 0.06 * box.x, base=0.44 * box.x)).translate((0.0, 0.0, 0.36 * box.z))
    collar = cylinder(0.5 * chamber, 0.06 * box.z, base=0.92 * box.z)
    skin = fuse(_valve_chamber(box, 0.0, 0.0), lid, around(lug, 4, 45.0), twins(bead, (1.0, 0.0, 0.0)), collar)
    return cut(skin, _valve_chamber(box, wall, 1.0))


def _valve_chamber(box: Box, inset: float, overrun: float) -> Manifold:
    """Return chamber and ports as one solid, every face ``inset`` further in, the ports' ends ``overrun`` out."""
    chamber, port, deck = 0.84 * box.y - 2 * inset, 0.54 * box.z - 2 * inset, 0.74 * box.z
    drum = cylinder(chamber, deck - 2 * inset, base=inset)
    run = lying_x(cone(port - 0.06 * box.z, port, 0.5 * box.x + overrun)).translate((0.0, 0.0, 0.36 * box.z))
    top = cylinder(0.42 * box.y - 2 * inset, 0.5 * box.z + overrun, base=0.5 * box.z)
    return fuse(drum, twins(run, (1.0, 0.0, 0.0)), top)


def separator_scoop(box: Box, wall: float) -> Manifold:
    """Draw a separator's scoop: a bowl with a slanting pouring edge on a hollow, webbed stem with a bolted flange."""
    bowl, rim = 0.62 * box.x, 0.98 * box.z
    radii = (bowl / 2, box.y / 2, rim)
    place = ((box.x - bowl) / 2, 0.0, rim)
    skin = ball(2.0, segments=64).scale(radii).translate(place)
    room = ball(2.0, segments=64).scale(tuple(radius - wall for radius in radii)).translate(place)
    level = 0.94 * box.z
    bowl_body = cut(skin, room).trim_by_plane((-0.16, 0.0, -1.0), -level)
    flange, pipe, axis = 0.9 * box.z, 0.42 * box.z, 0.45 * box.z
    stem = cylinder(pipe, 0.5 * box.x)
    holes = slab(placed(disc(0.11 * flange), bolt_circle(0.74 * flange, 4, 45.0)), box.z, -1.0)
    plate = cut(softened(disc(flange), 0.9 * wall, 0.1 * wall), holes)
    webs = around(block((flange / 2, 0.5 * wall, 0.3 * box.x), (flange / 4, 0.0, 0.0)), 4) ^ cone(
        flange, pipe, 0.3 * box.x
    )
    tail = lying_x(fuse(stem, plate, webs)).translate((-0.5 * box.x, 0.0, axis))
    bore = lying_x(cylinder(pipe - 1.4 * wall, 0.5 * box.x + 1, base=-1.0)).translate((-0.5 * box.x, 0.0, axis))
    return cut(fuse(bowl_body, cut(tail, room)), bore)


NOZZLE_ADAPTER = Recipe(draw=nozzle_adapter, thinnest=0.012, thickest=0.15)
VALVE_ADAPTER = Recipe(draw=valve_adapter, thinnest=0.02, thickest=0.16)
SEPARATOR_SCOOP = Recipe(draw=separator_scoop, thinnest=0.04, thickest=0.3)
