"""Revisions: added, changed while they are drafts, read, with all that happened to them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fabroute.identity.service import AuditRecord, read_audit, record_audits
from fabroute.inventory.models import Part, PartRevision
from fabroute.inventory.repository import parts, revisions
from fabroute.inventory.rules.requirements import Characteristic, InvalidRevision, NewRevision
from fabroute.inventory.service.moves import (
    SYSTEM,
    Mover,
    RevisionFrozen,
    Subject,
    UnknownPart,
    UnknownRevision,
    audit_record,
    locked,
    note,
    require_version,
)
from fabroute.inventory.snapshot import RevisionView, revision_view, revision_views
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.events import JsonScalar
from fabroute.kernel.ids import new_id

_SIZES = ("box_x_mm", "box_y_mm", "box_z_mm", "volume_cm3")
CHANGEABLE = frozenset(field.name for field in fields(NewRevision)) - {"part_id", "revision", "revision_id"}
"""What ``change_revision`` can change."""
_SAVED = (*sorted(CHANGEABLE), "size_is_stated", "version")


class RevisionExists(DomainError):
    """The part has a revision of that name already."""

    code = "revision_exists"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionChange:
    """New values for some of ``CHANGEABLE``, by name; ``expected_version`` is what the caller has seen."""

    expected_version: int
    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        unknown = sorted(set(self.values) - CHANGEABLE)
        if unknown:
            problems = tuple(FieldProblem(pointer=f"/{name}", message="can't be changed") for name in unknown)
            raise InvalidRevision(f"{', '.join(unknown)} can't be changed: add a new revision", problems=problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One thing that was done to a revision: when, by which API key or part of the system, and why."""

    occurred_at: datetime
    actor: str
    action: str
    reason: str
    data: Mapping[str, JsonScalar]


def add_revision(session: Session, *, revision: NewRevision, now: datetime, actor: str = SYSTEM) -> str:
    """Add a draft revision and return its id. The same facts again change nothing; a draft takes other facts.

    Raises ``UnknownPart``, and ``RevisionFrozen`` for other facts of a revision that is past its draft.
    """
    part = _part(session, revision)
    by = Mover(actor=actor, now=now)
    known = revisions.find_revision(session, part_id=revision.part_id, revision=revision.revision)
    if known is None:
        return _add(session, part, revision, by)
    return _revise(session, known, part, _different(known, revision), by)


def create_revision(session: Session, *, revision: NewRevision, actor: str, now: datetime) -> RevisionView:
    """Add a draft revision. Raises ``UnknownPart``, and ``RevisionExists`` where the part has one of that name."""
    part = _part(session, revision)
    known = revisions.find_revision(session, part_id=revision.part_id, revision=revision.revision)
    if known is not None:
        raise RevisionExists(
            f"{part.part_no} has a revision {revision.revision} ({known.id}, {known.state}): change that one while it "
            "is a draft, or give this one another name"
        )
    revision_id = _add(session, part, revision, Mover(actor=actor, now=now))
    return get_revision(session, organisation_id=part.organisation_id, revision_id=revision_id)


def change_revision(
    session: Session, *, organisation_id: str, revision_id: str, change: RevisionChange, actor: str, now: datetime
) -> RevisionView:
    """Change what a draft states.

    Raises ``UnknownRevision``, ``StaleVersion``, ``RevisionFrozen`` past the draft and ``InvalidRevision``.
    """
    revision, part = locked(session, revision_id, organisation_id=organisation_id)
    require_version(expected=change.expected_version, present=revision.version, what=f"revision {revision.revision}")
    _revise(session, revision, part, _changed(revision, change), Mover(actor=actor, now=now))
    return get_revision(session, organisation_id=organisation_id, revision_id=revision_id)


def add_revisions(
    session: Session, *, organisation_id: str, added: Sequence[NewRevision], actor: str, now: datetime
) -> None:
    """Add draft revisions that are not there yet to an owner's parts, which the caller holds: see ``hold_parts``."""
    by = Mover(actor=actor, now=now)
    rows = [_row(revision, by) for revision in added]
    revisions.insert_revisions(session, [row.model_dump() for row in rows])
    entries = [audit_record(_subject(row, organisation_id), "revision.added", by=by) for row in rows]
    record_audits(session, entries=entries)


def change_revisions(
    session: Session, *, organisation_id: str, changes: Mapping[str, RevisionChange], actor: str, now: datetime
) -> dict[str, DomainError]:
    """Change what drafts of an owner's parts state, by their ids, and return what is refused, as ``change_revision``.

    The caller holds the parts: see ``hold_parts``.
    """
    by, refused = Mover(actor=actor, now=now), dict[str, DomainError]()
    rows: list[dict[str, Any]] = []
    entries: list[AuditRecord] = []
    for known, _, _ in revisions.read_revisions(session, changes):
        try:
            different = _changed(known, changes[known.id])
        except DomainError as refusal:
            refused[known.id] = refusal
            continue
        if different:
            rows.append(known.model_dump() | different | {"version": known.version + 1})
            entries.append(
                audit_record(_subject(known, organisation_id), "revision.changed", by=by, fields=_names(different))
            )
    revisions.update_revisions(session, rows, changing=_SAVED)
    record_audits(session, entries=entries)
    return refused


