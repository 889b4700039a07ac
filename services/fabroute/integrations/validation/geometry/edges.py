"""Whether a surface is closed: every edge joins exactly two triangles that run through it in opposite directions."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fabroute.integrations.validation.solids import Corners, Solid
from fabroute.inventory.ports import Finding

Keys = npt.NDArray[np.int64]


def edge_findings(solid: Solid) -> tuple[Finding, ...]:
    """Return an error for each way in which edges fail, with how many and where the first one is."""
    keys = np.sort(_keys(solid.triangles, len(solid.vertices)))
    if _all_paired(keys):
        return ()
    faults = _faults(keys)
    return tuple(
        finding
        for finding in (
            _open(solid, faults.open),
            _crowded(solid, faults.crowded),
            _turned(solid, faults.turned),
            _doubled(solid),
        )
        if finding is not None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Faults:
    """Undirected edges, as ``low · n + high``, by what is wrong with them."""

    open: Keys
    crowded: Keys
    turned: Keys


def _keys(triangles: Corners, vertices: int) -> Keys:
    """Return a number for every side of every triangle: both corners, and in the last bit the direction."""
    start, end = triangles.reshape(-1), triangles[:, [1, 2, 0]].reshape(-1)
    undirected = np.minimum(start, end) * vertices + np.maximum(start, end)
    keys: Keys = undirected * 2 + (start > end)
    return keys


def _all_paired(keys: Keys) -> bool:
    if len(keys) % 2:
        return False
    there, back = keys[0::2], keys[1::2]
    return bool(((there & 1) == 0).all() and (there + 1 == back).all() and (there[1:] > back[:-1]).all())


def _faults(keys: Keys) -> _Faults:
    edges, first, counts = np.unique(keys >> 1, return_index=True, return_counts=True)
    backwards = np.add.reduceat(keys & 1, first)
    return _Faults(open=edges[counts == 1], crowded=edges[counts > 2], turned=edges[(counts == 2) & (backwards != 1)])


def _open(solid: Solid, edges: Keys) -> Finding | None:
    if not len(edges):
        return None
    return Finding(
        code="OPEN_EDGES",
        severity="error",
        message=f"{_counted(edges, 'open edge')}: only one triangle is there, {_position(solid, edges)}.",
        advice="Close the holes with the repair tool of your CAD or mesh program and export the part again.",
        where=_place(solid, edges),
    )


def _crowded(solid: Solid, edges: Keys) -> Finding | None:
    if not len(edges):
        return None
    return Finding(
        code="NON_MANIFOLD_EDGES",
        severity="error",
        message=f"{_counted(edges, 'edge')} with more than two triangles, {_position(solid, edges)}.",
        advice="Bodies that touch along an edge have no clear inside there: let them overlap or part them by 0.1 mm.",
        where=_place(solid, edges),
    )


def _turned(solid: Solid, edges: Keys) -> Finding | None:
    if not len(edges):
        return None
    return Finding(
        code="INCONSISTENT_ORIENTATION",
        severity="error",
        message=f"{_counted(edges, 'edge')} whose two triangles disagree on the outside, {_position(solid, edges)}.",
        advice="Unify the normals in your CAD or mesh program, so that all triangles face outwards.",
        where=_place(solid, edges),
    )


def _doubled(solid: Solid) -> Finding | None:
    """Only of a surface that is not closed: in a closed one no triangle can be there twice."""
    ordered = np.sort(solid.triangles, axis=1)
    doubled = len(ordered) - len(np.unique(ordered, axis=0))
    if not doubled:
        return None
    return Finding(
        code="DUPLICATE_TRIANGLES",
        severity="error",
        message=f"{doubled:,} triangle{'s' * (doubled > 1)} lie{'s' * (doubled == 1)} exactly on another one.",
        advice="Remove doubled faces; often the same body was exported twice.",
    )


def _counted(edges: Keys, noun: str) -> str:
    return f"{len(edges):,} {noun}{'s' * (len(edges) > 1)}"


def _position(solid: Solid, edges: Keys) -> str:
    low, high = divmod(int(edges[0]), len(solid.vertices))
    first = "the first " if len(edges) > 1 else ""
    return f"{first}from {solid.place(solid.vertices[low])} to {solid.place(solid.vertices[high])} mm"


def _place(solid: Solid, edges: Keys) -> str:
    low, high = divmod(int(edges[0]), len(solid.vertices))
    return f"{solid.place((solid.vertices[low] + solid.vertices[high]) / 2)} mm"
