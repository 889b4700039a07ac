"""How many audit entries are sealed in a second, and how long the verification of a hundred thousand takes.

``python -m tests.benchmarks.bench_audit [ENTRIES]``: real PostgreSQL from the wheel, durable; entries of fifty
organisations, with signed roots. Exits with 1 where the log isn't whole, or one edit isn't found.
"""

import os
import platform
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine, text

from fabroute import migrations
from fabroute.database import unit_of_work
from fabroute.identity.service.sealing import Verification, seal_audit_log, sealing_waits
from fabroute_embedded import embedded_servers
from tests.benchmarks.bench_files import processor
from tests.factories.audit import an_entry, given_entries, given_roots, verified
from tests.factories.databases import engine_for, in_transaction
from tests.fakes.audit_roots import FakeRootFolder

ENTRIES = 100_000
_ORGANISATIONS = 50
_AT_ONCE = 10_000

Result = TypeVar("Result")


def main(entries: int = ENTRIES) -> int:
    """Print the figures; return 1 where the log isn't whole or an edit isn't found."""
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}")
    with embedded_servers(durable=True) as servers:
        urls = servers.postgres.create_database("bench")
        migrations.upgrade(urls.migration_url)
        with engine_for(urls.migration_url, connections=4) as engine:
            return _measure(engine, entries)


def _measure(engine: Engine, entries: int) -> int:
    _, writing = timed(lambda: _write(engine, entries))
    print(f"written: {entries:,} entries, {entries / writing:,.0f} a second ({_AT_ONCE:,} by a statement)")
    sealed, seconds = timed(lambda: seal_audit_log(engine, seconds=3600.0, settling_seconds=0.0))
    print(f"sealed: {sealed:,} entries of {_ORGANISATIONS} organisations, {sealed / seconds:,.0f} a second")
    seal_audit_log(engine, seconds=3600.0, settling_seconds=0.0)
    _, idle = timed(lambda: in_transaction(engine, sealing_waits))
    print(f"asking whether something waits: {idle * 1e3:.1f} ms")
    folder = FakeRootFolder()
    roots, signing = timed(lambda: given_roots(engine, folder))
    print(f"roots: {roots} signed and exported in {signing * 1e3:.0f} ms")
    whole, seconds = timed(lambda: _verify(engine, folder))
    print(f"verified: {whole.entries:,} entries, {1e5 * seconds / whole.entries:.2f} s for each 100,000")
    with unit_of_work(engine) as session:
        session.connection().execute(text("UPDATE audit_entries SET actor = 'x' WHERE id = :id"), {"id": entries // 2})
    edited = _verify(engine, folder)
    failed = bool(whole.findings) or [it.entry_id for it in edited.findings] != [entries // 2]
    print("the log is not whole" if failed else "one edited entry was found, and no other")
    return int(failed)


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """Return what ``work`` returns, and how many seconds it took."""
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def _write(engine: Engine, entries: int) -> None:
    for first in range(0, entries, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, entries))
        given_entries(engine, [an_entry(number=it, organisation_id=f"org_{it % _ORGANISATIONS}") for it in numbers])


def _verify(engine: Engine, folder: FakeRootFolder) -> Verification:
    with unit_of_work(engine, repeatable_read=True) as session:
        return verified(session, folder=folder)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
