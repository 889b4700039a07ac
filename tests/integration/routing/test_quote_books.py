"""Books and parts read from PostgreSQL: the same answers from arrays as from the finder, and the part as it is now."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.inventory.service import UnknownRevision
from fabroute.logistics.rules import Location
from fabroute.network.service import StatusChange, set_node_status
from fabroute.routing.service.quoting import QuoteAsked, QuoteBook, QuoteBooks, quote, read_book, read_part
from fabroute.routing.service.quoting.scalar import quote_one_by_one
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_owner
from tests.factories.organisations import NOW
from tests.factories.routable import HORIZON_DAYS, given_free_minutes, given_routable_network

HAMBURG = Location(latitude=53.5507, longitude=9.993, country="DE")
DOWN = StatusChange(status="down", reason="power cut", expected_version=None)


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def book_of(engine: Engine) -> QuoteBook:
    with unit_of_work(engine, repeatable_read=True) as session:
        return read_book(session, now=NOW, horizon_days=HORIZON_DAYS)


def question(engine: Engine, owner: Owner, *quantities: int) -> QuoteAsked:
    with unit_of_work(engine) as session:
        part = read_part(session, revision_id=owner.revision_id)
    return QuoteAsked(part=part, quantities=quantities, destination=HAMBURG)


def test_a_quote_from_the_database_is_what_routing_would_decide(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    book, asked = book_of(engine), question(engine, owner, 1, 20)
    result = quote(book, asked)

    assert result == quote_one_by_one(book, asked)
    offer = result.quotes[0].offers[0]
    # 50.00 at least, and (8 + 0.5 x 0.9) x 1.18 to Hamburg; made on Monday, cooled until Wednesday.
    assert offer.price.landed_minor == 5_000 + 997
    assert offer.promised_at.isoformat() == "2026-06-18T16:00:00+00:00"
    assert (offer.lot_id, result.as_of) == ("lot_N101", NOW)


def test_a_full_machine_and_a_node_that_is_down_are_in_the_next_book(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=(a_node(), a_node(node_id="N102", city="Potsdam")))
    asked = question(engine, owner, 1)
    before = quote(book_of(engine), asked)
    given_free_minutes(engine, [0] * HORIZON_DAYS)
    with unit_of_work(engine) as session:
        set_node_status(session, node_id="N102", change=DOWN, actor="key_1", now=NOW)
    after = quote(book_of(engine), asked)

    assert (before.quotes[0].candidates, after.quotes[0].candidates) == (2, 0)
    told = {
        node.node_id: [reason.code.value for reason in each.reasons] for each in after.ruled_out for node in each.nodes
    }
    assert told == {"N101": ["CAPACITY"], "N102": ["NODE_DOWN"]}
    assert [fix.code.value for fix in after.quotes[0].routable_if] == ["NODE_DOWN", "CAPACITY"]


def test_the_part_is_read_anew_while_the_book_stays(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    books = QuoteBooks(lambda before: before or book_of(engine), seconds=60)
    first = quote(books.book(), question(engine, owner, 1))
    statement = "UPDATE part_revisions SET state = 'withdrawn' WHERE id = :id RETURNING 1"
    in_transaction(engine, lambda session: rows(session, statement, id=owner.revision_id))
    second = quote(books.book(), question(engine, owner, 1))

    assert first.quotes[0].offers
    assert [reason.code.value for reason in second.quotes[0].exclusions[0].reasons] == ["FILE_NOT_VALIDATED"]
    assert first.as_of == second.as_of


def test_a_revision_that_is_not_there_can_not_be_asked_for(engine: Engine) -> None:
    with unit_of_work(engine) as session, pytest.raises(UnknownRevision, match="rev_nowhere"):
        read_part(session, revision_id="rev_nowhere")
    assert UnknownRevision.status == 404


def test_licences_come_with_a_part_that_needs_one(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    needs = "UPDATE part_revisions SET licence_required = true WHERE id = :id RETURNING 1"
    in_transaction(engine, lambda session: rows(session, needs, id=owner.revision_id))
    asked = question(engine, owner, 1)
    result = quote(book_of(engine), asked)

    assert asked.part.licences == ()
    assert [reason.code.value for reason in result.quotes[0].exclusions[0].reasons] == ["IP_POLICY"]
    assert quote_one_by_one(book_of(engine), asked).quotes[0] == replace(result.quotes[0], routable_if=())
