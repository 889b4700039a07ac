"""Orders that want their promise at once."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from fabroute.kernel.time import utc_now
from fabroute.production.service import offer_jobs
from fabroute.production.service.moving import MovableJobs
from fabroute.routing.service.improving import ImproveLimits, improve_promised
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.conftest import Database
from tests.factories.api import Api, Json, an_order, served_api
from tests.factories.concurrency import at_once
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner
from tests.factories.problems import refusal_of
from tests.factories.routable import given_free_minutes, given_routable_network, held_and_taken

NODES = (
    a_node(node_id="N101", city="Berlin", minimum_order_minor=0, labour_minor_per_hour=9_000),
    a_node(node_id="N102", city="Leipzig", minimum_order_minor=0, labour_minor_per_hour=1_500),
)
LIMITS = RoutingLimits(deterministic_seconds=1.0, wall_seconds=10.0)


@pytest.fixture
def api(database: Database, owner_in_template: Owner) -> Iterator[Api]:
    with served_api(database.url, owner=owner_in_template) as served:
        given_routable_network(served.engine, nodes=NODES, today=datetime.now(UTC).date())
        yield served


def now_please(**changes: object) -> Json:
    return an_order(promise="now", **changes)


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def nothing_is_wrong(engine: Engine) -> bool:
    broken = {finding.invariant.name for finding in check_invariants(engine) if finding.broken}
    held = in_transaction(engine, held_and_taken)
    assert (held["grams"], held["minutes"]) == (held["held_grams"], held["held_minutes"])
    return not broken


def test_the_answer_carries_price_arrival_node_job_and_why(api: Api) -> None:
    response = api.place(now_please())

    order = response.json()
    (line,) = order["lines"]
    assert (response.status_code, order["state"], line["state"]) == (201, "routed", "routed")
    assert (line["routing"]["node_id"], line["routing"]["city"], line["routing"]["job_state"]) == (
        "N102",
        "Leipzig",
        "offered",
    )
    assert line["promise"] == {"arrival": line["routing"]["promised_at"], "landed": line["routing"]["landed"]}
    assert line["routing"]["why"].startswith("Leipzig: ")
    assert nothing_is_wrong(api.engine)


def test_the_decision_is_kept_as_one_that_was_made_online(api: Api) -> None:
    order = api.place(now_please()).json()

    (decision,) = api.client.get(f"/v1/orders/{order['id']}/decision").json()["decisions"]
    assert decision["solver"]["engine"] == "online"
    assert table(api.engine, "SELECT kind, fence FROM routing_decisions") == [("online", 1)]
    assert table(api.engine, "SELECT kind, engine, lines, routed FROM routing_runs") == [("online", "online", 1, 1)]
    assert api.client.get(f"/v1/orders/{order['id']}").json() == order


def test_a_promise_that_got_better_shows_both_and_where_the_line_moved_from(api: Api) -> None:
    today = utc_now().date()
    given_free_minutes(api.engine, [0], machine_id="N102-A", today=today)
    before = api.place(now_please()).json()
    given_free_minutes(api.engine, [720] * 40, machine_id="N102-A", today=today)
    scope = str(table(api.engine, "SELECT planning_scope FROM order_lines")[0][0])
    improve_promised(
        api.engine, scope=scope, now=utc_now(), jobs=MovableJobs(), dispatch=offer_jobs, limits=ImproveLimits()
    )

    order = api.client.get(f"/v1/orders/{before['id']}").json()
    (was,), (line,) = before["lines"], order["lines"]
    assert (was["routing"]["node_id"], line["routing"]["node_id"]) == ("N101", "N102")
    assert line["promise"] == was["promise"]
    saved = was["routing"]["landed"]["amount_minor"] - line["routing"]["landed"]["amount_minor"]
    first, second = api.client.get(f"/v1/orders/{order['id']}/decision").json()["decisions"]
    assert (first["kind"], second["kind"], first["moved_from"]) == ("online", "improved", None)
    assert (second["moved_from"]["node_id"], second["moved_from"]["decision_id"]) == ("N101", first["id"])
    assert second["moved_from"]["saves"]["landed_minor"] == saved
    assert nothing_is_wrong(api.engine)


def test_an_order_without_the_wish_is_answered_as_before(api: Api) -> None:
    order = api.place().json()
    assert (order["state"], order["lines"][0]["routing"], order["lines"][0]["promise"]) == ("pending", None, None)
    assert table(api.engine, "SELECT count(*) FROM routing_decisions") == [(0,)]


def test_a_repeated_request_gets_the_same_bytes_and_places_one_order(api: Api) -> None:
    first, second = api.place(now_please()), api.place(now_please())
    assert second.content == first.content
    assert second.headers["Idempotency-Replayed"] == "true"
    assert table(api.engine, "SELECT count(*) FROM orders") == [(1,)]
    assert refusal_of(api.place()).code == "idempotency_key_reused"


def test_a_line_that_no_node_can_make_is_placed_and_says_why(api: Api) -> None:
    table(api.engine, "UPDATE nodes SET status = 'down' RETURNING 1")
    order = api.place(now_please()).json()
    (line,) = order["lines"]
    assert (order["state"], line["state"], line["state_reason"]) == ("no_route", "no_route", "NODE_DOWN")
    assert (line["routing"]["node_id"], line["routing"]["excluded"], line["promise"]) == (None, 2, None)
    (decision,) = api.client.get(f"/v1/orders/{order['id']}/decision").json()["decisions"]
    assert {exclusion["node_id"] for exclusion in decision["exclusions"]} == {"N101", "N102"}
    assert nothing_is_wrong(api.engine)


def test_a_line_for_which_nothing_is_left_is_pending_with_the_reason_and_decided_later(api: Api) -> None:
    today = utc_now().date()
    one = api.place(now_please()).json()
    ((minutes,),) = table(api.engine, "SELECT machine_minutes FROM jobs")
    api.client.post(f"/v1/orders/{one['id']}/cancel")
    given_free_minutes(api.engine, [0, 0, 0, 0, 0, 0, 0, int(str(minutes))], machine_id="N102-A", today=today)
    given_free_minutes(api.engine, [0], machine_id="N101-A", today=today)
    two = now_please(lines=[{"part": "RL-0001", "quantity": 1}, {"part": "RL-0001", "quantity": 1}])

    order = api.place(two, key="key-2").json()

    first, second = order["lines"]
    assert (order["state"], first["state"], second["state"]) == ("pending", "routed", "pending")
    assert f"N102-A lacks {minutes} minutes by " in second["state_reason"]
    assert (first["routing"]["node_id"], second["routing"]) == ("N102", None)
    scope = str(table(api.engine, "SELECT planning_scope FROM order_lines WHERE state = 'pending'")[0][0])
    assert table(api.engine, "SELECT data ->> 'scope' FROM outbox_events WHERE name = 'order.placed' ORDER BY id")[
        -1
    ] == (scope,)
    route_pending(api.engine, scope=scope, now=utc_now(), dispatch=offer_jobs, limits=LIMITS)
    assert table(api.engine, "SELECT state FROM order_lines ORDER BY id") == [
        ("cancelled",),
        ("routed",),
        ("no_route",),
    ]
    assert nothing_is_wrong(api.engine)


def test_an_order_that_may_be_split_is_pending_with_the_reason_and_decided_by_a_run(api: Api) -> None:
    order = api.place(now_please(split={"max_nodes": 2}, lines=[{"part": "RL-0001", "quantity": 2}])).json()

    (line,) = order["lines"]
    assert (order["state"], line["state"], line["routing"], line["promise"]) == ("pending", "pending", None, None)
    assert line["state_reason"] == "lines that may be split are decided together within seconds"
    scope = str(table(api.engine, "SELECT planning_scope FROM order_lines")[0][0])
    route_pending(api.engine, scope=scope, now=utc_now(), dispatch=offer_jobs, limits=LIMITS)
    assert table(api.engine, "SELECT kind, outcome FROM routing_decisions") == [("first", "routed")]
    assert nothing_is_wrong(api.engine)


def test_a_bad_wish_and_an_unknown_part_are_refused_as_ever(api: Api) -> None:
    assert refusal_of(api.place(an_order(promise="tomorrow"))).pointers == ("/promise",)
    unknown = now_please(lines=[{"part": "RL-9999", "quantity": 1}])
    assert refusal_of(api.place(unknown)).code == "unknown_part"
    assert table(api.engine, "SELECT count(*) FROM orders") == [(0,)]


def test_many_promises_at_once_never_give_the_same_minutes_twice(api: Api) -> None:
    one = api.place(now_please(), key="key-0").json()
    ((minutes,),) = table(api.engine, "SELECT machine_minutes FROM jobs")
    api.client.post(f"/v1/orders/{one['id']}/cancel")
    today, room = utc_now().date(), [0] * 7 + [5 * int(str(minutes))]
    given_free_minutes(api.engine, room, machine_id="N102-A", today=today)
    given_free_minutes(api.engine, [0], machine_id="N101-A", today=today)

    def place(number: int) -> str:
        return str(api.place(now_please(), key=f"key-{number}").json()["lines"][0]["state"])

    states = at_once(*[lambda number=number: place(number) for number in range(1, 13)])

    assert states.count("routed") == 5
    assert set(states) <= {"routed", "no_route", "pending"}
    assert table(api.engine, "SELECT count(*) FROM orders WHERE state <> 'cancelled'") == [(12,)]
    assert nothing_is_wrong(api.engine)
