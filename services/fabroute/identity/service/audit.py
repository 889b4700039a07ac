"""The record of who did what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.repository import audit as repository
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.events import JsonScalar


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """Who did what to which thing, when. ``actor`` is an API key's id or ``system:<what>``."""

    organisation_id: str | None
    occurred_at: datetime
    actor: str
    action: str
    subject_type: str
    subject_id: str
    data: Mapping[str, JsonScalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditView:
    """An entry of the audit log, as it was written."""

    occurred_at: datetime
    actor: str
    action: str
    data: Mapping[str, JsonScalar]


class AuditedRefusal(DomainError):
    """A refusal that belongs on the audit log although its transaction is rolled back.

    Whoever turns it into an answer writes ``entry`` in a transaction of its own.
    """

    def __init__(
        self,
        message: str,
        *,
        entry: AuditRecord,
        problems: tuple[FieldProblem, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, problems=problems, headers=headers)
        self.entry = entry


def record_audit(session: Session, *, entry: AuditRecord) -> None:
    """Note who did what, in the transaction that does it."""
    record_audits(session, entries=(entry,))


def record_audits(session: Session, *, entries: Sequence[AuditRecord]) -> None:
    """Note several entries in one round trip."""
    if entries:
        repository.insert_audit(session, [_audit_row(entry) for entry in entries])


def read_audit(session: Session, *, subject_type: str, subject_id: str, limit: int = 1000) -> tuple[AuditView, ...]:
    """Return what was done to one thing, the first first, up to ``limit`` entries; who may see it is not asked here."""
    found = repository.read_audit(session, subject_type=subject_type, subject_id=subject_id, limit=limit)
    return tuple(
        AuditView(occurred_at=entry.occurred_at, actor=entry.actor, action=entry.action, data=entry.data)
        for entry in found
    )


def _audit_row(entry: AuditRecord) -> Mapping[str, object]:
    return {
        "organisation_id": entry.organisation_id,
        "occurred_at": entry.occurred_at,
        "actor": entry.actor,
        "action": entry.action,
        "subject_type": entry.subject_type,
        "subject_id": entry.subject_id,
        "data": dict(entry.data),
    }
