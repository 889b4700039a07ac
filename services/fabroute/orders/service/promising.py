"""Place an order that is promised at once: written and decided in one transaction."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlmodel import Session

from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.events import DomainEvent
from fabroute.orders import events
from fabroute.orders.repository import quotes as quote_rows
from fabroute.orders.repository.placing import NewOrder
from fabroute.outbox import service as outbox

_HELD_FOR = timedelta(seconds=60)


def place_promised_order(session: Session, *, order: NewOrder, undecided: Mapping[str, str], now: datetime) -> None:
    """Write an order whose lines are being routed under fence 1, but for those that are ``undecided``, with reasons.

    The caller has claimed the key (``claim_key``); in the same transaction it decides the lines (``record_outcomes``)
    and gives the answer (``finish_quoted_order``). What is undecided is pending, as in any other order. Audited.
    """
    quote_rows.insert_order(session, order, agreed=None, lease_until=now + _HELD_FOR, undecided=undecided)
    entry = AuditRecord(
        organisation_id=order.organisation_id,
        occurred_at=now,
        actor=order.actor,
        action="order.placed",
        subject_type="order",
        subject_id=order.id,
        data={"promise": "now", "undecided_lines": len(undecided)},
    )
    record_audit(session, entry=entry)
    outbox.record(session, _placed_event(order, undecided, now=now))


def _placed_event(order: NewOrder, undecided: Mapping[str, str], *, now: datetime) -> DomainEvent:
    """Return the event that tells of an order; it names the scopes in which lines of it wait, if any do."""
    lines = (line for line in order.lines if line.id in undecided)
    return DomainEvent(
        name=events.ORDER_PLACED,
        subject_type="order",
        subject_id=order.id,
        organisation_id=order.organisation_id,
        occurred_at=now,
        data={"scope": ",".join(sorted({line.planning_scope or order.planning_scope for line in lines}))},
    )
