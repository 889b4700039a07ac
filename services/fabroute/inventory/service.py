"""The digital inventory: parts, their revisions, and the print files that stand in for stock."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.service import AuditRecord, record_audit
from fabroute.inventory import repository
from fabroute.inventory.events import network_changed
from fabroute.inventory.models import PartRevision, PrintFile
from fabroute.inventory.rules import Size, size_differences
from fabroute.inventory.snapshot import PartView, PrintFileView, RevisionView, part_views, revision_view
from fabroute.inventory.states import RevisionState, require_transition
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.outbox.service import record

__all__ = [
    "NewPart",
    "NewRevision",
    "PartView",
    "PrintFileMismatch",
    "PrintFileRecord",
    "PrintFileView",
    "RevisionFrozen",
    "RevisionView",
    "UnknownPart",
    "UnknownRevision",
    "add_revision",
    "attach_print_file",
    "find_parts",
    "get_part",
    "list_parts",
    "read_revisions",
    "register_part",
    "release_revision",
    "withdraw_revision",
]

_ACTOR = "system:inventory"


class UnknownPart(DomainError):
    """The owner has no such part."""

    code = "unknown_part"
    status = 404


class UnknownRevision(DomainError):
    """There is no such part revision."""

    code = "unknown_revision"
    status = 404


class RevisionFrozen(DomainError):
    """A revision that was validated keeps its facts and its file."""

    code = "revision_frozen"
    status = 409


class PrintFileMismatch(DomainError):
    """A print file has not the size of its revision."""

    code = "print_file_mismatch"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPart:
    """A spare part of an owner; ``criticality`` is the usual one of its orders."""

    organisation_id: str
    part_no: str
    name: str
    sector: str
    criticality: str
    hs_code: str
    annual_demand: int = 0
    note: str = ""
    part_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRevision:
    """What is printed (mm, cm³), of what (``PROCESS:MATERIAL`` pairs), and what a node must prove before it may."""

    part_id: str
    revision: str
    box_x_mm: float
    box_y_mm: float
    box_z_mm: float
    volume_cm3: float
    process_materials: tuple[str, ...]
    required_certificates: tuple[str, ...] = ()
    part_qualification: bool = False
    export_class: str = "none"
    ip_zone: str = "any"
    revision_id: str | None = None

    def __post_init__(self) -> None:
        if min(self.box_x_mm, self.box_y_mm, self.box_z_mm, self.volume_cm3) <= 0:
            raise ValueError(f"revision {self.revision}: box and volume must be over 0")
        if not self.process_materials or any(pair.count(":") != 1 for pair in self.process_materials):
            raise ValueError(f"revision {self.revision}: name at least one PROCESS:MATERIAL pair, e.g. MJF:PA12-MJF")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintFileRecord:
    """What the checks found in a print file that lies in the store under its SHA-256 (mm, cm³)."""

    sha256: str
    size_bytes: int
    media_type: str
    box_x_mm: float
    box_y_mm: float
    box_z_mm: float
    volume_cm3: float
    triangles: int


def register_part(session: Session, *, part: NewPart, now: datetime) -> str:
    """Save a part by its owner and part number and return its id; a known part takes the new names and figures."""
    row = asdict(part)
    row["id"] = row.pop("part_id") or new_id("part")
    part_id, is_new = repository.upsert_part(session, row)
    if is_new:
        _audit(session, action="part.registered", subject=("part", part_id), actor=_ACTOR, now=now)
    return part_id


def add_revision(session: Session, *, revision: NewRevision, now: datetime) -> str:
    """Add a draft revision and return its id. The same facts again change nothing; a draft takes other facts.

    Raises ``UnknownPart``, and ``RevisionFrozen`` for other facts of a revision that is past its draft.
    """
    if repository.lock_part(session, revision.part_id) is None:
        raise UnknownPart(f"there is no part {revision.part_id}: register it first")
    known = repository.find_revision(session, part_id=revision.part_id, revision=revision.revision)
    if known is not None:
        return _revise(known, revision)
    facts = asdict(revision)
    revision_id = facts.pop("revision_id") or new_id("rev")
    repository.add_revision(session, PartRevision(id=revision_id, state="draft", **facts))
    _audit(session, action="revision.added", subject=("part_revision", revision_id), actor=_ACTOR, now=now)
    return revision_id


def attach_print_file(session: Session, *, revision_id: str, facts: PrintFileRecord, now: datetime) -> None:
    """Note the checked print file of a draft, which is then validated; the same file again changes nothing.

    Raises ``UnknownRevision``, ``PrintFileMismatch`` when box or volume is over two percent off, ``RevisionFrozen``
    when the revision has another file already.
    """
    revision = _locked(session, revision_id)
    known = repository.find_print_file(session, revision_id)
    if known is not None and known.sha256 == facts.sha256:
        return
    if known is not None:
        raise RevisionFrozen(f"revision {revision_id} has the print file {known.sha256}: add a new revision")
    _require_same_size(revision, facts)
    require_transition(revision=revision_id, present=revision.state, wanted="validated")
    revision.state = "validated"
    repository.add_print_file(
        session, PrintFile(id=new_id("file"), revision_id=revision_id, validated_at=now, **asdict(facts))
    )
    data = {"sha256": facts.sha256}
    _audit(session, action="print_file.attached", subject=("part_revision", revision_id), actor=_ACTOR, now=now, **data)


def release_revision(session: Session, *, revision_id: str, actor: str, now: datetime) -> None:
    """Let a validated revision be ordered; the one released before is superseded. Audited; nodes may now print it.

    Raises ``UnknownRevision``, ``RevisionStateConflict`` (without a validated file there is no release).
    """
    revision = _locked(session, revision_id)
    before = repository.find_released_revision(session, revision.part_id)
    if before is not None and before.id != revision_id:
        _move(session, before, "superseded", actor=actor, now=now)
    _move(session, revision, "released", actor=actor, now=now)
    revision.released_at = now
    session.flush()


def withdraw_revision(session: Session, *, revision_id: str, actor: str, now: datetime) -> None:
    """Take a revision out of use for good. Audited. Raises ``UnknownRevision``, ``RevisionStateConflict``."""
    _move(session, _locked(session, revision_id), "withdrawn", actor=actor, now=now)


def list_parts(session: Session, *, organisation_id: str, cursor: str | None = None, limit: int = 50) -> Page[PartView]:
    """Return a page of an owner's parts, in the order of part numbers, after the part number ``cursor``."""
    found = repository.read_parts(session, organisation_id=organisation_id, after=cursor or "", limit=limit + 1)
    return page_of(part_views(session, found), limit=limit, cursor_of=lambda part: part.part_no)


