"""Twice as many orders as can be taken, for minutes: what is taken, what is refused, what it does to somebody else.

``python -m tests.benchmarks.bench_overload [SECONDS=300] [FACTOR=2] [SEED=1] [PROCESSES=1]``: API processes on durable
PostgreSQL. First one organisation places orders on as many connections as it may use at once, each when the one before
is answered: that is the rate that can be sustained. Then it offers FACTOR times as much, ready or not, while another
organisation places and reads orders at a twentieth of that rate, as it did alone before.
"""

import os
import platform
import re
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import Engine

from fabroute import migrations
from fabroute_embedded import embedded_servers
from tests.benchmarks.bench_files import processor
from tests.benchmarks.open_loop import Load, Offered, offer
from tests.benchmarks.served_processes import Served, served_processes
from tests.factories.api import given_owner_and_places
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import Owner, given_owner

SECONDS, FACTOR, SEED = 300.0, 2.0, 1
CLOSED_CLIENTS = 32
_BODY = b'{"ship_to":{"city":"Hamburg","country":"DE"},"lines":[{"part":"%b","quantity":1}]}'
_MOST_MS = 250.0
_MOST_RATIO = 2.0
_SHARE_OF_THE_OTHER = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is offered, and for how long."""

    seconds: float = SECONDS
    factor: float = FACTOR
    seed: int = SEED
    processes: int = 1
    warm_seconds: float = 3.0
    closed_seconds: float = 15.0
    alone_seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the database says of what clients were told."""

    lost: int
    """Answered with 201 and not in the database."""
    doubled: int
    """Orders without a key of their own, or keys without an order."""
    uncalled: int
    """In the database, though answered otherwise than with 201."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overload:
    """What came of it."""

    sustained: float
    """Orders a second."""
    rate: float
    """Offered a second."""
    flood: Offered
    alone: Offered
    beside: Offered
    stored: Stored
    cores: float
    """Of processor time that the API took during the flood."""

    @property
    def ratio(self) -> float:
        """How much longer the other's slowest hundredth takes beside the flood."""
        return percentile(self.beside.accepted, 0.99) / percentile(self.alone.accepted, 0.99)


def main(*arguments: str) -> int:
    """Print the figures; return 1 where one is not what was promised."""
    given = dict(argument.split("=", 1) for argument in arguments)
    plan = Plan(
        seconds=float(given.get("SECONDS", SECONDS)),
        factor=float(given.get("FACTOR", FACTOR)),
        seed=int(given.get("SEED", SEED)),
        processes=int(given.get("PROCESSES", 1)),
    )
    parser = "httptools" if find_spec("httptools") else "h11"
    loop = "uvloop" if find_spec("uvloop") else "asyncio"
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, {loop}, {parser}")
    print(f"{plan.processes} API process(es), PostgreSQL and the clients share them; the clients are raw sockets")
    waited = _waited()
    found = run(plan)
    print(report(found, plan))
    print(f"somebody waited for a core in {_waited() - waited:.0f} s of all this (cpu pressure of the machine)")
    return int(not keeps_promises(found))


def run(plan: Plan) -> Overload:
    """Return what came of a plan, on servers of its own."""
    with embedded_servers(durable=True) as servers:
        urls = servers.postgres.create_database("bench")
        migrations.upgrade(urls.migration_url)
        with engine_for(urls.url, connections=2) as engine:
            owner = given_owner_and_places(engine)
            other = given_owner(engine, name="Other", part_no="OT-1")
            with served_processes(urls.url, plan.processes, rate_limit_default=0) as apis:
                return measure(engine, apis, owner, other, plan)


def measure(engine: Engine, apis: Sequence[Served], owner: Owner, other: Owner, plan: Plan) -> Overload:
    """Return what came of a plan on API processes."""
    sockets = tuple(api.socket for api in apis)
    flood = Load(sockets=sockets, token=owner.token, body=_body(owner), name="warm", seconds=plan.warm_seconds,
                 clients=CLOSED_CLIENTS, seed=plan.seed)  # fmt: skip
    beside = Load(sockets=sockets, token=other.token, body=_body(other), name="alone", seconds=plan.alone_seconds,
                  reads=True, seed=plan.seed + 1)  # fmt: skip
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as clients:
        warm = clients.submit(offer, flood).result()
        closed = clients.submit(offer, replace(flood, name="closed", seconds=plan.closed_seconds)).result()
        sustained = closed.statuses[201] / closed.seconds
        rate = plan.factor * sustained
        beside = replace(beside, rate=_SHARE_OF_THE_OTHER * sustained)
        alone = clients.submit(offer, beside).result()
        cpu = _cpu(apis)
        flooding = clients.submit(offer, replace(flood, name="flood", seconds=plan.seconds, rate=rate))
        found = clients.submit(offer, replace(beside, name="beside", seconds=plan.seconds)).result()
        flooded = flooding.result()
        busy = (_cpu(apis) - cpu) / plan.seconds
    return Overload(
        sustained=sustained,
        rate=rate,
        flood=flooded,
        alone=alone,
        beside=found,
        stored=measure_stored(engine, (warm, closed, flooded, alone, found)),
        cores=busy,
    )


