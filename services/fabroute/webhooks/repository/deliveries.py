"""Statements on deliveries and attempts. Endpoints are locked before their deliveries, everywhere."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy import RowMapping, text
from sqlmodel import Session, col, select

from fabroute.webhooks.models import WebhookAttempt

_CLAIM = text("""
WITH ready AS (
    SELECT endpoint.id, endpoint.url,
           CASE WHEN endpoint.failures_in_a_row > 0 THEN 1
                WHEN endpoint.id = ANY(CAST(:proven AS text[])) THEN :most ELSE :most_at_first END
               - coalesce((CAST(:busy AS jsonb) ->> endpoint.id)::int, 0) AS room
    FROM webhook_endpoints endpoint
    WHERE endpoint.state = 'enabled' AND coalesce(endpoint.rest_until <= :now, true)
), claimed AS (
    SELECT due.number, ready.url
    FROM ready CROSS JOIN LATERAL (
        SELECT delivery.number
        FROM webhook_deliveries delivery
        WHERE delivery.endpoint_id = ready.id AND delivery.state = 'pending' AND delivery.next_attempt_at <= :now
          AND NOT EXISTS (
            SELECT FROM webhook_deliveries earlier
            WHERE earlier.endpoint_id = delivery.endpoint_id AND earlier.subject_type = delivery.subject_type
              AND earlier.subject_id = delivery.subject_id AND earlier.state = 'pending'
              AND earlier.number < delivery.number
          )
        ORDER BY delivery.next_attempt_at, delivery.number
        LIMIT greatest(ready.room, 0)
        FOR UPDATE SKIP LOCKED
    ) due
    LIMIT :limit
), taken AS (
    UPDATE webhook_deliveries delivery
    SET fence = delivery.fence + 1, next_attempt_at = :lease_until
    FROM claimed WHERE claimed.number = delivery.number
    RETURNING delivery.number, delivery.fence, delivery.endpoint_id, delivery.attempts, delivery.position, claimed.url
)
SELECT taken.*, event.event_id, event.organisation_id, event.type, event.version, event.subject_type,
       event.subject_id, event.data, event.occurred_at
FROM taken JOIN events event USING (position)
ORDER BY taken.number
""")
_FINISH = text("""
WITH outcome AS (
    SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS (
        number bigint, fence int, state text, next_attempt_at timestamptz, finished_at timestamptz, reason text,
        at timestamptz, duration_ms int, status int, failure text, detail text, answer text
    )
), done AS (
    UPDATE webhook_deliveries delivery
    SET state = outcome.state, attempts = delivery.attempts + 1, next_attempt_at = outcome.next_attempt_at,
        finished_at = outcome.finished_at, reason = outcome.reason
    FROM outcome
    WHERE delivery.number = outcome.number AND delivery.fence = outcome.fence AND delivery.state = 'pending'
    RETURNING delivery.number, delivery.attempts, delivery.organisation_id
)
INSERT INTO webhook_attempts
    (delivery_number, number, organisation_id, at, duration_ms, status, failure, detail, answer)
SELECT done.number, done.attempts, done.organisation_id, outcome.at, outcome.duration_ms, outcome.status,
       outcome.failure, outcome.detail, outcome.answer
FROM done JOIN outcome USING (number)
RETURNING delivery_number
""")
_GIVE_UP = text("""
UPDATE webhook_deliveries SET state = 'given_up', finished_at = :now, next_attempt_at = NULL, reason = :reason
WHERE endpoint_id = :endpoint_id AND state = 'pending'
""")
_DUE = text("""
SELECT EXISTS (
    SELECT FROM webhook_endpoints endpoint
    WHERE endpoint.state = 'enabled' AND coalesce(endpoint.rest_until <= :now, true) AND EXISTS (
        SELECT FROM webhook_deliveries delivery
        WHERE delivery.endpoint_id = endpoint.id AND delivery.state = 'pending' AND delivery.next_attempt_at <= :now
    )
)
""")
_COLUMNS = """
SELECT delivery.number, delivery.id AS delivery_id, delivery.endpoint_id, event.event_id, event.type,
       delivery.subject_type, delivery.subject_id, delivery.replay_of, delivery.state, delivery.attempts,
       delivery.next_attempt_at, delivery.created_at, delivery.finished_at, delivery.reason, delivery.position
