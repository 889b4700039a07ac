import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import ProgrammingError
from sqlmodel import SQLModel

from fabroute import migrations
from fabroute.database import DatabaseMissing, create_database_engine
from fabroute.database.schema import SCHEMA_REVISION, SchemaNotCurrent, require_current_schema, serving_note
from fabroute.migrations import current_revision, head_revision
from tests.conftest import Database


def test_the_schema_goes_up_down_and_up_again(empty_database: Database) -> None:
    engine = create_database_engine(empty_database.migration_url)
    seen = []
    for step in ("up", "down", "up"):
        if step == "up":
            migrations.upgrade(empty_database.migration_url)
        else:
            migrations.downgrade(empty_database.migration_url, revision="base")
        seen.append((current_revision(engine), "order_lines" in inspect(engine).get_table_names()))

    assert head_revision() == SCHEMA_REVISION
    assert seen == [(head_revision(), True), (None, False), (head_revision(), True)]
    engine.dispose()


def test_the_migrations_make_exactly_the_tables_of_the_models(database: Database) -> None:
    command.check(migrations._config(database.migration_url))  # raises where a model and the schema differ

    engine = create_database_engine(database.url)
    assert set(inspect(engine).get_table_names()) == set(SQLModel.metadata.tables) | {"alembic_version"}
    assert len(SQLModel.metadata.tables) == 90
    engine.dispose()


def test_a_database_without_tables_says_how_to_make_them(empty_database: Database) -> None:
    engine = create_database_engine(empty_database.url)

    with pytest.raises(
        SchemaNotCurrent, match=r"at revision none, this version needs .*: run `fabroute migrate`"
    ) as refusal:
        require_current_schema(engine)

    assert refusal.value.status == 503
    engine.dispose()


@pytest.mark.parametrize("oldest_served", ["20990101_0001", None])
def test_a_database_of_a_later_version_is_refused(database: Database, oldest_served: str | None) -> None:
    engine = create_database_engine(database.migration_url)
    _say(engine, revision="20990101_0001", oldest_served=oldest_served)

    with pytest.raises(SchemaNotCurrent, match="is newer than this version: upgrade fabroute"):
        require_current_schema(engine)

    assert current_revision(engine) == "20990101_0001"
    engine.dispose()


@pytest.mark.parametrize("oldest_served", [SCHEMA_REVISION, "20261122_0001"])
def test_a_database_of_a_later_version_that_serves_this_one_is_taken(database: Database, oldest_served: str) -> None:
    engine = create_database_engine(database.migration_url)
    _say(engine, revision="20990101_0001", oldest_served=oldest_served)

    require_current_schema(engine)

    assert current_revision(engine) == "20990101_0001"
    engine.dispose()


def test_a_migrated_database_says_whom_it_serves(empty_database: Database) -> None:
    engine = create_database_engine(empty_database.migration_url)
    note = text("SELECT obj_description('alembic_version'::regclass)")
    seen = []
    for revision in ("20261123_0012", "20261123_0013"):
        migrations.upgrade(empty_database.migration_url, revision=revision)
        with engine.connect() as connection:
            seen.append(connection.execute(note).scalar_one())

    assert seen == [serving_note("20261123_0012"), serving_note("20261123_0012")]
    assert serving_note("20261123_0012") == "serves versions from 20261123_0012"
    engine.dispose()


def _say(engine: Engine, *, revision: str, oldest_served: str | None) -> None:
    note = "NULL" if oldest_served is None else f"'{serving_note(oldest_served)}'"
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
        connection.execute(text(f"COMMENT ON TABLE alembic_version IS {note}"))


def test_the_role_that_serves_requests_can_add_audit_entries_but_not_change_them(database: Database) -> None:
    engine = create_database_engine(database.url)
    insert = text(
        "INSERT INTO audit_entries (occurred_at, actor, action, subject_type, subject_id, data)"
        " VALUES (now(), 'a', 'b', 'c', 'd', '{}')"
    )
    with engine.begin() as connection:
        connection.execute(insert)

    for statement in ("UPDATE audit_entries SET actor = 'x'", "DELETE FROM audit_entries", "TRUNCATE audit_entries"):
        with pytest.raises(ProgrammingError, match="permission denied"), engine.begin() as connection:
            connection.execute(text(statement))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT actor FROM audit_entries")).scalars().all() == ["a"]
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (None, "no database: set FABROUTE_DATABASE_URL, e.g. postgresql"),
        ("nonsense", "is not a URL"),
        ("sqlite:///orders.db", "in PostgreSQL, not sqlite"),
    ],
)
def test_a_database_url_that_cannot_work_says_what_to_set(url: str | None, words: str) -> None:
    with pytest.raises(DatabaseMissing, match=words) as refusal:
        create_database_engine(url)

    assert refusal.value.code == "database_not_configured"
