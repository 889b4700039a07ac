"""A sandbox: an integrator orders over HTTP, nodes answer by themselves, nothing touches the real world."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import QueuePool

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service import create_organisation, issue_api_key
from fabroute.kernel.time import utc_now
from fabroute.sandbox.rules import Answer
from fabroute.sandbox.service import Sandbox
from fabroute.webhooks.service.sequencing import sequence_events
from fabroute_workers.work import watch
from tests.factories.api import Api, an_order
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_node
from tests.factories.organisations import NOW
from tests.factories.problems import Refusal, refusal_of
from tests.factories.routable import given_routable_network
from tests.factories.sandbox import a_round, given_sandbox, played, told_of
from tests.fakes.print_file_store import FakePrintFileStore

PARTS = ["FU-0202", "RL-0003", "RL-0006"]
MAKING = ["accept", "accept", "start", "print", "inspect", "pack", "hand_over", "travel", "deliver"]
"""An order without a hitch: the job is claimed, then accepted, and so on."""


@pytest.fixture(scope="module")
def sandbox(standing_api: Api) -> Sandbox:
    """A sandbox beside the owner of the API and a real network of one node, which makes the same part's material."""
    opened = given_sandbox(standing_api.engine)
    given_routable_network(standing_api.engine, nodes=(a_node(),), today=utc_now().date())
    return opened


@pytest.fixture
def client(standing_api: Api, sandbox: Sandbox) -> Iterator[httpx.Client]:
    """A client with the key of the sandbox."""
    with standing_api.as_(sandbox.key.token) as client:
        yield client


@pytest.fixture
def held(standing_api: Api) -> Iterator[list[int]]:
    """How many connections requests held whenever a file came into the store."""
    pool, found = standing_api.resources.tenants.pool, list[int]()
    assert isinstance(pool, QueuePool)
    count = pool.checkedout

    class Watched(FakePrintFileStore):
        """Notes it."""

        def put(self, content: bytes) -> str:
            found.append(count())
            return super().put(content)

    standing_api.app.state.resources = replace(standing_api.resources, store=Watched())
    yield found
    standing_api.app.state.resources = standing_api.resources


def placed(client: httpx.Client, reference: str, *, quantity: int = 2) -> str:
    """Place an order in the sandbox; return its id."""
    body = an_order(lines=[{"part": "SBX-CLIP", "quantity": quantity}], reference=reference)
    answer = client.post("/v1/orders", json=body, headers={"Idempotency-Key": reference})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def steps_of(api: Api) -> list[str]:
    """Let the sandbox play until nothing is due; return the steps, none of which was refused."""
    done = played(api.engine)
    assert [it.refusal for it in done if it.refusal] == []
    return [it.step for it in done]


def nodes_of(api: Api, order_id: str) -> list[tuple[object, object]]:
    """The nodes that had an order's jobs, and what became of each, in order."""
    query = "SELECT right(node_id, 1), state FROM jobs WHERE order_id = :it ORDER BY id"
    return [(node, state) for node, state in in_transaction(api.engine, lambda it: rows(it, query, it=order_id))]


def test_an_order_lives_its_whole_life(standing_api: Api, client: httpx.Client) -> None:
    order_id = placed(client, "PO-1")

    assert steps_of(standing_api) == MAKING
    assert [name for name in told_of(standing_api.engine, order_id) if name.startswith(("order", "job"))] == [
        *("order.placed", "job.offered", "order.routed", "job.claimed", "job.accepted", "job.file_released"),
        *("job.started", "job.print_reported", "job.print_reported"),
        *("job.inspection_reported", "job.inspected", "job.shipped", "job.delivered"),
    ]
    assert [state for _, state in nodes_of(standing_api, order_id)] == ["delivered"]


@pytest.mark.parametrize(
    ("answer", "steps", "ended"),
    [
        ("decline", ["decline", *MAKING], "declined"),
        ("print_fails", ["accept", "accept", "start", "print_badly", "give_up", *MAKING], "failed"),
    ],
)
def test_what_one_node_will_not_make_the_other_makes(
    standing_api: Api, client: httpx.Client, answer: Answer, steps: list[str], ended: str
) -> None:
    order_id = placed(client, f"PO {answer}")

    assert steps_of(standing_api) == steps
    first, second = nodes_of(standing_api, order_id)
    assert (first[1], second[1]) == (ended, "delivered")
    assert {first[0], second[0]} == {"a", "b"}


def test_a_counter_offer_waits_for_the_owner(standing_api: Api, client: httpx.Client) -> None:
    order_id = placed(client, "PO counter")
    before = steps_of(standing_api)
    (counter,) = client.get("/v1/counter-offers", params={"state": "open"}).json()["data"]
    decided = client.post(f"/v1/counter-offers/{counter['id']}/decision", json={"decision": "accept"})

    assert decided.status_code == 200, decided.text
    assert before == ["counter"]
    assert counter["price"]["amount_minor"] == round(counter["offered_price"]["amount_minor"] * 1.1)
    assert steps_of(standing_api) == MAKING[2:]
    assert [state for _, state in nodes_of(standing_api, order_id)] == ["delivered"]


def test_a_silent_node_loses_its_offer_and_the_other_one_makes_it(standing_api: Api, client: httpx.Client) -> None:
    order_id = placed(client, "PO silent")
    silent = steps_of(standing_api)
    lapse(standing_api)

    assert silent == []
    assert steps_of(standing_api) == MAKING
    assert sorted(str(state) for _, state in nodes_of(standing_api, order_id)) == ["delivered", "lapsed"]


