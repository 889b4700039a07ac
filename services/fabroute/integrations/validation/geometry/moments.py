"""Volume, area and the shape's own lengths, summed over tetrahedra that all stand on one point."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fabroute.integrations.validation.solids import Corners, Points

_BLOCK = 1 << 16
"""Triangles summed at once, so that memory doesn't grow with the file."""
_EVEN = 1e-6
"""Share of the largest value below which a handedness is rounding, not form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Integrals over a solid: lengths in mm, about the point that the vertices were given from."""

    volumes: Points
    """Signed volume of the tetrahedron over each triangle; a closed surface's sum is what it encloses."""
    areas: Points
    """Of each triangle."""
    first: Points
    """∫ x, (3,)."""

    @property
    def volume(self) -> float:
        """Return the enclosed volume in mm³; negative where the surface is inside out."""
        return float(self.volumes.sum())

    @property
    def area(self) -> float:
        """Return the surface in mm²."""
        return float(self.areas.sum())


def moments_of(vertices: Points, triangles: Corners) -> Moments:
    """Return volume (divergence theorem), area and first moment of a surface."""
    volumes, areas = np.empty(len(triangles)), np.empty(len(triangles))
    first = np.zeros(3)
    for block in _blocks(len(triangles)):
        a, b, c = (vertices[triangles[block, corner]] for corner in range(3))
        volumes[block] = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6
        areas[block] = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
        first += volumes[block] @ (a + b + c) / 4
    return Moments(volumes=volumes, areas=areas, first=first)


def shape_of(vertices: Points, triangles: Corners, moments: Moments) -> tuple[float, ...]:
    """Return six lengths in mm that don't change when the solid is moved or turned.

    They are ∛volume, √area, the three principal radii of gyration (smallest first), and the handedness, the only one
    that changes, by its sign, when the part is mirrored; it is 0 for a part that is its own mirror image.
    Two parts whose numbers agree to 1 in 10,000 are the same geometry; to 0.5 % they are worth comparing.
    """
    volume = moments.volume
    if volume <= 0:
        return ()
    second, third = _central_moments(vertices - moments.first / volume, triangles)
    spread = second / volume
    radii = np.sqrt(np.clip(np.linalg.eigvalsh(spread), 0, None))
    lengths = (np.cbrt(volume), np.sqrt(moments.area), *radii, _handedness(spread, third / volume))
    return tuple(float(length) for length in lengths)


def _handedness(spread: Points, skew: Points) -> float:
    """Return the 15th root of det(s, Cs, C²s): C the covariance in mm², s the skewness ∫x|x|² in mm³.

    Turning the part leaves the determinant as it is, mirroring it changes the sign.
    """
    triple = np.stack([skew, spread @ skew, spread @ spread @ skew])
    size = np.linalg.norm(triple, axis=1).prod()
    reach = np.sqrt(np.trace(spread)) ** 15
    value = float(np.linalg.det(triple))
    if abs(value) <= _EVEN * size or abs(value) <= _EVEN**2 * reach:
        return 0.0
    return float(np.copysign(abs(value) ** (1 / 15), value))


def _central_moments(vertices: Points, triangles: Corners) -> tuple[Points, Points]:
    """Return ∫ x xᵀ and ∫ x |x|² about the point that the vertices are given from.

    Over a tetrahedron with corners 0, a, b, c of volume v, the mean of a product of barycentric coordinates is
    3! Πα! / (3 + Σα)!, which gives the sums below (s = a + b + c).
    """
    second, third = np.zeros((3, 3)), np.zeros(3)
    for block in _blocks(len(triangles)):
        corners = vertices[triangles[block]]
        volumes = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
        total = corners.sum(axis=1)
        second += np.einsum("t,tci,tcj->ij", volumes, corners, corners, optimize=True) / 20
        second += np.einsum("t,ti,tj->ij", volumes, total, total, optimize=True) / 20
        squares = np.einsum("tci,tci->tc", corners, corners)
        weights = np.einsum("ti,ti->t", total, total) + squares.sum(axis=1)
        along = 2 * np.einsum("tci,ti->tc", corners, total) + 2 * squares
        third += volumes @ (total * weights[:, None] + np.einsum("tc,tci->ti", along, corners)) / 120
    return second, third


def _blocks(length: int) -> Iterator[slice]:
    return (slice(start, start + _BLOCK) for start in range(0, length, _BLOCK))
