"""Servers that answer, and can't be worked with all the same."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

HOURS_AHEAD = (
    "CREATE SCHEMA ahead",
    "CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE"
    " AS $$ SELECT pg_catalog.clock_timestamp() + interval '{seconds} seconds' $$",
    "GRANT USAGE ON SCHEMA ahead TO PUBLIC",
    "ALTER DATABASE {name} SET search_path = public, ahead, pg_catalog",
)


def as_superuser(url: str, *statements: str) -> None:
    """Do something in a test's database that its own roles may not."""
    parsed = make_url(url)
    host = parsed.query["host"]
    with psycopg.connect(f"host={host} user=postgres dbname={parsed.database}", autocommit=True) as superuser:
        for statement in statements:
            superuser.execute(statement.format(name=parsed.database).encode())


def set_clock_ahead(url: str, *, seconds: int) -> None:
    """Have a database tell another time than this machine's."""
    as_superuser(url, *(statement.replace("{seconds}", str(seconds)) for statement in HOURS_AHEAD))


@contextmanager
def a_small_disk(folder: Path, *, kib: int) -> Iterator[Path]:
    """Yield a file system of its own of that size; skip the test where this user may mount none."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kib}k,mode=0777", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=True)


def fill(folder: Path, *, leave_kib: int = 0) -> None:
    """Write into a folder until its disk is full but for ``leave_kib``."""
    with (folder / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            filler.truncate(max(0, filler.tell() - leave_kib * 1024))
