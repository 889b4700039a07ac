"""Light on a part: a key light from the upper left, a weak one from the right, and sky."""

import numpy as np

from fabroute.integrations.validation.previews.raster import Floats, Indices
from fabroute.integrations.validation.previews.views import View

_KEY = np.array([-0.45, 0.72, 0.53]) / np.linalg.norm([-0.45, 0.72, 0.53])
_FILL = np.array([0.85, -0.05, 0.52]) / np.linalg.norm([0.85, -0.05, 0.52])
_HALFWAY = (_KEY + [0, 0, 1]) / np.linalg.norm(_KEY + [0, 0, 1])
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
    shine = np.clip(normals @ _HALFWAY, 0, 1) ** 40
    light = 0.16 + 0.52 * key + 0.20 * fill + 0.12 * sky + 0.16 * shine
    return np.broadcast_to(np.clip(light, 0, 1), (len(view.triangles), 3))


def _smooth(view: View) -> Floats:
    """Return a normal for each corner: the mean, by area, of the triangles around it that lie nearly in its plane."""
    corners = view.triangles.reshape(-1)
    order = np.argsort(corners, kind="stable")
    owners = order // 3
    sums = (view.normals * view.areas[:, None])[owners]
    weighted = sums.copy()
    for step in range(1, _NEIGHBOURS):
        near = _neighbours(corners[order], step)
        if not len(near):
            break
        one, other = view.normals[owners[near]], view.normals[owners[near + step]]
        near = near[np.einsum("ij,ij->i", one, other) > _CREASE]
        sums[near] += weighted[near + step]
        sums[near + step] += weighted[near]
    normals = np.empty_like(sums)
    normals[order] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return normals.reshape(-1, 3, 3)


def _neighbours(ordered: Indices, step: int) -> Indices:
    return np.flatnonzero(ordered[step:] == ordered[:-step])
