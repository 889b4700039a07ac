"""A job arrives later than its customer was promised, because its owner agreed to it: the order says so."""

from datetime import datetime

from sqlmodel import Session

from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.events import JsonScalar
from fabroute.orders import events as order_events
from fabroute.outbox import service as outbox
from fabroute.production.models import Job
from fabroute.production.repository import remarks as rows

_CHANGED = "order.promise_changed"


def tell_later_arrival(session: Session, job: Job, *, actor: str, now: datetime) -> None:
    """Tell that a job, on the terms it was just accepted on, arrives later than was promised; else tell nothing.

    An event ``order.promise_changed``, as of a line that was routed again, and an entry of the order's timeline.
    """
    terms = rows.customers_terms(session, job_id=job.id)
    if terms is None or terms.promised_at is None or job.promised_at <= terms.promised_at:
        return
    data: dict[str, JsonScalar] = {
        "line_id": job.order_line_id,
        "position": terms.position,
        "cause": "counter_offer",
        "outcome": "late",
        "to_node": job.node_id,
        "promised_at": terms.promised_at.isoformat(),
        "arrives_at": job.promised_at.isoformat(),
        "reason": f"its node makes it by {job.produce_by}, as the owner agreed",
    }
    event = order_events.promise_settled(
        order_id=job.order_id, organisation_id=job.organisation_id, kept=False, data=data, now=now
    )
    outbox.record_all(session, [event])
    entry = AuditRecord(
        organisation_id=job.organisation_id,
        occurred_at=now,
        actor=actor,
        action=_CHANGED,
        subject_type="order",
        subject_id=job.order_id,
        data=data,
    )
    record_audit(session, entry=entry)
