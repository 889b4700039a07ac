"""How long a recall takes whose lot ten thousand jobs draw from, in all states, shipped and not.

``python -m tests.benchmarks.bench_recall [JOBS]``: real PostgreSQL from the wheel, one transaction, durable. Exits with
1 where the promise is broken: ten thousand jobs within ten seconds, all found, all unshipped ones back in routing.
"""

import os
import platform
import sys
import time

from sqlalchemy import Engine, event

from fabroute import migrations
from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.production.service.recall import RecallRequest, RecallView, recall_lots
from fabroute_embedded import embedded_servers
from tests.benchmarks.bench_files import processor
from tests.factories.databases import engine_for
from tests.factories.many_jobs import given_many_jobs
from tests.factories.organisations import NOW
from tests.factories.production import OPERATOR_KEY, Floor, given_floor

JOBS = 10_000
PROMISED_SECONDS = 10.0
_SHIPPED = (
    "UPDATE material_lots SET supplier_lot = 'L-2291'",
    "UPDATE jobs SET state = CASE substr(md5(id), 1, 1) WHEN 'a' THEN 'shipped' WHEN 'b' THEN 'delivered' END,"
    " good_prints = 1, shipped_at = accepted_at WHERE substr(md5(id), 1, 1) IN ('a', 'b')",
    "UPDATE jobs SET state = 'in_production', started_at = accepted_at WHERE substr(md5(id), 1, 1) IN ('c', 'd')",
    "INSERT INTO print_records (job_id, number, result, serial, note, reported_by, reported_at, scrap_reason)"
    " SELECT id, 1, 'good', 'SN-' || id, '', 'key_bureau', accepted_at, '' FROM jobs WHERE good_prints = 1",
    "ANALYZE print_records",
)


def main(jobs: int = JOBS) -> int:
    """Print the figures; return 1 where the promise is broken."""
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}")
    with embedded_servers(durable=True) as servers:
        urls = servers.postgres.create_database("bench")
        migrations.upgrade(urls.migration_url)
        with engine_for(urls.url, connections=4) as engine:
            floor = given_used_lot(engine, jobs)
            planned, dry_seconds, dry_statements = measured(floor, dry_run=True)
            done, seconds, statements = measured(floor, dry_run=False)
            broken = [it.invariant.name for it in check_invariants(engine) if it.broken and "lot" in it.invariant.name]
    counts = {outcome: sum(job.outcome == outcome for job in done.document.jobs) for outcome in ("rerouted", "shipped")}
    print(f"dry run: {len(planned.document.jobs):,} jobs found in {dry_seconds:.2f} s, {dry_statements} statements")
    print(
        f"recall: {counts['rerouted']:,} jobs back to routing, {counts['shipped']:,} shipped and told in {seconds:.2f} "
        f"s, {statements} statements (one transaction, durable)"
    )
    failed = sum(counts.values()) != jobs or seconds > PROMISED_SECONDS or bool(broken)
    print(f"promise broken {broken}" if failed else f"promised: {JOBS:,} jobs within {PROMISED_SECONDS:g} s")
    return int(failed)


def given_used_lot(engine: Engine, jobs: int) -> Floor:
    """Return a node with a lot from which so many jobs draw: a quarter shipped or in production."""
    floor = given_floor(engine)
    given_many_jobs(engine, floor.owner, jobs)
    with unit_of_work(engine) as session:
        for statement in _SHIPPED:
            session.connection().exec_driver_sql(statement)
    return floor


def measured(floor: Floor, *, dry_run: bool) -> tuple[RecallView, float, int]:
    """Recall the lot; return what was found, the seconds and the number of statements."""
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(floor.engine, "before_cursor_execute", count)
    request = RecallRequest(supplier_lot="L-2291", reason="contaminated", dry_run=dry_run)
    started, spent = time.perf_counter(), time.process_time()
    found = floor.do(lambda session: recall_lots(session, request=request, principal=OPERATOR_KEY, now=NOW))
    seconds = time.perf_counter() - started
    print(f"  {time.process_time() - spent:.2f} s of that are CPU of this process")
    event.remove(floor.engine, "before_cursor_execute", count)
    return found, seconds, len(statements)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
