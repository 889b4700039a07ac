"""Which triangles hang together, and what each body is: solid, hollow inside another, or turned inside out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fabroute.integrations.validation.geometry.moments import Moments
from fabroute.integrations.validation.geometry.winding import winding_number
from fabroute.integrations.validation.solids import Corners, Points, Solid

Labels = npt.NDArray[np.int64]

_EXACT_WORK = 10_000_000
"""Points times triangles for which the inside is computed; beyond it a body inside another's box counts as inside."""
_MOST_PAIRS = 5_000_000
"""Bodies times hollow bodies whose boxes are compared; beyond it only the largest body is taken to have cavities."""
_NOTHING = 1e-9
"""Share of area^1.5 below which a surface encloses nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bodies:
    """Surfaces that share no vertex with each other, numbered by their first triangle's lowest vertex."""

    labels: Labels
    """Of each triangle: the number of its body."""
    volumes: Points
    """Of each body in mm³; negative where its triangles face inwards, as around a cavity."""
    areas: Points
    """Of each body in mm²."""
    lows: Points
    highs: Points
    """Corners of each body's bounding box, from the solid's centre, in mm."""

    @property
    def count(self) -> int:
        """Return how many there are."""
        return len(self.volumes)

    @property
    def empty(self) -> npt.NDArray[np.bool_]:
        """Return which bodies enclose nothing."""
        return np.abs(self.volumes) <= _NOTHING * self.areas**1.5

    def around(self, body: int) -> Labels:
        """Return the solid bodies in whose box the body lies, the smallest first."""
        inside = (self.lows <= self.lows[body]).all(axis=1) & (self.highs >= self.highs[body]).all(axis=1)
        inside &= (self.volumes > 0) & ~self.empty
        inside[body] = False
        found = np.flatnonzero(inside)
        return found[np.argsort(self.volumes[found], kind="stable")]


def bodies_of(solid: Solid, moments: Moments) -> Bodies:
    """Return the connected surfaces with their signed volumes."""
    roots = connected(solid.triangles, len(solid.vertices))[solid.triangles[:, 0]]
    numbers, labels = np.unique(roots, return_inverse=True)
    lows, highs = _boxes(solid, labels, len(numbers))
    return Bodies(
        labels=labels,
        volumes=_summed(labels, moments.volumes),
        areas=_summed(labels, moments.areas),
        lows=lows,
        highs=highs,
    )


def cavities_of(solid: Solid, bodies: Bodies) -> Labels:
    """Return the bodies that face inwards because they bound a hollow in the material around them.

    Whether one lies in the material is computed; where that would take too long, its box decides.
    """
    hollow: Labels = np.flatnonzero((bodies.volumes < 0) & ~bodies.empty)
    if len(hollow) * bodies.count > _MOST_PAIRS:
        largest = int(bodies.volumes.argmax())
        inside = (bodies.lows[hollow] >= bodies.lows[largest]) & (bodies.highs[hollow] <= bodies.highs[largest])
        enclosed: Labels = hollow[inside.all(axis=1)]
        return enclosed
    exact = len(hollow) * len(solid.triangles) <= _EXACT_WORK
    chosen = [
        body
        for body in hollow.tolist()
        if len(bodies.around(body)) and (not exact or _in_material(solid, bodies, body))
    ]
    return np.array(chosen, dtype=np.int64)


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


def _summed(labels: Labels, values: Points) -> Points:
    sums: Points = np.bincount(labels, weights=values).astype(np.float64)
    return sums


def _boxes(solid: Solid, labels: Labels, count: int) -> tuple[Points, Points]:
    if count == 1:
        half = np.array(solid.box_mm) / 2
        return -half[None], half[None]
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(count))
    corners = solid.vertices[solid.triangles[order]]
    return np.minimum.reduceat(corners.min(axis=1), starts), np.maximum.reduceat(corners.max(axis=1), starts)


def _in_material(solid: Solid, bodies: Bodies, body: int) -> bool:
    """Tell whether the other bodies enclose this one's surface once more than they hollow it out."""
    own = bodies.labels == body
    point = solid.vertices[solid.triangles[own][0]].mean(axis=0)
    return winding_number(point, solid.vertices, solid.triangles[~own]) > 0.5
