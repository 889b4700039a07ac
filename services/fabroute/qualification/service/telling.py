"""Who did what, on the audit log, and the event that others act on: the same for all of qualification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.service import AuditRecord, record_audits
from fabroute.kernel.events import DomainEvent, JsonScalar
from fabroute.outbox.service import record_all
from fabroute.qualification.events import network_changed
from fabroute.qualification.service.data import invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Something that was done to one certificate or first article, or to ``*``: several."""

    action: str
    subject_type: str
    subject_id: str
    organisation_id: str | None
    actor: str
    now: datetime
    data: Mapping[str, JsonScalar] = field(default_factory=dict)


def tell(session: Session, done: Done, *, reason: str | None) -> None:
    """Put it on the audit log; with a ``reason``, tell that nodes may print other things than before."""
    tell_all(session, (done,), reason=reason)


def tell_all(session: Session, many: Sequence[Done], *, reason: str | None) -> None:
    """Do for several things what ``tell`` does for one, in two round trips."""
    record_audits(session, entries=[_entry(done) for done in many])
    if reason is not None:
        record_all(session, [_network_changed(done, reason) for done in many])


def _entry(done: Done) -> AuditRecord:
    return AuditRecord(
        organisation_id=done.organisation_id,
        occurred_at=done.now,
        actor=done.actor,
        action=done.action,
        subject_type=done.subject_type,
        subject_id=done.subject_id,
        data=done.data,
    )


def _network_changed(done: Done, reason: str) -> DomainEvent:
    return network_changed(subject_type=done.subject_type, subject_id=done.subject_id, reason=reason, now=done.now)


def require_reason(reason: str) -> str:
    """Return a reason without blanks around it; ``InvalidCertificate`` if nothing is left."""
    if not reason.strip():
        raise invalid("/reason", "say why: the people whose jobs are held will ask")
    return reason.strip()
