"""Which triangle is seen at each sample of a picture: a z-buffer, filled row by row."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

_SAMPLES_AT_ONCE = 1 << 20
_MOST_SAMPLES = 50_000_000
"""About two seconds of work; a part without hidden surfaces asks for less than a million."""
_DEPTHS = 2**30
"""Steps of depth that can be told apart."""
_NOTHING = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The samples that show a part: where they are, which triangle they show, and how near it is."""

    rows: Indices
    columns: Indices
    triangles: Indices
    depths: Floats
    """0 for the farthest corner of all triangles, 1 for the nearest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planes:
    """A value over each triangle, linear in the picture: ``start + right · column + down · row``."""

    start: Floats
    right: Floats
    down: Floats

    def at(self, triangles: Indices, columns: Floats, rows: Floats) -> Floats:
        """Return the value of each triangle at the middle of its sample."""
        return self.start[triangles] + self.right[triangles] * columns + self.down[triangles] * rows


def planes_of(corners: Floats, values: Floats) -> Planes:
    """Return the planes through ``values`` (m, 3) at the ``corners`` (m, 3, 2) of triangles, in columns and rows."""
    (ax, ay), (bx, by), (cx, cy) = (corners[:, corner].T for corner in range(3))
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    b, c = values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]
    right = (b * (cy - ay) - c * (by - ay)) / area
    down = (c * (bx - ax) - b * (cx - ax)) / area
    return Planes(start=values[:, 0] - right * ax - down * ay, right=right, down=down)


def visible(corners: Floats, depths: Floats, size: int) -> Seen:
    """Return what a picture of ``size`` × ``size`` samples shows of triangles that all face the viewer.

    ``corners`` (m, 3, 2) are columns and rows, in which the area of each triangle is positive; ``depths`` (m, 3) run
    from 0 (far) to 1 (near). Where very many large triangles lie behind each other, the farthest are left out.
    """
    buffer = np.full(size * size, _NOTHING, dtype=np.int64)
    planes = planes_of(corners, depths)
    for block in _blocks(corners, depths):
        for triangles, rows, columns in _samples(corners[block], size):
            chosen = block[triangles]
            depth = np.clip(planes.at(chosen, columns + 0.5, rows + 0.5), 0, 1)
            np.maximum.at(buffer, rows * size + columns, (depth * _DEPTHS).astype(np.int64) << 32 | chosen)
    shown = np.flatnonzero(buffer != _NOTHING)
    keys = buffer[shown]
    return Seen(rows=shown // size, columns=shown % size, triangles=keys & 0xFFFFFFFF, depths=(keys >> 32) / _DEPTHS)


def _blocks(corners: Floats, depths: Floats) -> Iterator[Indices]:
    """Yield the numbers of triangles, some at a time, so that neither memory nor time depend on the file."""
    work = np.ptp(corners[:, :, 1], axis=1) + 1
    cost = work + _areas(corners)
    order = np.arange(len(corners))
    if cost.sum() > _MOST_SAMPLES:
        order = np.argsort(-depths.max(axis=1), kind="stable")
        order = order[: max(int(np.searchsorted(np.cumsum(cost[order]), _MOST_SAMPLES)), 1)]
    reach = np.cumsum(work[order])
    cuts = np.searchsorted(reach, np.arange(_SAMPLES_AT_ONCE, reach[-1] if len(reach) else 0, _SAMPLES_AT_ONCE))
    return (block for block in np.split(order, cuts) if len(block))


def _areas(corners: Floats) -> Floats:
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    areas: Floats = np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2
    return areas


def _samples(corners: Floats, size: int) -> Iterator[tuple[Indices, Indices, Indices]]:
    """Yield the triangles, rows and columns of all samples whose middle a triangle covers, some at a time."""
    triangles, rows = _rows(corners, size)
    first, counts = _spans(corners[triangles], rows, size)
    kept = counts > 0
    triangles, rows, first, counts = triangles[kept], rows[kept], first[kept], counts[kept]
    reach = np.cumsum(counts)
    for start, stop in _cuts(reach):
        part = slice(start, stop)
        spans = np.repeat(np.arange(start, stop), counts[part])
        before = reach[start] - counts[start]
        columns = np.arange(len(spans)) + np.repeat(first[part] - (reach[part] - counts[part] - before), counts[part])
        yield triangles[spans], rows[spans], columns


def _cuts(reach: Indices) -> Iterator[tuple[int, int]]:
    """Yield from where to where at most so many samples lie, or one span."""
    start = 0
    while start < len(reach):
        before = reach[start - 1] if start else 0
        stop = max(int(np.searchsorted(reach, before + _SAMPLES_AT_ONCE, side="right")), start + 1)
        yield start, stop
        start = stop


def _rows(corners: Floats, size: int) -> tuple[Indices, Indices]:
    """Return each triangle with each row whose middle it reaches."""
    heights = corners[:, :, 1]
    top = np.maximum(np.ceil(heights.min(axis=1) - 0.5), 0).astype(np.int64)
    bottom = np.minimum(np.floor(heights.max(axis=1) - 0.5), size - 1).astype(np.int64)
    counts = np.maximum(bottom - top + 1, 0)
    triangles = np.repeat(np.arange(len(corners)), counts)
    starts = np.cumsum(counts) - counts
    return triangles, np.arange(len(triangles)) + np.repeat(top - starts, counts)


def _spans(corners: Floats, rows: Indices, size: int) -> tuple[Indices, Indices]:
    """Return the first column and the number of columns that lie inside the triangle in that row."""
    left, right = np.full(len(rows), -np.inf), np.full(len(rows), np.inf)
    middle = rows + 0.5
    for one, other in ((0, 1), (1, 2), (2, 0)):
        (ax, ay), (bx, by) = corners[:, one].T, corners[:, other].T
        rise = by - ay
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = ax + (middle - ay) * (bx - ax) / rise
        np.maximum(left, crossing, out=left, where=rise < 0)
        np.minimum(right, crossing, out=right, where=rise > 0)
    first = np.clip(np.ceil(left - 0.5), 0, size).astype(np.int64)
    beyond = np.clip(np.ceil(right - 0.5), 0, size).astype(np.int64)
    return first, beyond - first
