"""Which triangle is seen at each sample of a picture: a z-buffer, filled row by row."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

_SAMPLES_AT_ONCE = 1 << 15
"""Few enough to stay in the processor's cache, and to bound the memory."""
_MOST_SAMPLES = 50_000_000
"""About two seconds of work; a part without hidden surfaces asks for less than a million."""
_DEPTHS = np.float32(2**30)
"""Steps of depth that can be told apart."""
_NOTHING = -1
"""Of a key, whose lower 32 bits hold the triangle and the upper ones the depth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What each sample of a picture shows, by rows and columns."""

    triangles: npt.NDArray[np.int32]
    """-1 where there is nothing."""
    depths: Singles
    """0 for the farthest corner of all triangles, 1 for the nearest, below 0 where there is nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planes:
    """A value over each triangle, linear in the picture: ``start + right · column + down · row``."""

    start: Singles
    right: Singles
    down: Singles

    def at(self, triangles: Indices | npt.NDArray[np.int32], columns: Singles, rows: Singles) -> Singles:
        """Return the value of each triangle there."""
        values: Singles = self.right[triangles] * columns
        values += self.down[triangles] * rows
        values += self.start[triangles]
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spans:
    """Neighbouring samples of one row whose middles lie inside one triangle."""

    triangles: Indices
    rows: Indices
    first: Indices
    counts: Indices

    def part(self, chosen: slice | npt.NDArray[np.bool_]) -> "_Spans":
        return _Spans(
            triangles=self.triangles[chosen],
            rows=self.rows[chosen],
            first=self.first[chosen],
            counts=self.counts[chosen],
        )


def planes_of(corners: Floats, values: Floats) -> Planes:
    """Return the planes through ``values`` (m, 3) at the ``corners`` (m, 3, 2) of triangles, in columns and rows."""
    (ax, ay), (bx, by), (cx, cy) = (corners[:, corner].T for corner in range(3))
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    b, c = values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]
    right = (b * (cy - ay) - c * (by - ay)) / area
    down = (c * (bx - ax) - b * (cx - ax)) / area
    start = values[:, 0] - right * ax - down * ay
    return Planes(start=start.astype(np.float32), right=right.astype(np.float32), down=down.astype(np.float32))


def visible(corners: Floats, depths: Floats, size: int) -> Seen:
    """Return what a picture of ``size`` × ``size`` samples shows of triangles that all face the viewer.

    ``corners`` (m, 3, 2) are columns and rows, in which the area of each triangle is positive; ``depths`` (m, 3) run
    from 0 (far) to 1 (near). Where very many large triangles lie behind each other, the farthest are left out.
    """
    buffer = np.full(size * size, _NOTHING, dtype=np.int64)
    planes = planes_of(corners, depths)
    for block in _blocks(corners, depths):
        for spans in _spans(corners, block, size):
            _fill(buffer, spans, planes, size)
    picture = buffer.reshape(size, size)
    return Seen(triangles=picture.astype(np.int32), depths=(picture >> 32).astype(np.float32) / _DEPTHS)


def _fill(buffer: Indices, spans: _Spans, planes: Planes, size: int) -> None:
    """Enter each sample of the spans where nothing nearer stands yet."""
    counts = spans.counts
    columns, rows = (numbers.astype(np.float32) + np.float32(0.5) for numbers in (spans.first, spans.rows))
    steps = _runs(counts)
    depth = np.repeat(planes.right[spans.triangles], counts) * steps.astype(np.float32)
    depth += np.repeat(planes.at(spans.triangles, columns, rows), counts)
    keys = (np.clip(depth, 0, 1, out=depth) * _DEPTHS).astype(np.int64)
    keys <<= 32
    keys |= np.repeat(spans.triangles, counts)
    steps += np.repeat(spans.rows * size + spans.first, counts)
    np.maximum.at(buffer, steps, keys)


def _runs(counts: Indices) -> Indices:
    """Return 0, 1, … for each count, one run after the other."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1]) - np.repeat(ends - counts, counts)


def _blocks(corners: Floats, depths: Floats) -> Iterator[Indices]:
    """Yield the numbers of triangles, some at a time, so that neither memory nor time depend on the file."""
    work = np.ptp(corners[:, :, 1], axis=1) + 1
    cost = work + _areas(corners)
    order = np.arange(len(corners))
    if cost.sum() > _MOST_SAMPLES:
        order = np.argsort(-depths.max(axis=1), kind="stable")
        order = order[: max(int(np.searchsorted(np.cumsum(cost[order]), _MOST_SAMPLES)), 1)]
    return (order[start:stop] for start, stop in _cuts(np.cumsum(work[order])))


def _areas(corners: Floats) -> Floats:
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    areas: Floats = np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2
    return areas


def _spans(corners: Floats, block: Indices, size: int) -> Iterator[_Spans]:
    """Yield the spans of the triangles of a block, some at a time."""
    triangles, rows = _rows(corners, block, size)
    first, counts = _inside(corners[triangles], rows, size)
    spans = _Spans(triangles=triangles, rows=rows, first=first, counts=counts).part(counts > 0)
    return (spans.part(slice(start, stop)) for start, stop in _cuts(np.cumsum(spans.counts)))


def _cuts(reach: npt.NDArray[np.float64] | Indices) -> Iterator[tuple[int, int]]:
    """Yield from where to where the running sum grows by a block, or by one entry."""
    start = 0
    while start < len(reach):
        before = reach[start - 1] if start else 0
        stop = max(int(np.searchsorted(reach, before + _SAMPLES_AT_ONCE, side="right")), start + 1)
        yield start, stop
        start = stop


def _rows(corners: Floats, block: Indices, size: int) -> tuple[Indices, Indices]:
    """Return each triangle with each row whose middle it reaches."""
    heights = corners[block, :, 1]
    top = np.maximum(np.ceil(heights.min(axis=1) - 0.5), 0).astype(np.int64)
    bottom = np.minimum(np.floor(heights.max(axis=1) - 0.5), size - 1).astype(np.int64)
    counts = np.maximum(bottom - top + 1, 0)
    if not counts.any():
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    return np.repeat(block, counts), np.repeat(top, counts) + _runs(counts)


def _inside(corners: Floats, rows: Indices, size: int) -> tuple[Indices, Indices]:
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