def test_a_late_parcel_is_told_of_before_it_arrives(standing_api: Api, client: httpx.Client) -> None:
    order_id = placed(client, "PO late")

    assert steps_of(standing_api)[-4:] == ["hand_over", "travel", "be_late", "deliver"]
    told = [name for name in told_of(standing_api.engine, order_id) if name.startswith("shipment")]
    assert told == ["shipment.handed_over", "shipment.exception", "shipment.delivered"]


def test_an_accepted_order_can_be_cancelled_and_the_node_agrees(standing_api: Api, client: httpx.Client) -> None:
    order_id = placed(client, "PO-2")
    begun = [step.step for _ in range(3) for step in a_round(standing_api.engine)[0]]
    cancelled = client.post(f"/v1/orders/{order_id}/cancel")

    assert begun == MAKING[:3]
    assert cancelled.status_code == 202, cancelled.text
    assert steps_of(standing_api) == ["stop"]
    assert [state for _, state in nodes_of(standing_api, order_id)] == ["cancelled"]


def lapse(api: Api) -> None:
    """Let the time of all offers be over, and have a worker look."""
    update = "UPDATE jobs SET offer_until = clock_timestamp() - interval '1 second' WHERE state = 'offered' RETURNING 1"
    in_transaction(api.engine, lambda session: rows(session, update))
    watch(api.engine)


def offered_by(quote: Any) -> set[str]:
    """The nodes of a quote's offers."""
    return {offer["node"]["node_id"] for it in quote["quantities"] for offer in it["offers"]}


def test_no_order_crosses_over(standing_api: Api, sandbox: Sandbox, client: httpx.Client) -> None:
    """A real part is never offered to a sandbox, nor the other way round: neither routed nor quoted."""
    quote = {"part": "SBX-CLIP", "ship_to": {"city": "Hamburg", "country": "DE"}}
    in_sandbox = client.post("/v1/quotes", json=quote).json()
    real = standing_api.client.post("/v1/quotes", json=quote | {"part": "RL-0001"}).json()

    assert offered_by(in_sandbox) <= set(sandbox.node_ids)
    assert offered_by(real) == {"N101"}
    assert sandbox.node_ids[0] not in str(real)
    assert {
        (node["node_id"], reason["code"])
        for it in in_sandbox["ruled_out"]
        for node in it["nodes"]
        for reason in it["reasons"]
    } >= {("N101", "SANDBOX")}


@pytest.mark.slow
def test_the_operator_opens_a_sandbox_with_parts_that_can_be_ordered_at_once(
    standing_api: Api, held: list[int]
) -> None:
    """With real print files, drawn and validated, while no connection waits for them."""
    with standing_api.as_(operator_token(standing_api)) as operator:
        opened = operator.post("/v1/sandboxes", json={"name": "Nordbahn, try-out"})
    with standing_api.as_(opened.json()["token"]) as client:
        parts = client.get("/v1/parts").json()["data"]
        body = an_order(lines=[{"part": "RL-0003", "quantity": 1}])
        order = client.post("/v1/orders", json=body, headers={"Idempotency-Key": "k"})

    assert (opened.status_code, order.status_code) == (201, 201), (opened.text, order.text)
    assert (len(held), set(held)) == (12, {0})
    assert sorted(part["part_no"] for part in parts) == sorted(opened.json()["parts"]) == PARTS
    assert steps_of(standing_api) == MAKING
    assert [state for _, state in nodes_of(standing_api, order.json()["id"])] == ["delivered"]


def test_nobody_else_sees_the_nodes_of_a_sandbox(standing_api: Api, sandbox: Sandbox, client: httpx.Client) -> None:
    (own, other) = sandbox.node_ids
    stranger = given_sandbox(standing_api.engine, name="Another")

    def seen_by(asking: httpx.Client) -> set[str]:
        return {node["id"] for node in asking.get("/v1/nodes", params={"limit": 200}).json()["data"]}

    with standing_api.as_(operator_token(standing_api)) as operator:
        assert seen_by(operator) >= {"N101", own, other, *stranger.node_ids}
    assert seen_by(standing_api.client) == {"N101"}
    assert seen_by(client) == {"N101", own, other}
    assert client.get(f"/v1/nodes/{own}").status_code == 200
    for asking, node_id in ((standing_api.client, own), (client, stranger.node_ids[0])):
        assert refusal_of(asking.get(f"/v1/nodes/{node_id}")) == Refusal(status=404, code="unknown_node")


def test_what_a_sandbox_is_told_says_that_it_is_of_a_sandbox(standing_api: Api, client: httpx.Client) -> None:
    order_id = placed(client, "PO-told")
    real_id = standing_api.place(key="told").json()["id"]
    sequence_events(standing_api.engine, now=utc_now())
    told = client.get("/v1/events", params={"subject": order_id}).json()["data"]
    real = standing_api.client.get("/v1/events", params={"subject": real_id}).json()["data"]

    assert [(it["type"], it["sandbox"]) for it in told] == [("order.placed", True)]
    assert [(it["type"], it["sandbox"]) for it in real] == [("order.placed", False)]
    assert client.get(f"/v1/events/{told[0]['id']}").json() == told[0]


def test_only_the_operator_opens_sandboxes(standing_api: Api) -> None:
    refused = standing_api.client.post("/v1/sandboxes", json={"name": "mine"})
    with standing_api.as_(operator_token(standing_api)) as operator:
        nameless = operator.post("/v1/sandboxes", json={"name": " "})

    assert refusal_of(refused) == Refusal(status=403, code="operator_only")
    assert nameless.status_code == 422


def operator_token(api: Api) -> str:
    """The key of the operator."""
    with unit_of_work(api.engine) as session:
        create_organisation(session, name="Operator", kind="operator", now=NOW, organisation_id="org_op")
        return issue_api_key(session, organisation_id="org_op", name="k", scopes=ALL_SCOPES, now=NOW).token
