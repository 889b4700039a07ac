"""Better plans by ruin and recreate: a badly placed line and some that hold what it wants are placed anew.

After Schrimpf and others (2000) and Christiaens and Vanden Berghe (2020): lines come back one by one, each to the first
option that fits, by price or by cost, now and then passing one over; simulated annealing decides what stays. Where
builds are shared, whole builds are opened and closed between.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

import numpy as np

from fabroute.solver.large.ledger import MINUTES, OPTION, POOL, Ledger, Way, Ways
from fabroute.solver.large.market import Market, Sweep
from fabroute.solver.large.placing import Rich, place_all, rich_of, rivals_by_quota, some_build, takers_of
from fabroute.solver.large.rich import NONE, RichLedger
from fabroute.solver.large.start import losses
from fabroute.solver.limits import Budget
from fabroute.solver.plan import UNROUTED
from fabroute.solver.problem import NO_BUILD, IntArray

_MOST_POOLS, _MOST_OF_A_POOL = 4, 4
_PASS_OVER_POOL, _PASS_OVER_WAY = 0.2, 0.02
_BY_PRICE = 0.6
_AT_RANDOM, _LONGEST_FIRST = 0.4, 0.7
_EVEN_SHARE = 0.1
_BATCH = 500
_LINE_CHARGE, _RICH_LINE_CHARGE = 5e-6, 2.5e-5
_BUILD_ROUNDS = 0.25
_LINES_A_ROUND = 8
_HEAT_A_VISIT = 5e-4
_COOLEST, _HOTTEST, _COLD = 0.003, 0.03, 0.0003

Placed = list[tuple[int, Way | None]]


@dataclass(slots=True, kw_only=True, eq=False)
class Search:
    """The state of one run."""

    ledger: Ledger
    ways: Ways
    random: random.Random
    temperature: float
    """Milli-minor by which a change may be dearer, about."""
    best: list[Way | None]
    best_cost: int
    rich: Rich | None = None
    """Of problems that are not plain."""
    changed: set[int] = field(default_factory=set)
    """Lines whose option may differ from that in the best plan."""
    moved: int = 0
    """Lines taken off their option so far: the measure of work."""


def ruin_and_recreate(
    market: Market, priced: Sweep, ledger: Ledger, ways: Ways, budget: Budget, *, seconds: float, reserve: float = 0.0
) -> IntArray:
    """Search for about ``seconds`` of deterministic time; return the best choice found, no dearer than the start.

    The wall clock cuts it off ``reserve`` seconds before the limit.
    """
    search = search_from(ledger, ways, seed=budget.limits.seed)
    if isinstance(ledger, RichLedger):
        search.rich = rich_of(ledger, ways, market, priced)
    charge = _LINE_CHARGE if search.rich is None else _RICH_LINE_CHARGE
    numbers = np.random.default_rng(budget.limits.seed)
    hot, cold = _temperatures(ledger, seconds)
    started = budget.spent
    while budget.spent < started + seconds and search.best_cost > priced.bound:
        search.temperature = hot * (cold / hot) ** ((budget.spent - started) / seconds)
        before = search.moved
        for line in _badly_placed(ledger, market, priced, numbers):
            one_round(search, line)
            if search.rich is not None and search.random.random() < _BUILD_ROUNDS:
                build_round(search, search.rich, line)
        budget.spent += (search.moved - before) * charge
        if budget.wall_left <= reserve:
            budget.guard_hit = True
            break
    return np.array([UNROUTED if way is None else way[OPTION] for way in search.best], dtype=np.int64)


def search_from(ledger: Ledger, ways: Ways, *, seed: int, temperature: float = 0.0) -> Search:
    """Return a search that starts at the ledger's plan."""
    return Search(
        ledger=ledger,
        ways=ways,
        random=random.Random(seed),
        temperature=temperature,
        best=list(ledger.now),
        best_cost=ledger.cost,
    )


def one_round(search: Search, line: int) -> None:
    """Take a line and some rivals off, place them anew, and keep that or put everything back."""
    lines = _line_and_rivals(search, line)
    before, cost = [(each, search.ledger.now[each]) for each in lines], search.ledger.cost
    _ruin(search.ledger, before)
    _recreate(search, _in_some_order(search, lines))
    _settle(search, before, cost)


