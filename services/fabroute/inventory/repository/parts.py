"""Statements on parts, their other numbers and where they are installed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Integer, Row, cast, delete, exists, func, inspect, literal_column, or_, tuple_
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlmodel import Session, col, select

from fabroute.database.bulk import insert_many, is_one_of
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPart:
    """The id under which a part is known, and whether it was added."""

    part_id: str
    is_new: bool


def upsert_parts(session: Session, rows: Sequence[Mapping[str, object]]) -> Mapping[str, SavedPart]:
    """Save an owner's parts by their part numbers, and return what became of them by these; all columns are stated."""
    statement = insert(Part)
    kept = ("id", "organisation_id", "part_no", "version")
    changing: dict[str, Any] = {
        column.name: statement.excluded[column.name] for column in inspect(Part).columns if column.name not in kept
    }
    present = tuple_(*(getattr(Part, name) for name in changing))
    is_other = present.is_distinct_from(tuple_(*changing.values()))
    changing["version"] = col(Part.version) + cast(is_other, Integer)
    saved = statement.on_conflict_do_update(index_elements=["organisation_id", "part_no"], set_=changing)
    told = saved.returning(col(Part.part_no), col(Part.id), literal_column("xmax = 0", Boolean))
    ordered = sorted(rows, key=lambda row: str(row["part_no"]))  # two that save the same parts wait, and don't lock up
    found = insert_many(session, told, ordered)
    return {part_no: SavedPart(part_id=part_id, is_new=is_new) for part_no, part_id, is_new in found}


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


def hold_owner(session: Session, organisation_id: str) -> None:
    """Wait until no other transaction holds this owner's parts as a whole, and hold them until this one ends."""
    name = f"parts of {organisation_id}"
    session.exec(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def lock_parts(session: Session, part_ids: Collection[str]) -> Sequence[Part]:
    """Return parts by their ids, locked as by ``lock_part``, in one order for everybody."""
    statement = select(Part).where(is_one_of(col(Part.id), part_ids)).order_by(col(Part.id))
    locked = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.exec(locked).all()


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
    statement = select(Part).where(col(Part.organisation_id) == organisation_id, is_one_of(col(Part.part_no), part_nos))
    return session.exec(statement).all()


def read_conventional(session: Session, *, organisation_id: str, part_nos: Collection[str]) -> Sequence[RowMapping]:
    """Return how those of an owner's parts are made conventionally of which a price is known, by their own numbers."""
    columns = (
        col(Part.part_no),
        col(Part.conventional_unit_minor),
        col(Part.conventional_tooling_minor),
        col(Part.conventional_minimum_quantity),
        col(Part.conventional_lead_days),
    )
    owned = (col(Part.organisation_id) == organisation_id, is_one_of(col(Part.part_no), part_nos))
    statement = select_columns(*columns).where(*owned, col(Part.conventional_unit_minor).is_not(None))
    return session.connection().execute(statement).mappings().all()


def find_parts_by_alias(session: Session, *, organisation_id: str, numbers: Collection[str]) -> Mapping[str, Part]:
    """Return an owner's parts by those of the numbers that are other numbers of theirs."""
    statement = (
        select(PartAlias, Part)
        .join(Part, col(Part.id) == col(PartAlias.part_id))
        .where(col(PartAlias.organisation_id) == organisation_id, is_one_of(col(PartAlias.number), numbers))
    )
    return {alias.number: part for alias, part in session.exec(statement)}


def insert_aliases(session: Session, rows: Sequence[Mapping[str, object]]) -> frozenset[str]:
    """Add other numbers of parts; return those that were added, not those that their owner uses already."""
    statement = insert(PartAlias).on_conflict_do_nothing(index_elements=["organisation_id", "number"])
    ordered = sorted(rows, key=lambda row: str(row["number"]))
    return frozenset(number for (number,) in insert_many(session, statement.returning(col(PartAlias.number)), ordered))


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


def delete_aliases(session: Session, *, organisation_id: str, numbers: Collection[str]) -> None:
    """Remove an owner's other numbers, whichever parts they are of."""
    owned = col(PartAlias.organisation_id) == organisation_id
    session.exec(delete(PartAlias).where(owned, is_one_of(col(PartAlias.number), numbers)))


def upsert_installation(session: Session, row: Mapping[str, object]) -> AssetPosition:
    """Save where a part is installed, by asset and position; the same place takes the new quantity and note."""
    ((installation_id,),) = upsert_installations(session, [row])
    return session.get_one(AssetPosition, installation_id, populate_existing=True)


def upsert_installations(session: Session, rows: Sequence[Mapping[str, object]]) -> Sequence[Row[tuple[str]]]:
    """Save where parts are installed, as ``upsert_installation`` does; return the ids of the places."""
    statement = insert(AssetPosition)
    saved = statement.on_conflict_do_update(
        index_elements=["organisation_id", "asset", "position", "part_id"],
        set_={name: statement.excluded[name] for name in ("quantity", "note")},
    )
    return insert_many(session, saved.returning(col(AssetPosition.id)), rows)


def delete_installation(session: Session, *, part_id: str, installation_id: str) -> AssetPosition | None:
    """Remove a place of a part and return what it was; ``None`` if the part has no such place."""
    found = session.get(AssetPosition, installation_id)
    if found is None or found.part_id != part_id:
        return None
    session.delete(found)
    session.flush()
    return found


def delete_installations(session: Session, installation_ids: Collection[str]) -> None:
    """Remove places of parts."""
    session.exec(delete(AssetPosition).where(is_one_of(col(AssetPosition.id), installation_ids)))


def read_aliases(session: Session, part_ids: Collection[str]) -> Sequence[PartAlias]:
    """Return the other numbers of parts, in the order of the numbers."""
    statement = select(PartAlias).where(is_one_of(col(PartAlias.part_id), part_ids)).order_by(col(PartAlias.number))
    return session.exec(statement).all()


def read_installations(session: Session, part_ids: Collection[str]) -> Sequence[AssetPosition]:
    """Return where parts are installed, by asset and position."""
    statement = (
        select(AssetPosition)
        .where(is_one_of(col(AssetPosition.part_id), part_ids))
        .order_by(col(AssetPosition.asset), col(AssetPosition.position))
    )
    return session.exec(statement).all()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
