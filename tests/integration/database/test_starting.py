"""What a process is told by a database that it can't work with, asked of real ones."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url

from fabroute.database import create_database_engine
from fabroute.database.schema import SchemaNotCurrent
from fabroute.database.starting import (
    ClockOff,
    DatabaseFull,
    DatabaseUnfit,
    require_fit_database,
    require_migratable_database,
)
from fabroute_embedded import EmbeddedServers
from fabroute_embedded.accounts import give_to, server_account
from tests.conftest import Database
from tests.factories.bad_servers import a_small_disk, as_superuser, fill, set_clock_ahead
from tests.factories.databases import engine_for


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


def test_a_database_as_it_should_be_is_taken_without_a_word(engine: Engine) -> None:
    assert require_fit_database(engine, strict=True) == []


def test_tables_that_may_not_be_written_are_named_with_the_grant_that_is_missing(
    database: Database, engine: Engine
) -> None:
    as_superuser(
        database.url,
        "REVOKE DELETE ON orders FROM app_rw",
        "REVOKE ALL ON jobs FROM app_rw",
        "REVOKE UPDATE ON order_lines FROM app_rw",
        "REVOKE INSERT ON quotes FROM app_rw",
    )

    with pytest.raises(DatabaseUnfit) as refusal:
        require_fit_database(engine, strict=False)

    assert refusal.value.message.startswith(
        "the role app_rw of FABROUTE_DATABASE_URL may not read and write jobs, order_lines, orders and 1 more: as the "
        "tables' owner GRANT SELECT, INSERT, UPDATE, DELETE on them TO app_rw"
    )


def test_a_role_that_could_rewrite_the_audit_log_is_told_of(database: Database, engine: Engine) -> None:
    as_superuser(database.url, "GRANT UPDATE ON audit_entries TO app_rw")

    told = require_fit_database(engine, strict=True)

    assert [words.partition(":")[0] for words in told] == [
        "the role app_rw of FABROUTE_DATABASE_URL may change and delete entries of the audit log"
    ]


def test_a_role_that_no_policy_binds_is_refused_in_production_and_told_of_elsewhere(database: Database) -> None:
    superuser = make_url(database.url).set(username="postgres").render_as_string()
    with engine_for(superuser) as engine:
        told = require_fit_database(engine, strict=False)
        with pytest.raises(DatabaseUnfit) as refusal:
            require_fit_database(engine, strict=True)

    assert told == [refusal.value.message]
    assert told[0].startswith("the role postgres of FABROUTE_DATABASE_URL is a superuser or has BYPASSRLS")
    assert "infra/database/roles.sql" in told[0]


def test_a_database_without_its_extension_is_refused_before_migrations_and_before_work(database: Database) -> None:
    as_superuser(database.url, "DROP EXTENSION plpgsql CASCADE")

    with engine_for(database.url) as engine:
        for check in (lambda: require_fit_database(engine, strict=False), lambda: require_migratable_database(engine)):
            with pytest.raises(DatabaseUnfit, match="the extension plpgsql is missing") as refusal:
                check()
            assert "run CREATE EXTENSION plpgsql there as its owner, then fabroute migrate" in refusal.value.message


def test_a_standby_and_whatever_else_takes_no_changes_is_refused(database: Database) -> None:
    as_superuser(database.url, "ALTER DATABASE {name} SET default_transaction_read_only = on")

    with engine_for(database.url) as engine, pytest.raises(DatabaseUnfit, match="takes no changes") as refusal:
        require_fit_database(engine, strict=False)

    assert "target_session_attrs=read-write" in refusal.value.message


def test_a_database_that_can_not_write_the_worlds_names_is_refused(servers: EmbeddedServers) -> None:
    urls = servers.postgres.urls("plain_letters")
    as_superuser(
        servers.database_url,
        "CREATE DATABASE plain_letters ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0",
    )
    with engine_for(urls.url) as engine, pytest.raises(DatabaseUnfit, match="encoded in SQL_ASCII"):
        require_migratable_database(engine)
    servers.postgres.drop_database("plain_letters")


def test_a_clock_that_is_hours_off_is_refused_with_the_hours(database: Database) -> None:
    set_clock_ahead(database.url, seconds=3 * 3600)

    with engine_for(database.url) as engine, pytest.raises(ClockOff) as refusal:
        require_fit_database(engine, strict=False)

    assert refusal.value.message == (
        "this machine's clock is 10800 seconds behind the database's: let both keep time by NTP "
        "(timedatectl set-ntp true), then start again"
    )


def test_a_clock_that_is_half_a_minute_off_is_told_of(database: Database) -> None:
    set_clock_ahead(database.url, seconds=-30)

    with engine_for(database.url) as engine:
        told = require_fit_database(engine, strict=True)

    assert [words.partition(":")[0] for words in told] == ["this machine's clock is 30 seconds ahead of the database's"]


def test_tables_of_another_version_are_refused_with_the_command(empty_database: Database) -> None:
    with engine_for(empty_database.url) as engine, pytest.raises(SchemaNotCurrent, match="run `fabroute migrate`"):
        require_fit_database(engine, strict=True)


@pytest.fixture
def small_disk(servers: EmbeddedServers, database: Database) -> Iterator[Path]:
    """A disk of two megabytes on which the test's database puts what is temporary."""
    folder = servers.folder / "small"
    with a_small_disk(folder, kib=2048) as disk:
        space = disk / "space"
        space.mkdir(mode=0o700)
        give_to(server_account(), space)
        as_superuser(
            database.url,
            f"CREATE TABLESPACE small LOCATION '{space}'",
            "GRANT CREATE ON TABLESPACE small TO PUBLIC",
            "ALTER DATABASE {name} SET temp_tablespaces = small",
        )
        yield disk
        (disk / "filler").unlink(missing_ok=True)
        as_superuser(database.url, "DROP TABLESPACE small")
    shutil.rmtree(folder)


def test_a_full_disk_is_found_by_writing_to_it_and_nothing_stays_behind(database: Database, small_disk: Path) -> None:
    with engine_for(database.url) as engine:
        assert require_fit_database(engine, strict=True) == []
        fill(small_disk, leave_kib=100)
        with pytest.raises(DatabaseFull) as refusal:
            require_fit_database(engine, strict=True)

    assert refusal.value.message.startswith("the disk of PostgreSQL is full, no order can be kept: make room there")
    with engine_for(database.url) as engine:
        (small_disk / "filler").unlink()
        assert require_fit_database(engine, strict=True) == []


def test_a_role_that_may_make_no_temporary_tables_starts_all_the_same(database: Database) -> None:
    as_superuser(database.url, "REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")

    engine = create_database_engine(database.url)
    assert require_fit_database(engine, strict=True) == []
    engine.dispose()
