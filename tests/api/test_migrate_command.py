"""``fabroute migrate``: what it can't do it says in a line, and several of it at once do the work once."""

import subprocess
import sys

import psycopg
import pytest
from sqlalchemy import make_url

from fabroute.database.schema import SCHEMA_REVISION
from fabroute.kernel.exit_codes import EXIT_MISCONFIGURED, EXIT_UNREACHABLE
from tests.conftest import Database
from tests.factories.bad_servers import as_superuser
from tests.factories.processes import PATIENCE_SECONDS, plain_environment, run_module

LATER = "20990101_0001"


def environment(database: Database, **more: str) -> dict[str, str]:
    return {
        "FABROUTE_PROFILE": "embedded",
        "FABROUTE_DATABASE_URL": database.url,
        "FABROUTE_MIGRATION_DATABASE_URL": database.migration_url,
        **more,
    }


def migrated(database: Database, **more: str) -> tuple[int, str, str]:
    """Return the code, what was printed, and what was told of a ``fabroute migrate``."""
    done = run_module("fabroute.cli", "migrate", environment=environment(database, **more))
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout.strip(), " ".join(done.stderr.split())


def of_a_later_version(url: str, *, serves: str) -> None:
    as_superuser(
        url,
        f"UPDATE alembic_version SET version_num = '{LATER}'",
        f"COMMENT ON TABLE alembic_version IS 'serves versions from {serves}'",
    )


@pytest.mark.slow
def test_tables_of_a_later_version_that_serve_this_one_are_left_as_they_are(database: Database) -> None:
    of_a_later_version(database.url, serves=SCHEMA_REVISION)
    code, printed, _ = migrated(database)

    assert code == 0
    assert printed.splitlines()[0] == f"schema: {LATER}, of a later version that serves this one, too: nothing to do"


@pytest.mark.slow
def test_tables_of_a_later_version_that_serve_this_one_no_more_are_refused_in_a_line(database: Database) -> None:
    of_a_later_version(database.url, serves=LATER)

    assert migrated(database) == (
        EXIT_MISCONFIGURED,
        "",
        f"fabroute: the database's schema, {LATER}, is newer than this version: upgrade fabroute",
    )


@pytest.mark.slow
def test_two_at_once_on_an_empty_database_migrate_it_once_and_make_one_key(empty_database: Database) -> None:
    command = [sys.executable, "-m", "fabroute.cli", "migrate"]
    both = [
        subprocess.Popen(
            command,
            env=plain_environment() | environment(empty_database),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for _ in range(2)
    ]
    told = [process.communicate(timeout=PATIENCE_SECONDS) for process in both]
    first, second = sorted((printed.splitlines() for printed, _ in told), key=len, reverse=True)

    assert [process.returncode for process in both] == [0, 0]
    assert first[0] == f"schema: empty → {SCHEMA_REVISION}"
    assert first[1].startswith("fr_test_")
    assert second == ["schema: current"]


@pytest.mark.slow
def test_who_may_not_migrate_is_told_who_may(database: Database, empty_database: Database) -> None:
    owned = migrated(database, FABROUTE_MIGRATION_DATABASE_URL=database.url)
    empty = migrated(empty_database, FABROUTE_MIGRATION_DATABASE_URL=empty_database.url)

    for code, printed, told in (owned, empty):
        assert (code, printed) == (EXIT_MISCONFIGURED, "")
        assert told == (
            "fabroute: the role app_rw does not own the tables, or may make none: set FABROUTE_MIGRATION_DATABASE_URL "
            "to a role that may (infra/database/roles.sql makes it: fabroute_owner)"
        )


@pytest.mark.slow
def test_a_database_without_the_roles_that_are_made_for_it_is_refused_in_a_line(empty_database: Database) -> None:
    as_superuser(
        empty_database.url,
        "ALTER DATABASE {name} OWNER TO postgres",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC, fabroute_owner",
    )

    code, _, told = migrated(empty_database)

    assert code == EXIT_MISCONFIGURED
    assert "infra/database/roles.sql" in told


@pytest.mark.slow
def test_a_lock_that_somebody_holds_is_told_as_one_and_may_be_tried_again(database: Database) -> None:
    as_superuser(database.url, "UPDATE alembic_version SET version_num = '20261123_0018'")
    folder = make_url(database.url).query["host"]
    name = make_url(database.url).database
    with psycopg.connect(f"host={folder} user=postgres dbname={name}") as other:
        other.execute("LOCK TABLE alembic_version IN EXCLUSIVE MODE")
        for table in ("orders", "order_lines", "jobs", "events", "audit_entries", "parts"):
            other.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE".encode())
        code, _, told = migrated(database)

    assert code == EXIT_UNREACHABLE
    assert "canceling statement due to lock timeout): another session holds a lock on it; try again in a while" in told
    assert "start it" not in told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"username": "stranger"}, EXIT_MISCONFIGURED, 'role "stranger" does not exist): make that database or role'),
        ({"database": "absent"}, EXIT_MISCONFIGURED, "or correct FABROUTE_MIGRATION_DATABASE_URL"),
        ({"query": {"host": "/nowhere"}}, EXIT_UNREACHABLE, "or point FABROUTE_MIGRATION_DATABASE_URL at one that"),
    ],
)
def test_a_wrong_address_names_the_setting_that_counts_for_migrations(
    database: Database, change: dict[str, str], code: int, words: str
) -> None:
    wrong = make_url(database.migration_url).set(**change).render_as_string(hide_password=False)  # type: ignore[arg-type]
    found, _, told = migrated(database, FABROUTE_MIGRATION_DATABASE_URL=wrong)

    assert found == code
    assert words in told
