"""Certificates of conformity are withdrawn: they stay readable, and say since when and why they hold no longer."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session

from fabroute.outbox import service as outbox
from fabroute.production.events import certificate_event
from fabroute.production.repository import conformity as rows


def withdraw_certificates(session: Session, *, job_ids: Collection[str], reason: str, now: datetime) -> tuple[str, ...]:
    """Withdraw the certificates of these jobs that stand, as a recall does; return their ids. ``conformity.withdrawn``.

    The caller has let in whoever asks, and notes on the audit log why.
    """
    if not job_ids:
        return ()
    withdrawn = rows.withdraw(session, job_ids=job_ids, reason=reason, now=now)
    outbox.record_all(
        session,
        [
            certificate_event(
                "conformity.withdrawn",
                certificate_id=row.id,
                organisation_id=row.organisation_id,
                job_id=row.job_id,
                occurred_at=now,
                reason=reason,
            )
            for row in withdrawn
        ],
    )
    return tuple(row.id for row in withdrawn)
