import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.network.service import read_network
from tests.factories.api import Api, an_order
from tests.factories.databases import in_transaction, rows
from tests.factories.decisions import CANDIDATE, EXCLUSION, OLD_CANDIDATE, given_outcomes
from tests.factories.network import TODAY, save_a_network
from tests.factories.production import given_routed_lines

MADE_BY_ONE = dict(CANDIDATE) | {"shares": []}


def given_network(engine: Engine) -> None:
    in_transaction(engine, save_a_network)


def test_pages_are_followed_by_cursor_or_by_link_and_hold_every_order_once(api: Api) -> None:
    placed = [api.place(key=str(number)).json()["id"] for number in range(5)]

    first = api.client.get("/v1/orders?limit=2")
    second = api.client.get(first.links["next"]["url"])
    third = api.client.get("/v1/orders", params={"limit": 2, "cursor": second.json()["next_cursor"]})

    pages = [response.json() for response in (first, second, third)]
    assert [order["id"] for page in pages for order in page["data"]] == sorted(placed, reverse=True)
    assert [page["has_more"] for page in pages] == [True, True, False]
    assert (pages[2]["next_cursor"], third.links) == (None, {})
    assert first.links["next"]["url"].startswith("http://fabroute/v1/orders?limit=2&cursor=")


def test_a_list_is_narrowed_by_state_batch_and_reference(api: Api) -> None:
    spring, autumn, other = (
        api.place(an_order(batch=batch, reference=reference), key=f"{batch}{reference}").json()["id"]
        for batch, reference in (("spring 1/2", "A"), ("autumn", "A"), ("autumn", "B"))
    )
    api.client.post(f"/v1/orders/{other}/cancel")

    def ids(**query: str) -> set[str]:
        return {order["id"] for order in api.client.get("/v1/orders", params=query).json()["data"]}

    assert ids(batch="spring 1/2") == {spring}
    assert ids(reference="A") == {spring, autumn}
    assert ids(batch="autumn", state="pending") == {autumn}
    assert ids(state="cancelled") == {other}
    assert ids(state="routed") == set()


def test_orders_are_counted(api: Api) -> None:
    for number in range(3):
        api.place(an_order(batch="spring"), key=str(number))
    api.place(key="alone")

    spring = api.client.get("/v1/order-statistics?batch=spring").json()
    everything = api.client.get("/v1/order-statistics").json()

    assert (spring["batch"], spring["orders"], spring["states"]["pending"]) == ("spring", 3, 3)
    assert (everything["batch"], everything["orders"]) == (None, 4)
    assert set(everything["states"]) == {"pending", "routed", "partly_routed", "no_route", "parked", "cancelled"}


