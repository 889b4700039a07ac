"""Read an STL file that the guard let through into meshes whose triangles share their vertices."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fabroute.integrations.validation.guard.stl import (
    HEADER_BYTES,
    TextFacets,
    bear_triangles,
    coordinate_problem,
    is_binary_stl,
    refuse,
    text_facets,
)
from fabroute.integrations.validation.types import GuardFacts, Limits, Mesh, Reading
from fabroute.inventory.ports import Finding

READER = f"fabroute-stl (numpy {np.__version__})"

Points = npt.NDArray[np.float64]
Triangles = npt.NDArray[np.int64]

_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_MIXERS = tuple(np.uint64(prime) for prime in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))
STITCH = 1e-8

_AGAINST = -0.5
"""Cosine between the stored and the true normal from which on they are called opposed."""


def read_stl(path: Path, facts: GuardFacts) -> Reading:
    """Return the triangles of an STL file, taken for mm, corners of exactly equal coordinates made one vertex.

    Where that leaves gaps, corners are joined that lie closer than ``STITCH`` of the largest coordinate: many programs
    write 1e-15 for 0. Two 32-bit numbers of the part's own size are never that close.

    The solids of a text file are meshes of their own where each is closed by itself, else one mesh. Triangles with two
    equal corners are dropped: they are lines. ``Refusal`` if there are coordinates that are no places, lines only, or
    other triangles than the guard counted.
    """
    solids = list(_binary_solids(path)) if is_binary_stl(path) else list(_text_solids(path))
    found = sum(len(solid.corners) for solid in solids) // 3
    if found != facts.triangles:
        refuse(
            "READERS_DIFFER",
            f"Two readings of the file differ: {facts.triangles:,} and {found:,} triangles.",
            "Export it again; a file that can be read in two ways is not printed.",
        )
    meshes, stitched = _meshes(solids)
    kept = sum(len(mesh.triangles) for mesh in meshes)
    bear_triangles(kept, Limits())
    findings = (*_remarks(solids), *_changes(dropped=found - kept, stitched=stitched))
    return Reading(format="stl", unit="", meshes=meshes, readers=(READER,), findings=findings)


def merge_equal(corners: Points) -> tuple[Points, Triangles]:
    """Return the different points among ``corners`` (n, 3) in order of appearance, and each corner's index in them.

    Equal means the same number in x, y and z; nothing is rounded, and −0 is 0.
    """
    corners = corners + 0.0
    order, starts = _equal_runs(corners)
    first = order[starts]
    appearance = np.argsort(first)
    rank = np.empty(len(first), dtype=np.int64)
    rank[appearance] = np.arange(len(first))
    index = np.empty(len(corners), dtype=np.int64)
    index[order] = rank[np.cumsum(starts) - 1]
    return corners[first[appearance]], index


def _equal_runs(corners: Points) -> tuple[Triangles, npt.NDArray[np.bool_]]:
    """Return an order in which equal corners stand together as they came, and where in it a new one begins.

    Sorting one number mixed from all bits is twice as fast as sorting three; three it is only if two corners mix alike.
    """
    bits = corners.view(np.uint64)
    bits = bits ^ (bits >> np.uint64(32))
    mixed = bits[:, 0] * _MIXERS[0] ^ bits[:, 1] * _MIXERS[1] ^ bits[:, 2] * _MIXERS[2]
    order = np.argsort(mixed, kind="stable")
    starts = _changes_in(corners[order])
    if np.any(starts[1:] & (np.diff(mixed[order]) == 0)):
        order = np.lexsort(corners.T)
        starts = _changes_in(corners[order])
    return order, starts


def _changes_in(rows: Points) -> npt.NDArray[np.bool_]:
    return np.concatenate([[True], (rows[1:] != rows[:-1]).any(axis=1)])


class _Solid:
    """One solid as it stands in the file: three corners for each triangle, and what was remarkable."""

    __slots__ = ("attributes", "corners", "name", "opposed")

    def __init__(self, *, name: str, corners: Points, opposed: int, attributes: int = 0) -> None:
        self.name = name
        self.corners = corners
        self.opposed = opposed
        """Triangles whose stored normal points the other way."""
        self.attributes = attributes
        """Triangles with attribute bytes (colours, by some programs)."""


def _binary_solids(path: Path) -> Iterator[_Solid]:
    count = int(np.fromfile(path, dtype="<u4", count=1, offset=HEADER_BYTES - 4)[0])
    records = np.fromfile(path, dtype=_RECORD, count=count, offset=HEADER_BYTES)
    _bear_coordinates(records["corners"])
    corners = records["corners"].astype(np.float64)
    with np.errstate(invalid="ignore"):
        normals = records["normal"].astype(np.float64)
    opposed = _opposed(corners, normals)
    attributes = int(np.count_nonzero(records["attribute"]))
    yield _Solid(name="", corners=corners.reshape(-1, 3), opposed=opposed, attributes=attributes)


def _bear_coordinates(corners: npt.NDArray[np.float32]) -> None:
    bound = Limits().largest_coordinate
    with np.errstate(invalid="ignore"):
        good = np.abs(corners) <= bound
    if not good.all():
        triangle, corner, axis = np.argwhere(~good)[0]
        value = float(corners[triangle, corner, axis])
        refuse(*coordinate_problem(value, bound, shown=f"{value:g}"), where=f"triangle {triangle + 1:,}")


def _text_solids(path: Path) -> Iterator[_Solid]:
    for _, blocks in groupby(text_facets(path, Limits()), key=lambda facets: facets.solid):
        yield _text_solid(list(blocks))


def _text_solid(blocks: Sequence[TextFacets]) -> _Solid:
    corners = np.concatenate([np.array(block.corners, dtype=np.float64).T for block in blocks]).reshape(-1, 3, 3)
    opposed = _opposed(corners, np.concatenate([_normals(block) for block in blocks]))
    return _Solid(name=blocks[0].name, corners=corners.reshape(-1, 3), opposed=opposed)


def _normals(block: TextFacets) -> Points:
    """Return the normals as far as they are numbers, else zeros, which disagree with nothing."""
    try:
        return np.array([list(map(float, column)) for column in block.normals], dtype=np.float64).T
    except ValueError:
        return np.zeros((len(block.corners[0]), 3))


def _opposed(corners: Points, normals: Points) -> int:
    """Count the triangles whose corners turn against the normal that the file states."""
    true = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    with np.errstate(invalid="ignore", over="ignore"):
        lengths = np.linalg.norm(true, axis=1) * np.linalg.norm(normals, axis=1)
        return int(np.count_nonzero(np.einsum("ij,ij->i", true, normals) < _AGAINST * lengths))


def _meshes(solids: Sequence[_Solid]) -> tuple[tuple[Mesh, ...], int]:
    """Return the meshes, and how many corners were stitched to a neighbour that is not exactly equal."""
    meshes, stitched = zip(*(_mesh(solid.name, solid.corners) for solid in solids), strict=True)
    if len(meshes) > 1 and any(_unpaired(mesh.triangles) for mesh in meshes):
        mesh, moved = _mesh(solids[0].name, np.concatenate([solid.corners for solid in solids]))
        return (mesh,), moved
    return meshes, sum(stitched)


def _mesh(name: str, corners: Points) -> tuple[Mesh, int]:
    """Return the mesh whose vertices are equal corners; stitched, if that leaves fewer edges without a partner."""
    vertices, index = merge_equal(corners)
    mesh = _without_lines(name, vertices, index)
    if not (unpaired := _unpaired(mesh.triangles)):
        return mesh, 0
    _, near = merge_equal(np.round(vertices / (STITCH * np.abs(vertices).max(initial=1e-300))))
    kept = np.unique(near, return_index=True)[1]
    stitched = _without_lines(name, vertices[kept], near[index])
    if _unpaired(stitched.triangles) < unpaired:
        return stitched, len(vertices) - len(kept)
    return mesh, 0


def _without_lines(name: str, vertices: Points, index: Triangles) -> Mesh:
    triangles = index.reshape(-1, 3)
    lines = (triangles == np.roll(triangles, 1, axis=1)).any(axis=1)
    if lines.any():
        used, index = np.unique(triangles[~lines], return_inverse=True)
        vertices, triangles = vertices[used], index.reshape(-1, 3)
    return Mesh(name=name, vertices=vertices, triangles=triangles)


def _unpaired(triangles: Triangles) -> int:
    """Count the edges that don't run as often one way as the other: gaps, and neighbours that face different ways."""
    starts, ends = triangles.ravel(), np.roll(triangles, -1, axis=1).ravel()
    if not len(starts):
        return 0
    edges = np.minimum(starts, ends) * (int(triangles.max()) + 1) + np.maximum(starts, ends)
    ordered = np.sort(2 * edges + (starts < ends))
    heads = np.flatnonzero(np.concatenate([[True], np.diff(ordered >> 1) != 0]))
    return int(np.count_nonzero(np.add.reduceat(2 * (ordered & 1) - 1, heads)))


def _remarks(solids: Sequence[_Solid]) -> Iterator[Finding]:
    if len(solids) > 1:
        yield _note("STL_SEVERAL_SOLIDS", f"The file holds {len(solids):,} solids; all of them are printed together.")
    if opposed := sum(solid.opposed for solid in solids):
        yield _note(
            "STL_NORMALS",
            f"{opposed:,} stored normals point against their triangles; the order of the corners counts instead.",
        )
    if attributes := sum(solid.attributes for solid in solids):
        yield _note("STL_ATTRIBUTES", f"{attributes:,} triangles have attributes (often colours), which are ignored.")


def _changes(*, dropped: int, stitched: int) -> Iterator[Finding]:
    if dropped:
        yield _note("STL_COLLAPSED_TRIANGLES", f"{dropped:,} triangles with two equal corners were left out.")
    if stitched:
        yield _note("STL_STITCHED", f"{stitched:,} corners a rounding error away from another were joined with it.")


def _note(code: str, message: str) -> Finding:
    return Finding(code=code, severity="note", message=message, advice="Nothing has to be done.")
