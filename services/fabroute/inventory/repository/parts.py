"""Statements on parts, their other numbers and where they are installed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Integer, cast, delete, exists, literal_column, or_, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from fabroute.inventory.models import AssetPosition, Part, PartAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFilter:
    """Which parts of an owner are wanted, after which part number, and how many."""

    organisation_id: str
    after: str
    limit: int
    contains: str = ""
    """In the part number, the name or another number of it, whatever the case."""
    asset: str | None = None
    position: str | None = None


def upsert_part(session: Session, row: Mapping[str, object]) -> tuple[str, bool]:
    """Save a part by its owner and part number; return the id under which it is known, and whether it is new."""
    statement = insert(Part).values(**row)
    kept = ("id", "organisation_id", "part_no", "version")
    changing: dict[str, Any] = {name: statement.excluded[name] for name in row if name not in kept}
    present = tuple_(*(getattr(Part, name) for name in changing))
    is_other = present.is_distinct_from(tuple_(*changing.values()))
    changing["version"] = col(Part.version) + cast(is_other, Integer)
    saved = statement.on_conflict_do_update(index_elements=["organisation_id", "part_no"], set_=changing)
    inserted = literal_column("xmax = 0", Boolean)
    part_id, is_new = session.connection().execute(saved.returning(col(Part.id), inserted)).one()
    return part_id, is_new


def insert_part(session: Session, row: Mapping[str, object]) -> bool:
    """Add a part; False if its owner has one of that number already."""
    statement = insert(Part).values(**row).on_conflict_do_nothing(index_elements=["organisation_id", "part_no"])
    return session.connection().execute(statement.returning(col(Part.id))).one_or_none() is not None


def lock_part(session: Session, part_id: str) -> Part | None:
    """Return a part as it is once no other transaction can change it or its revisions until this one ends."""
    statement = select(Part).where(col(Part.id) == part_id).with_for_update(key_share=True)
    return session.exec(statement.execution_options(populate_existing=True)).one_or_none()


def lock_part_by_number(session: Session, *, organisation_id: str, part_no: str) -> Part | None:
    """Return an owner's part by its number, locked as by ``lock_part``."""
    statement = (
        select(Part)
        .where(col(Part.organisation_id) == organisation_id, col(Part.part_no) == part_no)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return session.exec(statement).one_or_none()


def read_parts(session: Session, wanted: PartFilter) -> Sequence[Part]:
    """Return the wanted parts in the order of their part numbers."""
    owned = col(Part.organisation_id) == wanted.organisation_id
    statement = select(Part).where(owned, col(Part.part_no) > wanted.after)
    if wanted.contains:
        pattern = f"%{_escaped(wanted.contains)}%"
        another = exists().where(col(PartAlias.part_id) == col(Part.id), col(PartAlias.number).ilike(pattern))
        statement = statement.where(or_(col(Part.part_no).ilike(pattern), col(Part.name).ilike(pattern), another))
    if wanted.asset is not None or wanted.position is not None:
        place = exists().where(col(AssetPosition.part_id) == col(Part.id))
        if wanted.asset is not None:
            place = place.where(col(AssetPosition.asset).ilike(_escaped(wanted.asset)))
        if wanted.position is not None:
            place = place.where(col(AssetPosition.position).ilike(_escaped(wanted.position)))
        statement = statement.where(place)
    return session.exec(statement.order_by(col(Part.part_no)).limit(wanted.limit)).all()


def find_parts(session: Session, *, organisation_id: str, part_nos: Collection[str]) -> Sequence[Part]:
    """Return an owner's parts of these numbers; unknown ones are left out."""
    statement = select(Part).where(col(Part.organisation_id) == organisation_id, col(Part.part_no).in_(part_nos))
    return session.exec(statement).all()


def find_parts_by_alias(session: Session, *, organisation_id: str, numbers: Collection[str]) -> Mapping[str, Part]:
    """Return an owner's parts by those of the numbers that are other numbers of theirs."""
    statement = (
        select(PartAlias, Part)
        .join(Part, col(Part.id) == col(PartAlias.part_id))
        .where(col(PartAlias.organisation_id) == organisation_id, col(PartAlias.number).in_(numbers))
    )
    return {alias.number: part for alias, part in session.exec(statement)}


def insert_alias(session: Session, row: Mapping[str, object]) -> bool:
    """Add another number of a part; False if its owner uses that number already."""
    statement = insert(PartAlias).values(**row).on_conflict_do_nothing(index_elements=["organisation_id", "number"])
    return session.connection().execute(statement.returning(col(PartAlias.id))).one_or_none() is not None


def find_alias(session: Session, *, organisation_id: str, number: str) -> PartAlias | None:
    """Return whose other number this is."""
    statement = select(PartAlias).where(
        col(PartAlias.organisation_id) == organisation_id, col(PartAlias.number) == number
    )
    return session.exec(statement).one_or_none()


def delete_alias(session: Session, *, part_id: str, number: str) -> bool:
    """Remove another number of a part; False if it has no such number."""
    statement = delete(PartAlias).where(col(PartAlias.part_id) == part_id, col(PartAlias.number) == number)
    return session.exec(statement.returning(col(PartAlias.id))).one_or_none() is not None


def upsert_installation(session: Session, row: Mapping[str, object]) -> AssetPosition:
    """Save where a part is installed, by asset and position; the same place takes the new quantity and note."""
    statement = insert(AssetPosition).values(**row)
    saved = statement.on_conflict_do_update(
        index_elements=["organisation_id", "asset", "position", "part_id"],
        set_={name: statement.excluded[name] for name in ("quantity", "note")},
    ).returning(col(AssetPosition.id))
    installation_id = session.connection().execute(saved).scalar_one()
    return session.get_one(AssetPosition, installation_id, populate_existing=True)


def delete_installation(session: Session, *, part_id: str, installation_id: str) -> AssetPosition | None:
    """Remove a place of a part and return what it was; ``None`` if the part has no such place."""
    found = session.get(AssetPosition, installation_id)
    if found is None or found.part_id != part_id:
        return None
    session.delete(found)
    session.flush()
    return found


def read_aliases(session: Session, part_ids: Collection[str]) -> Sequence[PartAlias]:
    """Return the other numbers of parts, in the order of the numbers."""
    statement = select(PartAlias).where(col(PartAlias.part_id).in_(part_ids)).order_by(col(PartAlias.number))
    return session.exec(statement).all()


def read_installations(session: Session, part_ids: Collection[str]) -> Sequence[AssetPosition]:
    """Return where parts are installed, by asset and position."""
    statement = (
        select(AssetPosition)
        .where(col(AssetPosition.part_id).in_(part_ids))
        .order_by(col(AssetPosition.asset), col(AssetPosition.position))
    )
    return session.exec(statement).all()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
