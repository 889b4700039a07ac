"""Everything that a file wants built, as one pair of arrays, near the origin."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fabroute.integrations.validation.types import Mesh

Points = npt.NDArray[np.float64]
Corners = npt.NDArray[np.int64]

_SMALL_MM = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Solid:
    """``vertices`` (n, 3) in mm from ``centre``, and ``triangles`` (m, 3), none of which names a corner twice."""

    vertices: Points
    triangles: Corners
    centre: Points
    """Middle of the bounding box in the file's own place, in mm; sums stay exact far from the origin."""
    box_mm: tuple[float, float, float]
    collapsed: int
    """Triangles that named a corner twice, and were left out."""

    def place(self, point: Points) -> str:
        """Return a point as a person finds it in the file: ``(1.0, 2.0, 3.0)``, in mm; finer for small parts."""
        decimals = 1 if max(self.box_mm) >= _SMALL_MM else 3
        return "(" + ", ".join(f"{value:.{decimals}f}" for value in np.round(point + self.centre, decimals) + 0.0) + ")"


def solid_of(meshes: Sequence[Mesh]) -> Solid:
    """Return all the meshes together; vertices of different meshes stay different ones."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    vertices = np.concatenate([np.empty((0, 3)), *(mesh.vertices for mesh in meshes)])
    triangles = np.concatenate(
        [
            np.empty((0, 3), dtype=np.int64),
            *(mesh.triangles + start for mesh, start in zip(meshes, starts, strict=False)),
        ]
    )
    kept = without_collapsed(triangles)
    low, high = _bounds(vertices, kept)
    centre = (low + high) / 2
    x, y, z = (high - low).tolist()
    return Solid(
        vertices=vertices - centre,
        triangles=kept,
        centre=centre,
        box_mm=(x, y, z),
        collapsed=len(triangles) - len(kept),
    )


def without_collapsed(triangles: Corners) -> Corners:
    """Return the triangles that have three different corners."""
    a, b, c = triangles.T
    sound = (a != b) & (b != c) & (c != a)
    return triangles if sound.all() else triangles[sound]


def _bounds(vertices: Points, triangles: Corners) -> tuple[Points, Points]:
    """Return the lowest and highest coordinates of the corners that any triangle uses."""
    used = np.zeros(len(vertices), dtype=bool)
    used[triangles] = True
    if not used.any():
        return np.zeros(3), np.zeros(3)
    kept = vertices if used.all() else vertices[used]
    return kept.min(axis=0), kept.max(axis=0)
