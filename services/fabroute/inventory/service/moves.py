"""What all changes of revisions have in common: the lock, who may, the state's move, the record of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.service import AuditRecord, record_audit
from fabroute.inventory.events import network_changed, revision_moved
from fabroute.inventory.models import Part, PartRevision
from fabroute.inventory.repository import revisions
from fabroute.inventory.states import RevisionState, require_transition
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.events import JsonScalar
from fabroute.outbox.service import record_all

SYSTEM = "system:inventory"
_TOLD = ("released", "superseded", "withdrawn")


class UnknownPart(DomainError):
    """The owner has no such part."""

    code = "unknown_part"
    status = 404


class UnknownRevision(DomainError):
    """There is no such part revision."""

    code = "unknown_revision"
    status = 404


class RevisionFrozen(DomainError):
    """A revision that was validated keeps its facts; one that was released keeps its file and documents too."""

    code = "revision_frozen"
    status = 409


class StaleVersion(DomainError):
    """The thing was changed since it was read."""

    code = "stale_version"
    status = 412


class ReasonMissing(DomainError):
    """Something that stands on the audit log was asked for without saying why."""

    code = "reason_missing"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an audit entry is about, and whose it is."""

    kind: str
    id: str
    organisation_id: str


def locked(session: Session, revision_id: str, *, organisation_id: str | None = None) -> tuple[PartRevision, Part]:
    """Return a revision and its part, locked until the transaction ends.

    ``UnknownRevision`` if there is none, or if it is another's than the organisation's that is given.
    """
    found = revisions.lock_revision(session, revision_id)
    if found is None or organisation_id not in (None, found[1].organisation_id):
        raise UnknownRevision(f"there is no part revision {revision_id}: GET /v1/parts lists yours with their ids")
    return found


def require_version(*, expected: int, present: int, what: str) -> None:
    """Raise ``StaleVersion`` unless a caller has seen the present version of a thing."""
    if expected != present:
        raise StaleVersion(f"{what} was changed since you read it (version {present}, not {expected}): read it again")


def require_reason(reason: str) -> str:
    """Return a reason without the spaces around it; ``ReasonMissing`` if nothing is left."""
    if not reason.strip():
        message = "say why, in a few words: it goes on the audit log"
        raise ReasonMissing(message, problems=(FieldProblem(pointer="/reason", message=message),))
    return reason.strip()


def move(session: Session, revision: PartRevision, part: Part, state: RevisionState, *, by: "Mover") -> None:
    """Bring a revision into another state, with the audit entry and the events; ``RevisionStateConflict``."""
    require_transition(revision=revision.id, present=revision.state, wanted=state)
    before, revision.state, revision.version = revision.state, state, revision.version + 1
    session.flush()
    note(session, revision, part, f"revision.{state}", by=by, **{"from": before})
    if state not in _TOLD:
        return
    told = revision_moved(
        state=state, revision_id=revision.id, organisation_id=part.organisation_id, part_no=part.part_no, now=by.now
    )
    changed = network_changed(revision_id=revision.id, reason=f"revision_{state}", now=by.now)
    record_all(session, (told, changed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """Who changes something, why, and when."""

    actor: str
    now: datetime
    reason: str = ""


def note(session: Session, revision: PartRevision, part: Part, action: str, *, by: Mover, **data: JsonScalar) -> None:
    """Write an audit entry about a revision."""
    subject = Subject(kind="part_revision", id=revision.id, organisation_id=part.organisation_id)
    audit(session, subject, action, by=by, **data)


def audit(session: Session, subject: Subject, action: str, *, by: Mover, **data: JsonScalar) -> None:
    """Write an audit entry, with the reason where there is one."""
    record_audit(session, entry=audit_record(subject, action, by=by, **data))


def audit_record(subject: Subject, action: str, *, by: Mover, **data: JsonScalar) -> AuditRecord:
    """Return the audit entry of an action."""
    return AuditRecord(
        organisation_id=subject.organisation_id,
        occurred_at=by.now,
        actor=by.actor,
        action=action,
        subject_type=subject.kind,
        subject_id=subject.id,
        data={**data, **({"reason": by.reason} if by.reason else {})},
    )


def void_approval(session: Session, revision: PartRevision, part: Part, *, by: Mover) -> None:
    """Take back the approval of a revision whose file or documents change; nothing if there is none."""
    if revision.approved_at is None:
        return
    note(session, revision, part, "revision.approval_void", by=by, approved_by=revision.approved_by)
    revision.approved_by, revision.approved_at, revision.approved_sha256 = None, None, None
    revision.approval_reason = ""
    session.flush()
