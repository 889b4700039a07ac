"""Drawings, bills of materials and finish instructions that travel with a revision."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.inventory.models import Part, PartRevision, RevisionDocument
from fabroute.inventory.repository import documents
from fabroute.inventory.rules import words
from fabroute.inventory.service.moves import Mover, RevisionFrozen, locked, note, void_approval
from fabroute.inventory.service.revisions import get_revision
from fabroute.inventory.snapshot import DocumentView, document_view
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.ids import new_id


class InvalidDocument(DomainError):
    """A name or kind that no document can have."""

    code = "invalid_document"
    status = 422


class UnknownDocument(DomainError):
    """The revision has no such document."""

    code = "unknown_document"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A document whose content lies in the store under its SHA-256: ``drawing``, ``bom``, ``finish`` or ``other``."""

    revision_id: str
    kind: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str

    def __post_init__(self) -> None:
        problems = [
            *words.is_one_of(self.kind, words.DOCUMENT_KINDS, pointer="/kind"),
            *words.is_text(self.name, pointer="/name", longest=words.LONGEST_NAME),
        ]
        if self.name in (".", "..") or set(self.name) & set("/\\"):
            problems.append(FieldProblem(pointer="/name", message="is no file name: leave slashes out"))
        if problems:
            raise InvalidDocument(f"document {self.name!r}: {problems[0].message}", problems=tuple(problems))


def add_document(
    session: Session, *, organisation_id: str, document: NewDocument, actor: str, now: datetime
) -> DocumentView:
    """Add a document to a revision that is not released yet; one of the same name is replaced. Audited.

    An approval of the revision is void then; the same document again changes nothing. Raises ``UnknownRevision`` and
    ``RevisionFrozen``.
    """
    revision, part = _changeable(session, document.revision_id, organisation_id)
    by = Mover(actor=actor, now=now)
    known = documents.find_document(session, revision_id=revision.id, name=document.name)
    wanted = asdict(document)
    if known is not None and all(getattr(known, name) == value for name, value in wanted.items()):
        return document_view(known)
    if known is not None:
        documents.delete_document(session, known)
    row = RevisionDocument(id=new_id("doc"), added_by=actor, added_at=now, **wanted)
    documents.add_document(session, row)
    _changed(session, revision, part, "document.added", row, by)
    return document_view(row)


def remove_document(
    session: Session, *, organisation_id: str, revision_id: str, name: str, actor: str, now: datetime
) -> None:
    """Take a document from a revision that is not released yet. Audited; an approval is void then.

    Raises ``UnknownRevision``, ``RevisionFrozen`` and ``UnknownDocument``.
    """
    revision, part = _changeable(session, revision_id, organisation_id)
    known = documents.find_document(session, revision_id=revision_id, name=name)
    if known is None:
        raise UnknownDocument(f"revision {revision.revision} has no document {name!r}")
    documents.delete_document(session, known)
    _changed(session, revision, part, "document.removed", known, Mover(actor=actor, now=now))


def get_document(session: Session, *, organisation_id: str, revision_id: str, name: str) -> DocumentView:
    """Return an owner's document; ``UnknownRevision`` or ``UnknownDocument``."""
    view = get_revision(session, organisation_id=organisation_id, revision_id=revision_id)
    found = next((document for document in view.documents if document.name == name), None)
    if found is None:
        raise UnknownDocument(f"revision {view.revision} has no document {name!r}")
    return found


def _changeable(session: Session, revision_id: str, organisation_id: str) -> tuple[PartRevision, Part]:
    revision, part = locked(session, revision_id, organisation_id=organisation_id)
    if revision.state not in ("draft", "validated"):
        raise RevisionFrozen(f"revision {revision.revision} is {revision.state} and keeps its documents: add a new one")
    return revision, part


def _changed(
    session: Session, revision: PartRevision, part: Part, action: str, row: RevisionDocument, by: Mover
) -> None:
    revision.version += 1
    note(session, revision, part, action, by=by, name=row.name, kind=row.kind, sha256=row.sha256)
    void_approval(session, revision, part, by=Mover(actor=by.actor, now=by.now, reason=f"document {row.name} changed"))
