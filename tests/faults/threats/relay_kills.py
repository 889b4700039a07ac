"""Orders whose relay is killed between their commit and its own: none may be lost, none routed twice."""

import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from sqlalchemy import Engine

from fabroute import migrations
from fabroute.production.service import offer_jobs
from fabroute.routing.service.run import RoutingLimits, route_pending
from fabroute_embedded import embedded_servers
from fabroute_workers.delivery import Relay
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.processes import plain_environment
from tests.factories.routable import given_routable_network
from tests.fakes.ringers import FakeRinger

SCOPE = "global"
_WAITING = "SELECT count(*) FROM outbox_events WHERE name = 'order.placed' AND published_at IS NULL"
_OUTCOMES = (
    "SELECT line.state, count(job.id) FROM order_lines line LEFT JOIN jobs job ON job.order_line_id = line.id"
    " AND job.state <> 'cancelled' GROUP BY line.id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayKills:
    """What became of orders, one before each kill."""

    killed: int
    """Relays that ended by SIGKILL."""
    heard: int
    """Those of them whose errand the broker had."""
    waiting: int
    """Orders of which nothing was published after all those kills."""
    published: int
    """Orders that one whole turn of a living relay published."""
    decided_once: int
    """Orders with an outcome, and no more than one job."""
    seconds: float
    """From the last kill until every order had an outcome."""


def kill_relays(engine: Engine, database_url: str, *, times: int, seed: int) -> RelayKills:
    """Place an order and kill the relay that would tell of it, ``times`` over; then let one live, and route."""
    given_routable_network(engine, lot_grams=10_000_000)
    owner, chance = given_owner(engine), random.Random(seed)
    ends = []
    with _nursery(database_url) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        for _ in range(times):
            given_orders(engine, make_order(owner, planning_scope=SCOPE))
            nursery.stdin.write(chance.choice(("before", "after")) + "\n")
            nursery.stdin.flush()
            ends.append(nursery.stdout.readline().split())
        nursery.stdin.close()
    last_kill = time.monotonic()
    waiting = _count(engine)
    ringer = FakeRinger()
    while Relay(engine, ringer=ringer).publish().sent:
        pass
    published = waiting - _count(engine)
    while route_pending(engine, scope=SCOPE, now=NOW, dispatch=offer_jobs, limits=RoutingLimits()) is not None:
        pass
    outcomes = in_transaction(engine, lambda session: rows(session, _OUTCOMES))
    return RelayKills(
        killed=sum(end == "9" for _, end in ends),
        heard=sum(heard != "-" for heard, _ in ends),
        waiting=waiting,
        published=published,
        decided_once=sum((state, jobs) in (("routed", 1), ("no_route", 0)) for state, jobs in outcomes),
        seconds=time.monotonic() - last_kill,
    )


@contextmanager
def _nursery(database_url: str) -> "Iterator[subprocess.Popen[str]]":
    """Yield the process that starts relays and tells how each ended."""
    environment = plain_environment() | {"FABROUTE_PROFILE": "embedded", "FABROUTE_DATABASE_URL": database_url}
    command = [sys.executable, "-m", "tests.fakes.dying_relay"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, encoding="utf-8") as process:
        yield process


def _count(engine: Engine) -> int:
    ((count,),) = in_transaction(engine, lambda session: rows(session, _WAITING))
    return int(str(count))


def main(arguments: list[str]) -> int:
    """Print what became of the orders; 1 where one was lost or decided twice."""
    asked = dict(argument.split("=") for argument in arguments)
    times, seed = int(asked.get("TIMES", 1_000)), int(asked.get("SEED", 7))
    print(f"{os.cpu_count()} cores; Python {platform.python_version()}; {times:,} relays, seed {seed}")
    with embedded_servers(durable=True) as servers:
        urls = servers.postgres.create_database("relay_kills")
        migrations.upgrade(urls.migration_url)
        with engine_for(urls.url, connections=4) as engine:
            seen = kill_relays(engine, urls.url, times=times, seed=seed)
    for name, figure in asdict(seen).items():
        print(f"{name:>13}: {figure:,.1f}" if isinstance(figure, float) else f"{name:>13}: {figure:,}")
    return int({seen.killed, seen.waiting, seen.published, seen.decided_once} != {times})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
