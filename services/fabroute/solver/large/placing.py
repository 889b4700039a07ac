"""Placing lines where builds are shared, orders split or quotas weighed: what a way adds depends on who is there."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from fabroute.solver.large.ledger import COST, OPTION, Way, Ways
from fabroute.solver.large.market import Market, Sweep
from fabroute.solver.large.rich import RichLedger
from fabroute.solver.problem import NO_BUILD

_PASS_OVER = 0.02
_BY_PRICE = 0.5
_MOST_OF_A_QUOTA = 3
_NEVER = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rich:
    """A rich ledger, what its ways are priced at, and who could enter each build or weighs in each quota."""

    ledger: RichLedger
    ways: Ways
    price: dict[int, float]
    """Reduced cost of each option, with the part of its build's opening that it must bear."""
    opening: tuple[float, ...]
    """What opening each build costs at the prices."""
    into: dict[int, tuple[tuple[int, Way], ...]]
    """Lines and their ways into each build."""
    weighing: dict[int, tuple[int, ...]]
    """Lines that may weigh in each quota."""


def rich_of(ledger: RichLedger, ways: Ways, market: Market, priced: Sweep) -> Rich:
    """Return what the search needs beside the ledger."""
    problem = market.problem
    minutes = priced.prices.minute[problem.build_pool, problem.build_bucket]
    into: dict[int, list[tuple[int, Way]]] = defaultdict(list)
    weighing: dict[int, dict[int, None]] = defaultdict(dict)
    for line, of_line in enumerate(ways.by_price):
        for way in of_line:
            needs = ledger.needs.get(way[OPTION])
            if needs is not None and needs.build != NO_BUILD:
                into[needs.build].append((line, way))
            for quota, _ in needs.weights if needs is not None else ():
                weighing[quota][line] = None
    return Rich(
        ledger=ledger,
        ways=ways,
        price=dict(zip(market.option.tolist(), priced.reduced.tolist(), strict=True)),
        opening=tuple((problem.build_cost + problem.build_minutes * minutes).tolist()),
        into={build: tuple(found) for build, found in into.items()},
        weighing={quota: tuple(lines) for quota, lines in weighing.items()},
    )


def place_in_turn(rich: Rich, lines: Iterable[int], toward: float) -> None:
    """Place each line on the way that adds least by price; of a closed build only a part of the opening counts."""
    for line in lines:
        way = _least_way(rich, line, toward, None)
        if way is not None:
            rich.ledger.put(line, way)


def place_all(rich: Rich, lines: list[int], numbers: random.Random) -> None:
    """Place each line on the way that adds least, by true cost or by price, passing few over.

    By price, opening a build counts in part only: others may come after.
    """
    toward = numbers.random() if numbers.random() < _BY_PRICE else None
    for line in lines:
        way = _least_way(rich, line, toward, numbers)
        if way is not None:
            rich.ledger.put(line, way)


def rivals_by_quota(rich: Rich, line: int, numbers: random.Random) -> list[int]:
    """Return some lines that weigh in the quotas of a line's best ways."""
    rivals = []
    for way in rich.ways.by_price[line][:_MOST_OF_A_QUOTA]:
        needs = rich.ledger.needs.get(way[OPTION])
        for quota, _ in needs.weights if needs is not None else ():
            lines = rich.weighing[quota]
            rivals += [lines[int(numbers.random() * len(lines))] for _ in range(1 + int(numbers.random() * 2))]
    return rivals


def some_build(rich: Rich, line: int, numbers: random.Random) -> int:
    """Return the build of one of a line's ways, better ways likelier, or ``NO_BUILD`` if it has none."""
    needs = [rich.ledger.needs.get(way[OPTION]) for way in rich.ways.by_price[line]]
    builds = [each.build for each in needs if each is not None and each.build != NO_BUILD]
    return builds[int(numbers.random() ** 2 * len(builds))] if builds else NO_BUILD


def takers_of(rich: Rich, build: int, numbers: random.Random) -> list[tuple[int, Way]]:
    """Return lines that would be cheaper in a closed build, as many as its volume takes, with their ways into it."""
    ledger, left = rich.ledger, rich.ledger.volume[build]
    takers: list[tuple[int, Way]] = []
    for gain, line, way in sorted(_gains(rich, build, numbers), key=lambda each: (-each[0], each[1])):
        volume = ledger.needs[way[OPTION]].volume
        if gain > 0 and volume <= left and all(line != taker for taker, _ in takers):
            takers.append((line, way))
            left -= volume
    return takers


def _gains(rich: Rich, build: int, numbers: random.Random) -> list[tuple[float, int, Way]]:
    """Return what each line that could enter a build would save but for its opening, with some noise."""
    ledger, gains = rich.ledger, []
    for line, way in rich.into.get(build, ()):
        now = ledger.now[line]
        cost = ledger.unrouted[line] if now is None else now[COST] + _part(rich, now)
        gains.append(((cost - way[COST]) * (0.7 + 0.6 * numbers.random()), line, way))
    return gains


def _part(rich: Rich, way: Way) -> float:
    """Return a line's part of what its present build costs: all of it where it is alone."""
    needs = rich.ledger.needs.get(way[OPTION])
    if needs is None or needs.build == NO_BUILD:
        return 0.0
    return rich.opening[needs.build] / len(rich.ledger.inside[needs.build])


def _least_way(rich: Rich, line: int, toward: float | None, numbers: random.Random | None) -> Way | None:
    if toward is None:
        return _least_by_cost(rich, line, numbers)
    best, ledger = _least_by_price(rich, line, toward, numbers), rich.ledger
    if best is None or best[COST] + toward * ledger.margin(best) > ledger.unrouted[line]:
        return None
    return best


def _least_by_cost(rich: Rich, line: int, numbers: random.Random | None) -> Way | None:
    """Return the way that adds least to the cost, if it costs no more than staying unrouted."""
    ledger, best, least = rich.ledger, None, rich.ledger.unrouted[line] + 1
    for way in rich.ways.by_cost[line]:
        if way[COST] >= least:
            break
        value = way[COST] + ledger.margin(way)
        if value < least and (numbers is None or numbers.random() > _PASS_OVER) and ledger.fits(way):
            best, least = way, value
    return best


def _least_by_price(rich: Rich, line: int, toward: float, numbers: random.Random | None) -> Way | None:
    """Return the way of least reduced cost, openings counted in part."""
    ledger, best, least = rich.ledger, None, _NEVER
    for way in rich.ways.by_price[line]:
        value = rich.price[way[OPTION]]
        if value >= least:
            break
        if not ledger.is_open(way):
            value += toward * rich.opening[ledger.needs[way[OPTION]].build]
        if value < least and (numbers is None or numbers.random() > _PASS_OVER) and ledger.fits(way):
            best, least = way, value
    return best
