"""Parked orders: the operator sees those of all owners with what to do, an owner their own."""

import pytest

from tests.console.browsing import surfing, words_of
from tests.console.checks import assert_good
from tests.console.conftest import Visit
from tests.console.looks import Look, both_widths
from tests.factories.console import ServedConsole
from tests.factories.databases import in_transaction, rows
from tests.factories.orders import given_orders, given_owner, make_order

REASON = "needs attention: 3 nodes could not make it (N101 declined: " + "the wall at the lug is too thin; " * 4 + ")"


@pytest.fixture
def parked(console: ServedConsole) -> ServedConsole:
    """Seven parked orders of one organisation, one of another."""
    theirs = given_owner(console.engine, name="Werft-und-Schiffsreparatur-Gesellschaft")
    own = console.people.owner
    placed = [make_order(own, reference=f"PO-{number}") for number in range(7)]
    given_orders(console.engine, *placed, make_order(theirs, reference="W-1"))
    park = "UPDATE order_lines SET state = 'parked', state_reason = :reason RETURNING id"
    in_transaction(console.engine, lambda session: rows(session, "UPDATE orders SET state = 'parked' RETURNING id"))
    in_transaction(console.engine, lambda session: rows(session, park, reason=REASON))
    return console


def test_the_operator_is_led_from_the_count_to_all_parked_orders_and_each_leads_to_its_order(
    parked: ServedConsole,
) -> None:
    with surfing(parked, "operator") as client:
        start = client.get("/console/").text
        answer = client.get("/console/parked")
        (path, *_) = (line.partition('"')[0] for line in answer.text.split('<a href="')[1:] if "/orders/" in line)
        order = client.get(path)

    assert '<a href="/console/parked">All 8' in start
    told = words_of(answer)
    assert told.count("Ask these nodes why.") == 8
    assert told.count("Werft-und-Schiffsreparatur-Gesellschaft") == 1
    assert order.status_code == 200
    assert "It waits for a person." in order.text


def test_an_owner_sees_their_own_and_a_bureau_none(parked: ServedConsole) -> None:
    with surfing(parked, "owner") as client:
        told = words_of(client.get("/console/parked"))
    with surfing(parked, "bureau") as client:
        refused = client.get("/console/parked")

    assert (told.count("Ask these nodes why."), "Werft" in told) == (7, False)
    assert refused.status_code == 403


def test_where_nothing_is_parked_it_is_said_what_would_stand_there(console: ServedConsole) -> None:
    with surfing(console, "operator") as client:
        told = words_of(client.get("/console/parked"))

    assert "No order is parked" in told


@both_widths
def test_parked_orders_are_read_at_a_desk_and_on_a_phone(visit: Visit, parked: ServedConsole, look: Look) -> None:
    page = visit("/console/parked", who="operator")

    assert_good(page, "parked", look)
