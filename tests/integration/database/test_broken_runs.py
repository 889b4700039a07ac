"""The migration with which lines count broken runs, there and back with rows in it."""

from fabroute import migrations
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import given_orders, given_owner, make_order
from tests.factories.routable import given_routable_network

BEFORE, WITH = "20261123_0013", "20261123_0014"


def test_on_the_way_back_suspects_are_lines_like_any_other(database: Database) -> None:
    with engine_for(database.url) as engine:
        given_routable_network(engine)
        owner = given_owner(engine)
        given_orders(engine, *(make_order(owner, planning_scope=scope) for scope in ("metal/europe", "x/y/suspects")))
        scopes = "SELECT planning_scope FROM order_lines ORDER BY 1"
    migrations.downgrade(database.migration_url, revision=BEFORE)
    with engine_for(database.migration_url) as engine:
        assert in_transaction(engine, lambda session: rows(session, scopes)) == [("metal/europe",), ("x/y",)]
    migrations.upgrade(database.migration_url, revision=WITH)

    with engine_for(database.url) as engine:
        counted = in_transaction(engine, lambda session: rows(session, "SELECT broken_runs FROM order_lines"))
    assert counted == [(0,), (0,)]
