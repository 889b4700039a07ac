"""Reading the audit log of an organisation: its sealed entries, and how far its chain is."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.repository import organisations
from fabroute.identity.repository import seals as repository
from fabroute.identity.repository.seals import INSTALLATION
from fabroute.identity.rules import Principal
from fabroute.identity.service.organisations import UnknownOrganisation
from fabroute.identity.service.sealing.content import GENESIS, EntryContent
from fabroute.identity.service.sealing.roots import SignedRoot, root_of
from fabroute.kernel.errors import DomainError

_NO_POSITION = 2**62


class MalformedAuditCursor(DomainError):
    """The cursor is no position of the audit log."""

    code = "malformed_audit_cursor"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are wanted; ``None``: whatever it is. ``until`` is exclusive."""

    subject_type: str | None = None
    subject_id: str | None = None
    actor: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedEntry(EntryContent):
    """An entry of the audit log with its place in the chain."""

    position: int
    hash: str
    sealed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """How far a chain is, and the last signed root of it."""

    organisation_id: str
    position: int
    hash: str
    root: SignedRoot | None


def list_audit_log(
    session: Session,
    *,
    chain: str,
    wanted: AuditFilter,
    cursor: str | None,
    limit: int,
) -> Page[SealedEntry]:
    """Return sealed entries of a chain, the last first. An entry is sealed within seconds, and never skipped.

    Raises ``MalformedAuditCursor``.
    """
    values = asdict(wanted) | {"chain": chain, "before": _position(cursor), "limit": limit + 1}
    rows = repository.list_sealed(session, values=values)
    return page_of([_sealed(row) for row in rows], limit=limit, cursor_of=lambda entry: str(entry.position))


def audit_head(session: Session, *, chain: str) -> AuditHead:
    """Return how far a chain is; position 0 and the hash of nothing where it has no entry."""
    position, hash_ = repository.read_heads(session, (chain,)).get(chain, (0, GENESIS))
    row = repository.read_last_root(session, chain=chain)
    return AuditHead(organisation_id=chain, position=position, hash=hash_, root=None if row is None else root_of(row))


def readable_chain(session: Session, *, principal: Principal, organisation_id: str | None) -> str:
    """Return whose audit log a caller reads: its own, the operator also any other's, or ``installation``.

    Raises ``UnknownOrganisation``.
    """
    chosen = organisation_id or principal.organisation_id
    if chosen == principal.organisation_id:
        return chosen
    if principal.kind != "operator" or not (
        chosen == INSTALLATION or organisations.organisation_exists(session, chosen)
    ):
        raise UnknownOrganisation(f"there is no organisation {chosen} whose audit log you could read")
    return chosen


def _position(cursor: str | None) -> int:
    if cursor is None:
        return _NO_POSITION
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise MalformedAuditCursor("parameter cursor: take next_cursor of the page before as it is, or leave it out")
    return int(cursor)


def _sealed(row: Row[Any]) -> SealedEntry:
    return SealedEntry(
        position=row.position,
        hash=row.hash,
        sealed_at=row.sealed_at,
        organisation_id=row.organisation_id,
        entry_id=row.id,
        occurred_at=row.occurred_at,
        actor=row.actor,
        action=row.action,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        data=row.data,
    )
