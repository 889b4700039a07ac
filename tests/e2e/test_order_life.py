"""An order's life over HTTP against real processes, on the reference network."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from fabroute.cli.client import ApiClient, ApiRefusal
from fabroute.cli.follow import wait_for_order
from fabroute.cli.invariants import check_invariants
from fabroute.cli.mapping import OrderBody
from fabroute.cli.stack import Stack
from fabroute.database import create_database_engine
from fabroute.kernel.time import utc_now
from tests.factories.processes import wait_until

pytestmark = pytest.mark.timeout(600)

Place = Callable[[OrderBody], Any]


@pytest.fixture
def place(owner: ApiClient) -> Place:
    """Place an order and wait for its outcome."""

    def placed(body: OrderBody) -> Any:
        order = owner.place_order(body, idempotency_key=str(uuid.uuid4()))
        return wait_for_order(owner, order_id=str(order["id"]))

    return placed


def _order(part: str, *, quantity: int = 1, city: str = "Hamburg", country: str = "DE", **more: Any) -> OrderBody:
    return {"lines": [{"part": part, "quantity": quantity}], "ship_to": {"city": city, "country": country}, **more}


def _decision(owner: ApiClient, order: Any) -> Any:
    return owner.get(f"/v1/orders/{order['id']}/decision")["decisions"][-1]  # type: ignore[index]


def _nodes(operator: ApiClient) -> int:
    return sum(1 for _ in operator.pages("/v1/nodes"))


def test_a_routable_order_gets_a_node_a_price_a_date_and_a_job_in_that_node_s_queue(
    owner: ApiClient, operator: ApiClient, place: Place
) -> None:
    order = place(_order("AP-0101", quantity=3))

    (line,) = order["lines"]
    assert (order["state"], line["state"]) == ("routed", "routed")
    routing = line["routing"]
    assert routing["candidates"] + routing["excluded"] == _nodes(operator) >= 60
    assert len(routing["why"].encode()) <= 200
    (job,) = (
        job
        for job in operator.pages(f"/v1/nodes/{routing['node_id']}/jobs", state="offered")
        if job["order_id"] == order["id"]
    )
    assert (job["part"], job["quantity"], job["state"]) == ("AP-0101", 3, "offered")


def test_a_part_that_fits_no_machine_ends_without_a_route_and_every_node_says_why(
    owner: ApiClient, operator: ApiClient, place: Place
) -> None:
    order = place(_order("ZZ-0901"))
    decision = _decision(owner, order)

    assert (order["state"], decision["outcome"]) == ("no_route", "no_route")
    assert len(decision["exclusions"]) == _nodes(operator) >= 60
    assert all(node["reasons"] for node in decision["exclusions"])
    codes = {reason["code"] for node in decision["exclusions"] for reason in node["reasons"]}
    assert {"BUILD_VOLUME", "PROCESS_MATERIAL"} <= codes


def test_a_certificate_that_nobody_holds_excludes_every_capable_node(owner: ApiClient, place: Place) -> None:
    decision = _decision(owner, place(_order("ZZ-0902")))

    lacking = [
        node for node in decision["exclusions"] if any(r["code"] == "CERTIFICATE_MISSING" for r in node["reasons"])
    ]
    assert decision["outcome"] == "no_route"
    assert any("MDR-CLASS3" in reason["message"] for node in lacking for reason in node["reasons"])
    assert all(reason["figures"] for node in decision["exclusions"] for reason in node["reasons"])


def test_controlled_parts_never_leave_their_country(owner: ApiClient, place: Place) -> None:
    abroad = _decision(owner, place(_order("AE-0405", city="Paris", country="FR")))
    at_home = _decision(owner, place(_order("AE-0405", city="Austin", country="US")))

    assert abroad["outcome"] == "no_route"
    assert {"EXPORT_CONTROL"} <= {reason["code"] for node in abroad["exclusions"] for reason in node["reasons"]}
    assert {candidate["country"] for candidate in at_home["candidates"]} <= {"US"}


def test_the_fastest_promise_is_never_later_than_the_cheapest_and_never_cheaper(owner: ApiClient, place: Place) -> None:
    cheapest = place(_order("MA-0303", objective="cheapest"))["lines"][0]["routing"]
    fastest = place(_order("MA-0303", objective="fastest"))["lines"][0]["routing"]

    assert fastest["promised_at"] <= cheapest["promised_at"]
    assert fastest["landed"]["amount_minor"] >= cheapest["landed"]["amount_minor"]


def test_a_cancelled_order_gives_back_what_was_held_and_stays_cancelled(
    owner: ApiClient, operator: ApiClient, place: Place
) -> None:
    order = place(_order("FU-0201", quantity=8))
    node = order["lines"][0]["routing"]["node_id"]

    cancelled = owner.post(f"/v1/orders/{order['id']}/cancel")
    again = owner.post(f"/v1/orders/{order['id']}/cancel")

    assert cancelled["state"] == again["state"] == "cancelled"
    jobs = [job for job in operator.pages(f"/v1/nodes/{node}/jobs") if job["order_id"] == order["id"]]
    assert [job["state"] for job in jobs] == ["cancelled"]


def test_a_deadline_that_no_node_can_meet_is_told_with_the_earliest_arrival(owner: ApiClient, place: Place) -> None:
    tomorrow = (utc_now() + timedelta(hours=20)).isoformat()
    decision = _decision(owner, place(_order("RL-0003", quantity=20, need_by=tomorrow)))

    codes = {reason["code"] for node in decision["exclusions"] for reason in node["reasons"]}
    assert decision["outcome"] == "no_route"
    assert "NEED_BY" in codes


def _set_status(stack: Stack, node_id: str, status: str) -> None:
    headers = {"Authorization": f"Bearer {stack.operator_key}"}
    with httpx.Client(base_url=stack.url, headers=headers) as http:
        etag = http.get(f"/v1/nodes/{node_id}").headers["ETag"]
        change = {"status": status, "reason": "maintenance"}
        assert http.patch(f"/v1/nodes/{node_id}", json=change, headers={"If-Match": etag}).status_code == 200


def _wait_until_routed(owner: ApiClient, order_id: str) -> Any:
    wait_until(lambda: bool(owner.get(f"/v1/orders/{order_id}")["state"] == "routed"), every=0.2)
    return owner.get(f"/v1/orders/{order_id}")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"lines": [{"part": "XX-9999", "quantity": 1}]}, "/lines/0/part"),
        ({"lines": [{"part": "AP-0101", "quantity": 0}]}, "/lines/0/quantity"),
        ({"lines": [{"part": "AP-0101", "quantity": 10**9}]}, "/lines/0/quantity"),
        ({"need_by": "2020-01-01T00:00:00Z"}, "/need_by"),
        ({"ship_to": {"city": "Nowhere", "country": "XX"}}, "/ship_to/country"),
        ({"max_price": {"amount_minor": 100, "currency": "USD"}}, "/max_price/currency"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_bad_input_names_the_field_and_makes_no_order(owner: ApiClient, change: Any, pointer: str) -> None:
    before = owner.get("/v1/order-statistics")["states"]

    with pytest.raises(ApiRefusal) as refusal:
        owner.place_order(_order("AP-0101") | change, idempotency_key=str(uuid.uuid4()))

    assert refusal.value.status == 422
    assert refusal.value.message.startswith(f"{pointer}: ")
    assert owner.get("/v1/order-statistics")["states"] == before


def test_an_order_without_a_route_is_routed_when_a_node_comes_back(
    owner: ApiClient, operator: ApiClient, stack: Stack, place: Place
) -> None:
    able = [candidate["node_id"] for candidate in _decision(owner, place(_order("MA-0304")))["candidates"]]
    for node_id in able:
        _set_status(stack, node_id, "down")
    order = place(_order("MA-0304"))
    down = {
        node["node_id"]
        for node in _decision(owner, order)["exclusions"]
        if any(reason["code"] == "NODE_DOWN" for reason in node["reasons"])
    }

    for node_id in able:
        _set_status(stack, node_id, "up")
    routed = _wait_until_routed(owner, order["id"])

    assert (order["state"], down) == ("no_route", set(able))
    assert routed["lines"][0]["routing"]["node_id"] in able


def test_the_doctor_finds_nothing_after_all_this(stack: Stack) -> None:
    engine = create_database_engine(stack.environment["FABROUTE_DATABASE_URL"])
    broken = [finding.invariant.name for finding in check_invariants(engine) if finding.broken]
    engine.dispose()

    assert broken == []
    assert utc_now().tzinfo is not None
