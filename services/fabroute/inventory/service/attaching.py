"""Print files that were checked elsewhere: recorded with a draft, which is validated then."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.inventory.models import Part, PartRevision, PrintFile
from fabroute.inventory.repository import revisions
from fabroute.inventory.rules.sizes import Size, size_differences
from fabroute.inventory.service.moves import SYSTEM, Mover, RevisionFrozen, locked, move, note
from fabroute.inventory.snapshot import revision_size
from fabroute.inventory.states import require_transition
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id


class PrintFileMismatch(DomainError):
    """A print file has not the size of its revision."""

    code = "print_file_mismatch"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintFileRecord:
    """What the checks found in a print file that lies in the store under its SHA-256 (mm, cm², cm³)."""

    sha256: str
    size_bytes: int
    media_type: str
    box_x_mm: float
    box_y_mm: float
    box_z_mm: float
    volume_cm3: float
    triangles: int
    submission_id: str | None = None
    source_sha256: str | None = None
    area_cm2: float | None = None
    bodies: int | None = None
    thinnest_wall_mm: float | None = None
    shape: tuple[float, ...] = ()
    preview_sha256: str | None = None
    model_sha256: str | None = None

    @property
    def size(self) -> Size:
        """The measured size."""
        return Size(box_x_mm=self.box_x_mm, box_y_mm=self.box_y_mm, box_z_mm=self.box_z_mm, volume_cm3=self.volume_cm3)


def attach_print_file(
    session: Session, *, revision_id: str, facts: PrintFileRecord, now: datetime, actor: str = SYSTEM
) -> None:
    """Note the checked print file of a draft, which is then validated; the same file again changes nothing.

    Raises ``UnknownRevision``, ``PrintFileMismatch`` when box or volume is over two percent off, ``RevisionFrozen``
    when the revision has another file already.
    """
    revision, part = locked(session, revision_id)
    known = revisions.find_print_file(session, revision_id)
    if known is not None and known.sha256 == facts.sha256:
        return
    if known is not None:
        raise RevisionFrozen(f"revision {revision_id} has the print file {known.sha256}: add a new revision")
    differences = differences_from(revision, facts)
    if differences:
        raise PrintFileMismatch(
            f"the print file is not revision {revision.id}: {'; '.join(differences)}. Check the unit and the file"
        )
    keep_print_file(session, revision, part, facts, by=Mover(actor=actor, now=now))


def differences_from(revision: PartRevision, facts: PrintFileRecord) -> tuple[str, ...]:
    """Return where a file is too far off the size that its revision states; empty where none is stated."""
    stated = revision_size(revision) if revision.size_is_stated else None
    return () if stated is None else size_differences(file=facts.size, revision=stated)


def keep_print_file(session: Session, revision: PartRevision, part: Part, facts: PrintFileRecord, *, by: Mover) -> None:
    """Make a locked draft validated by a print file, which brings the size where the revision states none."""
    require_transition(revision=revision.id, present=revision.state, wanted="validated")
    if not revision.size_is_stated:
        for name, value in asdict(facts.size).items():
            setattr(revision, name, value)
    stored = asdict(facts) | {"shape": list(facts.shape)}
    print_file = PrintFile(id=new_id("file"), revision_id=revision.id, validated_at=by.now, **stored)
    revisions.add_print_file(session, print_file)
    note(session, revision, part, "print_file.attached", by=by, sha256=facts.sha256)
    move(session, revision, part, "validated", by=by)


def drop_print_file(session: Session, revision: PartRevision, part: Part, *, by: Mover) -> None:
    """Make a locked validated revision a draft again: its file goes, and the size that the file brought."""
    print_file = revisions.find_print_file(session, revision.id)
    move(session, revision, part, "draft", by=by)
    if not revision.size_is_stated:
        revision.box_x_mm = revision.box_y_mm = revision.box_z_mm = revision.volume_cm3 = None
    if print_file is not None:
        revisions.delete_print_file(session, print_file)
