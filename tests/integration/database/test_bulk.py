"""Saving many rows by one statement: what is new, what differs, what is kept."""

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from fabroute.database import unit_of_work
from fabroute.database.bulk import insert_many, is_one_of, upsert
from fabroute.logistics.models import CarbonFactor
from tests.conftest import Database
from tests.factories.databases import engine_for, rows

SQL = "SELECT mode, g_per_tonne_km, source FROM carbon_factors ORDER BY mode"
KEY = ["mode", "valid_from"]


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine for an empty database."""
    with engine_for(database.url) as made:
        yield made


def a_row(mode: str, grams: float, source: str = "V") -> dict[str, object]:
    days = {"valid_from": date(2010, 1, 1), "valid_to": date(2099, 12, 31)}
    return {"mode": mode, **days, "g_per_tonne_km": grams, "source": source}


def test_new_and_different_rows_are_counted_and_the_same_ones_are_not_written(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        assert upsert(session, CarbonFactor, [a_row("van", 1), a_row("ship", 2)], key=KEY) == 2
        before = rows(session, "SELECT mode, xmin::text, ctid::text FROM carbon_factors ORDER BY mode")
    with unit_of_work(engine) as session:
        assert upsert(session, CarbonFactor, [a_row("van", 1), a_row("ship", 2)], key=KEY) == 0
        assert rows(session, "SELECT mode, xmin::text, ctid::text FROM carbon_factors ORDER BY mode") == before
        new = [a_row("van", 1), a_row("ship", 3), a_row("rail", 4)]
        assert upsert(session, CarbonFactor, new, key=KEY) == 2
        assert rows(session, SQL) == [("rail", 4.0, "V"), ("ship", 3.0, "V"), ("van", 1.0, "V")]


def test_kept_columns_are_written_once_and_then_left_alone(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        upsert(session, CarbonFactor, [a_row("van", 1, "first")], key=KEY, keep=["source"])
        assert upsert(session, CarbonFactor, [a_row("van", 1, "second")], key=KEY, keep=["source"]) == 0
        assert upsert(session, CarbonFactor, [a_row("van", 2, "third")], key=KEY, keep=["source"]) == 1
        assert rows(session, SQL) == [("van", 2.0, "first")]


def test_where_everything_is_kept_known_rows_are_left_alone(engine: Engine) -> None:
    keep = ["g_per_tonne_km", "source"]
    with unit_of_work(engine) as session:
        assert upsert(session, CarbonFactor, [a_row("van", 1)], key=KEY, keep=keep) == 1
        assert upsert(session, CarbonFactor, [a_row("van", 2), a_row("rail", 3)], key=KEY, keep=keep) == 1
        assert rows(session, SQL) == [("rail", 3.0, "V"), ("van", 1.0, "V")]


def test_no_rows_are_no_change(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        assert upsert(session, CarbonFactor, [], key=KEY) == 0
        assert rows(session, SQL) == []


def test_more_rows_than_fit_in_a_statement_are_inserted_and_found(engine: Engine) -> None:
    modes = [f"mode {number:05}" for number in range(2_500)]
    statement = insert(CarbonFactor).returning(col(CarbonFactor.mode))
    with unit_of_work(engine) as session:
        assert insert_many(session, statement, []) == ()
        told = insert_many(session, statement, [a_row(mode, 1) for mode in modes])
        assert sorted(mode for (mode,) in told) == modes
        asked = [*modes[::2], *(f"unknown {number}" for number in range(70_000))]
        found = session.exec(select(CarbonFactor.mode).where(is_one_of(col(CarbonFactor.mode), asked))).all()
        assert sorted(found) == modes[::2]
        assert session.exec(select(CarbonFactor.mode).where(is_one_of(col(CarbonFactor.mode), []))).all() == []
