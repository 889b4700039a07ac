"""What becomes of a delivery, and of its endpoint, after an attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from fabroute.webhooks.ports import Answer
from fabroute.webhooks.repository import deliveries as rows
from fabroute.webhooks.repository import endpoints as endpoint_rows
from fabroute.webhooks.rules.schedule import Health, is_hopeless, rest_seconds, seconds_until_attempt
from fabroute.webhooks.service.endpoints import disable

_GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one attempt."""

    number: int
    """Of the delivery."""
    fence: int
    endpoint_id: str
    attempt: int
    at: datetime
    chance: float
    answer: Answer


def note_outcomes(session: Session, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Note attempts, when the failed ones are tried again, and how their endpoints do.

    What another deliverer has taken over meanwhile is not noted. An endpoint that answered 410, or nothing good for
    three days, is disabled.
    """
    endpoint_ids = sorted({it.endpoint_id for it in outcomes})
    endpoint_rows.lock_endpoints(session, endpoint_ids)
    noted = rows.finish(session, [_row(it, now=now) for it in outcomes])
    for endpoint_id in endpoint_ids:
        mine = [it for it in outcomes if it.endpoint_id == endpoint_id and it.number in noted]
        if mine:
            _note_health(session, endpoint_id, mine, now=now)


def _row(it: Outcome, *, now: datetime) -> dict[str, object]:
    wait = None if it.answer.is_taken else seconds_until_attempt(it.attempt + 1, chance=it.chance)
    is_over = it.answer.is_taken or wait is None
    return {
        "number": it.number,
        "fence": it.fence,
        "state": "delivered" if it.answer.is_taken else "given_up" if is_over else "pending",
        "next_attempt_at": None if wait is None else now + timedelta(seconds=wait),
        "finished_at": now if is_over else None,
        "reason": it.answer.detail[:400],
        "at": it.at,
        "duration_ms": it.answer.duration_ms,
        "status": it.answer.status,
        "failure": it.answer.failure,
        "detail": it.answer.detail[:400],
        "answer": it.answer.body.replace("\x00", " "),
    }


def _note_health(session: Session, endpoint_id: str, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    last_success = max((place for place, it in enumerate(outcomes) if it.answer.is_taken), default=-1)
    failures = len(outcomes) - 1 - last_success
    health = endpoint_rows.note_health(
        session,
        endpoint_id=endpoint_id,
        succeeded=last_success >= 0,
        failures=failures,
        failed=any(not it.answer.is_taken for it in outcomes),
        now=now,
    )
    if health is None or health["state"] != "enabled":
        return
    gone = next((it for it in outcomes if it.answer.failure == _GONE), None)
    if gone is not None:
        _disable(session, endpoint_id, health, cause=_GONE, reason=gone.answer.detail, now=now)
    elif failures:
        _rest_or_disable(session, endpoint_id, health, outcomes[-1].answer, now=now)


def _rest_or_disable(
    session: Session, endpoint_id: str, health: Mapping[str, Any], answer: Answer, *, now: datetime
) -> None:
    known = Health(failures_in_a_row=health["failures_in_a_row"], failing_since=health["failing_since"])
    if is_hopeless(known, now=now):
        words = f"{known.failures_in_a_row} attempts in a row failed since {known.failing_since:%Y-%m-%d %H:%M} UTC"
        _disable(session, endpoint_id, health, cause="failing", reason=f"{words}: {answer.detail}", now=now)
    elif rest := rest_seconds(known.failures_in_a_row):
        endpoint_rows.set_rest(session, endpoint_id=endpoint_id, until=now + timedelta(seconds=rest))


def _disable(
    session: Session, endpoint_id: str, health: Mapping[str, Any], *, cause: str, reason: str, now: datetime
) -> None:
    disable(session, endpoint_id, health["organisation_id"], cause=cause, reason=reason[:400], now=now)
