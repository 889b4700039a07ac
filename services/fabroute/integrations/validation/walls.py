"""How thin a solid gets, estimated by rays through it."""

from dataclasses import dataclass

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from fabroute.integrations.validation.solids import Points, Solid

RAYS = 2_000
MOST_TRIANGLES = 2_000_000
"""Of finer solids the wall stays unknown: the tree for the rays takes about 200 bytes for each triangle."""
_SHARE = 0.0025
"""Of the surface that must be as thin, before it counts as a wall: fewer points than that are a tip or a seam."""
_PARALLEL = 0.9
"""Least cosine between a ray and the outside normal where it leaves: both sides of a wall are parallel within 26°."""
_INSET = 2e-6
"""Start of a ray below the surface, as a share of the solid's size: enough that float32 does not hit the start."""
_GOLDEN = 1.32471795724474602596
"""Root of x³ = x + 1: its powers spread points evenly over a triangle (Roberts 2018, the R2 sequence)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """The thinnest wall that was found, and where."""

    thickness_mm: float
    point: Points
    """On the surface, from the solid's centre, in mm."""


def thinnest_wall(solid: Solid, areas: Points) -> Wall | None:
    """Return the thinnest wall of a closed solid whose triangles have those areas; None where it can't be told.

    2,000 points, spread evenly over the surface by its area and always the same ones, each send a ray straight into
    the material. The way to where it leaves is a wall's thickness if the surface there is parallel to the start within
    26°; so the edge of a wedge blunter than that is no wall. The answer is the thickness that a quarter of a percent
    of the surface undercuts.

    Biases: a wall that makes up less than a quarter of a percent of the surface is missed; inside a curved wall the
    way is measured between facets, a little off the curve; where bodies run through each other, each is taken alone.
    A channel or gap between walls is not looked at.
    """
    points, normals = _spread(solid, areas)
    if not len(points) or len(areas) > MOST_TRIANGLES:
        return None
    size = float(np.linalg.norm(solid.box_mm))
    lengths, cosines = _through(solid, points - normals * size * _INSET, -normals)
    walls = np.flatnonzero(cosines >= _PARALLEL)
    rank = int(_SHARE * len(points))
    if len(walls) <= rank:
        return None
    thinnest = walls[np.argsort(lengths[walls], kind="stable")[rank]]
    return Wall(thickness_mm=float(lengths[thinnest] + size * _INSET), point=points[thinnest])


def _spread(solid: Solid, areas: Points) -> tuple[Points, Points]:
    """Return points spread over the surface, and the unit normals there."""
    reach = np.cumsum(areas)
    if not reach[-1] > 0:
        return np.empty((0, 3)), np.empty((0, 3))
    chosen = np.searchsorted(reach, (np.arange(RAYS) + 0.5) / RAYS * reach[-1])
    chosen = chosen[areas[chosen] > 0]
    a, b, c = (solid.vertices[solid.triangles[chosen, corner]] for corner in range(3))
    along, across = _inside_triangles(len(chosen))
    crosses = np.cross(b - a, c - a)
    points = a + along[:, None] * (b - a) + across[:, None] * (c - a)
    return points, crosses / np.linalg.norm(crosses, axis=1)[:, None]


def _inside_triangles(count: int) -> tuple[Points, Points]:
    """Return evenly spread pairs of barycentric coordinates; those beyond the long side are folded back."""
    number = np.arange(1, count + 1)
    along, across = number / _GOLDEN % 1, number / _GOLDEN**2 % 1
    beyond = along + across > 1
    return np.where(beyond, 1 - along, along), np.where(beyond, 1 - across, across)


def _through(solid: Solid, starts: Points, directions: Points) -> tuple[Points, Points]:
    """Return how far each ray runs, and the cosine between it and the outside normal there; -1 if it hits nothing."""
    scene = EmbreeScene()
    TriangleMesh(scene, solid.vertices.astype(np.float32), solid.triangles.astype(np.int32))
    hits = scene.run(starts.astype(np.float32), directions.astype(np.float32), output=True)
    normals = hits["Ng"].astype(np.float64)
    lengths = np.linalg.norm(normals, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = np.einsum("ij,ij->i", normals, directions) / lengths
    left = (hits["primID"] >= 0) & (lengths > 0)
    return hits["tfar"].astype(np.float64), np.where(left, cosines, -1.0)
