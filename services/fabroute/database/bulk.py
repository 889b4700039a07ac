"""Save or find many rows by one statement, and know whether saving changed anything."""

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVarTuple

from sqlalchemy import ColumnElement, Row, Text, any_, inspect, literal, or_
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.dml import ReturningInsert
from sqlmodel import Session, SQLModel

Columns = TypeVarTuple("Columns")


def upsert(
    session: Session,
    model: type[SQLModel],
    rows: Sequence[Mapping[str, object]],
    *,
    key: Sequence[str],
    keep: Collection[str] = (),
) -> int:
    """Insert ``rows``; where ``key`` is known, update what differs. Return how many rows were added or changed.

    All rows have the same columns. A known row keeps its columns named in ``keep``, and is not written at all when
    nothing else differs: saving the same rows twice returns 0 the second time.
    """
    if not rows:
        return 0
    changing = [name for name in rows[0] if name not in key and name not in keep]
    statement = _update_what_differs(model, key=key, changing=changing)
    counted = session.connection().execute(
        statement, [dict(row) for row in rows], execution_options={"preserve_rowcount": True}
    )
    return counted.rowcount


def insert_many(
    session: Session, statement: ReturningInsert[*Columns], rows: Sequence[Mapping[str, object]]
) -> Sequence[Row[*Columns]]:
    """Insert ``rows``, a thousand by a statement, and return what it returns of them, in no order.

    Rows have the same columns; PostgreSQL takes each one once, so that two of them can't have the same key.
    """
    if not rows:
        return ()
    return session.connection().execute(statement, [dict(row) for row in rows]).all()


def is_one_of(column: Mapped[str] | Mapped[str | None], values: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a column is one of ``values``: one parameter, where ``IN`` takes at most 65,535."""
    return column == any_(literal(list(values), ARRAY(Text)))


def _update_what_differs(model: type[SQLModel], *, key: Sequence[str], changing: Sequence[str]) -> Insert:
    table = inspect(model).local_table
    statement = insert(model)
    if not changing:
        return statement.on_conflict_do_nothing(index_elements=key)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=key,
        set_={name: new[name] for name in changing},
        where=or_(*(table.c[name].is_distinct_from(new[name]) for name in changing)),
    )
