"""Whether cost grows with what has piled up: the same requests in databases of ten thousand to a million orders.

``python -m tests.benchmarks.bench_growth [ORDERS='10000 100000 1000000'] [OPEN=1000] [TIMES=200] [ROUNDS=3]
[KEEP=days|all]``: durable PostgreSQL that is filled with copies of orders that really lived (``copied_orders``): a year
for a million, OPEN of them open at each size, the others delivered. What an installation removes is removed, unless
KEEP=all. At each size an API process answers; times are the client's over a Unix socket, or of the call itself where it
is no request. Told are the medians of ROUNDS rounds. Goal: p50 within 1.5 of that at the first size.
"""

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fabroute import migrations
from fabroute.kernel.time import utc_now
from fabroute_embedded import embedded_servers
from tests.benchmarks.bench_files import processor
from tests.benchmarks.bench_overload import percentile
from tests.benchmarks.copied_orders import Copier, Pattern
from tests.benchmarks.grown_measures import MEASURES, Grown
from tests.benchmarks.lived_orders import PATIENT, Life, LivedOrders, with_plenty
from tests.benchmarks.served_processes import served_console
from tests.factories.databases import engine_for, in_transaction, rows
from tests.faults.chaos.network import given_network

ORDERS, OPEN, TIMES, ROUNDS = (10_000, 100_000, 1_000_000), 1_000, 200, 3
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
    """Print the table; return 1 where something grew by more than the goal."""
    plan = _plan(dict(argument.split("=", 1) for argument in arguments))
    print(
        f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}; {plan.open_orders:,} open at each"
    )
    print(f"{plan.times} times, {plan.rounds} rounds; goal: p50 within {GOAL:g} of that at {plan.orders[0]:,} orders\n")
    found = run(plan)
    print(report(found))
    return int(bool(missed(found)))


def run(plan: Plan) -> Found:
    """Return the times at each size."""
    found: Found = {}
    with _filling(plan) as (grown, fill):
        for number, orders in enumerate(plan.orders):
            fill(plan.orders[number - 1] if number else 0, orders)
            found[orders] = _measured(grown, plan)
    return found


@contextmanager
def _filling(plan: Plan) -> Iterator[tuple[Grown, "Filler"]]:
    with embedded_servers(durable=True) as servers, tempfile.TemporaryDirectory() as folder:
        urls = servers.postgres.create_database("bench")
        migrations.upgrade(urls.migration_url)
        storage_url = Path(folder).as_uri()
        with engine_for(urls.url, connections=4) as engine:
            network = given_network(engine, utc_now(), storage_url=storage_url)
            with_plenty(engine)
            settings = PATIENT | {"storage_url": storage_url, "password_hashing": "cheap"}
            with served_console(urls.url, **settings) as api:
                lived = Life(engine=engine, network=network, socket=api.socket).live()
                copier = Copier(urls.url, keep_all=plan.keep_all)
                grown = Grown(engine=engine, network=network, api=api, lived=lived, times=plan.times)
                yield grown, Filler(copier=copier, grown=grown, plan=plan, **_patterns(copier, lived))


def _patterns(copier: Copier, lived: LivedOrders) -> dict[str, Sequence[Pattern]]:
    """Return how each kind of order is copied; found before there are copies."""
    still_open = [order_id for fate, ids in lived.orders.items() if fate != "delivered" for order_id in ids]
    return {
        "ended": copier.patterns(lived.orders["delivered"]),
        "still_open": copier.patterns(still_open),
        "runs": copier.run_patterns(),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Filler:
    """Fills the database up to a size."""

    copier: Copier
    grown: Grown
    plan: Plan
    ended: Sequence[Pattern]
    still_open: Sequence[Pattern]
    runs: Sequence[Pattern]

    def __call__(self, have: int, want: int) -> None:
        """Add orders until there are ``want``; tell how long it took and how large it is now."""
        began = time.monotonic()
        if not have:
            self.copier.copy(
                self.still_open, after=_OPEN_NUMBERS, until=_OPEN_NUMBERS + self.plan.open_orders, recent=True
            )
        self.copier.copy(self.ended, after=have, until=want)
        self.copier.copy(self.runs, after=have // _ORDERS_PER_RUN, until=want // _ORDERS_PER_RUN)
        self.copier.settle()
        ((size, largest),) = in_transaction(self.grown.engine, lambda session: rows(session, _SIZES))
        seconds = time.monotonic() - began
        print(f"{want:,} orders: filled in {seconds:.0f} s, {size}; {largest}", flush=True)


def _measured(grown: Grown, plan: Plan) -> dict[str, Times]:
    """Measure everything, round by round; what is first asked for is asked for once before."""
    found = {name: Times() for name in MEASURES}
    for number in range(plan.rounds + 1):
        for name, measure in MEASURES.items():
            seconds = measure(grown)
            if number:
                found[name].rounds.append(seconds)
    for name, times in found.items():
        print(f"  {name:34}{times.ms(0.5):9.2f}{times.ms(0.99):9.2f} ms", flush=True)
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


def _ratio(found: Mapping[int, Mapping[str, Times]], name: str) -> float:
    return max(it[name].ms(0.5) for it in found.values()) / found[min(found)][name].ms(0.5)


def _plan(given: Mapping[str, str]) -> Plan:
    return Plan(
        orders=tuple(map(int, given["ORDERS"].split())) if "ORDERS" in given else ORDERS,
        open_orders=int(given.get("OPEN", OPEN)),
        times=int(given.get("TIMES", TIMES)),
        rounds=int(given.get("ROUNDS", ROUNDS)),
        keep_all=given.get("KEEP") == "all",
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
