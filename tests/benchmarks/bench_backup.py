"""How long a backup and a restore take, and how large they are.

``python -m tests.benchmarks.bench_backup [JOBS] [FILES]``: real PostgreSQL from the wheel, durable; JOBS orders with a
job each, a hundred audit entries for each hundred of them, FILES files of 100 kB that no compression makes smaller.
"""

import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from fabroute import migrations
from fabroute.operations.backing_up import take_backup
from fabroute.operations.restoring import RestoreChoice, restore_backup
from fabroute.operations.verifying import verify_backup
from fabroute_embedded import embedded_servers
from tests.benchmarks.bench_files import processor
from tests.conftest import Database
from tests.factories.audit import given_log
from tests.factories.databases import engine_for
from tests.factories.installations import Place, place, quiet
from tests.factories.many_jobs import given_many_jobs
from tests.factories.production import given_floor

JOBS, FILES, FILE_BYTES = 10_000, 1_000, 100_000
_SEED = 8

Result = TypeVar("Result")


def main(jobs: int = JOBS, files: int = FILES) -> int:
    """Print the figures; return 1 where something is not whole."""
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}; seed {_SEED}")
    with embedded_servers(durable=True) as servers, tempfile.TemporaryDirectory() as folder:
        urls = {name: servers.postgres.create_database(name) for name in ("source", "target")}
        source, target = (
            place(Database(url=it.url, migration_url=it.migration_url), Path(folder) / name)
            for name, it in urls.items()
        )
        migrations.upgrade(source.database.migration_url)
        _fill(source, jobs=jobs, files=files)
        return _measure(source, target, Path(folder) / "backups")


def _fill(source: Place, *, jobs: int, files: int) -> None:
    chance = random.Random(_SEED)
    with engine_for(source.database.url) as engine:
        floor = given_floor(engine)
        given_many_jobs(engine, floor.owner, jobs)
        given_log(engine, entries=jobs)
    for _ in range(files):
        source.store.put(chance.randbytes(FILE_BYTES))
    source.make_keys()


def _measure(source: Place, target: Place, backups: Path) -> int:
    installation = source.installation()
    first = _timed("backup", lambda: take_backup(installation, backups, with_keys=True, progress=quiet))
    second = _timed("backup again", lambda: take_backup(installation, backups, with_keys=True, progress=quiet))
    problems = _timed("verify", lambda: verify_backup(backups, second, progress=quiet))
    done = _timed(
        "restore",
        lambda: restore_backup(target.installation(), backups, second, choice=RestoreChoice(), progress=quiet),
    )
    rows = sum(first.database.rows.values())
    dump = first.file("database.dump").bytes
    print(f"{rows:,} rows in {dump / 1e6:.1f} MB; {first.objects:,} files of {first.objects_bytes / 1e6:.0f} MB")
    return 0 if not problems and done.files_copied == first.objects else 1


def _timed(what: str, work: Callable[[], Result]) -> Result:
    started = time.perf_counter()
    done = work()
    print(f"{what}: {time.perf_counter() - started:.2f} s")
    return done


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
