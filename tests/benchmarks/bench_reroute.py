"""How long it takes to take thousands of jobs from their nodes, by cause, and to decide a closed node's lines again.

``python -m tests.benchmarks.bench_reroute [JOBS]``: real PostgreSQL from the wheel, durable. Exits with 1 where the
promise is broken: ten thousand jobs of a node that closes taken back within ten seconds, in one transaction.
"""

import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import date

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute import migrations
from fabroute.network.service import StatusChange
from fabroute.network.service.outages import CapacityCut, MachineChange
from fabroute.production.service.rerouting import outages
from fabroute.production.service.rerouting.outages import Outage
from fabroute.production.service.rerouting.reroute import Leaving, lock_for_reroute, reroute
from fabroute_embedded import embedded_servers
from fabroute_embedded.servers import EmbeddedServers
from tests.benchmarks.bench_files import processor
from tests.factories.databases import Result, engine_for
from tests.factories.many_jobs import given_many_jobs
from tests.factories.organisations import NOW
from tests.factories.production import Floor, given_floor
from tests.factories.rerouting import Works, given_works

JOBS = 10_000
LINES = 400
PROMISED_SECONDS = 10.0
DOWN = StatusChange(status="down", reason="fire", expected_version=None)
_DAY = date(2026, 6, 16)
CUT = CapacityCut(first_day=_DAY, last_day=_DAY, minutes_per_day=1_440, reason="shift cancelled")


def main(jobs: int = JOBS) -> int:
    """Print the figures; return 1 where the promise is broken."""
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}")
    with embedded_servers(durable=True) as servers:
        seconds = {name: _of_a_cause(servers, name, cause, jobs) for name, cause in CAUSES.items()}
        _closure_decided(servers, min(jobs, LINES))
    broken = seconds["node closed"] > PROMISED_SECONDS * jobs / JOBS + 1
    print("promise broken" if broken else f"promised: {JOBS:,} jobs of a closed node within {PROMISED_SECONDS:g} s")
    return int(broken)


def _node_closed(floor: Floor) -> Outage:
    return floor.do(
        lambda session: outages.close_node(session, node_id="N101", reason="insolvency", actor="key_1", now=NOW)
    )


def _node_down(floor: Floor) -> Outage:
    return floor.do(
        lambda session: outages.set_node_status(session, node_id="N101", change=DOWN, actor="key_1", now=NOW)
    )


def _machine_down(floor: Floor) -> Outage:
    change = MachineChange(status="down", reason="pump")
    return floor.do(
        lambda session: outages.set_machine_status(session, machine_id="N101-A", change=change, actor="key_1", now=NOW)
    )


def _cut_to_a_day(floor: Floor) -> Outage:
    return floor.do(lambda session: outages.cut_capacity(session, machine_id="N101-A", cut=CUT, actor="key_1", now=NOW))


def _declined(floor: Floor) -> Outage:
    leaving = Leaving(cause="declined", reason="capacity", actor="key_1", now=NOW, exclude=True)

    def decline(job_id: str) -> int:
        def leave(session: Session) -> int:
            locked = lock_for_reroute(session, [job_id])
            return len(reroute(session, [job.id for job in locked], leaving))

        return floor.do(leave)

    asked = [f"job_{number}" for number in range(1, 101)]
    return Outage(rerouted=tuple(job_id for job_id in asked if decline(job_id)))


CAUSES: dict[str, Callable[[Floor], Outage]] = {
    "node closed": _node_closed,
    "node down": _node_down,
    "machine down": _machine_down,
    "capacity cut": _cut_to_a_day,
    "declined, one by one": _declined,
}


def _of_a_cause(servers: EmbeddedServers, name: str, cause: Callable[[Floor], Outage], jobs: int) -> float:
    urls = servers.postgres.create_database(f"bench_{name.split()[0]}_{len(name)}".replace(",", ""))
    migrations.upgrade(urls.migration_url)
    with engine_for(urls.url, connections=4) as engine:
        floor = given_floor(engine)
        given_many_jobs(engine, floor.owner, jobs)
        outage, seconds = _timed(lambda: cause(floor))
    left = len(outage.rerouted)
    each = seconds / left * 1_000 if left else 0.0
    print(f"{name}: {left:,} of {jobs:,} jobs left their node in {seconds:.2f} s ({each:.2f} ms a job)")
    return seconds


def _closure_decided(servers: EmbeddedServers, lines: int) -> None:
    urls = servers.postgres.create_database("bench_decided")
    migrations.upgrade(urls.migration_url)
    with engine_for(urls.url, connections=4) as engine:
        works = given_works(engine, lot_grams=2_000_000)
        _roomy(engine)
        works.ordered(count=lines)
        while len(works.jobs()) < lines and works.route() is not None:
            continue
        outage, seconds = _timed(lambda: _node_closed(Floor(engine=engine, owner=works.owner)))
        _, again = _timed(lambda: _route_all(works))
        kept = works.table("SELECT outcome, count(*)::int FROM reroutes GROUP BY 1 ORDER BY 1")
        runs = works.table(
            "SELECT lines, both_landed_minor::int, baseline_both_landed_minor::int, gap FROM routing_runs"
            " ORDER BY started_at DESC, id DESC LIMIT 1"
        )
    print(f"closed with {lines:,} lines: {len(outage.rerouted):,} left in {seconds:.2f} s, decided in {again:.2f} s")
    print(f"  last run (lines, joint cents, one-by-one cents, gap): {runs}; promises: {kept}")


def _roomy(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE capacity_slots SET initial_minutes = 20000, remaining_minutes = 20000")


def _route_all(works: Works) -> int:
    runs = 0
    while works.route() is not None:
        runs += 1
    return runs


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    started = time.perf_counter()
    done = work()
    return done, time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
