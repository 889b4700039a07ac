"""A revision in which somebody found a fault is put on hold, with the jobs that make it."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database import act_for_everyone
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.inventory.service import RevisionView
from fabroute.production.repository import jobs as job_rows
from fabroute.production.service.holds import hold_of_revision, owns_revision


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionHold:
    """A revision that was put on hold or released, and how many jobs are held because of it."""

    revision: RevisionView
    held: int


def hold_revision(
    session: Session, *, principal: Principal, revision_id: str, reason: str, now: datetime
) -> RevisionHold:
    """Let nobody print a revision for now and hold the jobs that make it, for its owner or the operator. Audited.

    Raises ``UnknownRevision`` (also to everyone else), ``ReasonMissing`` and ``RevisionStateConflict``.
    """
    _require_owner(session, principal, revision_id)
    actor = principal.key_id
    job_rows.lock_live_of_revision(session, revision_id=revision_id)
    inventory.hold_revision(session, revision_id=revision_id, actor=actor, reason=reason, now=now)
    cause = f"the revision was put on hold ({reason.strip()}); "
    held = hold_of_revision(session, revision_id=revision_id, cause=cause, actor=actor, now=now)
    return RevisionHold(revision=_read(session, revision_id), held=held)


def release_hold(
    session: Session, *, principal: Principal, revision_id: str, reason: str, now: datetime
) -> RevisionHold:
    """Let a revision be printed again, for its owner or the operator: its lines are routed again. Audited.

    What was held and not taken back is resumed job by job. Raises ``UnknownRevision`` and ``ReasonMissing``.
    """
    _require_owner(session, principal, revision_id)
    inventory.release_hold(session, revision_id=revision_id, actor=principal.key_id, reason=reason, now=now)
    return RevisionHold(revision=_read(session, revision_id), held=0)


def _require_owner(session: Session, principal: Principal, revision_id: str) -> None:
    if not owns_revision(session, principal, revision_id):
        raise inventory.UnknownRevision(f"there is no part revision {revision_id} of yours")
    act_for_everyone(session)


def _read(session: Session, revision_id: str) -> RevisionView:
    return inventory.read_revisions(session, revision_ids={revision_id})[revision_id]
