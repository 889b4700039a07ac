"""Light on a part: a key light from the upper left, a weak one from the right, and sky."""

import numpy as np

from fabroute.integrations.validation.previews.raster import Floats
from fabroute.integrations.validation.previews.views import View


def _unit(*direction: float) -> Floats:
    unit: Floats = np.array(direction) / np.linalg.norm(direction)
    return unit


_KEY = _unit(-0.45, 0.72, 0.53)
_FILL = _unit(0.85, -0.05, 0.52)
_HALFWAY = _unit(_KEY[0], _KEY[1], _KEY[2] + 1)
"""Between the key light and the viewer: where it is mirrored."""
_CREASE = 0.85
"""Cosine of the angle (32°) up to which neighbouring triangles are parts of one curved surface."""
_SMOOTHED = 100_000
"""Triangles beyond which they are so small that smoothing does not show."""
_NEIGHBOURS = 24


def brightness(view: View) -> Floats:
    """Return how bright each corner of each triangle is, (m, 3), between 0 and 1."""
    normals = _smooth(view) if len(view.triangles) <= _SMOOTHED else view.normals[:, None]
    key, fill = np.clip(normals @ _KEY, 0, 1), np.clip(normals @ _FILL, 0, 1)
    sky = 0.5 + 0.5 * normals[..., 1]
    shine = np.clip(normals @ _HALFWAY, 0, 1) ** 60
    light = 0.15 + 0.56 * key + 0.19 * fill + 0.10 * sky + 0.14 * shine
    return np.broadcast_to(np.clip(light, 0, 1), (len(view.triangles), 3))


def _smooth(view: View) -> Floats:
    """Return a normal for each corner: the mean, by area, of the triangles around it that lie nearly in its plane."""
    corners = view.triangles.reshape(-1)
    order = np.argsort(corners, kind="stable")
    owners = order // 3
    sums = (view.normals * view.areas[:, None])[owners]
    weighted = sums.copy()
    vertices, facing = corners[order], view.normals[owners]
    near = np.arange(len(order))
    for step in range(1, _NEIGHBOURS):
        near = near[near + step < len(order)]
        near = near[vertices[near] == vertices[near + step]]
        curved = near[np.einsum("ij,ij->i", facing[near], facing[near + step]) > _CREASE]
        sums[curved] += weighted[curved + step]
        sums[curved + step] += weighted[curved]
    normals = np.empty_like(sums)
    normals[order] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return normals.reshape(-1, 3, 3)
