"""``fabroute serve`` where something is wrong: a line that says what to do, and a code for whoever watches over it."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from fabroute.operations.starting import EXIT_MISCONFIGURED, EXIT_UNREACHABLE
from tests.conftest import Database
from tests.factories.bad_servers import as_superuser, set_clock_ahead
from tests.factories.processes import run_module

NOWHERE = "postgresql://app_rw:zq-pa55word@127.0.0.1:9/fabroute"


def served(tmp_path: Path, **settings: str) -> tuple[int, str]:
    """Return the code and the words of a ``fabroute serve`` that does not get to serve."""
    files = (tmp_path / "files").as_uri()
    environment = {"FABROUTE_PROFILE": "embedded", "FABROUTE_STORAGE_URL": files, "FABROUTE_AUDIT_ROOTS_URL": files}
    done = run_module("fabroute.cli", "serve", environment=environment | settings)
    assert "Traceback" not in done.stderr
    assert "pa55word" not in done.stderr
    return done.returncode, " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("", EXIT_MISCONFIGURED, "no database: set FABROUTE_DATABASE_URL"),
        ("mysql://db/fabroute", EXIT_MISCONFIGURED, "keeps its record in PostgreSQL, not mysql"),
        ("no address", EXIT_MISCONFIGURED, "FABROUTE_DATABASE_URL is not a URL; it looks like postgresql+psycopg://"),
        (NOWHERE, EXIT_UNREACHABLE, "PostgreSQL does not answer (connection failed"),
        ("postgresql://a@no-such-host.invalid/b", EXIT_UNREACHABLE, "correct the host in FABROUTE_DATABASE_URL"),
    ],
)
def test_a_wrong_address_of_the_database_is_told_with_what_to_set(
    tmp_path: Path, url: str, code: int, words: str
) -> None:
    found, told = served(tmp_path, FABROUTE_DATABASE_URL=url)

    assert found == code
    assert words in told


@pytest.mark.slow
def test_whatever_keeps_a_database_from_being_served_is_told_one_by_one(tmp_path: Path, database: Database) -> None:
    unknown = database.url.replace("app_rw@", "stranger@")
    absent = make_url(database.url).set(database="absent").render_as_string(hide_password=False)
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")

    role = served(tmp_path, FABROUTE_DATABASE_URL=unknown)
    name = served(tmp_path, FABROUTE_DATABASE_URL=absent)
    store = served(tmp_path, FABROUTE_DATABASE_URL=database.url, FABROUTE_STORAGE_URL=(blocked / "files").as_uri())
    as_superuser(database.url, "REVOKE INSERT ON orders FROM app_rw")
    rights = served(tmp_path, FABROUTE_DATABASE_URL=database.url)
    set_clock_ahead(database.url, seconds=3600)
    clock = served(tmp_path, FABROUTE_DATABASE_URL=database.url)

    assert [code for code, _ in (role, name, store, rights, clock)] == [75, 75, 78, 78, 75]
    assert 'role "stranger" does not exist): make that database or role (infra/database/roles.sql)' in role[1]
    assert 'database "absent" does not exist): make that database or role' in name[1]
    assert f"{blocked}/files (FABROUTE_STORAGE_URL) can't be written by user" in store[1]
    assert "may not read and write orders: as the tables' owner GRANT" in rights[1]
    assert "this machine's clock is 3600 seconds behind the database's: let both keep time by NTP" in clock[1]


@pytest.mark.slow
def test_a_database_of_another_version_is_refused_by_serve(tmp_path: Path, empty_database: Database) -> None:
    older = served(tmp_path, FABROUTE_DATABASE_URL=empty_database.url)
    as_superuser(
        empty_database.url,
        "CREATE TABLE alembic_version (version_num varchar PRIMARY KEY)",
        "INSERT INTO alembic_version VALUES ('20990101_0001')",
        "GRANT SELECT ON alembic_version TO app_rw",
    )
    newer = served(tmp_path, FABROUTE_DATABASE_URL=empty_database.url)

    assert (older[0], newer[0]) == (EXIT_MISCONFIGURED, EXIT_MISCONFIGURED)
    assert "is at revision none, this version needs" in older[1]
    assert "run `fabroute migrate`" in older[1]
    assert "20990101_0001, is newer than this version: upgrade fabroute" in newer[1]
