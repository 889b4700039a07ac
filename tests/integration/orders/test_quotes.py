"""Quotes in the database: kept as they were shown, told apart by owner, accepted once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, InvalidRequestError

from fabroute.database import unit_of_work
from fabroute.orders.repository import quotes as quote_rows
from fabroute.orders.service import (
    Agreement,
    KeyContended,
    NewOrder,
    OrderFilter,
    QuoteView,
    UnknownQuote,
    claim_key,
    claim_lines,
    find_answer,
    finish_quoted_order,
    get_order,
    get_quote,
    list_orders,
    list_quotes,
    place_quoted_order,
    save_quote,
)
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import Owner, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.quotes import a_quote

ARRIVAL = datetime(2026, 6, 18, 16, 0, tzinfo=UTC)
DOCUMENT = {"quantities": [{"quantity": 1, "offers": []}], "price_breaks": [{"quantity": 1}], "ruled_out": []}


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def kept(engine: Engine, owner: Owner) -> QuoteView:
    with unit_of_work(engine) as session:
        return save_quote(session, quote=a_quote(owner, DOCUMENT))


def accepted(engine: Engine, owner: Owner, quote: QuoteView, *, key: str = "key-1") -> NewOrder:
    """Place the order that accepts a quote's cheapest offer for 59.97, without deciding its line."""
    order, agreed = make_order(owner, key=key), an_agreement(quote)
    with unit_of_work(engine) as session:
        assert claim_key(session, order=order)
        place_quoted_order(session, order=order, agreed=agreed, now=NOW)
        finish_quoted_order(session, order=order, answer=b"the first answer")
    return order


def an_agreement(quote: QuoteView) -> Agreement:
    return Agreement(quote_id=quote.id, offer="cheapest", price_minor=5_997, arrival=ARRIVAL)


def test_a_quote_is_read_as_it_was_kept(engine: Engine, owner: Owner) -> None:
    saved = kept(engine, owner)

    with unit_of_work(engine) as session:
        read = get_quote(session, organisation_id=owner.organisation_id, quote_id=saved.id)

    assert read == saved
    assert read.document == DOCUMENT
    assert (read.order_id, read.accepted_offer) == (None, None)
    assert (read.ship_to.city, read.ship_to.latitude, read.ship_to.assumed) == ("Hamburg", 53.5507, False)
    made = "SELECT actor, subject_id FROM audit_entries WHERE action = 'quote.made'"
    assert in_transaction(engine, lambda session: rows(session, made)) == [(owner.key_id, saved.id)]


def test_a_quote_is_its_owners_alone(engine: Engine, owner: Owner) -> None:
    saved, stranger = kept(engine, owner), given_owner(engine, name="Südbahn")

    with unit_of_work(engine) as session:
        with pytest.raises(UnknownQuote, match="you have no quote"):
            get_quote(session, organisation_id=stranger.organisation_id, quote_id=saved.id)
        listed = list_quotes(session, organisation_id=stranger.organisation_id)

    assert listed.items == ()
    assert (UnknownQuote.code, UnknownQuote.status) == ("unknown_quote", 404)


def test_a_quote_is_open_until_its_last_instant_then_expired_and_accepted_for_ever(
    engine: Engine, owner: Owner
) -> None:
    quote = kept(engine, owner)
    last = NOW + timedelta(minutes=60)

    states = [quote.state_at(instant) for instant in (NOW, last - timedelta(microseconds=1), last)]
    accepted(engine, owner, quote)
    with unit_of_work(engine) as session:
        after = get_quote(session, organisation_id=owner.organisation_id, quote_id=quote.id, lock=True)

    assert states == ["open", "open", "expired"]
    assert (after.state_at(NOW), after.state_at(last + timedelta(days=365))) == ("accepted", "accepted")
    assert after.accepted_offer == "cheapest"


def test_a_list_leaves_the_documents_in_the_database_but_for_the_price_breaks(engine: Engine, owner: Owner) -> None:
    first, second, third = (kept(engine, owner) for _ in range(3))
    accepted(engine, owner, second)

    with unit_of_work(engine) as session:
        page = list_quotes(session, organisation_id=owner.organisation_id, limit=2)
        rest = list_quotes(session, organisation_id=owner.organisation_id, limit=2, cursor=page.next_cursor)
        ((row, _),) = quote_rows.list_quotes(session, organisation_id=owner.organisation_id, before=second.id, limit=1)
        with pytest.raises(InvalidRequestError, match="document"):
            assert row.document

    assert [quote.id for quote in (*page.items, *rest.items)] == [third.id, second.id, first.id]
    assert [quote.order_id is not None for quote in page.items] == [False, True]
    assert page.items[0].document == {"price_breaks": [{"quantity": 1}]}
    assert rest.next_cursor is None


