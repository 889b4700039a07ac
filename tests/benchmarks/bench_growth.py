"""Whether cost grows with what has piled up: the same requests in databases of ten thousand to a million orders.

``python -m tests.benchmarks.bench_growth [ORDERS='10000 100000 1000000'] [OPEN=1000] [TIMES=200] [ROUNDS=5]
[KEEP=days|all]``: durable PostgreSQL with a database for each size, filled with copies of orders that really lived
(``copied_orders``): a year for a million, OPEN of them open at each size, the others delivered. What an installation
removes is removed, unless KEEP=all. Then an API process answers on each, and everything is measured at all sizes in
turn, ROUNDS times, so that a machine that is quicker at times is so for all. Times are the client's over a Unix socket,
or of the call itself where it is no request; told are medians of the rounds. Goal: p50 within 1.5 of that at the first
size, the median of what the rounds have each for itself.
"""

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from fabroute import migrations
from fabroute.kernel.time import utc_now
from fabroute_embedded import EmbeddedServers, embedded_servers
from tests.benchmarks.bench_files import processor
from tests.benchmarks.bench_overload import percentile
from tests.benchmarks.copied_orders import Copier, Pattern
from tests.benchmarks.grown_measures import MEASURES, Grown
from tests.benchmarks.lived_orders import PATIENT, Life, LivedOrders, with_plenty
from tests.benchmarks.served_processes import served_console
from tests.factories.databases import engine_for, in_transaction, rows
from tests.faults.chaos.network import ChaosNetwork, given_network

ORDERS, OPEN, TIMES, ROUNDS = (10_000, 100_000, 1_000_000), 1_000, 200, 5
FEWEST = 1_000
GOAL = 1.5
_OPEN_NUMBERS = 100_000_000
"""Copies of open orders are counted from here on: apart from those that have ended."""
_ORDERS_PER_RUN = 10
_SIZES = """
SELECT pg_size_pretty(pg_database_size(current_database())),
    (SELECT string_agg(relname || ' ' || pg_size_pretty(pg_total_relation_size(relid)), ', ')
     FROM (SELECT * FROM pg_stat_user_tables ORDER BY pg_total_relation_size(relid) DESC LIMIT 5) largest)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is filled in, and how often is measured."""

    orders: tuple[int, ...] = ORDERS
    open_orders: int = OPEN
    times: int = TIMES
    rounds: int = ROUNDS
    keep_all: bool = False


@dataclass(slots=True, kw_only=True)
class Times:
    """Seconds of one measure at one size, by round."""

    rounds: list[Sequence[float]] = field(default_factory=list)

    def ms(self, share: float) -> float:
        """Return the milliseconds within which such a share was done: the median of the rounds."""
        return statistics.median(percentile(it, share) for it in self.rounds)


Found = dict[int, dict[str, Times]]


def main(*arguments: str) -> int:
    """Print the table; return 1 where something grew by more than the goal, 2 where the arguments are wrong."""
    try:
        plan = _plan(dict(argument.split("=", 1) for argument in arguments))
    except ValueError as error:
        print(f"bench-growth: {error}", file=sys.stderr)
        return 2
    print(
        f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}; {plan.open_orders:,} open at each"
    )
    print(f"{plan.times} times, {plan.rounds} rounds; goal: p50 within {GOAL:g} of that at {plan.orders[0]:,} orders\n")
    found = run(plan)
    print(report(found))
    return int(bool(missed(found)))


def run(plan: Plan) -> Found:
    """Return the times at each size."""
    with embedded_servers(durable=True) as servers, tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        lived = _lived(servers, storage_url=Path(folder).as_uri(), plan=plan)
        urls = {want: lived.filled(servers, have=have, want=want) for have, want in pairwise((0, *plan.orders))}
        return _measured({orders: lived.served(stack, url) for orders, url in urls.items()}, plan)


