"""What is done to the network goes into the audit trail, of no organisation: the network serves all."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.events import JsonScalar


def audit(
    session: Session,
    *,
    action: str,
    subject: tuple[str, str],
    actor: str,
    now: datetime,
    data: Mapping[str, JsonScalar],
) -> None:
    """Record what ``actor`` did to the ``subject``, its type and id."""
    entry = AuditRecord(
        organisation_id=None,
        occurred_at=now,
        actor=actor,
        action=action,
        subject_type=subject[0],
        subject_id=subject[1],
        data=data,
    )
    record_audit(session, entry=entry)