def get_part(session: Session, *, organisation_id: str, part_no: str) -> PartView:
    """Return an owner's part with its revisions; ``UnknownPart`` if there is none (or it is someone else's)."""
    found = find_parts(session, organisation_id=organisation_id, part_nos=(part_no,))
    if part_no not in found:
        raise UnknownPart(f"you have no part {part_no}: GET /v1/parts lists yours")
    return found[part_no]


def find_parts(session: Session, *, organisation_id: str, part_nos: Collection[str]) -> dict[str, PartView]:
    """Return an owner's parts by their numbers in two queries; unknown numbers are left out."""
    found = repository.find_parts(session, organisation_id=organisation_id, part_nos=part_nos)
    return {view.part_no: view for view in part_views(session, found)}


def read_revisions(session: Session, *, revision_ids: Collection[str]) -> dict[str, RevisionView]:
    """Return revisions by their ids in one query; unknown ids are left out."""
    return {row[0].id: revision_view(row) for row in repository.read_revisions(session, revision_ids)}


def _locked(session: Session, revision_id: str) -> PartRevision:
    revision = repository.lock_revision(session, revision_id)
    if revision is None:
        raise UnknownRevision(f"there is no part revision {revision_id}")
    return revision


def _revise(known: PartRevision, wanted: NewRevision) -> str:
    facts = asdict(wanted)
    del facts["revision_id"]
    different = [name for name, value in facts.items() if _plain(value) != getattr(known, name)]
    if different and known.state != "draft":
        raise RevisionFrozen(
            f"revision {known.revision} of {known.part_id} is {known.state} and can't change its "
            f"{', '.join(different)}: add a new revision"
        )
    for name in different:
        setattr(known, name, _plain(facts[name]))
    return known.id


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _require_same_size(revision: PartRevision, facts: PrintFileRecord) -> None:
    differences = size_differences(file=_size(facts), revision=_size(revision))
    if differences:
        raise PrintFileMismatch(
            f"the print file is not revision {revision.id}: {'; '.join(differences)}. Check the unit and the file"
        )


def _size(thing: PartRevision | PrintFileRecord) -> Size:
    return Size(box_x_mm=thing.box_x_mm, box_y_mm=thing.box_y_mm, box_z_mm=thing.box_z_mm, volume_cm3=thing.volume_cm3)


def _move(session: Session, revision: PartRevision, state: RevisionState, *, actor: str, now: datetime) -> None:
    require_transition(revision=revision.id, present=revision.state, wanted=state)
    revision.state = state
    session.flush()
    _audit(session, action=f"revision.{state}", subject=("part_revision", revision.id), actor=actor, now=now)
    record(session, network_changed(revision_id=revision.id, reason=f"revision_{state}", now=now))


def _audit(session: Session, *, action: str, subject: tuple[str, str], actor: str, now: datetime, **data: str) -> None:
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