def _lived(servers: EmbeddedServers, *, storage_url: str, plan: Plan) -> "Beginnings":
    """Have the orders live that all others are copies of, in the database that all others are copies of."""
    urls = servers.postgres.create_database(_name(0))
    migrations.upgrade(urls.migration_url)
    settings = PATIENT | {"storage_url": storage_url, "password_hashing": "cheap"}
    with engine_for(urls.url, connections=4) as engine, served_console(urls.url, **settings) as api:
        network = given_network(engine, utc_now(), storage_url=storage_url)
        with_plenty(engine)
        lived = Life(engine=engine, network=network, socket=api.socket).live()
    copier = Copier(urls.url)
    still_open = [order_id for fate, ids in lived.orders.items() if fate != "delivered" for order_id in ids]
    return Beginnings(
        plan=plan,
        settings=settings,
        network=network,
        lived=lived,
        ended=copier.patterns(lived.orders["delivered"]),
        still_open=copier.patterns(still_open),
        runs=copier.run_patterns(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginnings:
    """What lived, and how each kind of order is copied: found before there are copies."""

    plan: Plan
    settings: Mapping[str, object]
    network: ChaosNetwork
    lived: LivedOrders
    ended: Sequence[Pattern]
    still_open: Sequence[Pattern]
    runs: Sequence[Pattern]

    def filled(self, servers: EmbeddedServers, *, have: int, want: int) -> str:
        """Return a database of ``want`` orders, made of that with ``have``; tell how long it took, and how large."""
        began = time.monotonic()
        url = servers.postgres.create_database(_name(want), template=_name(have)).url
        copier = Copier(url, keep_all=self.plan.keep_all)
        if not have:
            copier.copy(self.still_open, after=_OPEN_NUMBERS, until=_OPEN_NUMBERS + self.plan.open_orders, recent=True)
        copier.copy(self.ended, after=have, until=want)
        copier.copy(self.runs, after=have // _ORDERS_PER_RUN, until=want // _ORDERS_PER_RUN)
        copier.settle()
        with engine_for(url) as engine:
            ((size, largest),) = in_transaction(engine, lambda session: rows(session, _SIZES))
        print(f"{want:,} orders: filled in {time.monotonic() - began:.0f} s, {size}; {largest}", flush=True)
        return url

    def served(self, stack: ExitStack, url: str) -> Grown:
        """Return such a database with an API process on it, until the stack ends."""
        engine = stack.enter_context(engine_for(url, connections=4))
        api = stack.enter_context(served_console(url, **self.settings))
        return Grown(engine=engine, network=self.network, api=api, lived=self.lived, times=self.plan.times)


def _name(orders: int) -> str:
    return f"bench_{orders}"


def _measured(grown: Mapping[int, Grown], plan: Plan) -> Found:
    """Measure everything at all sizes in turn, from either end; what is first asked for is asked for once before."""
    found: Found = {orders: {name: Times() for name in MEASURES} for orders in grown}
    for number in range(plan.rounds + 1):
        began = time.monotonic()
        for name, measure in MEASURES.items():
            for orders in list(grown)[:: -1 if number % 2 else 1]:
                seconds = measure(grown[orders])
                if number:
                    found[orders][name].rounds.append(seconds)
        print(f"round {number} of {plan.rounds}: {time.monotonic() - began:.0f} s", flush=True)
    return found


def report(found: Found) -> str:
    """Return the table: p50 and p99 at each size, and how much more than at the first."""
    sizes = list(found)
    lines = ["", f"{'ms: p50, p99':34}" + "".join(f"{size:>18,}" for size in sizes) + f"{'p50 grew by':>14}"]
    for name in found[sizes[0]]:
        times = "".join(f"{found[size][name].ms(0.5):9.2f}{found[size][name].ms(0.99):9.2f}" for size in sizes)
        ratio = _ratio(found, name)
        lines.append(f"{name:34}{times}{ratio:13.2f}x{'  GREW' if ratio > GOAL else ''}")
    grew = missed(found)
    return "\n".join([*lines, "", "all within the goal" if not grew else f"over the goal: {', '.join(grew)}"])


def missed(found: Found) -> list[str]:
    """Return what grew by more than the goal."""
    return [name for name in found[min(found)] if _ratio(found, name) > GOAL]


def _ratio(found: Found, name: str) -> float:
    """Return the dearest size's p50 in units of the first size's, each round compared in itself."""
    first = found[min(found)][name].rounds
    return max(
        statistics.median(
            percentile(later, 0.5) / percentile(before, 0.5)
            for before, later in zip(first, it[name].rounds, strict=True)
        )
        for it in found.values()
    )


def _plan(given: Mapping[str, str]) -> Plan:
    """Return what is asked for. Raises ``ValueError``, which says what to write."""
    plan = Plan(
        orders=tuple(_whole("ORDERS", word, at_least=FEWEST) for word in given.get("ORDERS", "").split()) or ORDERS,
        open_orders=_whole("OPEN", given.get("OPEN", str(OPEN)), at_least=100),
        times=_whole("TIMES", given.get("TIMES", str(TIMES))),
        rounds=_whole("ROUNDS", given.get("ROUNDS", str(ROUNDS))),
        keep_all=given.get("KEEP") == "all",
    )
    if list(plan.orders) != sorted(set(plan.orders)):
        raise ValueError(f"each of ORDERS is made of the one before, so they must grow: not {given['ORDERS']}")
    return plan


def _whole(name: str, word: str, *, at_least: int = 1) -> int:
    if not (word.isdecimal() and int(word) >= at_least):
        raise ValueError(f"{name}: whole numbers from {at_least:,} on, written like {at_least}: not {word}")
    return int(word)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
