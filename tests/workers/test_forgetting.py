"""What is older than it is kept goes batch by batch, and what is still needed stays."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from fabroute.database import unit_of_work
from fabroute.kernel.events import DomainEvent
from fabroute.kernel.time import utc_now
from fabroute.outbox import service as outbox
from fabroute.settings import Settings
from fabroute_workers.forgetting import Forgotten, forget_answers, forget_archives, forget_events
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.organisations import NOW

SETTINGS = Settings(outbox_days=7, event_days=30, archive_days=90)
_ANSWERS = """
INSERT INTO idempotency_keys (organisation_id, key, request_sha256, status, body, location, subject_id, created_at,
    headers, is_sealed)
SELECT 'org_1', 'k' || n, '', 201, '', '', 'ans_' || n, now() - interval '31 days', '{}', false
FROM generate_series(1, :count) n
"""
_RUN = """
INSERT INTO routing_runs (id, planning_scope, started_at, finished_at, engine, status, seed, limits, snapshot_sha256,
    lines, options, routed, no_route, deferred, cost_millis, bound_millis, gap, landed_minor, baseline_landed_minor,
    baseline_no_route, both_lines, both_landed_minor, baseline_both_landed_minor, solve_ms, wall_ms, kind)
SELECT 'run_' || n, 'global', now(), now(), 'cp_sat', 'optimal', 1, '{}', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 'joint'
FROM generate_series(1, :count) n
"""
_ARCHIVES = """
INSERT INTO run_archives (run_id, sha256, content, created_at)
SELECT 'run_' || n, '', '', now() - make_interval(days => 86 + n) FROM generate_series(1, :count) n
"""


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


def write(engine: Engine, statement: str, **values: object) -> None:
    in_transaction(engine, lambda session: session.connection().execute(text(statement), values))


def given_outbox(engine: Engine, *, count: int) -> None:
    event = DomainEvent(name="order.placed", subject_type="order", subject_id="ord_1", occurred_at=NOW)
    with unit_of_work(engine) as session:
        outbox.record_all(session, [event] * count)


def told(engine: Engine, *, days_ago: int, only: str = "true") -> None:
    write(
        engine,
        "UPDATE outbox_events SET published_at = now() - make_interval(days => :days), sequenced_at = now()"
        f" WHERE {only}",
        days=days_ago,
    )


def kept(engine: Engine, table: str) -> int:
    ((count,),) = in_transaction(engine, lambda session: rows(session, f"SELECT count(*) FROM {table}"))
    return int(str(count))


def test_the_outbox_forgets_what_it_told_more_than_a_week_ago(engine: Engine) -> None:
    given_outbox(engine, count=5)
    told(engine, days_ago=8)
    told(engine, days_ago=6, only="id = (SELECT max(id) FROM outbox_events)")

    assert forget_events(engine, SETTINGS) == Forgotten(rows=4, more=False)
    assert kept(engine, "outbox_events") == 1


@pytest.mark.parametrize("missing", ["published_at", "sequenced_at"])
def test_an_event_that_was_not_told_to_all_stays_however_old_it_is(engine: Engine, missing: str) -> None:
    given_outbox(engine, count=2)
    told(engine, days_ago=400)
    write(engine, f"UPDATE outbox_events SET {missing} = NULL WHERE id = (SELECT min(id) FROM outbox_events)")

    assert forget_events(engine, SETTINGS) == Forgotten(rows=1, more=False)
    assert kept(engine, f"outbox_events WHERE {missing} IS NULL") == 1


def test_a_batch_looks_at_the_oldest_events_only(engine: Engine) -> None:
    given_outbox(engine, count=5)
    told(engine, days_ago=8)
    with unit_of_work(engine) as session:
        removed = outbox.purge_published(session, days=7, now=utc_now(), limit=2)

    ids = in_transaction(engine, lambda session: rows(session, "SELECT id FROM outbox_events ORDER BY id"))
    assert removed == 2
    assert ids == [(3,), (4,), (5,)]


def test_when_time_is_up_the_rest_is_left_for_the_next_task(engine: Engine) -> None:
    given_outbox(engine, count=1)
    told(engine, days_ago=8)

    assert forget_events(engine, SETTINGS, seconds=0) == Forgotten(rows=0, more=True)
    assert forget_events(engine, SETTINGS) == Forgotten(rows=1, more=False)


def test_answers_are_forgotten_batch_after_batch(engine: Engine) -> None:
    write(engine, _ANSWERS, count=10_001)
    write(engine, "UPDATE idempotency_keys SET created_at = now() - interval '29 days' WHERE key = 'k1'")

    assert forget_answers(engine) == Forgotten(rows=10_000, more=False)
    assert kept(engine, "idempotency_keys") == 1


def test_archives_are_forgotten_batch_after_batch_and_their_runs_stay(engine: Engine) -> None:
    write(engine, _RUN, count=300)
    write(engine, _ARCHIVES, count=300)

    assert forget_archives(engine, SETTINGS) == Forgotten(rows=297, more=False)
    assert kept(engine, "run_archives") == 3
    assert kept(engine, "routing_runs") == 300
