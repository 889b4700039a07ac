"""Another objective over HTTP: refused where a price is agreed or a node works, with words that say what to do."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.conftest import Database
from tests.factories.api import Api, an_order, served_api
from tests.factories.api_policies import given_nodes, given_run
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner
from tests.factories.problems import Refusal, refusal_of
from tests.factories.routable import given_routable_network


@pytest.fixture
def api(database: Database, owner_in_template: Owner) -> Iterator[Api]:
    """The API with an owner, on no network yet."""
    with served_api(database.url, owner=owner_in_template, quote_snapshot_seconds=0) as served:
        yield served


def table(api: Api, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(api.engine, lambda session: rows(session, sql))


def test_an_order_with_an_agreed_price_keeps_its_objective(api: Api) -> None:
    given_routable_network(api.engine, nodes=(a_node(),), today=datetime.now(UTC).date())
    asked = {"part": "RL-0001", "ship_to": {"city": "Hamburg", "country": "DE"}}
    quote = api.client.post("/v1/quotes", json=asked).json()
    order = api.place(an_order(quote_id=quote["id"], lines=[{"part": "RL-0001", "quantity": 1}])).json()

    refused = api.client.post(f"/v1/orders/{order['id']}/objective", json={"objective": "fastest"})

    assert refusal_of(refused) == Refusal(status=409, code="objective_fixed", pointers=())
    assert refused.json()["detail"] == (
        f"order {order['id']} accepted quote {quote['id']}: its price and day are agreed, place another order"
    )
    assert table(api, "SELECT count(*) FROM reroutes") == [(0,)]


def test_an_order_that_is_being_printed_keeps_its_objective(api: Api) -> None:
    given_nodes(api)
    given_run(api, api.owner)
    ((order_id, job_id, node_id),) = table(api, "SELECT order_id, id, node_id FROM jobs")
    table(api, "UPDATE jobs SET state = 'in_production' RETURNING 1")

    refused = api.client.post(f"/v1/orders/{order_id}/objective", json={"objective": "fastest"})

    assert refusal_of(refused) == Refusal(status=409, code="objective_fixed", pointers=())
    assert refused.json()["detail"] == (
        f"node {node_id} works on order {order_id} already (job {job_id} is in production): it goes on as it is, or "
        "cancel it and place it again"
    )
    assert table(api, "SELECT objective FROM orders") == [("cheapest",)]
    assert table(api, "SELECT state FROM jobs") == [("in_production",)]
