from datetime import timedelta

import pytest

from fabroute.database import unit_of_work
from fabroute.orders.service import OrderFilter, UnknownOrder, get_order, list_orders, mark_cancelled, order_statistics
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.orders import HAMBURG, given_orders, given_owner, make_order
from tests.factories.organisations import NOW


def test_an_order_is_shown_with_its_lines_and_the_names_of_their_parts(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        (order,) = given_orders(engine, make_order(owner, quantities=(3, 1), batch="b", reference="r"))
        with unit_of_work(engine) as session:
            view = get_order(session, organisation_id=owner.organisation_id, order_id=order.id)

    assert (view.id, view.state, view.version, view.ship_to) == (order.id, "pending", 1, HAMBURG)
    assert (view.reference, view.batch, view.placed_at, view.updated_at) == ("r", "b", NOW, NOW)
    assert (view.max_price_minor, view.currency, view.need_by, view.need_by_hard) == (None, "EUR", None, True)
    assert [(line.id, line.position, line.quantity) for line in view.lines] == [
        (order.lines[0].id, 1, 3),
        (order.lines[1].id, 2, 1),
    ]
    assert {(line.part, line.revision, line.state, line.decision_id) for line in view.lines} == {
        ("RL-0001", "A", "pending", None)
    }


def test_an_order_of_someone_else_is_as_unknown_as_none(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner, stranger = given_owner(engine), given_owner(engine, name="Stranger")
        (order,) = given_orders(engine, make_order(owner))
        with unit_of_work(engine) as session:
            with pytest.raises(UnknownOrder) as foreign:
                get_order(session, organisation_id=stranger.organisation_id, order_id=order.id)
            with pytest.raises(UnknownOrder) as missing:
                get_order(session, organisation_id=owner.organisation_id, order_id="ord_none")

    assert foreign.value.message.replace(order.id, "X") == missing.value.message.replace("ord_none", "X")


def test_pages_show_every_order_once_newest_first(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        given_orders(engine, make_order(given_owner(engine, name="Stranger")))
        placed = given_orders(engine, *(make_order(owner) for _ in range(7)))
        wanted = OrderFilter(organisation_id=owner.organisation_id)
        with unit_of_work(engine) as session:
            first = list_orders(session, wanted=wanted, limit=3)
            second = list_orders(session, wanted=wanted, limit=3, cursor=first.next_cursor)
            third = list_orders(session, wanted=wanted, limit=3, cursor=second.next_cursor)

    seen = [order.id for page in (first, second, third) for order in page.items]
    assert seen == sorted((order.id for order in placed), reverse=True)
    assert [len(page.items) for page in (first, second, third)] == [3, 3, 1]
    assert first.next_cursor == first.items[-1].id
    assert third.next_cursor is None


def test_a_list_can_be_narrowed_and_an_empty_one_is_an_empty_page(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        first, second, third = given_orders(
            engine,
            make_order(owner, batch="spring", reference="A"),
            make_order(owner, batch="spring", reference="B"),
            make_order(owner, batch="autumn", reference="A"),
        )
        with unit_of_work(engine) as session:
            mark_cancelled(session, organisation_id=owner.organisation_id, order_id=second.id, now=NOW + timedelta(1))

        def ids(*, state: str | None = None, batch: str | None = None, reference: str | None = None) -> set[str]:
            wanted = OrderFilter(
                organisation_id=owner.organisation_id,
                state="cancelled" if state else None,
                batch=batch,
                reference=reference,
            )
            with unit_of_work(engine) as session:
                return {order.id for order in list_orders(session, wanted=wanted).items}

        assert ids(batch="spring") == {first.id, second.id}
        assert ids(reference="A") == {first.id, third.id}
        assert ids(batch="spring", reference="A") == {first.id}
        assert ids(state="cancelled") == {second.id}
        assert ids(batch="winter") == set()


def test_orders_are_counted_by_state_and_batch(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        given_orders(engine, make_order(given_owner(engine, name="Stranger"), batch="spring"))
        orders = given_orders(engine, *(make_order(owner, batch="spring") for _ in range(3)), make_order(owner))
        with unit_of_work(engine) as session:
            mark_cancelled(session, organisation_id=owner.organisation_id, order_id=orders[0].id, now=NOW)
            spring = order_statistics(session, organisation_id=owner.organisation_id, batch="spring")
            everything = order_statistics(session, organisation_id=owner.organisation_id)

    nothing = {"routed": 0, "partly_routed": 0, "no_route": 0, "parked": 0}
    assert (spring.batch, spring.orders, spring.states) == ("spring", 3, {"pending": 2, "cancelled": 1} | nothing)
    assert (everything.batch, everything.orders, everything.states["pending"]) == (None, 4, 3)
