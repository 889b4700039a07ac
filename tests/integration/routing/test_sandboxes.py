"""Sandboxes beside the real network: routing takes each line to its own world, and tells owners of nobody else's."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from fabroute.kernel.time import utc_now
from fabroute.settings import Settings
from fabroute_workers.work import drain
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import given_orders, given_owner, make_order
from tests.factories.routable import given_routable_network

_MOVED = (
    "INSERT INTO organisations (id, name, kind, created_at) VALUES ('org_sandbox_1_bureau', 'Try', 'bureau', now());"
    " UPDATE nodes SET organisation_id = 'org_sandbox_1_bureau' WHERE id = 'N102'"
)
_OWNED = (
    "INSERT INTO organisations (id, name, kind, created_at) VALUES ('org_sandbox_1', 'Try', 'owner', now());"
    " UPDATE parts SET organisation_id = 'org_sandbox_1'"
)
_DECIDED = (
    "SELECT outcome, node_id, ARRAY(SELECT each ->> 'node_id' FROM jsonb_array_elements(document -> 'exclusions') each"
    " ORDER BY 1) FROM routing_decisions ORDER BY id"
)


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """Two nodes that can make the owner's part; the nearer one, N102, is in a sandbox."""
    with engine_for(database.url) as engine:
        near = a_node(node_id="N102", city="Hamburg", latitude=53.5507, longitude=9.993)
        given_routable_network(engine, nodes=(a_node(), near), today=utc_now().date())
        with engine.begin() as connection:
            connection.exec_driver_sql(_MOVED)
        yield engine


def decided(engine: Engine, *, in_sandbox: bool) -> list[tuple[object, ...]]:
    """Outcome, node and excluded nodes of an order, in the sandbox or not."""
    owner = given_owner(engine)
    if in_sandbox:
        with engine.begin() as connection:
            connection.exec_driver_sql(_OWNED)
        owner = replace(owner, organisation_id="org_sandbox_1")
    given_orders(engine, make_order(owner, placed_at=utc_now()))
    drain(engine, Settings(routing_deterministic_seconds=1.0), scope="global")
    return in_transaction(engine, lambda session: rows(session, _DECIDED))


def test_a_real_line_passes_a_nearer_node_of_a_sandbox_and_does_not_mention_it(engine: Engine) -> None:
    assert decided(engine, in_sandbox=False) == [("routed", "N101", [])]


def test_a_line_of_a_sandbox_goes_to_its_own_node_and_says_why_not_to_a_real_one(engine: Engine) -> None:
    assert decided(engine, in_sandbox=True) == [("routed", "N102", ["N101"])]
    codes = (
        "SELECT reason ->> 'code' FROM routing_decisions, jsonb_array_elements(document -> 'exclusions') each,"
        " jsonb_array_elements(each -> 'reasons') reason"
    )
    assert in_transaction(engine, lambda session: rows(session, codes)) == [("SANDBOX",)]
