"""Statements on parts, revisions and print files."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Boolean, literal_column
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from fabroute.inventory.models import Part, PartRevision, PrintFile


def upsert_part(session: Session, row: Mapping[str, object]) -> tuple[str, bool]:
    """Save a part by its owner and part number; return the id under which it is known, and whether it is new."""
    statement = insert(Part).values(**row)
    changing = {name: statement.excluded[name] for name in row if name not in ("id", "organisation_id", "part_no")}
    saved = statement.on_conflict_do_update(index_elements=["organisation_id", "part_no"], set_=changing)
    inserted = literal_column("xmax = 0", Boolean)
    part_id, is_new = session.connection().execute(saved.returning(col(Part.id), inserted)).one()
    return part_id, is_new


def lock_part(session: Session, part_id: str) -> Part | None:
    """Return a part, whose revisions no other transaction can change until this one ends."""
    return session.exec(select(Part).where(col(Part.id) == part_id).with_for_update(key_share=True)).one_or_none()


def find_revision(session: Session, *, part_id: str, revision: str) -> PartRevision | None:
    """Return a part's revision by its name."""
    statement = select(PartRevision).where(col(PartRevision.part_id) == part_id, col(PartRevision.revision) == revision)
    return session.exec(statement).one_or_none()


def add_revision(session: Session, revision: PartRevision) -> None:
    """Keep a new revision."""
    session.add(revision)
    session.flush()


def lock_revision(session: Session, revision_id: str) -> PartRevision | None:
    """Return a revision as it is once its part is locked: revisions change only under their part's lock."""
    part_id = select(PartRevision.part_id).where(col(PartRevision.id) == revision_id).scalar_subquery()
    session.exec(select(Part.id).where(col(Part.id) == part_id).with_for_update(key_share=True))
    return session.get(PartRevision, revision_id, populate_existing=True)


def find_released_revision(session: Session, part_id: str) -> PartRevision | None:
    """Return the released revision of a part; ``None`` if it has none."""
    statement = select(PartRevision).where(col(PartRevision.part_id) == part_id, col(PartRevision.state) == "released")
    return session.exec(statement).one_or_none()


def find_print_file(session: Session, revision_id: str) -> PrintFile | None:
    """Return the print file of a revision."""
    return session.exec(select(PrintFile).where(col(PrintFile.revision_id) == revision_id)).one_or_none()


def add_print_file(session: Session, print_file: PrintFile) -> None:
    """Keep the facts about a revision's print file."""
    session.add(print_file)
    session.flush()


def read_parts(session: Session, *, organisation_id: str, after: str, limit: int) -> Sequence[Part]:
    """Return up to ``limit`` parts of an owner with part numbers after ``after``, in their order."""
    statement = (
        select(Part)
        .where(col(Part.organisation_id) == organisation_id, col(Part.part_no) > after)
        .order_by(col(Part.part_no))
        .limit(limit)
    )
    return session.exec(statement).all()


def find_parts(session: Session, *, organisation_id: str, part_nos: Collection[str]) -> Sequence[Part]:
    """Return an owner's parts of these numbers; unknown ones are left out."""
    statement = select(Part).where(col(Part.organisation_id) == organisation_id, col(Part.part_no).in_(part_nos))
    return session.exec(statement).all()


RevisionRow = tuple[PartRevision, Part, PrintFile | None]


def read_revisions_of_parts(session: Session, part_ids: Collection[str]) -> Sequence[RevisionRow]:
    """Return the revisions of parts with their part and file, by part and name of the revision."""
    statement = (
        select(PartRevision, Part, PrintFile)
        .join(Part, col(Part.id) == col(PartRevision.part_id))
        .outerjoin(PrintFile, col(PrintFile.revision_id) == col(PartRevision.id))
        .where(col(PartRevision.part_id).in_(part_ids))
        .order_by(col(PartRevision.part_id), col(PartRevision.revision))
    )
    return [(revision, part, print_file) for revision, part, print_file in session.exec(statement)]


def read_revisions(session: Session, revision_ids: Collection[str]) -> Sequence[RevisionRow]:
    """Return these revisions with their part and file; unknown ones are left out."""
    statement = (
        select(PartRevision, Part, PrintFile)
        .join(Part, col(Part.id) == col(PartRevision.part_id))
        .outerjoin(PrintFile, col(PrintFile.revision_id) == col(PartRevision.id))
        .where(col(PartRevision.id).in_(revision_ids))
    )
    return [(revision, part, print_file) for revision, part, print_file in session.exec(statement)]