FROM webhook_deliveries delivery JOIN events event ON event.position = delivery.position
"""
_LIST = text(f"""{_COLUMNS}
WHERE delivery.endpoint_id = :endpoint_id AND delivery.organisation_id = :organisation_id
  AND delivery.number < :before AND coalesce(delivery.state = CAST(:state AS text), true)
ORDER BY delivery.number DESC LIMIT :limit
""")
_FIND = text(f"""{_COLUMNS}
WHERE delivery.id = :delivery_id AND delivery.organisation_id = :organisation_id
""")
_ANSWERED = """
SELECT delivery.number, delivery.id AS delivery_id, delivery.endpoint_id, endpoint.url, event.event_id, event.type,
       delivery.subject_type, delivery.subject_id, delivery.replay_of, delivery.state,
       delivery.attempts AS attempt_count, delivery.next_attempt_at, delivery.created_at, delivery.finished_at,
       delivery.reason, attempt.at AS last_attempt_at, attempt.status AS last_status,
       attempt.duration_ms AS last_duration_ms
"""
_LAST_ATTEMPT = """
LEFT JOIN webhook_attempts attempt
    ON attempt.delivery_number = delivery.number AND attempt.number = delivery.attempts
"""
_OF_SUBJECTS = text(f"""{_ANSWERED}
FROM events event
JOIN webhook_deliveries delivery ON delivery.position = event.position
JOIN webhook_endpoints endpoint ON endpoint.id = delivery.endpoint_id
{_LAST_ATTEMPT}
WHERE event.organisation_id = :organisation_id AND event.subject_id = ANY(:subject_ids)
ORDER BY delivery.number DESC LIMIT :limit
""")
_LIST_ANSWERED = text(f"""{_ANSWERED}
FROM webhook_deliveries delivery
JOIN events event ON event.position = delivery.position
JOIN webhook_endpoints endpoint ON endpoint.id = delivery.endpoint_id
{_LAST_ATTEMPT}
WHERE delivery.endpoint_id = :endpoint_id AND delivery.organisation_id = :organisation_id
  AND delivery.number < :before AND coalesce(delivery.state = CAST(:state AS text), true)
ORDER BY delivery.number DESC LIMIT :limit
""")
_REPLAY = text("""
INSERT INTO webhook_deliveries
    (id, organisation_id, endpoint_id, position, subject_type, subject_id, replay_of, state, attempts, fence,
     next_attempt_at, created_at, reason)
SELECT 'whd_' || replace(gen_random_uuid()::text, '-', ''), event.organisation_id, CAST(:endpoint_id AS text),
       event.position, event.subject_type, event.subject_id, CAST(:replay_of AS text), 'pending', 0, 0,
       CAST(:now AS timestamptz), CAST(:now AS timestamptz), ''
FROM events event
WHERE event.organisation_id = :organisation_id AND event.position > :after AND event.told_at >= :since
  AND (CAST(:position AS bigint) IS NULL OR event.position = CAST(:position AS bigint))
  AND CAST(:types AS text[]) && ARRAY['*', event.type::text, split_part(event.type, '.', 1) || '.*']
  AND (CAST(:position AS bigint) IS NOT NULL OR event.type <> 'webhook_endpoint.tested')
  AND NOT EXISTS (
    SELECT FROM webhook_deliveries waiting
    WHERE waiting.endpoint_id = CAST(:endpoint_id AS text) AND waiting.position = event.position
      AND waiting.state = 'pending'
  )
