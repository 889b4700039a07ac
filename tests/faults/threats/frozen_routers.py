"""Workers that freeze in the middle of a run, longer than their lease, and wake up: none writes what is another's now.

``make frozen`` freezes fifty processes, in waves. ``tests/workers/test_frozen_routers.py`` looks closer at three.
"""

import os
import platform
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine

from fabroute import migrations
from fabroute.database import unit_of_work
from fabroute.production.service import offer_jobs
from fabroute.routing.service.run import RoutingLimits, route_pending
from fabroute.routing.service.scopes import lapsed_scopes
from fabroute_embedded import embedded_servers
from fabroute_workers.delivery import Relay
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.processes import PATIENCE_SECONDS, a_process, children_of, wait_until
from tests.factories.routable import given_routable_network
from tests.fakes.ringers import FakeRinger

LINES = 2
_AT_ONCE = 10


@dataclass(slots=True, kw_only=True)
class FrozenRouters:
    """What became of workers that were frozen."""

    frozen: int = 0
    lines: int = 0
    """That they were deciding."""
    taken_over: int = 0
    """Lines that others decided meanwhile."""
    wrote_nothing: int = 0
    """Workers that woke up and said that they had decided none."""
    stale_writes: int = 0
    """Decisions and jobs that were there after they woke up, and not before."""
    seconds: float = 0.0


def freeze_routers(engine: Engine, database_url: str, *, times: int, log: Path) -> FrozenRouters:
    """Freeze workers, ten at a time, let others decide what they had, and wake them up."""
    given_routable_network(engine, lot_grams=10_000_000)
    owner, seen, began = given_owner(engine), FrozenRouters(), time.monotonic()
    environment = {"FABROUTE_PROFILE": "embedded", "FABROUTE_DATABASE_URL": database_url}
    for first in range(0, times, _AT_ONCE):
        scopes = [f"frozen/{number}" for number in range(first, min(times, first + _AT_ONCE))]
        given_orders(engine, *(make_order(owner, planning_scope=scope) for scope in scopes for _ in range(LINES)))
        with a_process("tests.fakes.frozen_routers", *scopes, environment=environment, log=log) as routers:
            wait_until(partial(_are_frozen, routers.pid, len(scopes)))
            seen.frozen += _frozen(routers.pid)
            _take_over(engine, scopes, seen)
            before = _written(engine)
            for pid in children_of(routers.pid):
                os.kill(pid, signal.SIGCONT)
            routers.wait(PATIENCE_SECONDS)
        seen.stale_writes += _written(engine) - before
        seen.lines += LINES * len(scopes)
    seen.wrote_nothing = log.read_text(encoding="utf-8").count(f"routed 0, open {LINES}\n")
    seen.seconds = time.monotonic() - began
    return seen


def _take_over(engine: Engine, scopes: Sequence[str], seen: FrozenRouters) -> None:
    """Decide what the frozen have, when their leases have run out: it is suspected of their end."""
    wait_until(lambda: set(in_transaction(engine, lapsed_scopes)) >= set(scopes))
    Relay(engine, ringer=FakeRinger()).sweep()
    for scope in scopes:
        _route(engine, scope)
        seen.taken_over += _route(engine, f"{scope}/suspects")


def _route(engine: Engine, scope: str) -> int:
    limits = RoutingLimits(deterministic_seconds=1.0)
    report = route_pending(engine, scope=scope, now=NOW, dispatch=offer_jobs, limits=limits)
    return 0 if report is None else report.routed + report.no_route


def _written(engine: Engine) -> int:
    with unit_of_work(engine) as session:
        ((count,),) = rows(session, "SELECT (SELECT count(*) FROM routing_decisions) + (SELECT count(*) FROM jobs)")
    return int(str(count))


def _are_frozen(pid: int, count: int) -> bool:
    return _frozen(pid) == count


def _frozen(pid: int) -> int:
    states = [Path(f"/proc/{child}/stat").read_text(encoding="utf-8") for child in children_of(pid)]
    return sum(state.rpartition(")")[2].split()[0] == "T" for state in states)


def main(arguments: list[str]) -> int:
    """Print what became of the workers; 1 where one wrote what was no longer its own."""
    asked = dict(argument.split("=") for argument in arguments)
    times = int(asked.get("TIMES", 50))
    print(f"{os.cpu_count()} cores; Python {platform.python_version()}; {times:,} workers", flush=True)
    with embedded_servers(durable=True) as servers, TemporaryDirectory() as folder:
        urls = servers.postgres.create_database("frozen_routers")
        migrations.upgrade(urls.migration_url)
        with engine_for(urls.url, connections=4) as engine:
            seen = freeze_routers(engine, urls.url, times=times, log=Path(folder) / "log")
    for name, figure in asdict(seen).items():
        print(f"{name:>13}: {figure:,.1f}" if isinstance(figure, float) else f"{name:>13}: {figure:,}")
    whole = seen.frozen == seen.wrote_nothing == times and seen.taken_over == seen.lines
    return int(not whole or seen.stale_writes != 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
