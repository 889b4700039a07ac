"""The routing problem: order lines, their options and what the options consume, as integer arrays."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fabroute.kernel.errors import DomainError

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

TOTAL_LIMIT = 2**62
NO_LOT = -1
NO_BUILD = -1
HARD = -1
"""Excess cost of a quota that may not be exceeded at all."""
_LOW_BITS = 31


def _none() -> IntArray:
    return np.zeros(0, dtype=np.int64)


class InvalidProblem(DomainError, ValueError):
    """The arrays contradict each other or leave the range of exact integer arithmetic: rebuild the snapshot."""

    code = "invalid_routing_problem"
    status = 500


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoutingProblem:
    """Lines 0…n-1, each to take one of its options or to stay unrouted at a price.

    An option draws minutes on one pool and grams on one lot; the option of a split order has further *draws*. Options
    of one *build* share what it costs to open it, as far as its volume goes. A *quota* limits what all chosen options
    together may weigh (a share of a node, the money of an order), hard or at a price for each unit over it.

    Options are sorted by line. Every array is copied, made int64 and read-only, and checked when the problem is made;
    `InvalidProblem` names the first entry that can't be taken. Draws, builds and quotas are empty where not given.
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
    draw_option: IntArray = field(default_factory=_none)
    """Further draws of options, sorted by option: which option each belongs to."""
    draw_pool: IntArray = field(default_factory=_none)
    draw_bucket: IntArray = field(default_factory=_none)
    draw_minutes: IntArray = field(default_factory=_none)
    draw_lot: IntArray = field(default_factory=_none)
    draw_grams: IntArray = field(default_factory=_none)
    option_build: IntArray = field(default_factory=_none)
    """Build that each option is made in, or ``NO_BUILD``; may be left empty where there are no builds."""
    option_volume: IntArray = field(default_factory=_none)
    """What each option takes of its build's volume; 0 without a build."""
    build_cost: IntArray = field(default_factory=_none)
    """What it costs to open each build, once, milli-minor; not in the costs of its options."""
    build_pool: IntArray = field(default_factory=_none)
    build_bucket: IntArray = field(default_factory=_none)
    """Deadline of each build's opening minutes: that of its options."""
    build_minutes: IntArray = field(default_factory=_none)
    """Set-up, warm-up and cooling, once a build; not in the minutes of its options."""
    build_volume: IntArray = field(default_factory=_none)
    """Room of each build, in the units of ``option_volume``."""
    quota_limit: IntArray = field(default_factory=_none)
    """Most that the chosen options of each quota may weigh together."""
    quota_excess_cost: IntArray = field(default_factory=_none)
    """Milli-minor for each unit over the limit, or ``HARD``."""
    share_quota: IntArray = field(default_factory=_none)
    """Shares, sorted by quota: what an option weighs in a quota."""
    share_option: IntArray = field(default_factory=_none)
    share_weight: IntArray = field(default_factory=_none)

    _DIMENSIONS: ClassVar[dict[str, int]] = {"capacity": 2}

    def __post_init__(self) -> None:
        if self.line_count < 0:
            raise InvalidProblem(f"line_count is {self.line_count}: it can't be negative")
        for each in fields(self)[1:]:
            values = _read_only_integers(each.name, getattr(self, each.name), self._DIMENSIONS.get(each.name, 1))
            object.__setattr__(self, each.name, values)
        if not self._names_a_build():
            object.__setattr__(self, "option_build", _read_only(np.full(self.option_count, NO_BUILD)))
            object.__setattr__(self, "option_volume", _read_only(np.zeros(self.option_count)))
        self._check_lengths()
        self._check_references()
        self._check_ranges()

    @property
    def option_count(self) -> int:
        """Number of options of all lines."""
        return len(self.option_line)

    @property
    def is_plain(self) -> bool:
        """Whether every option draws on one pool and one lot alone: no further draws, builds or quotas."""
        return not (self.draw_option.size or self.build_cost.size or self.quota_limit.size)

    def line_start(self) -> IntArray:
        """Return the CSR pointer: options of line ``i`` are ``line_start[i]`` up to ``line_start[i + 1]``."""
        return np.searchsorted(self.option_line, np.arange(self.line_count + 1)).astype(np.int64)

    def cumulative_capacity(self) -> IntArray:
        """Return the minutes of each pool from bucket 0 up to and including each bucket."""
        return np.cumsum(self.capacity, axis=1, dtype=np.int64)

    def only(self, options: BoolArray, *, lines: BoolArray | None = None) -> RoutingProblem:
        """Return the problem of some options and some lines alone, numbered anew; all else keeps its number.

        Options of lines that are left out must not be kept.
        """
        kept_lines = np.ones(self.line_count, dtype=np.bool_) if lines is None else lines
        draws, shares = options[self.draw_option], options[self.share_option]
        numbers = np.cumsum(options, dtype=np.int64) - 1
        changed: dict[str, IntArray] = {name: getattr(self, name)[options] for name in _OF_OPTIONS}
        changed |= {name: getattr(self, name)[draws] for name in _OF_DRAWS}
        changed["option_line"] = (np.cumsum(kept_lines, dtype=np.int64) - 1)[self.option_line[options]]
        return replace(
            self,
            line_count=int(kept_lines.sum()),
            unrouted_cost=self.unrouted_cost[kept_lines],
            draw_option=numbers[self.draw_option[draws]],
            share_quota=self.share_quota[shares],
            share_option=numbers[self.share_option[shares]],
            share_weight=self.share_weight[shares],
            **changed,
        )

    def snapshot_sha256(self) -> str:
        """Return a hash of every number in the problem: equal hashes, equal problems, on any machine."""
        digest = hashlib.sha256(f"routing-problem/2 lines={self.line_count}".encode())
        for each in fields(self)[1:]:
            values: IntArray = getattr(self, each.name)
            digest.update(f"\n{each.name}{values.shape}".encode())
            digest.update(values.astype("<i8").tobytes())
        return digest.hexdigest()

    def _check_lengths(self) -> None:
        for names, count, what in (
            (_OF_OPTIONS, self.option_count, "options"),
            (("unrouted_cost",), self.line_count, "lines"),
            (_OF_DRAWS, len(self.draw_option), "draws"),
            (_OF_BUILDS, len(self.build_cost), "builds"),
            (("quota_excess_cost",), len(self.quota_limit), "quotas"),
            (("share_option", "share_weight"), len(self.share_quota), "shares"),
        ):
            for name in names:
                if len(getattr(self, name)) != count:
                    raise InvalidProblem(f"{name} has {len(getattr(self, name))} entries for {count} {what}")
        _sorted_by("options", "line", self.option_line)
        _sorted_by("draws", "option", self.draw_option)
        _sorted_by("shares", "quota", self.share_quota)

    def _check_references(self) -> None:
        pools, buckets = self.capacity.shape
        lots, builds, quotas = len(self.stock), len(self.build_cost), len(self.quota_limit)
        for names, lowest, count, what in (
            (("option_line",), 0, self.line_count, "lines"),
            (("option_pool", "draw_pool", "build_pool"), 0, pools, "pools"),
            (("option_bucket", "draw_bucket", "build_bucket"), 0, buckets, "buckets"),
            (("option_lot", "draw_lot"), NO_LOT, lots, "lots"),
            (("draw_option", "share_option"), 0, self.option_count, "options"),
            (("option_build",), NO_BUILD, builds, "builds"),
            (("share_quota",), 0, quotas, "quotas"),
        ):
            for name in names:
                _refer(name, getattr(self, name), lowest, count, what)
        self._check_builds()

    def _check_builds(self) -> None:
        """An option is made in a build of its own pool and bucket, and takes volume only of a build."""
        shared = np.flatnonzero(self.option_build != NO_BUILD)
        build = self.option_build[shared]
        elsewhere = shared[
            (self.build_pool[build] != self.option_pool[shared])
            | (self.build_bucket[build] != self.option_bucket[shared])
        ]
        if elsewhere.size:
            raise InvalidProblem(f"option {elsewhere[0]} and its build are not on the same pool and bucket")
        nowhere = np.flatnonzero((self.option_build == NO_BUILD) & (self.option_volume != 0))
        if nowhere.size:
            raise InvalidProblem(f"option_volume[{nowhere[0]}] is not 0, but the option has no build")

    def _names_a_build(self) -> bool:
        """Tell whether builds are given, or an option speaks of one: without that, the length follows the options."""
        named = bool((self.option_build != NO_BUILD).any() or self.option_volume.any())
        return named or bool(self.build_cost.size)

    def _check_ranges(self) -> None:
        for name in _AMOUNTS:
            values: IntArray = getattr(self, name).ravel()
            lowest = HARD if name == "quota_excess_cost" else 0
            negative = np.flatnonzero(values < lowest)
            if negative.size:
                raise InvalidProblem(f"{name}[{negative[0]}] is {values[negative[0]]}: it can't be negative")
        for names in _ADDED_UP:
            total = sum(exact_sum(getattr(self, name).ravel()) for name in names)
            if total + self._opened_by_each(names[-1]) >= TOTAL_LIMIT:
                raise InvalidProblem(f"the sum of {', '.join(names)} is {total}, over the limit of 2^62: {_COARSER}")
        total = sum(exact_sum(getattr(self, name)) for name in _COSTS) + self._most_excess_cost()
        if total + self._opened_by_each("build_cost") >= TOTAL_LIMIT:
            raise InvalidProblem(f"the costs of {', '.join(_COSTS)} and quotas reach {total}, over 2^62: {_COARSER}")

    def _opened_by_each(self, name: str) -> int:
        """Return the sum of a number of builds when every option opens its own; 0 for a number of anything else."""
        of_build: IntArray = getattr(self, name) if name in ("build_cost", "build_minutes") else _none()
        times = np.bincount(self.option_build[self.option_build != NO_BUILD], minlength=len(of_build))
        return sum(many * each for many, each in zip(times.tolist(), of_build.tolist(), strict=False))

    def _most_excess_cost(self) -> int:
        """Return what all soft quotas would cost if every option were taken."""
        soft = np.flatnonzero(self.quota_excess_cost > 0)
        ends = np.searchsorted(self.share_quota, np.stack([soft, soft + 1]))
        weight_up_to = np.append(0, np.cumsum(self.share_weight, dtype=np.int64))
        over = np.maximum(weight_up_to[ends[1]] - weight_up_to[ends[0]] - self.quota_limit[soft], 0)
        prices = self.quota_excess_cost[soft].tolist()
        return sum(price * units for price, units in zip(prices, over.tolist(), strict=True))


