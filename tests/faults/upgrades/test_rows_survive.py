"""Up, down and up again with a row in every table: what a revision added is lost on the way down, and nothing else."""

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from fabroute import migrations
from fabroute.migrations import head_revision
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.every_table import insert_everything

STEPS = 3
"""So many of the newest migrations are looked at one by one; below them a long way is walked at once."""
OLDEST = "20261122_0007"
"""Those before it turn columns into others, as a tariff's price into bands, which made-up rows can't follow."""


def revisions() -> list[str]:
    """All revisions, the oldest first."""
    script = ScriptDirectory.from_config(migrations._config(""))
    return [it.revision for it in reversed(list(script.walk_revisions()))]


def columns(connection: Connection) -> set[tuple[str, str]]:
    query = text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
    return {(table, column) for table, column in connection.execute(query)}


def content(engine: Engine) -> dict[tuple[str, str], list[object]]:
    """Every column's values, as text, in the order of the rows' texts."""
    with engine.connect() as connection:
        return {
            (table, column): list(
                connection.execute(text(f'SELECT "{column}"::text FROM "{table}" ORDER BY 1')).scalars()
            )
            for table, column in sorted(columns(connection))
            if table != "alembic_version"
        }


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_step_down_and_up_loses_only_what_the_step_had_added(database: Database, step: int) -> None:
    above, below = revisions()[-step], revisions()[-step - 1]
    with engine_for(database.migration_url) as engine:
        with engine.begin() as connection:
            insert_everything(connection)
        if step > 1:
            migrations.downgrade(database.migration_url, revision=above)
        before = content(engine)
        migrations.downgrade(database.migration_url, revision=below)
        beneath = content(engine)
        migrations.upgrade(database.migration_url, revision=above)
        after = content(engine)

    assert {column: beneath[column] for column in beneath} == {column: before[column] for column in beneath}
    assert {column: after[column] for column in beneath} == beneath
    assert after.keys() == before.keys()


def test_a_long_way_down_and_up_keeps_what_every_revision_knew(database: Database) -> None:
    with engine_for(database.migration_url) as engine:
        with engine.begin() as connection:
            insert_everything(connection)
        before = content(engine)
        migrations.downgrade(database.migration_url, revision=OLDEST)
        oldest = content(engine)
        migrations.upgrade(database.migration_url)
        after = content(engine)

    known = before.keys() & oldest.keys()
    assert after.keys() == before.keys()
    changed = sorted({table for table, column in known if after[table, column] != before[table, column]})
    assert changed == []
    assert len({table for table, _ in known}) >= 30
    assert revisions()[-1] == head_revision()