def test_a_read_order_has_an_etag_that_changes_with_its_lines(api: Api) -> None:
    url = api.place().headers["Location"]
    first = api.client.get(url)
    unchanged = api.client.get(url, headers={"If-None-Match": f'"other", W/{first.headers["ETag"]}'})
    given_outcomes(api.engine)
    changed = api.client.get(url, headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "private, no-cache"
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["ETag"] == first.headers["ETag"]
    assert (changed.status_code, changed.json()["state"]) == (200, "routed")
    assert changed.headers["ETag"] != first.headers["ETag"]
    assert api.client.get(url, headers={"If-None-Match": "*"}).status_code == 304


def test_a_routed_line_shows_its_decision_in_short_in_the_order_and_in_lists(api: Api) -> None:
    url = api.place().headers["Location"]
    given_outcomes(api.engine)

    order = api.client.get(url).json()

    assert (order["state"], order["lines"][0]["state"], order["lines"][0]["state_reason"]) == ("routed", "routed", "")
    assert order["lines"][0]["routing"] == {
        "node_id": "N101",
        "city": "Berlin",
        "country": "DE",
        "landed": {"amount_minor": 4120, "currency": "EUR"},
        "promised_at": "2026-06-18T15:00:00Z",
        "co2e_g": 1840,
        "candidates": 1,
        "excluded": 1,
        "why": "N101 in Berlin is the cheapest of 1 node",
        "jobs": [],
        "job_id": None,
        "job_state": None,
        "held_reason": "",
    }
    assert api.client.get("/v1/orders").json()["data"] == [order]


def test_a_line_without_a_route_says_why_not(api: Api) -> None:
    url = api.place().headers["Location"]
    given_outcomes(api.engine, routed=False)

    order = api.client.get(url).json()

    (line,) = order["lines"]
    assert (order["state"], line["state"]) == ("no_route", "no_route")
    assert line["state_reason"] == "no node has a machine that is large enough"
    assert (line["routing"]["node_id"], line["routing"]["landed"], line["routing"]["excluded"]) == (None, None, 1)


@pytest.mark.parametrize("routed", [True, False])
def test_the_whole_decision_is_shown_with_candidates_and_exclusions(api: Api, routed: bool) -> None:
    order = api.place().json()
    (decision_id,) = given_outcomes(api.engine, routed=routed)

    response = api.client.get(f"/v1/orders/{order['id']}/decision")
    again = api.client.get(f"/v1/orders/{order['id']}/decision", headers={"If-None-Match": response.headers["ETag"]})

    (decision,) = response.json()["decisions"]
    assert (response.json()["order_id"], decision["id"]) == (order["id"], decision_id)
    assert (decision["line_id"], decision["objective"]) == (order["lines"][0]["id"], "cheapest")
    assert decision["outcome"] == ("routed" if routed else "no_route")
    assert decision["chosen"] == (MADE_BY_ONE if routed else None)
    assert decision["candidates"] == ([MADE_BY_ONE] if routed else [])
    assert decision["exclusions"] == [dict(EXCLUSION) | {"binding": None, "fix": None}]
    assert decision["explanation"] is None
    assert (decision["reasons"], decision["solver"]["gap"]) == ({"BUILD_VOLUME": 1}, 0.0)
    assert again.status_code == 304


def test_a_decision_of_before_carrier_and_window_were_kept_shows_them_as_null(api: Api) -> None:
    order_id = api.place().json()["id"]
    given_outcomes(api.engine, candidate=OLD_CANDIDATE)

    (decision,) = api.client.get(f"/v1/orders/{order_id}/decision").json()["decisions"]

    unknown = dict.fromkeys(("carrier", "earliest_at", "expected_at"))
    assert decision["chosen"] == dict(OLD_CANDIDATE) | unknown | {"shares": []}
    assert decision["candidates"] == [MADE_BY_ONE | unknown]


def test_an_order_that_is_not_decided_yet_has_no_decisions(api: Api) -> None:
    order_id = api.place().json()["id"]

    assert api.client.get(f"/v1/orders/{order_id}/decision").json() == {"order_id": order_id, "decisions": []}


def test_cancelling_gives_back_what_was_held_and_can_be_repeated(api: Api) -> None:
    given_network(api.engine)
    order_id = api.place().json()["id"]
    given_routed_lines(api.engine, grams=100, minutes=120)
    held = in_transaction(api.engine, lambda session: rows(session, "SELECT sum(remaining_grams) FROM material_lots"))

    cancelled = api.client.post(f"/v1/orders/{order_id}/cancel")
    again = api.client.post(f"/v1/orders/{order_id}/cancel")

    with unit_of_work(api.engine) as session:
        (lot,) = read_network(session, first_day=TODAY, last_day=TODAY).lots
        audited = rows(session, "SELECT actor FROM audit_entries WHERE action = 'order.cancelled'")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert {line["state"] for line in cancelled.json()["lines"]} == {"cancelled"}
    assert again.json() == cancelled.json()
    assert held == [(9_900,)]
    assert lot.remaining_grams == lot.initial_grams == 10_000
    assert audited == [(api.owner.key_id,)]
