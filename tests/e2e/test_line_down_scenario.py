"""Scenario S6, line down, over HTTP: sixty caps within twelve hours, split 54 to 6; what comes of the shares."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.production.service import accept_job, offer_jobs, take_back_job
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.conftest import Database
from tests.factories.api import Api, Json, served_api
from tests.factories.databases import in_transaction, rows
from tests.factories.line_down_database import CAP, FACTORY, SCOPE, given_line_down
from tests.factories.problems import messages_of, refusal_of
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY
from tests.factories.routing import MONDAY_MORNING

pytestmark = pytest.mark.timeout(600)

TWELVE_HOURS: Json = {"need_by": (MONDAY_MORNING + timedelta(hours=12)).isoformat()}
WAITING: Json = {"cost_of_waiting_per_hour": {"amount_minor": 200_000, "currency": "EUR"}}
TWO_NODES: Json = {"split": {"max_nodes": 2}}


@pytest.fixture
def factory(database: Database) -> Iterator[Api]:
    """The API of the factory on Monday morning, with nodes A and B in reach."""
    with time_machine.travel(MONDAY_MORNING, tick=False), served_api(database.url) as api:
        given_line_down(api.engine, organisation_id=api.owner.organisation_id)
        yield api


def caps(*wishes: Json, quantity: int = 60) -> Json:
    body: Json = {"objective": "cheapest", "ship_to": FACTORY, "lines": [{"part": CAP, "quantity": quantity}]}
    for wish in wishes:
        body |= wish
    return body


def routed(api: Api, body: Json, *, key: str = "key-1") -> dict[str, Any]:
    """Place an order, let a worker route what is due, and return the order as it is then."""
    placed = api.place(body, key=key)
    assert placed.status_code == 201, placed.text
    route(api)
    return read(api, placed.headers["Location"])


def route(api: Api) -> None:
    route_pending(
        api.engine,
        scope=SCOPE,
        now=MONDAY_MORNING,
        dispatch=offer_jobs,
        limits=RoutingLimits(deterministic_seconds=1.0),
    )


def read(api: Api, path: str) -> dict[str, Any]:
    found: dict[str, Any] = api.client.get(path).json()
    return found


def line_of(order: dict[str, Any]) -> dict[str, Any]:
    line: dict[str, Any] = order["lines"][0]
    return line


def pieces(order: dict[str, Any]) -> dict[str, int]:
    """Return how many caps each node makes."""
    made: Counter[str] = Counter()
    for job in line_of(order)["routing"]["jobs"]:
        made[job["node_id"]] += job["quantity"]
    return dict(made)


def held(api: Api) -> tuple[int, int]:
    """Return the grams and minutes that jobs hold."""
    ((grams, minutes),) = in_transaction(
        api.engine,
        lambda session: rows(
            session,
            "SELECT (SELECT coalesce(sum(grams), 0) FROM material_allocations WHERE released_at IS NULL),"
            " (SELECT coalesce(sum(minutes), 0) FROM capacity_allocations WHERE released_at IS NULL)",
        ),
    )
    return int(str(grams)), int(str(minutes))


def nothing_is_wrong(api: Api) -> bool:
    broken = {finding.invariant.name for finding in check_invariants(api.engine) if finding.broken}
    assert broken <= {"the outbox is being emptied", "an open line waits for something"}, broken
    return True


def accepted(api: Api, job_id: str) -> None:
    with unit_of_work(api.engine) as session:
        accept_job(session, principal=BUREAU_KEY, job_id=job_id, now=MONDAY_MORNING)


def taken_back(api: Api, job_id: str) -> None:
    with unit_of_work(api.engine) as session:
        take_back_job(session, principal=OPERATOR_KEY, job_id=job_id, reason="a printer broke", now=MONDAY_MORNING)


def test_sixty_caps_within_twelve_hours_are_split_54_to_6_for_899(factory: Api) -> None:
    order = routed(factory, caps(TWELVE_HOURS, TWO_NODES))
    routing = line_of(order)["routing"]

    assert order["state"] == "routed"
    assert order["split"] == {"max_nodes": 2, "min_per_node": 1}
    assert pieces(order) == {"A": 54, "B": 6}
    assert routing["landed"] == {"amount_minor": 89_900, "currency": "EUR"}
    assert datetime.fromisoformat(routing["promised_at"]) == MONDAY_MORNING + timedelta(hours=12)
    assert routing["why"].startswith("Peine 54 + Uelzen 6: 899.00 EUR")
    assert [(job["share_no"], job["machine_id"], job["quantity"], job["state"]) for job in routing["jobs"]] == [
        (0, "A-1", 18, "offered"),
        (1, "A-2", 18, "offered"),
        (2, "A-3", 18, "offered"),
        (3, "B-1", 6, "offered"),
    ]
    assert held(factory) == (600, 3 * 533 + 178)
    assert nothing_is_wrong(factory)


def test_with_a_cost_of_waiting_instead_42_and_18_are_ready_after_9_hours_20(factory: Api) -> None:
    order = routed(factory, caps(WAITING, TWO_NODES))
    routing = line_of(order)["routing"]
    (decision,) = read(factory, f"/v1/orders/{order['id']}/decision")["decisions"]

    assert order["cost_of_waiting_per_hour"] == {"amount_minor": 200_000, "currency": "EUR"}
    assert pieces(order) == {"A": 42, "B": 18}
    assert routing["landed"]["amount_minor"] == 94_700
    assert datetime.fromisoformat(routing["promised_at"]) == MONDAY_MORNING + timedelta(minutes=560)
    assert [(share["city"], share["quantity"]) for share in decision["chosen"]["shares"]] == [
        ("Peine", 14),
        ("Peine", 14),
        ("Peine", 14),
        ("Uelzen", 9),
        ("Uelzen", 9),
    ]
    assert sum(share["landed_minor"] for share in decision["chosen"]["shares"]) == 94_700


def test_without_leave_to_split_it_has_no_route_and_says_why(factory: Api) -> None:
    order = routed(factory, caps(TWELVE_HOURS))
    (decision,) = read(factory, f"/v1/orders/{order['id']}/decision")["decisions"]

    assert (order["state"], order["split"]) == ("no_route", None)
    assert decision["reasons"]["SPLIT_FORBIDDEN"] == 2
    assert line_of(order)["routing"]["jobs"] == []
    assert held(factory) == (0, 0)


def test_each_node_sees_its_shares_alone_with_their_pieces_and_price(factory: Api) -> None:
    order = routed(factory, caps(TWELVE_HOURS, TWO_NODES))
    queue = read(factory, "/v1/nodes/B/jobs")["data"]

    assert [(job["quantity"], job["price"]["amount_minor"], job["share_no"]) for job in queue] == [(6, 10_800, 3)]
    assert {job["order_line_id"] for job in queue} == {line_of(order)["id"]}
    assert len(read(factory, "/v1/nodes/A/jobs")["data"]) == 3


def test_a_cancelled_order_gives_all_shares_back(factory: Api) -> None:
    order = routed(factory, caps(TWELVE_HOURS, TWO_NODES))
    answer = factory.client.post(f"/v1/orders/{order['id']}/cancel")
    after = read(factory, f"/v1/orders/{order['id']}")

    assert answer.status_code == 200, answer.text
    assert (after["state"], line_of(after)["routing"]["jobs"]) == ("cancelled", [])
    assert held(factory) == (0, 0)
    assert nothing_is_wrong(factory)


def test_a_share_that_comes_back_is_routed_again_and_what_was_accepted_stays(factory: Api) -> None:
    order = routed(factory, caps(TWELVE_HOURS, TWO_NODES))
    first, second, third, far = line_of(order)["routing"]["jobs"]
    for job in (first, far):
        accepted(factory, job["job_id"])
    taken_back(factory, far["job_id"])
    between = read(factory, f"/v1/orders/{order['id']}")

    # Nobody has accepted the second and third share: they are planned anew with the six that came back.
    assert [job["job_id"] for job in line_of(between)["routing"]["jobs"]] == [first["job_id"]]
    assert (between["state"], line_of(between)["quantity"]) == ("pending", 60)
    assert held(factory) == (180, 533)
    assert nothing_is_wrong(factory)

    route(factory)
    after = read(factory, f"/v1/orders/{order['id']}")
    jobs = line_of(after)["routing"]["jobs"]
    assert after["state"] == "routed"
    assert sum(job["quantity"] for job in jobs) == 60
    assert (jobs[0]["job_id"], jobs[0]["state"]) == (first["job_id"], "accepted")
    assert [job["share_no"] for job in jobs] == list(range(len(jobs)))
    assert not {second["job_id"], third["job_id"], far["job_id"]} & {job["job_id"] for job in jobs}
    assert held(factory)[0] == 600
    assert nothing_is_wrong(factory)


@pytest.mark.parametrize(
    ("quantity", "split", "pointers", "said"),
    [
        (60, {"max_nodes": 0}, ("/split/max_nodes",), "must be at least 1"),
        (60, {"max_nodes": 1_000}, ("/split/max_nodes",), "must be at most 20"),
        (60, {"max_nodes": 2, "min_per_node": 0}, ("/split/min_per_node",), "must be at least 1"),
        (60, {"min_per_node": 2}, ("/split/max_nodes",), "is required"),
        (60, {"max_nodes": 2, "most": 3}, ("/split/most",), "is no field of this object: leave it out"),
        (60, {"max_nodes": 3, "min_per_node": 21}, ("",), "3 nodes with 21 pieces or more each need 63"),
        (1, {"max_nodes": 2}, ("",), "2 nodes with 1 pieces or more each need 2, the largest line has 1"),
    ],
)
def test_a_split_that_cannot_be_meant_is_refused(
    factory: Api, quantity: int, split: Json, pointers: tuple[str, ...], said: str
) -> None:
    response = factory.place(caps({"split": split}, quantity=quantity))

    assert (response.status_code, refusal_of(response).pointers) == (422, pointers)
    assert said in messages_of(response)[0]


def test_a_quote_is_not_split_and_waiting_costs_something_or_is_not_named(factory: Api) -> None:
    of_quote = factory.place(caps({"quote_id": "qte_1"}, TWO_NODES))
    for_nothing = factory.place(caps({"cost_of_waiting_per_hour": {"amount_minor": 0, "currency": "EUR"}}))

    assert (of_quote.status_code, refusal_of(of_quote).pointers) == (422, ("",))
    assert messages_of(of_quote)[0].startswith("accepts a quote, which one qualified machine makes by its date")
    assert refusal_of(for_nothing).pointers == ("/cost_of_waiting_per_hour/amount_minor",)


def test_one_node_with_several_machines_is_enough_for_a_single_piece_too(factory: Api) -> None:
    order = routed(factory, caps({"split": {"max_nodes": 1}}, TWELVE_HOURS, quantity=1))
    (job,) = line_of(order)["routing"]["jobs"]

    assert (job["node_id"], job["quantity"], job["share_no"]) == ("A", 1, 0)
    assert line_of(order)["routing"]["landed"]["amount_minor"] == 1_400
