import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from fabroute.database import unit_of_work
from fabroute.outbox.service import claim_unsequenced, record_all
from fabroute.webhooks.service.feed import UnusableCursor, purge_events
from fabroute.webhooks.service.sequencing import BATCH_EVENTS, Sequenced, sequence_events
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.organisations import NOW
from tests.factories.webhooks import an_event, feed_of, given_endpoint, tell


def outbox_ids(engine: Engine) -> list[object]:
    query = "SELECT event_id FROM outbox_events ORDER BY id"
    return [row[0] for row in in_transaction(engine, lambda session: rows(session, query))]


def count(engine: Engine, query: str) -> object:
    return in_transaction(engine, lambda session: rows(session, query))[0][0]


def test_events_come_into_the_feed_of_whom_they_concern_under_their_ids_in_their_order(engine: Engine) -> None:
    done = tell(engine, an_event(), an_event("order.cancelled"), an_event("network.changed", organisation_id=None))

    page = feed_of(engine, "org_owner")
    assert done == Sequenced(events=3, told=2, deliveries=0)
    assert [it.event_id for it in page.events] == outbox_ids(engine)[:2]
    assert [it.type for it in page.events] == ["order.placed", "order.cancelled"]
    assert feed_of(engine, "org_other").events == ()


def test_each_event_is_told_once_however_often_the_sequencer_runs(engine: Engine) -> None:
    tell(engine, an_event())

    assert sequence_events(engine, now=NOW) == Sequenced(events=0, told=0, deliveries=0)
    assert len(feed_of(engine, "org_owner").events) == 1


def test_a_delivery_is_there_for_each_endpoint_that_wants_the_event_in_the_same_transaction(engine: Engine) -> None:
    wanted = {
        "all": given_endpoint(engine, "org_owner", types=("*",)),
        "orders": given_endpoint(engine, "org_owner", types=("order.*",)),
        "placed": given_endpoint(engine, "org_owner", types=("order.placed", "job.held")),
        "jobs": given_endpoint(engine, "org_owner", types=("job.*",)),
        "other": given_endpoint(engine, "org_other", types=("*",)),
    }
    names = {added.endpoint.endpoint_id: name for name, added in wanted.items()}

    done = tell(engine, an_event(), an_event("order.cancelled"))

    found = in_transaction(
        engine,
        lambda session: rows(
            session,
            "SELECT d.endpoint_id, e.type FROM webhook_deliveries d JOIN events e USING (position) ORDER BY d.number",
        ),
    )
    assert done.deliveries == 5
    assert sorted((names[str(endpoint)], kind) for endpoint, kind in found) == [
        ("all", "order.cancelled"),
        ("all", "order.placed"),
        ("orders", "order.cancelled"),
        ("orders", "order.placed"),
        ("placed", "order.placed"),
    ]


KILLS_ITS_OWN_CONNECTION = """
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NEW; END';
CREATE TRIGGER dies BEFORE UPDATE ON outbox_events FOR EACH ROW EXECUTE FUNCTION die()
"""
"""Events and deliveries are written, and the connection is lost before the outbox knows."""


def test_what_dies_in_the_middle_leaves_nothing_behind_and_is_done_again_whole(
    engine: Engine, kept_database: Database
) -> None:
    given_endpoint(engine, "org_owner")
    with unit_of_work(engine) as session:
        record_all(session, [an_event() for _ in range(10)])
    with engine_for(kept_database.migration_url) as owner, owner.begin() as connection:
        connection.execute(text(KILLS_ITS_OWN_CONNECTION))

    with pytest.raises(OperationalError, match="terminating connection"):
        sequence_events(engine, now=NOW)
    left = (count(engine, "SELECT count(*) FROM events"), count(engine, "SELECT count(*) FROM webhook_deliveries"))
    with engine_for(kept_database.migration_url) as owner, owner.begin() as connection:
        connection.execute(text("DROP TRIGGER dies ON outbox_events; DROP FUNCTION die"))
    done = sequence_events(engine, now=NOW)

    assert left == (0, 0)
    assert done == Sequenced(events=10, told=10, deliveries=10)
    assert [it.event_id for it in feed_of(engine, "org_owner").events] == outbox_ids(engine)


