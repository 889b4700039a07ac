"""A delivery in a row: what was sent where, what was answered, whether somebody may have it sent again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fabroute.console.words import Kind
from fabroute.webhooks.service.deliveries import AnsweredDelivery

_STATES: Mapping[str, tuple[str, Kind]] = {
    "pending": ("waits", "waits"),
    "delivered": ("delivered", "good"),
    "given_up": ("failed", "bad"),
}
_PATHS = {"order": "/console/orders/", "job": "/console/jobs/", "node": "/console/network/"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """An event on its way to a webhook endpoint."""

    delivery_id: str
    path: str
    type: str
    url: str
    state: str
    kind: Kind
    words: str
    """What came of the last attempt."""
    status: int | None
    at: datetime
    next_at: datetime | None
    is_repeat: bool
    """Whether somebody had it sent again."""
    may_send_again: bool
    """Whether nobody tries any more."""
    subject: str


def delivery_row(it: AnsweredDelivery) -> DeliveryRow:
    """Return a delivery as a row."""
    state, kind = _STATES.get(it.state, (it.state, "busy"))
    return DeliveryRow(
        delivery_id=it.delivery_id,
        path=f"/console/webhooks/deliveries/{it.delivery_id}",
        type=it.type,
        url=it.url,
        state=state,
        kind=kind,
        words=_words(it),
        status=it.last_status,
        at=it.last_attempt_at or it.created_at,
        next_at=it.next_attempt_at if it.state == "pending" else None,
        is_repeat=it.replay_of is not None,
        may_send_again=it.state != "pending",
        subject=it.subject_id,
    )


def came_of(status: int | None, failure: str) -> str:
    """Return what came of a try: ``answered 200``, or why nothing was."""
    return f"answered {status}" if status else failure.replace("_", " ") or "no answer"


def subject_path(subject_type: str, subject_id: str) -> str:
    """Return the page of what an event is about; empty where it has none."""
    prefix = _PATHS.get(subject_type)
    return f"{prefix}{subject_id}" if prefix else ""


def _words(it: AnsweredDelivery) -> str:
    if not it.attempt_count:
        return it.reason or "not sent yet"
    tries = "first try" if it.attempt_count == 1 else f"try {it.attempt_count}"
    took = f" in {it.last_duration_ms} ms" if it.last_duration_ms is not None and it.last_status else ""
    return f"{tries}: {came_of(it.last_status, it.reason)}{took}"
