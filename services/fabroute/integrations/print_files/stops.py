"""Stops and clips: small parts that hold or halt something on a rail, a door or a lamp."""

from manifold3d import Manifold

from fabroute.integrations.print_files.fitting import Box, Recipe
from fabroute.integrations.print_files.sections import arc, on_circle, polygon, rectangle, rounded, stroke
from fabroute.integrations.print_files.solids import (
    copies,
    cut,
    cylinder,
    fuse,
    gusset,
    lying_x,
    profile_along_y,
    screw_hole,
    slab,
    softened,
    turned,
    twins,
)


def door_stopper(box: Box, wall: float) -> Manifold:
    """Draw a door stopper: a screwed foot, a wall with two sloping ribs behind and a round buffer in front."""
    foot = softened(rounded(box.x, box.y, 0.2 * box.y), 0.8 * wall, 0.15 * wall)
    face, back, radius = 0.14 * box.x, 0.14 * box.x - wall, 0.26 * box.y
    upright = polygon((back, 0.0), (face, 0.0), (face, 0.9 * box.z), (face - 0.2 * wall, box.z), (back, box.z))
    inside, top = face - wall / 2, 0.94 * box.z
    slope = polygon((-0.44 * box.x, 0.0), (inside, 0.0), (inside, top), (back, top))
    rib = profile_along_y(slope, 0.5 * wall).translate((0.0, 0.3 * box.y - 0.25 * wall, 0.0))
    rim, cup = 0.15 * box.x, 0.11 * box.x
    skirt = [(0.0, 0.0), (radius, 0.0), (radius, 0.1 * box.x), (0.8 * radius, rim)]
    pad = turned([*skirt, (0.45 * radius, rim), (0.35 * radius, cup), (0.0, cup)])
    buffer = lying_x(pad).translate((face - 0.1, 0.0, 0.58 * box.z))
    body = fuse(foot, profile_along_y(upright, 0.62 * box.y), twins(rib, (0.0, 1.0, 0.0)), buffer)
    places = [(-0.26 * box.x, 0.0), (0.34 * box.x, -0.3 * box.y), (0.34 * box.x, 0.3 * box.y)]
    return cut(body, *(screw_hole(0.12 * box.y, wall, 0.8 * wall, place) for place in places))


def rail_end_stop(box: Box, wall: float) -> Manifold:
    """Draw the end stop of a dish-rack rail: a domed face and a channel whose two side arms snap in by barbs."""
    dome = softened(rounded(box.z, box.y, 0.3 * box.z), 1.6 * wall, 0.9 * wall)
    face = lying_x(dome).translate((box.x / 2 - 1.6 * wall, 0.0, box.z / 2))
    low, rise, arm = 0.14 * box.z, 0.6 * box.z, 0.34 * box.y
    floor = slab(rounded(box.x - wall, 2 * arm, 0.1 * box.y, (-wall / 2, 0.0)), wall, low)
    side = polygon(
        (-0.46 * box.x, arm - wall),
        (0.5 * box.x - wall, arm - wall),
        (0.5 * box.x - wall, arm),
        (-0.18 * box.x, arm),
        (-0.18 * box.x, 0.47 * box.y),
        (-0.26 * box.x, 0.47 * box.y),
        (-0.46 * box.x, arm - 0.2 * wall),
    )
    sides = twins(slab(side, rise, low), (0.0, 1.0, 0.0))
    rib = gusset(0.5 * box.x, rise, wall).rotate((0.0, 0.0, 180.0)).translate((0.5 * box.x - wall, 0.0, low))
    return cut(fuse(face, floor, sides, rib), cylinder(0.2 * box.y, box.z, (-0.3 * box.x, 0.0)))


def tube_clip(box: Box, wall: float) -> Manifold:
    """Draw a spring clip for a lamp tube: a foot strip with two screws, and two bowed arms with flared lips."""
    radius = 0.42 * box.z
    middle = box.z - 1.08 * radius
    cradle = stroke(arc(radius, -220.0, 40.0, (0.0, middle), 24), wall)
    tip = on_circle(radius, 40.0)
    lip = stroke([(tip[0], middle + tip[1]), (0.5 * box.z, box.z - wall / 2)], wall)
    end = box.x / 2 - wall / 2
    hook = stroke([(0.0, wall / 2), (end, wall / 2), (end, 0.3 * box.z), (0.38 * box.x, 0.42 * box.z)], wall)
    half = lip + hook
    stand = rectangle(0.3 * box.z, 2 * wall, (0.0, wall))
    strip = profile_along_y(cradle + stand + half + half.mirror((1.0, 0.0)), box.y)
    holes = copies(cylinder(0.16 * box.y, 2 * wall + 1, base=-0.5), [(-0.3 * box.x, 0.0), (0.3 * box.x, 0.0)])
    return cut(strip, holes, slab(rounded(0.5 * radius, 0.5 * box.y, 1.0), box.z))


DOOR_STOPPER = Recipe(draw=door_stopper, thinnest=0.08, thickest=0.6)
RAIL_END_STOP = Recipe(draw=rail_end_stop, thinnest=0.03, thickest=0.25)
TUBE_CLIP = Recipe(draw=tube_clip, thinnest=0.02, thickest=0.2)
