"""The routing problem: order lines, their options and what the options consume, as integer arrays."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fabroute.kernel.errors import DomainError

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

TOTAL_LIMIT = 2**62
NO_LOT = -1
_LOW_BITS = 31


class InvalidProblem(DomainError, ValueError):
    """The arrays contradict each other or leave the range of exact integer arithmetic: rebuild the snapshot."""

    code = "invalid_routing_problem"
    status = 500


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoutingProblem:
    """Lines 0…n-1, each to take one of its options or to stay unrouted at a price.

    Options are sorted by line. Every array is copied, made int64 and read-only, and checked when the problem is made;
    `InvalidProblem` names the first entry that can't be taken.
    """

    line_count: int
    option_line: IntArray
    option_cost: IntArray
    """Generalised cost of each option, milli-minor (1/1000 of a cent)."""
    option_pool: IntArray
    option_bucket: IntArray
    """Deadline: the last bucket (day) in which the option's minutes may still be worked."""
    option_minutes: IntArray
    option_lot: IntArray
    """Material lot, or ``NO_LOT``."""
    option_grams: IntArray
    unrouted_cost: IntArray
    """Price of leaving each line unrouted, milli-minor."""
    capacity: IntArray
    """Minutes that each pool has in each bucket, shape (pools, buckets); of that bucket alone, not cumulative."""
    stock: IntArray
    """Grams on each lot."""

    _DIMENSIONS: ClassVar[dict[str, int]] = {"capacity": 2}

    def __post_init__(self) -> None:
        if self.line_count < 0:
            raise InvalidProblem(f"line_count is {self.line_count}: it can't be negative")
        for field in fields(self)[1:]:
            values = _read_only_integers(field.name, getattr(self, field.name), self._DIMENSIONS.get(field.name, 1))
            object.__setattr__(self, field.name, values)
        self._check_lengths()
        self._check_references()
        self._check_ranges()

    @property
    def option_count(self) -> int:
        """Number of options of all lines."""
        return len(self.option_line)

    def line_start(self) -> IntArray:
        """Return the CSR pointer: options of line ``i`` are ``line_start[i]`` up to ``line_start[i + 1]``."""
        return np.searchsorted(self.option_line, np.arange(self.line_count + 1)).astype(np.int64)

    def cumulative_capacity(self) -> IntArray:
        """Return the minutes of each pool from bucket 0 up to and including each bucket."""
        return np.cumsum(self.capacity, axis=1, dtype=np.int64)

    def snapshot_sha256(self) -> str:
        """Return a hash of every number in the problem: equal hashes, equal problems, on any machine."""
        digest = hashlib.sha256(f"routing-problem/1 lines={self.line_count}".encode())
        for field in fields(self)[1:]:
            values: IntArray = getattr(self, field.name)
            digest.update(f"\n{field.name}{values.shape}".encode())
            digest.update(values.astype("<i8").tobytes())
        return digest.hexdigest()

    def _check_lengths(self) -> None:
        for name in ("option_cost", "option_pool", "option_bucket", "option_minutes", "option_lot", "option_grams"):
            if len(getattr(self, name)) != self.option_count:
                raise InvalidProblem(f"{name} has {len(getattr(self, name))} entries for {self.option_count} options")
        if len(self.unrouted_cost) != self.line_count:
            raise InvalidProblem(f"unrouted_cost has {len(self.unrouted_cost)} entries for {self.line_count} lines")
        unsorted = np.flatnonzero(np.diff(self.option_line) < 0)
        if unsorted.size:
            raise InvalidProblem(f"options must be sorted by line: option {unsorted[0] + 1} goes back a line")

    def _check_references(self) -> None:
        pools, buckets = self.capacity.shape
        _refer("option_line", self.option_line, 0, self.line_count, "lines")
        _refer("option_pool", self.option_pool, 0, pools, "pools")
        _refer("option_bucket", self.option_bucket, 0, buckets, "buckets")
        _refer("option_lot", self.option_lot, NO_LOT, len(self.stock), "lots")

    def _check_ranges(self) -> None:
        for name in ("option_cost", "option_minutes", "option_grams", "unrouted_cost", "capacity", "stock"):
            values: IntArray = getattr(self, name).ravel()
            negative = np.flatnonzero(values < 0)
            if negative.size:
                raise InvalidProblem(f"{name}[{negative[0]}] is {values[negative[0]]}: it can't be negative")
            total = exact_sum(values)
            if total >= TOTAL_LIMIT:
                raise InvalidProblem(f"{name} adds up to {total}, over the limit of 2^62: use coarser units")
        if exact_sum(self.option_cost) + exact_sum(self.unrouted_cost) >= TOTAL_LIMIT:
            raise InvalidProblem("option_cost and unrouted_cost add up to 2^62 or more: use coarser units")


def exact_sum(values: IntArray) -> int:
    """Return the sum of non-negative int64 values as an unbounded integer: it can't wrap around."""
    high = int((values >> _LOW_BITS).sum())
    low = int((values & (2**_LOW_BITS - 1)).sum())
    return (high << _LOW_BITS) + low


def _read_only_integers(name: str, given: object, dimensions: int) -> IntArray:
    raw = np.asarray(given)
    if raw.ndim != dimensions:
        raise InvalidProblem(f"{name} must have {dimensions} dimension(s), not {raw.ndim}")
    if raw.size and (raw.dtype.kind not in "iu" or int(raw.max()) >= TOTAL_LIMIT):
        raise InvalidProblem(f"{name} must hold whole numbers below 2^62 (it holds {raw.dtype})")
    values = raw.astype(np.int64)
    values.setflags(write=False)
    return values


def _refer(name: str, values: IntArray, lowest: int, count: int, what: str) -> None:
    dangling = np.flatnonzero((values < lowest) | (values >= count))
    if dangling.size:
        first = dangling[0]
        raise InvalidProblem(f"{name}[{first}] is {values[first]}, but there are {count} {what}")
