"""One row in every table, all of one organisation: written from what the models say of their columns."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Date, DateTime, Float, Integer, LargeBinary, Table
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlmodel import SQLModel

OWNER = "organisation_id"
"""The organisation whose rows they are: ids are called as the columns that name them."""
NOW = datetime(2026, 6, 15, 9, tzinfo=UTC)
_CALLED: Mapping[str, str] = {
    "builds": "build_id",
    "jobs": "job_id",
    "machines": "machine_id",
    "material_lots": "lot_id",
    "nodes": "node_id",
    "order_lines": "order_line_id",
    "orders": "order_id",
    "organisations": OWNER,
    "part_revisions": "revision_id",
    "parts": "part_id",
    "routing_runs": "run_id",
    "shipments": "shipment_id",
}
_VALUES: Mapping[str, object] = {
    "recalls.lot_ids": ["lot_id"],
    "print_licences.granted_prints": 9,
    "organisations.kind": "bureau",
}


def insert_everything(connection: Connection) -> None:
    """Insert one row into every table."""
    for table in SQLModel.metadata.sorted_tables:
        connection.execute(insert(table).on_conflict_do_nothing(), row_of(table))


def row_of(table: Table) -> dict[str, Any]:
    """Return the row of a table; what PostgreSQL counts up itself is left to it."""
    return {column.name: _value(table, column) for column in table.columns if not _is_counted(column)}


def _is_counted(column: Column[Any]) -> bool:
    return column.identity is not None


def _value(table: Table, column: Column[Any]) -> object:
    stated = _VALUES.get(f"{table.name}.{column.name}")
    if stated is not None:
        return stated
    if column.foreign_keys:
        target = next(iter(column.foreign_keys)).column
        return 1 if _is_counted(target) else _text(target.table, target)
    kind = column.type
    if isinstance(kind, ARRAY | JSONB):
        return []
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, Integer | BigInteger | Float):
        return 1
    if isinstance(kind, DateTime):
        return NOW
    if isinstance(kind, Date):
        return date(2026, 6, 15)
    return b"x" if isinstance(kind, LargeBinary) else _text(table, column)


def _text(table: Table, column: Column[Any]) -> str:
    if column.name == "id":
        return _CALLED.get(table.name, f"{table.name}.id")
    return column.name
