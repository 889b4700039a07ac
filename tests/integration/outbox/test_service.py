from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.kernel.events import DomainEvent
from fabroute.kernel.time import utc_now
from fabroute.outbox import service
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction
from tests.factories.organisations import NOW


def make_event(*, subject_id: str, name: str = "order.placed") -> DomainEvent:
    return DomainEvent(
        name=name,
        subject_type="order",
        subject_id=subject_id,
        occurred_at=NOW,
        organisation_id="org_1",
        data={"scope": "global"},
    )


def given_events(engine: Engine, *subject_ids: str) -> None:
    with unit_of_work(engine) as session:
        service.record_all(session, [make_event(subject_id=subject_id) for subject_id in subject_ids])


def test_a_recorded_event_comes_back_as_it_was_and_oldest_first(database: Database) -> None:
    with engine_for(database.url) as engine:
        given_events(engine, "ord_1", "ord_2", "ord_3")
        with unit_of_work(engine) as session:
            first, second = service.claim_unpublished(session, limit=2)

    assert (first.name, first.subject_type, first.subject_id) == ("order.placed", "order", "ord_1")
    assert (first.organisation_id, first.occurred_at, first.data) == ("org_1", NOW, {"scope": "global"})
    assert second.subject_id == "ord_2"
    assert first.event_id.startswith("evt_")
    assert first.event_id != second.event_id


def record_and_fail(session: Session) -> None:
    service.record(session, make_event(subject_id="ord_1"))
    raise ZeroDivisionError


def test_an_event_is_forgotten_with_the_transaction_that_did_not_happen(database: Database) -> None:
    with engine_for(database.url) as engine:
        with pytest.raises(ZeroDivisionError):
            in_transaction(engine, record_and_fail)
        with unit_of_work(engine) as session:
            assert service.claim_unpublished(session, limit=10) == ()
            assert service.oldest_unpublished_age_seconds(session) is None


def test_two_relays_at_once_never_hold_the_same_event(database: Database) -> None:
    with engine_for(database.url) as engine:
        given_events(engine, "ord_1", "ord_2", "ord_3")
        with unit_of_work(engine) as one, unit_of_work(engine) as other:
            first = service.claim_unpublished(one, limit=2)
            second = service.claim_unpublished(other, limit=2)

    assert [event.subject_id for event in first] == ["ord_1", "ord_2"]
    assert [event.subject_id for event in second] == ["ord_3"]


def test_a_published_event_is_not_claimed_again_and_an_unpublished_one_is(database: Database) -> None:
    with engine_for(database.url) as engine:
        given_events(engine, "ord_1", "ord_2")
        with unit_of_work(engine) as session:
            first, _ = service.claim_unpublished(session, limit=10)
            service.mark_published(session, ids=[first.id], now=NOW)
        with unit_of_work(engine) as session:
            left = service.claim_unpublished(session, limit=10)
            service.mark_published(session, ids=[], now=NOW)

    assert [event.subject_id for event in left] == ["ord_2"]


def test_the_age_of_the_oldest_waiting_event_is_known(database: Database) -> None:
    with engine_for(database.url) as engine:
        given_events(engine, "ord_1")
        with unit_of_work(engine) as session:
            age = service.oldest_unpublished_age_seconds(session)

    assert age is not None
    assert abs(timedelta(seconds=age) - (utc_now() - NOW)) < timedelta(seconds=10)
