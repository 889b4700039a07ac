"""Who looks for the few that are due walks an index, however much has piled up dead in it."""

from sqlalchemy import text

from fabroute.database import unit_of_work, walk_indexes
from tests.conftest import Database
from tests.factories.databases import engine_for

_DUE = text("EXPLAIN SELECT DISTINCT planning_scope FROM order_lines WHERE state IN ('pending', 'routing')")
_SETTINGS = text("SELECT current_setting('enable_bitmapscan'), current_setting('enable_seqscan')")


def test_what_is_due_is_found_along_its_index_and_only_in_this_transaction(database: Database) -> None:
    with engine_for(database.url) as engine:
        with unit_of_work(engine) as session:
            walk_indexes(session)
            plan = "\n".join(session.connection().execute(_DUE).scalars())
        with unit_of_work(engine) as session:
            after = session.connection().execute(_SETTINGS).one()

    assert "using ix_order_lines_open" in plan
    assert "Bitmap" not in plan
    assert tuple(after) == ("on", "on")
