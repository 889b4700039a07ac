"""Print licences: granted, listed, revoked, frozen."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.inventory.events import licence_told, network_changed
from fabroute.inventory.models import PrintLicence
from fabroute.inventory.repository import licences
from fabroute.inventory.rules import words
from fabroute.inventory.rules.licences import LicenceView
from fabroute.inventory.service.moves import Mover, Subject, audit, locked, require_reason
from fabroute.inventory.states import RevisionStateConflict
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.ids import new_id
from fabroute.outbox.service import record, record_all

_MOST_PRINTS = 1_000_000


class InvalidLicence(DomainError):
    """A licence that could never be used; each wrong field is named."""

    code = "invalid_licence"
    status = 422


class UnknownLicence(DomainError):
    """The owner has no such licence."""

    code = "unknown_licence"
    status = 404


class LicenceRevoked(DomainError):
    """The licence was revoked before."""

    code = "licence_revoked"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLicence:
    """The right to ``prints`` good prints of a revision, at some nodes, in some countries, until a day (all optional).

    ``InvalidLicence`` names what can't be.
    """

    revision_id: str
    prints: int
    node_ids: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    valid_to: date | None = None
    note: str = ""

    def __post_init__(self) -> None:
        problems = (
            *words.is_count(self.prints, pointer="/prints", least=1, most=_MOST_PRINTS),
            *words.are_names(self.node_ids, pointer="/node_ids"),
            *words.are_different(self.node_ids, pointer="/node_ids"),
            *words.are_countries(self.countries, pointer="/countries"),
            *words.are_different(self.countries, pointer="/countries"),
            *words.is_text(self.note, pointer="/note", longest=words.LONGEST_NOTE, empty=True),
        )
        if problems:
            _refuse(*problems)


def grant_licence(
    session: Session, *, organisation_id: str, licence: NewLicence, actor: str, now: datetime
) -> LicenceView:
    """Grant prints of an owner's revision. Audited and told; lines that had no licence are looked at again.

    Raises ``UnknownRevision``, ``RevisionStateConflict`` for a revision that is not printed any more, and
    ``InvalidLicence`` where it ended before today.
    """
    if licence.valid_to is not None and licence.valid_to < now.date():
        _refuse(FieldProblem(pointer="/valid_to", message=f"ended on {licence.valid_to}: give a day to come"))
    revision, _ = locked(session, licence.revision_id, organisation_id=organisation_id)
    if revision.state in ("superseded", "withdrawn"):
        raise RevisionStateConflict(
            f"revision {revision.revision} is {revision.state}: nothing is printed of it, grant the newer one"
        )
    row = PrintLicence(
        id=new_id("lic"),
        organisation_id=organisation_id,
        revision_id=revision.id,
        granted_prints=licence.prints,
        node_ids=list(licence.node_ids),
        countries=list(licence.countries),
        valid_to=licence.valid_to,
        note=licence.note,
        granted_by=actor,
        granted_at=now,
    )
    licences.add_licence(session, row)
    _tell(session, row, "granted", by=Mover(actor=actor, now=now))
    record(session, network_changed(revision_id=revision.id, reason="licence_granted", now=now))
    return licence_view(row)


def revoke_licence(
    session: Session, *, organisation_id: str, licence_id: str, reason: str, actor: str, now: datetime
) -> LicenceView:
    """End a licence for good: what is held of it may not be printed. Audited and told.

    Raises ``UnknownLicence``, ``LicenceRevoked`` and ``ReasonMissing``.
    """
    by = Mover(actor=actor, now=now, reason=require_reason(reason))
    row = licences.find_licence(session, organisation_id=organisation_id, licence_id=licence_id, lock=True)
    if row is None:
        raise _unknown(licence_id)
    if row.state == "revoked":
        raise LicenceRevoked(f"licence {licence_id} is revoked already ({row.state_reason})")
    _end(session, row, "revoked", by.reason, by)
    return licence_view(row)


def freeze_licences_of(session: Session, *, revision_id: str, reason: str, by: Mover) -> tuple[str, ...]:
    """Freeze the active licences of a revision: nothing more is printed on them. Returns their ids; audited, told."""
    frozen = licences.lock_active(session, revision_id=revision_id)
    for row in frozen:
        _end(session, row, "frozen", reason, by)
    return tuple(row.id for row in frozen)


def list_licences(
    session: Session,
    *,
    organisation_id: str,
    revision_id: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[LicenceView]:
    """Return a page of an owner's licences, the oldest first: all, or those of one revision."""
    rows = licences.read_page(
        session, organisation_id=organisation_id, revision_id=revision_id, after=cursor or "", limit=limit + 1
    )
    return page_of([licence_view(row) for row in rows], limit=limit, cursor_of=lambda licence: licence.licence_id)


def get_licence(session: Session, *, organisation_id: str, licence_id: str) -> LicenceView:
    """Return an owner's licence; ``UnknownLicence`` (also if it is someone else's)."""
    row = licences.find_licence(session, organisation_id=organisation_id, licence_id=licence_id)
    if row is None:
        raise _unknown(licence_id)
    return licence_view(row)


def read_licences(session: Session, *, revision_ids: Collection[str]) -> Mapping[str, tuple[LicenceView, ...]]:
    """Return all licences of revisions, whatever their state, by one query; revisions without any are left out."""
    found: dict[str, tuple[LicenceView, ...]] = {}
    for row in licences.read_of_revisions(session, revision_ids):
        found[row.revision_id] = (*found.get(row.revision_id, ()), licence_view(row))
    return found


def licence_view(row: PrintLicence) -> LicenceView:
    """Return the view of a licence."""
    return LicenceView(
        licence_id=row.id,
        organisation_id=row.organisation_id,
        revision_id=row.revision_id,
        granted_prints=row.granted_prints,
        good_prints=row.good_prints,
        leased_prints=row.leased_prints,
        node_ids=tuple(row.node_ids),
        countries=tuple(row.countries),
        valid_to=row.valid_to,
        state=row.state,
        state_reason=row.state_reason,
        note=row.note,
        granted_by=row.granted_by,
        granted_at=row.granted_at,
        version=row.version,
    )


def _end(session: Session, row: PrintLicence, state: str, reason: str, by: Mover) -> None:
    row.state, row.state_reason, row.version = state, reason, row.version + 1
    session.flush()
    _tell(session, row, state, by=Mover(actor=by.actor, now=by.now, reason=reason))


def _tell(session: Session, row: PrintLicence, what: str, *, by: Mover) -> None:
    left = row.granted_prints - row.good_prints
    subject = Subject(kind="print_licence", id=row.id, organisation_id=row.organisation_id)
    audit(session, subject, f"print_licence.{what}", by=by, revision_id=row.revision_id, unprinted=left)
    told = licence_told(
        what,
        licence_id=row.id,
        revision_id=row.revision_id,
        organisation_id=row.organisation_id,
        node_ids=" ".join(row.node_ids),
        now=by.now,
        unprinted=left,
        reason=by.reason,
    )
    record_all(session, (told,))


def _unknown(licence_id: str) -> UnknownLicence:
    return UnknownLicence(f"you have no licence {licence_id}: GET …/licences of a revision lists its own")


def _refuse(*problems: FieldProblem) -> None:
    first = f"{problems[0].pointer.removeprefix('/')} {problems[0].message}"
    raise InvalidLicence(f"this licence can't be granted: {first}", problems=problems)
