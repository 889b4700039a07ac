"""How a part is looked at: from the front, half from the side and from above, without perspective."""

import math
from dataclasses import dataclass

import numpy as np

from fabroute.integrations.validation.previews.raster import Floats, Indices
from fabroute.integrations.validation.solids import Solid

_TURN = math.radians(-32)
"""Around the vertical z: the viewer stands in front of the part, a little to its left."""
_TILT = math.radians(28)
"""Above the horizon."""
_FLAT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A part as seen: the frame's x to the right, y up, z to the viewer; pictures measured from their upper left."""

    points: Floats
    """Of each vertex, in mm."""
    triangles: Indices
    """Those that face the viewer."""
    normals: Floats
    """Of those triangles, unit length."""
    areas: Floats
    """Of those triangles, in mm²."""
    middle: Floats
    scale: float
    """Share of the picture's width for a mm."""

    def placed(self, points: Floats, size: int) -> Floats:
        """Return columns and rows of points of the frame in a picture of ``size`` × ``size``."""
        flat = (points[..., :2] - self.middle[:2]) * self.scale
        placed: Floats = np.stack([0.5 + flat[..., 0], 0.5 - flat[..., 1]], axis=-1) * size
        return placed

    def depths(self) -> Floats:
        """Return how near each vertex is: from 0, the farthest, to 1."""
        heights = self.points[:, 2]
        low, high = heights.min(), heights.max()
        depths: Floats = (heights - low) / (high - low or 1.0)
        return depths


def camera() -> Floats:
    """Return the viewer's frame: right, up and towards the viewer, in the part's own directions (x, y, z up)."""
    sin, cos, rise, run = math.sin(_TURN), math.cos(_TURN), math.sin(_TILT), math.cos(_TILT)
    return _frame(np.array([sin * run, -cos * run, rise]))


def _frame(towards: Floats) -> Floats:
    right = np.cross([0.0, 0.0, 1.0], towards)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(towards, right), towards])


def view_of(solid: Solid, *, margin: float) -> View:
    """Return the part as the camera sees it, as large as fits, with ``margin`` of the picture free on each side."""
    points = solid.vertices @ camera().T
    a, b, c = (points[solid.triangles[:, corner]] for corner in range(3))
    crosses = np.cross(b - a, c - a)
    doubled = np.linalg.norm(crosses, axis=1)
    facing = np.flatnonzero(crosses[:, 2] > _FLAT * np.maximum(doubled, _FLAT * max(solid.box_mm) ** 2))
    used = points[np.unique(solid.triangles)] if len(solid.triangles) < len(points) else points
    low, high = used.min(axis=0), used.max(axis=0)
    return View(
        points=points,
        triangles=solid.triangles[facing],
        normals=crosses[facing] / doubled[facing, None],
        areas=doubled[facing] / 2,
        middle=(low + high) / 2,
        scale=float((1 - 2 * margin) / max((high - low)[:2].max(), 1e-9)),
    )