def measure_stored(engine: Engine, loads: Sequence[Offered]) -> Stored:
    """Return what the database holds of all that was ever offered to it."""
    told = {key: order_id for load in loads for key, order_id in load.orders.items()}
    unsure = {key for load in loads for key in load.unanswered}
    stored = _keys(engine)
    return Stored(
        lost=len(told.items() - stored.items()),
        doubled=_unpaired(engine),
        uncalled=len(stored.keys() - told.keys() - unsure),
    )


def percentile(times: Sequence[float], share: float) -> float:
    """Return the milliseconds within which so many were answered."""
    found = sorted(times)
    return found[min(len(found) - 1, int(share * len(found)))] * 1e3 if found else float("nan")


def report(found: Overload, plan: Plan) -> str:
    """Return the figures in words."""
    flood, stored, accepted = found.flood, found.stored, found.flood.statuses[201]
    offered = sum(flood.statuses.values()) + len(flood.unanswered)
    refusals = {status: count for status, count in sorted(flood.statuses.items()) if status != 201}
    return "\n".join(
        (
            f"sustained: {found.sustained:,.0f} orders/s, closed loop of {CLOSED_CLIENTS}",
            f"offered: {offered:,} in {plan.seconds:.0f} s ({found.rate:,.0f}/s, {plan.factor:g} x), seed {plan.seed}, "
            f"{flood.connections:,} connections; sent late by p99 {percentile(flood.late, 0.99):.1f} ms",
            f"accepted: {accepted:,} ({accepted / plan.seconds:,.0f}/s); {_times(flood.accepted)}",
            f"refused: {', '.join(f'{count:,} x {status}' for status, count in refusals.items()) or 'none'}, "
            f"{_times(flood.refused)}; without Retry-After {flood.without_retry_after}; "
            f"told to wait {_spread(flood.retry_after)}",
            f"lost: {stored.lost}, doubled: {stored.doubled}, stored though refused: {stored.uncalled}, "
            f"unanswered: {len(flood.unanswered) + len(found.beside.unanswered)}, "
            f"without a connection: {flood.turned_away + found.beside.turned_away}",
            f"the other alone: {_of(found.alone)}",
            f"the other beside: {_of(found.beside)}; p99 x {found.ratio:.2f}",
            f"the API took {found.cores:.2f} cores during the flood",
        )
    )


def keeps_promises(found: Overload) -> bool:
    """Return whether nothing was lost, and all was in time."""
    refusals = set(found.flood.statuses) - {201}
    return (
        found.stored == Stored(lost=0, doubled=0, uncalled=0)
        and found.flood.without_retry_after == 0
        and refusals <= {429, 503}
        and not (found.flood.unanswered or found.flood.turned_away or found.beside.turned_away)
        and percentile(found.flood.accepted, 0.99) <= _MOST_MS
        and found.ratio <= _MOST_RATIO
        and set(found.beside.statuses) <= {200, 201}
    )


def _body(owner: Owner) -> bytes:
    return _BODY % owner.part_no.encode()


def _waited() -> float:
    """Return for how many seconds some process of this machine had to wait for a core; 0 where nobody counts that."""
    pressure = Path("/proc/pressure/cpu")
    told = pressure.read_text(encoding="utf-8") if pressure.exists() else "total=0"
    return int(re.findall(r"total=(\d+)", told)[0]) / 1e6


def _cpu(apis: Sequence[Served]) -> float:
    return sum(api.cpu_seconds() for api in apis)


def _keys(engine: Engine) -> dict[str, str]:
    sql = "SELECT key, substring(location FROM 12) FROM idempotency_keys"
    found = in_transaction(engine, lambda session: rows(session, sql))
    return {str(key): str(order_id) for key, order_id in found}


def _unpaired(engine: Engine) -> int:
    """Return how many orders have no key, and how many keys no order."""
    sql = """
        SELECT (SELECT count(*) FROM orders o LEFT JOIN idempotency_keys k ON k.location = '/v1/orders/' || o.id
                WHERE k.key IS NULL)
             + (SELECT count(*) FROM idempotency_keys k LEFT JOIN orders o ON k.location = '/v1/orders/' || o.id
                WHERE o.id IS NULL)
    """
    return int(str(in_transaction(engine, lambda session: rows(session, sql))[0][0]))


def _times(times: Sequence[float]) -> str:
    figures = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"), (1.0, "max"))
    return " ".join(f"{name} {percentile(times, share):.1f}" for share, name in figures) + " ms"


def _of(offered: Offered) -> str:
    statuses = ", ".join(f"{count:,} x {status}" for status, count in sorted(offered.statuses.items()))
    return f"{statuses}, {_times(offered.accepted)}, sent late by p99 {percentile(offered.late, 0.99):.1f} ms"


def _spread(seconds: Counter[int]) -> str:
    total = max(1, seconds.total())
    return " ".join(f"{second} s {count / total:.0%}" for second, count in sorted(seconds.items())) or "nothing"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