ORDER BY event.position LIMIT :limit
RETURNING id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """How much a deliverer takes at once."""

    limit: int
    most_of_one: int
    """Of one endpoint that is proven; of one that has failed last, a single one."""
    most_at_first: int
    """Of any other."""
    proven: Collection[str]
    """Endpoints that have just taken something."""
    busy: Mapping[str, int]
    """How many of each endpoint it is sending already."""
    lease_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Which events are sent again to an endpoint."""

    organisation_id: str
    endpoint_id: str
    replay_of: str
    since: datetime
    types: Sequence[str]
    limit: int
    position: int | None = None
    """Only the event at this position."""


def claim_due(session: Session, claim: Claim, *, now: datetime) -> Sequence[RowMapping]:
    """Take deliveries that are due: of each subject at an endpoint only the first, of each endpoint only so many."""
    values = {
        "limit": claim.limit,
        "most": claim.most_of_one,
        "most_at_first": claim.most_at_first,
        "proven": sorted(claim.proven),
        "busy": to_json(claim.busy).decode(),
        "lease_until": claim.lease_until,
        "now": now,
    }
    return session.connection().execute(_CLAIM, values).mappings().all()


def finish(session: Session, rows: Sequence[Mapping[str, object]]) -> frozenset[int]:
    """Note attempts, and return the deliveries that were still the deliverer's; about the others nothing is noted."""
    found = session.connection().execute(_FINISH, {"rows": to_json(rows).decode()})
    return frozenset(found.scalars())


def give_up_pending(session: Session, *, endpoint_id: str, reason: str, now: datetime) -> int:
    """End all deliveries that wait at an endpoint; return how many."""
    values = {"endpoint_id": endpoint_id, "reason": reason, "now": now}
    return session.connection().execute(_GIVE_UP, values).rowcount


def is_any_due(session: Session, *, now: datetime) -> bool:
    """Return whether some delivery may be due."""
    return bool(session.connection().execute(_DUE, {"now": now}).scalar())


def read_deliveries(
    session: Session,
    *,
    organisation_id: str,
    endpoint_id: str,
    state: str | None,
    before: int,
    limit: int,
    answered: bool = False,
) -> Sequence[RowMapping]:
    """Return deliveries to an endpoint, the newest first; ``answered``: with what came of the last attempt of each."""
    values = {
        "organisation_id": organisation_id,
        "endpoint_id": endpoint_id,
        "state": state,
        "before": before,
        "limit": limit,
    }
    return session.connection().execute(_LIST_ANSWERED if answered else _LIST, values).mappings().all()


def read_of_subjects(
    session: Session, *, organisation_id: str, subject_ids: Collection[str], limit: int
) -> Sequence[RowMapping]:
    """Return deliveries of events about these things, with what came of the last attempt, the newest first."""
    values = {"organisation_id": organisation_id, "subject_ids": sorted(subject_ids), "limit": limit}
    return session.connection().execute(_OF_SUBJECTS, values).mappings().all()


def find_delivery(session: Session, *, organisation_id: str, delivery_id: str) -> RowMapping | None:
    """Return a delivery of an organisation."""
    values = {"organisation_id": organisation_id, "delivery_id": delivery_id}
    return session.connection().execute(_FIND, values).mappings().one_or_none()


def read_attempts(session: Session, *, number: int) -> Sequence[WebhookAttempt]:
    """Return what came of a delivery so far, the first attempt first."""
    statement = select(WebhookAttempt).where(col(WebhookAttempt.delivery_number) == number)
    return session.exec(statement.order_by(col(WebhookAttempt.number))).all()


def insert_replays(session: Session, replay: Replay, *, now: datetime) -> Sequence[str]:
    """Add deliveries of events that were told before, but for those that wait anyway; return their ids in order."""
    values: dict[str, Any] = {
        "organisation_id": replay.organisation_id,
        "endpoint_id": replay.endpoint_id,
        "replay_of": replay.replay_of,
        "since": replay.since,
        "types": list(replay.types),
        "position": replay.position,
        "after": 0,
        "limit": replay.limit,
        "now": now,
    }
    return session.connection().execute(_REPLAY, values).scalars().all()
