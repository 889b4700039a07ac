"""Column types that several contexts use. Each call makes a new column: a column belongs to one table."""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Double, Identity, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import SQLModel

# Every table module imports this one, so constraints have names that migrations can rely on.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def instant(*, nullable: bool = False, index: bool = False) -> Column[Any]:
    """Return a ``timestamptz`` column."""
    return Column(DateTime(timezone=True), nullable=nullable, index=index)


def texts() -> Column[Any]:
    """Return a ``text[]`` column that is never null."""
    return Column(ARRAY(Text), nullable=False)


def numbers() -> Column[Any]:
    """Return a ``double precision[]`` column that is never null."""
    return Column(ARRAY(Double), nullable=False)


def document(*, nullable: bool = False) -> Column[Any]:
    """Return a ``jsonb`` column."""
    return Column(JSONB, nullable=nullable)


def sequence_number() -> Column[Any]:
    """Return a primary key that PostgreSQL counts up itself."""
    return Column(BigInteger, Identity(always=True), primary_key=True)


def large_integer(*, nullable: bool = False) -> Column[Any]:
    """Return a 64-bit integer column: money in milli-minor units, byte counts."""
    return Column(BigInteger, nullable=nullable)
