"""The shape of a part that nothing is known about: an open box with ribs."""

from manifold3d import Manifold

from fabroute.integrations.print_files.fitting import Box, Recipe
from fabroute.integrations.print_files.sections import placed, rectangle, ring, rounded, spots
from fabroute.integrations.print_files.solids import cut, fuse, slab


def ribbed_box(box: Box, wall: float) -> Manifold:
    """Draw an open box with round corners, a rib each way and four screw posts; a thick wall fills it up."""
    fullness = 2 * wall / box.shortest
    floor = wall + (box.z - wall) * fullness**2
    outline = rounded(box.x, box.y, 0.12 * min(box.x, box.y))
    room = rounded(box.x - 2 * wall, box.y - 2 * wall, max(0.12 * min(box.x, box.y) - wall, 0.1 * wall))
    shell = cut(slab(outline, box.z), slab(room, box.z, floor))
    ribs = rectangle(box.x - wall, 0.8 * wall) + rectangle(0.8 * wall, box.y - wall)
    bore = 0.06 * min(box.x, box.y)
    posts = placed(ring(bore + 2 * wall, bore), spots(0.66 * box.x, 0.66 * box.y)) ^ outline
    height = 0.7 * (box.z - floor)
    return fuse(shell, slab(ribs, height + floor / 2, floor / 2), slab(posts, height + floor / 2, floor / 2))


RIBBED_BOX = Recipe(draw=ribbed_box, thinnest=0.004, thickest=0.48)
