"""An offer is accepted, and what came of it; or why it is not good any more."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fabroute.api.errors import IdempotencyKeyInFlight
from fabroute.api.intake.acceptances import AcceptanceDesk
from fabroute.api.intake.desk import Submission
from fabroute.console.formats import Formats
from fabroute.console.reasons import meaning_of, reason_words
from fabroute.kernel.errors import DomainError

_LOOKS, _PAUSE_SECONDS = 40, 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedOrder:
    """An order that accepted an offer: what it costs and when it is there."""

    order_id: str
    price_minor: int
    promised_at: datetime | None


async def placed(desk: AcceptanceDesk, submission: Submission) -> PlacedOrder:
    """Return the order of a submission, the same one for a form that is sent twice at once.

    Raises what the desk does; a form that is still being taken after ten seconds stays in flight.
    """
    for _ in range(_LOOKS):
        try:
            return _read((await desk.place(submission)).answer)
        except IdempotencyKeyInFlight:
            await asyncio.sleep(_PAUSE_SECONDS)
    return _read((await desk.place(submission)).answer)


def lapse_words(lapsed: DomainError, fmt: Formats) -> str:
    """Return why an offer is not good any more, in words for people."""
    until = lapsed.details.get("valid_until")
    if isinstance(until, str):
        return f"It stood until {fmt.instant(datetime.fromisoformat(until))}."
    reasons = lapsed.details.get("reasons")
    found = [it for it in reasons if isinstance(it, dict)] if isinstance(reasons, list) else []
    words = [f"{meaning_of(it.code)} ({reason_words(it, fmt)})" for it in map(_reason, found)]
    return f"Meanwhile: {'; '.join(words)}." if words else "What it needs was taken by others meanwhile."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reason:
    code: str
    message: str
    figures: Mapping[str, Any]
    machine_id: str | None


def _reason(told: Mapping[str, Any]) -> _Reason:
    return _Reason(
        code=str(told["code"]),
        message=str(told["message"]),
        figures=told.get("figures") or {},
        machine_id=told.get("machine_id"),
    )


def _read(answer: bytes) -> PlacedOrder:
    order = json.loads(answer)
    agreed = order["quote"]
    return PlacedOrder(
        order_id=order["id"],
        price_minor=agreed["price"]["amount_minor"],
        promised_at=datetime.fromisoformat(agreed["arrival"]),
    )
