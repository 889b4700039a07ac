"""Which triangles hang together."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fabroute.integrations.validation.geometry.moments import Moments
from fabroute.integrations.validation.solids import Corners, Points, Solid

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bodies:
    """Surfaces that share no vertex with each other."""

    labels: Labels
    """Of each triangle: the number of its body, from 0."""
    volumes: Points
    """Of each body in mm³; negative where its triangles face inwards, as around a cavity."""

    @property
    def count(self) -> int:
        """Return how many there are."""
        return len(self.volumes)


def bodies_of(solid: Solid, moments: Moments) -> Bodies:
    """Return the connected surfaces; body 0 holds the first vertex, and so on."""
    roots = connected(solid.triangles, len(solid.vertices))[solid.triangles[:, 0]]
    _, labels = np.unique(roots, return_inverse=True)
    return Bodies(labels=labels, volumes=np.bincount(labels, weights=moments.volumes))


def connected(triangles: Corners, vertices: int) -> Labels:
    """Return for each vertex the lowest vertex that triangles connect it to.

    Roots of joined triangles are hooked under each other and paths are halved until nothing moves; each round at least
    halves the trees that touch, so that a chain of a million triangles takes some twenty (Shiloach, Vishkin 1982).
    """
    parents = np.arange(vertices)
    one, other = triangles[:, [0, 0]].reshape(-1), triangles[:, [1, 2]].reshape(-1)
    while len(one):
        low, high = np.minimum(one, other), np.maximum(one, other)
        np.minimum.at(parents, high, low)
        parents = _flattened(parents)
        one, other = parents[one], parents[other]
        apart = one != other
        one, other = one[apart], other[apart]
    return parents


def _flattened(parents: Labels) -> Labels:
    while True:
        grand = parents[parents]
        if np.array_equal(grand, parents):
            return parents
        parents = grand