_OF_OPTIONS = (
    "option_cost",
    "option_pool",
    "option_bucket",
    "option_minutes",
    "option_lot",
    "option_grams",
    "option_build",
    "option_volume",
)
_OF_DRAWS = ("draw_pool", "draw_bucket", "draw_minutes", "draw_lot", "draw_grams")
_OF_BUILDS = ("build_pool", "build_bucket", "build_minutes", "build_volume")
_AMOUNTS = (
    "option_cost",
    "option_minutes",
    "option_grams",
    "unrouted_cost",
    "capacity",
    "stock",
    "draw_minutes",
    "draw_grams",
    "option_volume",
    "build_cost",
    "build_minutes",
    "build_volume",
    "quota_limit",
    "quota_excess_cost",
    "share_weight",
)
_COSTS = ("option_cost", "unrouted_cost", "build_cost")
_ADDED_UP = (
    ("option_minutes", "draw_minutes", "build_minutes"),
    ("option_grams", "draw_grams"),
    ("option_volume",),
    ("capacity",),
    ("stock",),
    ("share_weight",),
)
"""Amounts that are added up with each other: neither a sum nor a part of it may leave the range, even where every
option opens its build."""
_COARSER = "use coarser units"


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
    return _read_only(raw)


def _read_only(values: NDArray[np.generic]) -> IntArray:
    whole = values.astype(np.int64)
    whole.setflags(write=False)
    return whole


def _sorted_by(what: str, key: str, values: IntArray) -> None:
    unsorted = np.flatnonzero(np.diff(values) < 0)
    if unsorted.size:
        raise InvalidProblem(f"{what} must be sorted by {key}: entry {unsorted[0] + 1} goes back")


def _refer(name: str, values: IntArray, lowest: int, count: int, what: str) -> None:
    dangling = np.flatnonzero((values < lowest) | (values >= count))
    if dangling.size:
        first = dangling[0]
        raise InvalidProblem(f"{name}[{first}] is {values[first]}, but there are {count} {what}")