def test_an_order_shows_what_was_agreed_and_one_without_a_quote_does_not(engine: Engine, owner: Owner) -> None:
    quote = kept(engine, owner)
    order = accepted(engine, owner, quote)

    with unit_of_work(engine) as session:
        shown = get_order(session, organisation_id=owner.organisation_id, order_id=order.id)
        listed = list_orders(session, wanted=OrderFilter(organisation_id=owner.organisation_id))

    assert shown.agreed is not None
    assert (shown.agreed.quote_id, shown.agreed.offer) == (quote.id, "cheapest")
    assert (shown.agreed.price_minor, shown.agreed.arrival) == (5_997, ARRIVAL)
    assert listed.items == (shown,)


def test_the_answer_is_kept_with_the_key_in_the_same_transaction(engine: Engine, owner: Owner) -> None:
    order = accepted(engine, owner, kept(engine, owner))

    with unit_of_work(engine) as session:
        found = find_answer(
            session, organisation_id=owner.organisation_id, idempotency_key="key-1", request_sha256="same"
        )
        taken = claim_key(session, order=replace(order, id="ord_other"))

    assert found is not None
    assert (getattr(found, "answer", None), getattr(found, "status", None)) == (b"the first answer", 201)
    assert taken is False


def test_an_answer_is_given_once_and_to_a_claimed_key_only(engine: Engine, owner: Owner) -> None:
    order = accepted(engine, owner, kept(engine, owner))

    with unit_of_work(engine) as session:
        with pytest.raises(KeyContended):
            finish_quoted_order(session, order=order, answer=b"another answer")
        with pytest.raises(KeyContended):
            finish_quoted_order(session, order=replace(order, idempotency_key="never claimed"), answer=b"an answer")

    bodies = "SELECT convert_from(body, 'UTF8') FROM idempotency_keys"
    answers = in_transaction(engine, lambda session: rows(session, bodies))
    assert answers == [("the first answer",)]


def test_the_database_itself_lets_a_quote_be_accepted_once(engine: Engine, owner: Owner) -> None:
    quote = kept(engine, owner)
    accepted(engine, owner, quote)

    with pytest.raises(IntegrityError, match="uq_orders_quote_id"), unit_of_work(engine) as session:
        place_quoted_order(session, order=make_order(owner, key="key-2"), agreed=an_agreement(quote), now=NOW)

    assert in_transaction(engine, lambda session: rows(session, "SELECT count(*) FROM orders")) == [(1,)]


def test_a_line_that_comes_back_is_needed_by_the_agreed_day_softly_and_has_no_cap_any_more(
    engine: Engine, owner: Owner
) -> None:
    order = replace(make_order(owner, key="key-1"), need_by=ARRIVAL + timedelta(days=9), max_price_minor=6_000)
    plain = replace(make_order(owner, key="key-2"), need_by=ARRIVAL + timedelta(days=9), max_price_minor=6_000)
    quotes = kept(engine, owner)
    with unit_of_work(engine) as session:
        place_quoted_order(session, order=order, agreed=an_agreement(quotes), now=NOW)
        quote_rows.insert_order(session, plain, agreed=an_agreement(kept(engine, owner)), lease_until=NOW)
    disagreed = (
        "UPDATE orders SET quote_id = NULL, quoted_offer = NULL, agreed_price_minor = NULL, agreed_arrival = NULL"
        " WHERE id = :order_id RETURNING 1"
    )
    come_back = "UPDATE order_lines SET state = 'pending', next_attempt_at = NULL RETURNING 1"

    with unit_of_work(engine) as session:
        rows(session, disagreed, order_id=plain.id)
        rows(session, come_back)
        lines = {
            line.order_id: line
            for line in claim_lines(session, scope="global", limit=9, lease_seconds=60, attempt_cap=8)
        }

    quoted, unquoted = lines[order.id], lines[plain.id]
    assert (quoted.need_by, quoted.need_by_hard, quoted.max_price_minor) == (ARRIVAL, False, None)
    assert (unquoted.need_by, unquoted.need_by_hard) == (ARRIVAL + timedelta(days=9), True)
    assert unquoted.max_price_minor == 6_000