def get_revision(session: Session, *, organisation_id: str, revision_id: str) -> RevisionView:
    """Return an owner's revision with file and documents; ``UnknownRevision`` (also if it is someone else's)."""
    rows = revisions.read_revisions(session, [revision_id])
    if not rows or rows[0][1].organisation_id != organisation_id:
        raise UnknownRevision(f"there is no part revision {revision_id}: GET /v1/parts lists yours with their ids")
    return revision_views(session, rows)[0]


def read_revisions(session: Session, *, revision_ids: Collection[str]) -> dict[str, RevisionView]:
    """Return revisions by their ids in one query, without documents; unknown ids are left out."""
    return {row[0].id: revision_view(row) for row in revisions.read_revisions(session, revision_ids)}


def read_released_needs(session: Session, *, organisation_id: str) -> dict[str, frozenset[str]]:
    """Return the certificates that an owner's released revisions ask for, by revision id, in one query."""
    found = revisions.read_released_needs(session, organisation_id=organisation_id)
    return {revision_id: frozenset(needed) for revision_id, needed in found}


def owners_of_released_revisions(session: Session) -> tuple[str, ...]:
    """Return the organisations that have a revision that can be ordered, by id."""
    return tuple(revisions.read_owners_of_released(session))


def revision_history(session: Session, *, organisation_id: str, revision_id: str) -> tuple[HistoryEntry, ...]:
    """Return what was done to an owner's revision, from the audit log, the first first; ``UnknownRevision``."""
    get_revision(session, organisation_id=organisation_id, revision_id=revision_id)
    return tuple(
        HistoryEntry(
            occurred_at=entry.occurred_at,
            actor=entry.actor,
            action=entry.action,
            reason=str(entry.data.get("reason", "")),
            data={name: value for name, value in entry.data.items() if name != "reason"},
        )
        for entry in read_audit(session, subject_type="part_revision", subject_id=revision_id)
    )


def _part(session: Session, revision: NewRevision) -> Part:
    part = parts.lock_part(session, revision.part_id)
    if part is None:
        raise UnknownPart(f"there is no part {revision.part_id}: register it first")
    return part


def _add(session: Session, part: Part, revision: NewRevision, by: Mover) -> str:
    row = _row(revision, by)
    revisions.add_revision(session, row)
    note(session, row, part, "revision.added", by=by)
    return row.id


def _row(revision: NewRevision, by: Mover) -> PartRevision:
    return PartRevision(
        id=revision.revision_id or new_id("rev"),
        part_id=revision.part_id,
        revision=revision.revision,
        state="draft",
        created_by=by.actor,
        created_at=by.now,
        **_facts(revision),
    )


def _revise(session: Session, known: PartRevision, part: Part, different: Mapping[str, Any], by: Mover) -> str:
    if different:
        for name, value in different.items():
            setattr(known, name, value)
        known.version += 1
        session.flush()
        note(session, known, part, "revision.changed", by=by, fields=_names(different))
    return known.id


def _changed(known: PartRevision, change: RevisionChange) -> dict[str, Any]:
    """Return the facts that a change makes different; what is refused is raised."""
    require_version(expected=change.expected_version, present=known.version, what=f"revision {known.revision}")
    return _different(known, NewRevision(**_stated(known) | dict(change.values)))


def _different(known: PartRevision, wanted: NewRevision) -> dict[str, Any]:
    different = {name: value for name, value in _facts(wanted).items() if value != getattr(known, name)}
    if wanted.size is None and not known.size_is_stated:
        different = {name: value for name, value in different.items() if name not in _SIZES}
    if different and known.state != "draft":
        raise RevisionFrozen(
            f"revision {known.revision} of {known.part_id} is {known.state} and can't change its "
            f"{', '.join(different)}: add a new revision"
        )
    return different


def _names(different: Mapping[str, Any]) -> str:
    return " ".join(sorted(different))


def _subject(revision: PartRevision, organisation_id: str) -> Subject:
    return Subject(kind="part_revision", id=revision.id, organisation_id=organisation_id)


def _facts(wanted: NewRevision) -> dict[str, Any]:
    facts = {name: value for name, value in asdict(wanted).items() if name in CHANGEABLE}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()}
    return plain | {"size_is_stated": wanted.size is not None}


def _stated(revision: PartRevision) -> dict[str, Any]:
    """Return what a revision states, as ``NewRevision`` takes it."""
    facts = {name: getattr(revision, name) for name in CHANGEABLE if revision.size_is_stated or name not in _SIZES}
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}
    plan = tuple(Characteristic(**item) for item in revision.inspection_plan)
    return plain | {"part_id": revision.part_id, "revision": revision.revision, "inspection_plan": plan}
