"""How much sooner two workers on two planning scopes are done than one worker that does both.

``python -m tests.benchmarks.bench_scopes LINES=150 RUNS=3``: real processes on real PostgreSQL from the wheel, the
reference network, two scopes with as much work each: orders of metal, and of polymer powder, to Europe. Every process
has imported everything and waits for the start, as workers do. Prints each ratio and their median; exits with 1 where
it is over 0.6. Only on a machine with two free cores do the figures mean anything.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from fabroute import migrations
from fabroute.database import unit_of_work
from fabroute.integrations.object_storage import open_print_file_store
from fabroute.integrations.reference import load_reference, reference_folder
from fabroute.integrations.validation.signing import open_signer
from fabroute.kernel.time import utc_now
from fabroute.network.service import read_network
from fabroute_embedded import EmbeddedServers, embedded_servers
from tests.benchmarks.bench_files import processor
from tests.factories.databases import engine_for
from tests.factories.processes import plain_environment
from tests.factories.scoped_orders import given_scoped_orders

SCOPES = ("metal/europe", "polymer_powder/europe")
AS_MUCH_WORK = (1.0, 1.3)
"""An order of metal takes about as long as 1.3 of polymer powder: it has fewer nodes, but they are contested."""
DETERMINISTIC_SECONDS = "0.5"
"""So that neither scope waits for the solver's limit, which is the same however many lines there are."""
PROMISED_RATIO = 0.6
_TEMPLATE = "bench_template"
_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many orders each scope has, how often it is measured, and how the orders are chosen."""

    lines: int = 150
    runs: int = 3
    seed: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How long it took until all lines had an outcome, and how many got a place."""

    seconds: float = 0.0
    busiest: float = 0.0
    """CPU seconds of the worker that has most to do: how long it takes where nobody else wants the cores."""
    routed: int
    deferred: int
    by_scope: str
    """Seconds of the runs of each scope, and of that to solve."""


def main(arguments: Sequence[str] = ()) -> int:
    """Print the ratios; return 1 where the promise is broken."""
    sizes = sizes_of(arguments)
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}; {sizes}")
    with embedded_servers(durable=True) as servers:
        _prepare(servers, sizes)
        ratios = [_ratio(servers, number) for number in range(1, sizes.runs + 1)]
    median = statistics.median(ratios)
    print(f"median of {len(ratios)} ratios: {median:.2f} (promised: at most {PROMISED_RATIO})")
    return int(median > PROMISED_RATIO)


def sizes_of(arguments: Sequence[str]) -> Sizes:
    """Return the sizes that ``LINES=150``-like arguments name, the usual ones for the others."""
    parser = argparse.ArgumentParser(prog="bench_scopes", description="Two workers on two scopes.")
    parser.add_argument("sizes", nargs="*", metavar="NAME=NUMBER", help="LINES, RUNS or SEED")
    named = dict(each.lower().split("=", 1) for each in parser.parse_args(list(arguments)).sizes)
    return Sizes(**{name: int(value) for name, value in named.items()})


def _prepare(servers: EmbeddedServers, sizes: Sizes) -> None:
    """Fill the database that each measurement gets a copy of."""
    urls, now = servers.postgres.create_database(_TEMPLATE), utc_now()
    migrations.upgrade(urls.migration_url)
    with tempfile.TemporaryDirectory() as folder, engine_for(urls.url, connections=4) as engine:
        began = time.process_time()
        load_reference(
            engine,
            folder=reference_folder(),
            store=open_print_file_store("memory://"),
            signer=open_signer(Path(folder) / "key.pem", create=True),
            as_of=now.date(),
            now=now,
        )
        print(f"the reference network is loaded in {time.process_time() - began:.2f} s of CPU")
        _read_network(engine, first_day=now.date())
        for scope, work in zip(SCOPES, AS_MUCH_WORK, strict=True):
            count = round(sizes.lines * work)
            placed = given_scoped_orders(engine, scope=scope, count=count, seed=sizes.seed, now=now)
            print(f"{placed} orders in {scope}")


