"""How a part was wanted, month by month, as a year of orders tells."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.orders.service import mark_cancelled, monthly_demand
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.orders import Owner, given_orders, given_owner, make_order

TODAY = date(2026, 6, 15)


def demand_of(engine: Engine, owner: Owner, *, today: date = TODAY, months: int = 12) -> tuple[int, ...] | None:
    with unit_of_work(engine) as session:
        return monthly_demand(
            session, organisation_id=owner.organisation_id, part_id=owner.part_id, today=today, months=months
        )


def given_wanted(engine: Engine, owner: Owner, *wanted: tuple[datetime, int]) -> None:
    given_orders(engine, *(make_order(owner, quantities=(quantity,), placed_at=at) for at, quantity in wanted))


def at(year: int, month: int, day: int = 10, hour: int = 12) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def test_orders_are_counted_in_full_calendar_months_the_oldest_first(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        given_wanted(
            engine,
            owner,
            (at(2025, 5, 31, 23), 900),
            (at(2025, 6, 1, 0), 4),
            (at(2025, 6, 30, 23), 5),
            (at(2025, 12), 7),
            (at(2026, 5, 31, 23), 11),
            (at(2026, 6, 1, 0), 800),
        )
        found = demand_of(engine, owner)
        last_three = demand_of(engine, owner, months=3)

    assert found == (9, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 11)
    assert last_three == (0, 0, 11)


@pytest.mark.parametrize(
    ("first", "known"), [(at(2025, 6, 30), True), (at(2025, 7, 1, 0), False), (at(2026, 6, 10), False)]
)
def test_less_than_the_months_on_record_say_nothing(database: Database, first: datetime, known: bool) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        assert demand_of(engine, owner) is None
        given_wanted(engine, owner, (first, 3), (at(2026, 5), 2))
        found = demand_of(engine, owner)

    assert (found is not None) == known
    assert found is None or (sum(found), found[-1]) == (5, 2)


def test_a_cancelled_order_was_not_wanted_and_other_parts_are_not_counted(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner, other = given_owner(engine), given_owner(engine, name="Other")
        given_wanted(engine, owner, (at(2025, 6), 3))
        given_wanted(engine, other, (at(2025, 6), 50))
        (cancelled,) = given_orders(engine, make_order(owner, quantities=(40,), placed_at=at(2026, 1)))
        with unit_of_work(engine) as session:
            mark_cancelled(session, organisation_id=owner.organisation_id, order_id=cancelled.id, now=at(2026, 1))
        found = demand_of(engine, owner)

    assert found == (3, *(0,) * 11)
    assert cancelled.id.startswith("ord_")


def test_january_looks_back_over_the_year(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        given_wanted(engine, owner, (at(2025, 1, 1, 0), 1), (at(2025, 12, 31, 23), 12))

        assert demand_of(engine, owner, today=date(2026, 1, 31)) == (1, *(0,) * 10, 12)
        assert demand_of(engine, owner, today=date(2026, 2, 1)) == (*(0,) * 10, 12, 0)
