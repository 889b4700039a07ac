"""What a node tells the owner of a part: that it can't be manufactured, for instance. The owner sees to it."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database import reaches
from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.network import service as network
from fabroute.outbox import service as outbox
from fabroute.production.events import NoteEvent, note_event
from fabroute.production.models import Job, OwnerNote
from fabroute.production.repository import remarks as rows
from fabroute.production.service.access import NotTheOwner


class UnknownNote(DomainError):
    """No such note, or not one that the asking organisation may see."""

    code = "unknown_note"
    status = 404


class NoteClosed(DomainError):
    """The note was closed before, with other words."""

    code = "note_closed"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteView:
    """A note of a node to the owner of a part."""

    note_id: str
    organisation_id: str
    job_id: str
    node_id: str
    revision_id: str
    part_no: str
    kind: str
    """``not_manufacturable`` or ``message``."""
    text: str
    revision_held: bool
    """Whether the revision was put on hold because of it."""
    state: str
    """``open`` or ``closed``."""
    opened_by: str
    opened_at: datetime
    closed_by: str | None
    closed_at: datetime | None
    resolution: str


def open_note(session: Session, job: Job, *, text: str, revision_held: bool, actor: str, now: datetime) -> NoteView:
    """Tell the owner of a job's part that it can't be manufactured, and why. Audited, ``note.opened``."""
    note = OwnerNote(
        id=new_id("note"),
        organisation_id=job.organisation_id,
        job_id=job.id,
        node_id=job.node_id,
        revision_id=job.revision_id,
        part_no=job.part_no,
        kind="not_manufacturable",
        text=text,
        revision_held=revision_held,
        opened_by=actor,
        opened_at=now,
    )
    rows.add(session, note)
    _tell(session, note, "note.opened", actor=actor, now=now)
    return note_view(note)


def note_of(session: Session, job: Job) -> NoteView | None:
    """Return the note that the node of a job opened about it, if any."""
    found = rows.find_note_of(session, job_id=job.id)
    return None if found is None else note_view(found)


def list_notes(
    session: Session, *, principal: Principal, state: str | None, cursor: str | None, limit: int
) -> Page[NoteView]:
    """Return notes, the newest first: an owner's about its parts, a bureau's from its nodes, all to the operator."""
    own = None if principal.kind == "operator" else principal.organisation_id
    found = rows.read(session, OwnerNote, organisation_id=own, state=state, cursor=cursor, limit=limit + 1)
    return page_of([note_view(row) for row in found], limit=limit, cursor_of=lambda view: view.note_id)


def close_note(session: Session, *, principal: Principal, note_id: str, resolution: str, now: datetime) -> NoteView:
    """Close a note, for the owner or the operator, with what was done about it; the same again changes nothing.

    Audited, ``note.closed``. Raises ``UnknownNote``, ``NotTheOwner`` and ``NoteClosed``.
    """
    note = rows.find(session, OwnerNote, note_id, lock=True)
    if note is None or not may_see(session, principal, note):
        raise UnknownNote(f"there is no note {note_id} of yours: GET /v1/owner-notes lists them")
    if principal.kind != "operator" and not is_own(session, principal, note.organisation_id):
        raise NotTheOwner(f"note {note_id} is for the owner of the part to close")
    if note.state == "closed":
        if note.resolution != resolution:
            raise NoteClosed(f"note {note_id} was closed before: {note.resolution}")
        return note_view(note)
    note.state, note.resolution = "closed", resolution
    note.closed_by, note.closed_at = principal.key_id, now
    session.flush()
    _tell(session, note, "note.closed", actor=principal.key_id, now=now)
    return note_view(note)


def may_see(session: Session, principal: Principal, remark: rows.Remark) -> bool:
    """Return whether something about a job concerns the principal: its owner, its node or the operator."""
    if principal.kind == "operator" or is_own(session, principal, remark.organisation_id):
        return True
    return is_own(session, principal, network.find_node(session, node_id=remark.node_id).organisation_id)


def is_own(session: Session, principal: Principal, organisation_id: str) -> bool:
    """Return whether an organisation is the principal's, and the session's."""
    return organisation_id == principal.organisation_id and reaches(session, organisation_id)


def note_view(note: OwnerNote) -> NoteView:
    """Return the view of a note."""
    columns = note.model_dump()
    return NoteView(note_id=columns.pop("id"), **columns)


def _tell(session: Session, note: OwnerNote, name: NoteEvent, *, actor: str, now: datetime) -> None:
    told = note_event(
        name,
        note_id=note.id,
        organisation_id=note.organisation_id,
        job_id=note.job_id,
        node_id=note.node_id,
        occurred_at=now,
    )
    outbox.record(session, told)
    entry = AuditRecord(
        organisation_id=note.organisation_id,
        occurred_at=now,
        actor=actor,
        action=name,
        subject_type="owner_note",
        subject_id=note.id,
        data={"job_id": note.job_id, "text": note.resolution or note.text},
    )
    record_audit(session, entry=entry)
