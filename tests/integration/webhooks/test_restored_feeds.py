"""A cursor of events that a restore took back is told so, and where the feed goes on."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from fabroute.webhooks.service.feed import FeedPage, FeedQuery, FeedRestored, read_feed
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction

LAST, NEXT, NEXT_AGAIN = 40, 1_000, 5_000
_BREAK = text(
    "INSERT INTO feed_breaks (next_position, last_position, snapshot_at, restored_at)"
    " VALUES (:next, :last, '2026-06-15T02:00:00Z', '2026-06-15T08:30:00Z')"
)


@pytest.fixture
def restored(engine: Engine, kept_database: Database) -> Iterator[Engine]:
    """Feeds that end at 40, and went on from 1000 after a restore."""
    with engine_for(kept_database.migration_url) as owner:
        with owner.begin() as connection:
            connection.execute(_BREAK, {"next": NEXT, "last": LAST})
        yield engine
        with owner.begin() as connection:
            connection.execute(text("DELETE FROM feed_breaks"))


def read(engine: Engine, cursor: int | None) -> FeedPage:
    query = FeedQuery(organisation_id="org_owner", cursor=None if cursor is None else str(cursor))
    return in_transaction(engine, lambda session: read_feed(session, query))


@pytest.mark.parametrize("cursor", [LAST + 1, NEXT - 1])
def test_a_cursor_of_events_that_are_gone_is_told_where_to_go_on(restored: Engine, cursor: int) -> None:
    with pytest.raises(FeedRestored, match="everything is as it was at 2026-06-15 02:00:00 UTC") as refusal:
        read(restored, cursor)

    assert (refusal.value.status, refusal.value.resume_from) == (410, str(LAST))
    assert refusal.value.details["restored_at"] == "2026-06-15T08:30:00+00:00"


@pytest.mark.parametrize("cursor", [None, 1, LAST, NEXT, NEXT + 1])
def test_every_other_cursor_goes_on_as_if_nothing_had_happened(restored: Engine, cursor: int | None) -> None:
    page = read(restored, cursor)

    assert (page.events, page.has_more) == ((), False)
    assert page.resume_from == str(cursor or 0)


def test_a_backup_that_was_restored_twice_takes_back_what_was_told_between(
    restored: Engine, kept_database: Database
) -> None:
    with engine_for(kept_database.migration_url) as owner, owner.begin() as connection:
        connection.execute(text("DELETE FROM feed_breaks"))
        connection.execute(_BREAK, {"next": NEXT_AGAIN, "last": LAST})

    with pytest.raises(FeedRestored) as refusal:
        read(restored, NEXT + 7)

    assert refusal.value.resume_from == str(LAST)
    assert read(restored, NEXT_AGAIN).events == ()


def test_the_role_that_serves_requests_only_reads_where_feeds_broke(engine: Engine) -> None:
    with pytest.raises(ProgrammingError, match="permission denied for table feed_breaks"), engine.begin() as connection:
        connection.execute(_BREAK, {"next": NEXT, "last": LAST})

    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM feed_breaks")).scalar_one() == 0