def test_of_two_sequencers_one_works_and_the_other_finds_nothing(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        record_all(session, [an_event()])
    with unit_of_work(engine) as session:
        mine = claim_unsequenced(session, limit=10)
        meanwhile = sequence_events(engine, now=NOW)

    assert len(mine) == 1
    assert meanwhile == Sequenced(events=0, told=0, deliveries=0)
    assert sequence_events(engine, now=NOW).told == 1


def test_four_sequencers_at_once_tell_each_event_once_and_in_order(engine: Engine) -> None:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            sequence_events(engine, now=NOW)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(60):
        with unit_of_work(engine) as session:
            record_all(session, [an_event(subject_id=f"ord_{number % 3}", state=str(number)) for _ in range(2)])
    while count(engine, "SELECT count(*) FROM outbox_events WHERE sequenced_at IS NULL"):
        pass
    stop.set()
    for thread in threads:
        thread.join()

    told = [it.event_id for it in feed_of(engine, "org_owner").events]
    assert told == outbox_ids(engine)
    assert (len(told), len(set(told))) == (120, 120)


def test_a_full_batch_says_that_there_is_more(engine: Engine) -> None:
    done = tell(engine, *[an_event() for _ in range(BATCH_EVENTS + 1)])

    assert (done.events, done.more) == (BATCH_EVENTS, True)
    assert (sequence_events(engine, now=NOW).events, sequence_events(engine, now=NOW).more) == (1, False)


def test_a_feed_is_read_on_from_its_cursor_and_nothing_comes_twice(engine: Engine) -> None:
    tell(engine, *[an_event(subject_id=f"ord_{number}") for number in range(5)])

    first = feed_of(engine, "org_owner", limit=2)
    second = feed_of(engine, "org_owner", limit=2, cursor=first.resume_from)
    third = feed_of(engine, "org_owner", limit=2, cursor=second.resume_from)
    tell(engine, an_event(subject_id="ord_5"))
    fourth = feed_of(engine, "org_owner", limit=2, cursor=third.resume_from)

    pages = (first, second, third, fourth)
    assert [it.subject_id for page in pages for it in page.events] == [f"ord_{number}" for number in range(6)]
    assert [page.has_more for page in pages] == [True, True, False, False]
    assert feed_of(engine, "org_owner", cursor=fourth.resume_from).resume_from == fourth.resume_from


def test_a_feed_is_filtered_by_type_family_subject_and_time(engine: Engine) -> None:
    tell(
        engine,
        an_event(),
        an_event("order.cancelled"),
        an_event("screening.judged", subject_type="screening", subject_id="scr_1"),
    )

    def types(
        *, types: tuple[str, ...] = (), subject_id: str | None = None, since: datetime | None = None
    ) -> list[str]:
        page = feed_of(engine, "org_owner", types=types, subject_id=subject_id, since=since)
        return [it.type for it in page.events]

    assert types(types=("order.*",)) == ["order.placed", "order.cancelled"]
    assert types(types=("order.cancelled", "screening.*")) == ["order.cancelled", "screening.judged"]
    assert types(types=("*",)) == ["order.placed", "order.cancelled", "screening.judged"]
    assert types(subject_id="scr_1") == ["screening.judged"]
    assert types(since=NOW + timedelta(seconds=1)) == []
    assert len(types(since=NOW)) == 3


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "9" * 19, "٣"])
def test_a_cursor_that_was_never_given_out_is_refused(engine: Engine, cursor: str) -> None:
    with pytest.raises(UnusableCursor) as refusal:
        feed_of(engine, "org_owner", cursor=cursor)
    assert refusal.value.status == 422


def test_events_are_kept_thirty_days_and_go_with_their_deliveries(engine: Engine) -> None:
    given_endpoint(engine, "org_owner")
    tell(engine, an_event(), now=NOW - timedelta(days=30, seconds=1))
    tell(engine, an_event("order.cancelled"), now=NOW - timedelta(days=30))

    removed = in_transaction(engine, lambda session: purge_events(session, days=30, now=NOW))

    assert removed == 1
    assert [it.type for it in feed_of(engine, "org_owner").events] == ["order.cancelled"]
    assert count(engine, "SELECT count(*) FROM webhook_deliveries") == 1
