"""Whether a point lies inside closed surfaces."""

import math

import numpy as np

from fabroute.integrations.validation.solids import Corners, Points

_BLOCK = 1 << 16


def winding_number(point: Points, vertices: Points, triangles: Corners) -> float:
    """Return how often the surfaces enclose the point: the solid angle that they fill, over 4π.

    The angle of a triangle is 2·atan2(a·(b×c), |a||b||c| + (a·b)|c| + (b·c)|a| + (c·a)|b|) with a, b, c seen from the
    point (Van Oosterom and Strackee 1983).
    """
    angle = 0.0
    for start in range(0, len(triangles), _BLOCK):
        a, b, c = (vertices[corners] - point for corners in triangles[start : start + _BLOCK].T)
        la, lb, lc = (np.linalg.norm(corner, axis=1) for corner in (a, b, c))
        across = np.einsum("ij,ij->i", a, np.cross(b, c))
        along = la * lb * lc + _dot(a, b) * lc + _dot(b, c) * la + _dot(c, a) * lb
        angle += float(2 * np.arctan2(across, along).sum())
    return angle / (4 * math.pi)


def _dot(one: Points, other: Points) -> Points:
    products: Points = np.einsum("ij,ij->i", one, other)
    return products
