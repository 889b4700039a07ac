"""Numbered reports in every order: the same final state, and no illegal move.

``python -m tests.benchmarks.bench_reports [permutations] [seed]``: 5,000 by default. One job on real PostgreSQL is
brought back to where its client fetched the file, again and again; each time its reports come in another order, some of
them twice, in other requests. After each request the job may only have moved along its life.
"""

import random
import sys
import time
from collections import Counter

from sqlalchemy import Engine

from fabroute import migrations
from fabroute.production.service.leases import Lease
from fabroute.production.states import may_become
from fabroute_embedded import embedded_servers
from tests.factories.databases import engine_for
from tests.factories.phases import job_of, reported
from tests.factories.production import Floor, given_floor
from tests.factories.reports import EFFECTS, history_of, shuffled, what_came_of, worked_on

PERMUTATIONS, SEED = 5_000, 6
_BACK = (
    "DELETE FROM passports WHERE job_id = :it RETURNING job_id",
    "DELETE FROM print_records WHERE job_id = :it RETURNING job_id",
    "DELETE FROM job_reports WHERE job_id = :it RETURNING job_id",
    "UPDATE jobs SET state = 'accepted', started_at = NULL, good_prints = 0, failed_prints = 0, version = :version,"
    " lease_until = clock_timestamp() + interval '1 day' WHERE id = :it RETURNING id",
)


def run(engine: Engine, *, permutations: int, seed: int) -> tuple[Counter[tuple[object, ...]], int, int]:
    """Return how often which final state was reached, how many illegal moves there were, and how many requests."""
    floor, draw = given_floor(engine), random.Random(seed)
    job_id = floor.offered(3)[0].job_id
    lease, version = worked_on(floor, job_id), job_of(floor, job_id).version
    ends, illegal, requests = Counter[tuple[object, ...]](), 0, 0
    for _ in range(permutations):
        ((last,),) = floor.table("SELECT coalesce(max(id), 0) FROM outbox_events")
        moves = _live(floor, job_id, lease, draw)
        requests += len(moves)
        illegal += sum(here != there and not may_become(present=here, wanted=there) for here, there in moves)
        illegal += history_of(floor, job_id, after=int(str(last))) != EFFECTS
        ends[what_came_of(floor, job_id)] += 1
        _bring_back(floor, job_id, version)
    return ends, illegal, requests


def _live(floor: Floor, job_id: str, lease: Lease, draw: random.Random) -> list[tuple[str, str]]:
    """Send a permutation, request by request; return the states before and after each."""
    moves, here = [], "accepted"
    for request in shuffled(draw):
        there = reported(floor, job_id, *request, lease=lease).job.state
        moves.append((here, there))
        here = there
    return moves


def _bring_back(floor: Floor, job_id: str, version: int) -> None:
    for statement in _BACK:
        values = {"version": version} if ":version" in statement else {}
        floor.table(statement, it=job_id, **values)


def main(arguments: list[str]) -> int:
    """Run the permutations and print what came of them; 1 unless all ended alike, without an illegal move."""
    permutations = int(arguments[0]) if arguments else PERMUTATIONS
    seed = int(arguments[1]) if len(arguments) > 1 else SEED
    with embedded_servers() as servers:
        urls = servers.postgres.create_database("reports")
        migrations.upgrade(urls.migration_url)
        started = time.monotonic()
        with engine_for(urls.url) as engine:
            ends, illegal, requests = run(engine, permutations=permutations, seed=seed)
    seconds = time.monotonic() - started
    print(
        f"{permutations:,} permutations in {requests:,} requests: {len(ends)} final state(s), {illegal} illegal moves"
    )
    print(f"{seconds:.0f} s, {1_000 * seconds / max(1, requests):.1f} ms a request")
    return 0 if len(ends) == 1 and not illegal else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