def _read_network(engine: Engine, *, first_day: date) -> None:
    with unit_of_work(engine, repeatable_read=True) as session:
        for when in ("first", "again"):
            began = time.process_time()
            read_network(session, first_day=first_day, last_day=first_day + timedelta(days=44))
            print(f"the network is read {when} in {1000 * (time.process_time() - began):.0f} ms of CPU")


def _ratio(servers: EmbeddedServers, number: int) -> float:
    one = _measure(servers, f"one_{number}", [SCOPES])
    two = _measure(servers, f"two_{number}", [(scope,) for scope in SCOPES])
    ratio = two.seconds / one.seconds
    print(
        f"run {number}: one worker {one.seconds:.1f} s ({one.routed} routed), two workers {two.seconds:.1f} s "
        f"({two.routed} routed, {two.deferred} decided again): ratio {ratio:.2f}"
    )
    print(
        f"       CPU of the busier worker: {one.busiest:.1f} s and {two.busiest:.1f} s: {two.busiest / one.busiest:.2f}"
    )
    print(f"       one worker: {one.by_scope}; two workers: {two.by_scope}")
    return ratio


def _measure(servers: EmbeddedServers, name: str, shares: Sequence[Sequence[str]]) -> Measured:
    """Return how long workers take, one for each share of the scopes, on a fresh copy of the database."""
    urls = servers.postgres.create_database(name, template=_TEMPLATE)
    environment = {
        "FABROUTE_PROFILE": "embedded",
        "FABROUTE_DATABASE_URL": urls.url,
        "FABROUTE_ROUTING_DETERMINISTIC_SECONDS": DETERMINISTIC_SECONDS,
    }
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(share, environment)) for share in shares]
        for worker in workers:
            _read(worker, "ready")
        began = time.perf_counter()
        for worker in workers:
            _write(worker, "go")
        cpu = [float(_read(worker, "done")) for worker in workers]
        seconds = time.perf_counter() - began
    with engine_for(urls.url, connections=1) as engine:
        found = replace(_outcome(engine), seconds=seconds, busiest=max(cpu))
    servers.postgres.drop_database(name)
    return found


def _worker(scopes: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.scope_worker", *scopes],
        env=plain_environment() | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )


def _read(worker: subprocess.Popen[str], word: str) -> str:
    """Wait until a worker says a word, past what it logs; return what follows it."""
    deadline = time.monotonic() + _SECONDS
    while worker.stdout is not None and time.monotonic() < deadline:
        said = worker.stdout.readline()
        if said.split()[:1] == [word]:
            return said.removeprefix(word).strip()
        if not said:
            break
    raise RuntimeError(f"a worker ended or hung before it was {word}: exit code {worker.poll()}")


def _write(worker: subprocess.Popen[str], word: str) -> None:
    if worker.stdin is not None:
        worker.stdin.write(f"{word}\n")
        worker.stdin.flush()


def _outcome(engine: Engine) -> Measured:
    with unit_of_work(engine) as session:
        open_lines, routed, deferred = (
            session.connection()
            .execute(
                text(
                    "SELECT (SELECT count(*) FROM order_lines WHERE state IN ('pending', 'routing')),"
                    " (SELECT count(*) FROM order_lines WHERE state = 'routed'),"
                    " (SELECT coalesce(sum(deferred), 0) FROM routing_runs)"
                )
            )
            .one()
        )
        times = session.connection().execute(
            text("SELECT planning_scope, count(*), sum(wall_ms), sum(solve_ms) FROM routing_runs GROUP BY 1 ORDER BY 1")
        )
        by_scope = ", ".join(
            f"{scope} {wall / 1000:.1f} s in {runs} runs ({solve / 1000:.1f} to solve)"
            for scope, runs, wall, solve in times
        )
    if open_lines:
        raise RuntimeError(f"{open_lines} lines have no outcome")
    return Measured(routed=routed, deferred=deferred, by_scope=by_scope)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
