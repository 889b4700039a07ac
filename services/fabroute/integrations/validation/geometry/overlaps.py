"""Which bodies stand apart, and which run through each other: then the sum of their volumes counts material twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from manifold3d import Manifold, Mesh64, OpType

from fabroute.integrations.validation.geometry.bodies import Bodies, Labels
from fabroute.integrations.validation.solids import Solid

_MOST_TRIANGLES = 50_000
_MOST_BODIES = 1_000
"""Beyond either, bodies are not united: it would take longer than everything else together."""
_APART = 1e-6
"""Share of the volume below which an overlap is rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Union:
    """What solid bodies make together."""

    pieces: int
    """Connected pieces after uniting."""
    sum_mm3: float
    """Of the bodies, each taken alone."""
    union_mm3: float
    """Of all together; smaller than the sum where they run through each other."""

    @property
    def overlap_mm3(self) -> float:
        """Return what the sum counts more than once; 0 if that is only rounding."""
        overlap = self.sum_mm3 - self.union_mm3
        return overlap if overlap > _APART * self.sum_mm3 else 0.0


def unite(solid: Solid, bodies: Bodies, cavities: Labels) -> Union | None:
    """Return what the solid bodies, each with its cavities, make together; None if that is too much to compute."""
    solids = np.flatnonzero((bodies.volumes > 0) & ~bodies.empty)
    if len(solids) + len(cavities) > _MOST_BODIES:
        return None
    groups = _groups(bodies, solids, cavities)
    sizes = np.bincount(bodies.labels)
    clusters = _clusters(bodies, groups)
    if any(sum(sizes[group].sum() for group in cluster) > _MOST_TRIANGLES for cluster in clusters if len(cluster) > 1):
        return None
    total = float(sum(bodies.volumes[group].sum() for group in groups))
    united = [_united(solid, bodies, cluster) for cluster in clusters]
    return Union(
        pieces=sum(pieces for pieces, _ in united), sum_mm3=total, union_mm3=sum(volume for _, volume in united)
    )


def _united(solid: Solid, bodies: Bodies, cluster: Sequence[Labels]) -> tuple[int, float]:
    """Return how many pieces the groups are together, and their volume."""
    if len(cluster) == 1:
        return 1, float(bodies.volumes[cluster[0]].sum())
    body = Manifold.batch_boolean([_manifold(solid, bodies, group) for group in cluster], OpType.Add)
    return sum(piece.volume() > 0 for piece in body.decompose()), body.volume()


def _groups(bodies: Bodies, solids: Labels, cavities: Labels) -> list[Labels]:
    """Return each solid body with the cavities whose nearest surrounding it is."""
    groups = {body: [body] for body in solids.tolist()}
    for cavity in cavities.tolist():
        groups[int(bodies.around(cavity)[0])].append(cavity)
    return [np.array(group) for group in groups.values()]


def _clusters(bodies: Bodies, groups: Sequence[Labels]) -> list[list[Labels]]:
    """Return the groups by whether their boxes touch, directly or through others."""
    firsts = np.array([group[0] for group in groups], dtype=np.int64)
    lows, highs = bodies.lows[firsts], bodies.highs[firsts]
    apart = (lows[:, None] > highs[None]) | (lows[None] > highs[:, None])
    touching = np.logical_not(np.logical_or.reduce(apart, axis=2))
    unseen, clusters = set(range(len(groups))), []
    while unseen:
        members, fresh = set(), {min(unseen)}
        while fresh:
            members |= fresh
            fresh = set(np.flatnonzero(touching[sorted(fresh)].any(axis=0)).tolist()) - members
        unseen -= members
        clusters.append([groups[member] for member in sorted(members)])
    return clusters


def _manifold(solid: Solid, bodies: Bodies, group: Labels) -> Manifold:
    triangles = solid.triangles[np.isin(bodies.labels, group)]
    used, corners = np.unique(triangles, return_inverse=True)
    mesh = Mesh64(
        vert_properties=np.ascontiguousarray(solid.vertices[used]),
        tri_verts=np.ascontiguousarray(corners.reshape(-1, 3).astype(np.uint64)),
    )
    return Manifold(mesh)
