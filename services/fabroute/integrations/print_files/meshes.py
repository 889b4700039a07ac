"""Triangle meshes as plain arrays: the form between a solid and a file. Coordinates in mm."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from manifold3d import Manifold

Vertices = npt.NDArray[np.float64]
Triangles = npt.NDArray[np.int64]

_GRID_DECIMALS = 4
"""Coordinates are kept to 0.1 µm, far below what any printer resolves, so that a last bit never shows in a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriangleMesh:
    """``vertices`` (n, 3) in mm, and ``triangles`` (m, 3) that name their corners counter-clockwise from outside."""

    vertices: Vertices
    triangles: Triangles

    def box_mm(self) -> tuple[float, float, float]:
        """Return the lengths of the bounding box along x, y and z."""
        x, y, z = (float(side) for side in np.ptp(self.vertices, axis=0))
        return x, y, z

    def volume_mm3(self) -> float:
        """Return the enclosed volume by the divergence theorem; negative when the mesh is inside out."""
        a, b, c = (self.vertices[self.triangles[:, corner]] for corner in range(3))
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)

    def flat_triangles(self) -> int:
        """Return how many triangles have no area."""
        a, b, c = (self.vertices[self.triangles[:, corner]] for corner in range(3))
        return int((np.linalg.norm(np.cross(b - a, c - a), axis=1) == 0).sum())

    def bodies(self) -> int:
        """Return how many surfaces there are that share no vertex."""
        labels = np.arange(len(self.vertices))
        while True:
            lowest = labels[self.triangles].min(axis=1)
            lower = labels.copy()
            for corner in range(3):
                np.minimum.at(lower, self.triangles[:, corner], lowest)
            lower = lower[lower]
            if np.array_equal(lower, labels):
                return len(np.unique(labels[self.triangles]))
            labels = lower


def mesh_of(body: Manifold) -> TriangleMesh:
    """Return a solid's mesh in an order that depends on its geometry alone, not on how it was computed."""
    mesh = body.to_mesh64()
    corners = np.round(np.asarray(mesh.vert_properties, dtype=np.float64)[:, :3], _GRID_DECIMALS) + 0.0
    triangles = np.asarray(mesh.tri_verts, dtype=np.int64)
    vertices, welded = np.unique(corners, axis=0, return_inverse=True)
    joined = _without_collapsed(welded.reshape(-1)[triangles])
    if _is_closed(joined):
        return TriangleMesh(vertices=vertices, triangles=_sorted(joined))
    order = np.lexsort(corners.T[::-1])
    rank = np.argsort(order, kind="stable")
    return TriangleMesh(vertices=corners[order], triangles=_sorted(rank[triangles]))


def _without_collapsed(triangles: Triangles) -> Triangles:
    a, b, c = triangles.T
    kept: Triangles = triangles[(a != b) & (b != c) & (c != a)]
    return kept


def _is_closed(triangles: Triangles) -> bool:
    """Tell whether every edge is run through exactly once each way; where two edges touch, welding spoils that."""
    edges = np.concatenate([triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    there, back = np.unique(edges, axis=0), np.unique(edges[:, ::-1], axis=0)
    return len(there) == len(edges) and np.array_equal(there, back)


def _sorted(triangles: Triangles) -> Triangles:
    """Return the triangles in order, each one beginning with its lowest corner."""
    first = triangles.argmin(axis=1)
    turned = triangles[np.arange(len(triangles))[:, None], (first[:, None] + np.arange(3)) % 3]
    ordered: Triangles = turned[np.lexsort(turned.T[::-1])]
    return ordered
