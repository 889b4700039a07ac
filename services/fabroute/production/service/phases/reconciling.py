"""What was reported about a job after it had changed hands is refused, and kept: a part may exist twice."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.production.models import Job, Reconciliation
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository import remarks as rows
from fabroute.production.service.access import NotTheOwner
from fabroute.production.service.leases import Late
from fabroute.production.service.phases.notes import is_own, may_see
from fabroute.production.service.telling import tell


class UnknownReconciliation(DomainError):
    """No such reconciliation, or not one that the asking organisation may see."""

    code = "unknown_reconciliation"
    status = 404


class ReconciliationClosed(DomainError):
    """It was closed before, with other words."""

    code = "reconciliation_closed"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationView:
    """Something physical that was reported under a lease that was over."""

    reconciliation_id: str
    organisation_id: str
    job_id: str
    order_id: str
    order_line_id: str
    node_id: str
    kind: str
    """``physical_duplicate`` where another makes the same, else ``late_report``."""
    what: str
    quantity: int
    lease_id: str
    epoch: int
    current_epoch: int
    reported: dict[str, Any]
    reported_by: str
    reported_at: datetime
    state: str
    """``open`` or ``closed``."""
    closed_by: str | None
    closed_at: datetime | None
    resolution: str


def keep_late(session: Session, *, late: Late) -> ReconciliationView:
    """Keep a late report for a person; the same again is kept once. Audited and told.

    ``job.duplicate_detected`` where what it makes is made elsewhere meanwhile, or by another client of the node; else
    ``job.reported_late``.
    """
    job = job_rows.lock_job(session, late.job_id)
    assert job is not None, "who reported it could see it, and jobs are never deleted"
    wanted = _row(job, late, made_elsewhere=rows.made_elsewhere(session, job))
    known = rows.find_like(session, wanted)
    if known is not None:
        return reconciliation_view(known)
    rows.add(session, wanted)
    tell(
        session,
        job,
        "job.duplicate_detected" if wanted.kind == "physical_duplicate" else "job.reported_late",
        actor=late.actor,
        now=late.physical.at,
        reconciliation_id=wanted.id,
        what=wanted.what,
        quantity=wanted.quantity,
        epoch=wanted.epoch,
    )
    return reconciliation_view(wanted)


def list_reconciliations(
    session: Session, *, principal: Principal, state: str | None, cursor: str | None, limit: int
) -> Page[ReconciliationView]:
    """Return reconciliations, newest first: an owner's, a bureau's of its nodes, all to the operator."""
    own = None if principal.kind == "operator" else principal.organisation_id
    found = rows.read(session, Reconciliation, organisation_id=own, state=state, cursor=cursor, limit=limit + 1)
    views = [reconciliation_view(row) for row in found]
    return page_of(views, limit=limit, cursor_of=lambda view: view.reconciliation_id)


def close_reconciliation(
    session: Session, *, principal: Principal, reconciliation_id: str, resolution: str, now: datetime
) -> ReconciliationView:
    """Say what became of it, for the owner or the operator; the same again changes nothing. Audited.

    Raises ``UnknownReconciliation``, ``NotTheOwner`` and ``ReconciliationClosed``.
    """
    found = rows.find(session, Reconciliation, reconciliation_id, lock=True)
    if found is None or not may_see(session, principal, found):
        raise UnknownReconciliation(
            f"there is no reconciliation {reconciliation_id} of yours: GET /v1/reconciliations lists them"
        )
    if principal.kind != "operator" and not is_own(session, principal, found.organisation_id):
        raise NotTheOwner(f"reconciliation {reconciliation_id} is for the owner of the part to close")
    if found.state == "closed":
        if found.resolution != resolution:
            raise ReconciliationClosed(f"reconciliation {reconciliation_id} was closed before: {found.resolution}")
        return reconciliation_view(found)
    found.state, found.resolution = "closed", resolution
    found.closed_by, found.closed_at = principal.key_id, now
    session.flush()
    record_audit(session, entry=_closed(found, actor=principal.key_id, now=now))
    return reconciliation_view(found)


def reconciliation_view(row: Reconciliation) -> ReconciliationView:
    """Return the view of a reconciliation."""
    columns = row.model_dump()
    return ReconciliationView(reconciliation_id=columns.pop("id"), **columns)


def _row(job: Job, late: Late, *, made_elsewhere: bool) -> Reconciliation:
    return Reconciliation(
        id=new_id("rec"),
        organisation_id=job.organisation_id,
        job_id=job.id,
        order_id=job.order_id,
        order_line_id=job.order_line_id,
        node_id=job.node_id,
        kind="physical_duplicate" if made_elsewhere else "late_report",
        what=late.physical.what,
        quantity=late.physical.quantity,
        lease_id="" if late.lease is None else late.lease.lease_id,
        epoch=0 if late.lease is None else late.lease.epoch,
        current_epoch=job.lease_epoch,
        reported=json.loads(json.dumps(dict(late.physical.facts))),
        reported_by=late.actor,
        reported_at=late.physical.at,
    )


def _closed(row: Reconciliation, *, actor: str, now: datetime) -> AuditRecord:
    return AuditRecord(
        organisation_id=row.organisation_id,
        occurred_at=now,
        actor=actor,
        action="reconciliation.closed",
        subject_type="reconciliation",
        subject_id=row.id,
        data={"job_id": row.job_id, "resolution": row.resolution},
    )
