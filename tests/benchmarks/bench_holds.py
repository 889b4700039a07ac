"""How long a revocation takes to hold all jobs that it touches, and how long they take to go back to routing.

``python -m tests.benchmarks.bench_holds [JOBS]``: real PostgreSQL from the wheel, one node, one certificate that every
job needs. Exits with 1 where the promise is broken: ten thousand jobs held within five seconds.
"""

import os
import platform
import sys
import time
from collections.abc import Callable

from fabroute import migrations
from fabroute.production.service import revoke_certificate, take_back_held
from fabroute_embedded import embedded_servers
from tests.benchmarks.bench_files import processor
from tests.factories.databases import engine_for
from tests.factories.many_jobs import given_many_jobs
from tests.factories.organisations import NOW
from tests.factories.production import CERTIFICATE, OPERATOR_KEY, Floor, given_floor

JOBS = 10_000
PROMISED_SECONDS = 5.0
BATCH = 1_000


def main(jobs: int = JOBS) -> int:
    """Print the figures; return 1 where the promise is broken."""
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}")
    with embedded_servers(durable=True) as servers:
        urls = servers.postgres.create_database("bench")
        migrations.upgrade(urls.migration_url)
        with engine_for(urls.url, connections=4) as engine:
            floor = given_floor(engine)
            given_many_jobs(engine, floor.owner, jobs)
            held, seconds = _timed(lambda: _revoke(floor))
            print(
                f"{held:,} of {jobs:,} open jobs held by one revocation in {seconds:.2f} s (one transaction, durable)"
            )
            taken, back = _timed(lambda: _take_all_back(floor))
            print(f"{taken:,} lines back to routing in {back:.2f} s, {BATCH:,} a transaction")
    broken = held != jobs or taken != jobs or seconds > PROMISED_SECONDS
    print("promise broken" if broken else f"promised: {JOBS:,} within {PROMISED_SECONDS:g} s")
    return int(broken)


def _timed(work: Callable[[], int]) -> tuple[int, float]:
    started = time.perf_counter()
    done = work()
    return done, time.perf_counter() - started


def _revoke(floor: Floor) -> int:
    return floor.do(
        lambda session: revoke_certificate(
            session, certificate_id=CERTIFICATE, reason="audit failed", principal=OPERATOR_KEY, now=NOW
        )
    ).held


def _take_all_back(floor: Floor) -> int:
    taken = 0
    while batch := floor.do(lambda session: take_back_held(session, limit=BATCH, now=NOW)):
        taken += batch
    return taken


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
