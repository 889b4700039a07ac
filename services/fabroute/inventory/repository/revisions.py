"""Statements on revisions and their print files."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from fabroute.database.bulk import insert_many, is_one_of
from fabroute.inventory.models import Part, PartRevision, PrintFile

RevisionRow = tuple[PartRevision, Part, PrintFile | None]


def find_revision(session: Session, *, part_id: str, revision: str) -> PartRevision | None:
    """Return a part's revision by its name."""
    statement = select(PartRevision).where(col(PartRevision.part_id) == part_id, col(PartRevision.revision) == revision)
    return session.exec(statement).one_or_none()


def add_revision(session: Session, revision: PartRevision) -> None:
    """Keep a new revision."""
    session.add(revision)
    session.flush()


def insert_revisions(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Keep new revisions, all columns stated."""
    insert_many(session, insert(PartRevision).returning(col(PartRevision.id)), rows)


def update_revisions(session: Session, rows: Sequence[Mapping[str, object]], *, changing: Collection[str]) -> None:
    """Give known revisions their ``changing`` columns; all columns are stated."""
    statement = insert(PartRevision)
    saved = statement.on_conflict_do_update(
        index_elements=["id"], set_={name: statement.excluded[name] for name in changing}
    )
    insert_many(session, saved.returning(col(PartRevision.id)), rows)


def lock_revision(session: Session, revision_id: str) -> tuple[PartRevision, Part] | None:
    """Return a revision and its part as they are once the part is locked: revisions change only under that lock."""
    part_id = select(PartRevision.part_id).where(col(PartRevision.id) == revision_id).scalar_subquery()
    locked: SelectOfScalar[Part] = select(Part).where(col(Part.id) == part_id).with_for_update(key_share=True)
    part = session.exec(locked.execution_options(populate_existing=True)).one_or_none()
    if part is None:
        return None
    return session.get_one(PartRevision, revision_id, populate_existing=True), part


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


def delete_print_file(session: Session, print_file: PrintFile) -> None:
    """Forget the facts about a revision's print file; the content stays in the store."""
    session.delete(print_file)
    session.flush()


def read_of_parts(session: Session, part_ids: Collection[str]) -> Sequence[RevisionRow]:
    """Return the revisions of parts with their part and file, by part and name of the revision."""
    statement = (
        select(PartRevision, Part, PrintFile)
        .join(Part, col(Part.id) == col(PartRevision.part_id))
        .outerjoin(PrintFile, col(PrintFile.revision_id) == col(PartRevision.id))
        .where(is_one_of(col(PartRevision.part_id), part_ids))
        .order_by(col(PartRevision.part_id), col(PartRevision.revision))
    )
    return [(revision, part, print_file) for revision, part, print_file in session.exec(statement)]


def read_released_needs(session: Session, *, organisation_id: str) -> Sequence[tuple[str, list[str]]]:
    """Return an owner's released revisions by id, with the certificates that they ask for."""
    statement = (
        select(PartRevision.id, col(PartRevision.required_certificates))
        .join(Part, col(Part.id) == col(PartRevision.part_id))
        .where(Part.organisation_id == organisation_id, PartRevision.state == "released")
    )
    return [(revision_id, needed) for revision_id, needed in session.exec(statement)]


def read_owners_of_released(session: Session) -> Sequence[str]:
    """Return the organisations that have a released revision, by id."""
    statement = (
        select(Part.organisation_id)
        .join(PartRevision, col(PartRevision.part_id) == col(Part.id))
        .where(PartRevision.state == "released")
        .distinct()
        .order_by(Part.organisation_id)
    )
    return session.exec(statement).all()


def read_revisions(session: Session, revision_ids: Collection[str]) -> Sequence[RevisionRow]:
    """Return these revisions with their part and file; unknown ones are left out."""
    statement = (
        select(PartRevision, Part, PrintFile)
        .join(Part, col(Part.id) == col(PartRevision.part_id))
        .outerjoin(PrintFile, col(PrintFile.revision_id) == col(PartRevision.id))
        .where(is_one_of(col(PartRevision.id), revision_ids))
    )
    return [(revision, part, print_file) for revision, part, print_file in session.exec(statement)]