def build_round(search: Search, rich: Rich, line: int) -> None:
    """Close a build that is open to a line, or open one for it and for others that would be cheaper there."""
    build = some_build(rich, line, search.random)
    if build == NO_BUILD:
        return
    inside = rich.ledger.inside[build]
    takers = [] if inside else takers_of(rich, build, search.random)
    if not (inside or takers):
        return
    lines = {line: None} | {each: None for each, _ in takers} | inside
    before, cost = [(each, rich.ledger.now[each]) for each in lines], rich.ledger.cost
    _ruin(rich.ledger, before)
    if not takers:
        rich.ledger.barred = build
    for taker, way in takers:
        if rich.ledger.fits(way):
            rich.ledger.put(taker, way)
    place_all(rich, [each for each in lines if rich.ledger.now[each] is None], search.random)
    rich.ledger.barred = NONE
    _settle(search, before, cost)


def _settle(search: Search, before: Placed, cost: int) -> None:
    """Keep what was changed, or put everything back as it was before, when it had this cost."""
    ledger = search.ledger
    search.moved += len(before)
    dearer = ledger.cost - cost
    if dearer > 0 and dearer >= -search.temperature * math.log(1.0 - search.random.random()):
        _ruin(ledger, [(line, ledger.now[line]) for line, _ in before])
        _put_back(ledger, before)
        return
    search.changed.update(line for line, _ in before)
    if ledger.cost < search.best_cost:
        _note_best(search)


def _line_and_rivals(search: Search, line: int) -> list[int]:
    """Return a line and lines that are now on pools of its best options."""
    number, members = search.random.random, search.ledger.members
    most = 1 + int(number() * _MOST_POOLS)
    pools: set[int] = set()
    lines = {line: None}
    for way in search.ways.by_price[line]:
        pool = way[POOL]
        if pool in pools or (pools and number() < _PASS_OVER_POOL):
            continue
        pools.add(pool)
        there = members[pool]
        for _ in range(min(1 + int(number() * _MOST_OF_A_POOL), len(there))):
            lines[there[int(number() * len(there))]] = None
        if len(pools) >= most:
            break
    if search.rich is not None:
        lines |= dict.fromkeys(rivals_by_quota(search.rich, line, search.random))
    return list(lines)


def _in_some_order(search: Search, lines: list[int]) -> list[int]:
    """Return the lines at random, longest first, or at random after the first."""
    draw, first = search.random.random(), lines[0]
    search.random.shuffle(lines)
    if _AT_RANDOM <= draw < _LONGEST_FIRST:
        ways = search.ways.by_price
        lines.sort(key=lambda line: -ways[line][0][MINUTES] if ways[line] else 0)
    elif draw >= _LONGEST_FIRST:
        lines.remove(first)
        lines.insert(0, first)
    return lines


def _recreate(search: Search, lines: list[int]) -> None:
    """Place each line on the first option that fits, in the order of price or of cost, passing few over."""
    if search.rich is not None:
        place_all(search.rich, lines, search.random)
        return
    number, ledger = search.random.random, search.ledger
    ways = search.ways.by_price if number() < _BY_PRICE else search.ways.by_cost
    room, left = ledger.room, ledger.left
    for line in lines:
        for way in ways[line]:
            if way[4] <= room[way[2]][way[3]] and way[6] <= left[way[5]] and number() > _PASS_OVER_WAY:
                ledger.put(line, way)
                break


def _ruin(ledger: Ledger, placed: Placed) -> None:
    for line, way in placed:
        if way is not None:
            ledger.pull(line, way)


def _put_back(ledger: Ledger, placed: Placed) -> None:
    for line, way in placed:
        if way is not None:
            ledger.put(line, way)


def _note_best(search: Search) -> None:
    now = search.ledger.now
    for line in search.changed:
        search.best[line] = now[line]
    search.changed.clear()
    search.best_cost = search.ledger.cost


def _badly_placed(ledger: Ledger, market: Market, priced: Sweep, numbers: np.random.Generator) -> list[int]:
    """Draw a batch of lines, the likelier the more they lose against their best option at the prices."""
    loss = losses(ledger, market, priced)
    weight = np.cumsum(loss + _EVEN_SHARE * loss.mean() + 1.0)
    drawn = np.searchsorted(weight, numbers.random(_BATCH) * weight[-1], side="right")
    return [int(line) for line in np.minimum(drawn, len(weight) - 1)]


def _temperatures(ledger: Ledger, seconds: float) -> tuple[float, float]:
    """Return the first and last temperature: the more rounds a line gets, the hotter the start."""
    lines = len(ledger.now)
    visits = seconds / (_LINE_CHARGE * _LINES_A_ROUND * lines)
    hot = min(_HOTTEST, max(_COOLEST, _HEAT_A_VISIT * visits))
    a_line = ledger.cost / lines
    return hot * a_line, _COLD * a_line
