"""What is done to organisations and credentials goes into the audit log: never a secret."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.service.audit import AuditRecord, record_audit
from fabroute.kernel.events import JsonScalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that was done: to what, whose that is, by whom, and when."""

    subject_type: str
    subject_id: str
    organisation_id: str
    actor: str
    now: datetime


def note(session: Session, action: str, act: Act, **data: JsonScalar) -> None:
    """Write an act into the audit log."""
    entry = AuditRecord(
        organisation_id=act.organisation_id,
        occurred_at=act.now,
        actor=act.actor,
        action=action,
        subject_type=act.subject_type,
        subject_id=act.subject_id,
        data=data,
    )
    record_audit(session, entry=entry)
