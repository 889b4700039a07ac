"""Dated rows in the database: put in all or none, one import after the other, listed by page, read by the day."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, Principal
from fabroute.logistics.rules import GridRow, Mode, Service, WeightBand, Zone, grid_g_per_kwh
from fabroute.logistics.service import (
    CARBON_FACTORS,
    CARRIER_TARIFFS,
    DUTY_RULES,
    EXCHANGE_RATES,
    CurrencyWithoutRate,
    DatedQuery,
    ExchangeRate,
    InvalidDatedRow,
    LogisticsData,
    NewCarbonFactor,
    NewTariff,
    exchange_rate,
    list_rows,
    put_rows,
    read_logistics,
    save_logistics,
)
from tests.conftest import Database
from tests.factories.concurrency import at_once
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.freight import a_tariff

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TODAY = NOW.date()
OPERATOR = Principal(organisation_id="org_operator", kind="operator", key_id="key_op", scopes=ALL_SCOPES)
SAID = "SELECT subject_type, data->>'reason' FROM outbox_events ORDER BY id"
AUDITED = "SELECT actor, action, data FROM audit_entries ORDER BY id"
FACTORS = tuple(NewCarbonFactor(mode=mode, g_per_tonne_km=100, source="V") for mode in Mode)


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine for an empty database."""
    with engine_for(database.url) as made:
        yield made


def a_rate(
    per_eur: float, *, currency: str = "USD", first: date = date(2026, 1, 1), last: date = date(2026, 12, 31)
) -> ExchangeRate:
    return ExchangeRate(currency=currency, per_eur=per_eur, valid_from=first, valid_to=last, source="a bank")


def a_grid(country: str, grams: float, *, first: date = date(2023, 1, 1), last: date = date(2099, 12, 31)) -> GridRow:
    return GridRow(country=country, g_per_kwh=grams, valid_from=first, valid_to=last, source="V")


def put_rates(engine: Engine, rates: Sequence[ExchangeRate]) -> list[object]:
    """Return what became of each, refusals as their messages."""
    with unit_of_work(engine) as session:
        found = put_rows(session, table=EXCHANGE_RATES, items=rates, principal=OPERATOR, now=NOW)
    return [item.message if isinstance(item, InvalidDatedRow) else item for item in found]


def told(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


# ---------------------------------------------------------------- putting in


def test_rows_are_created_changed_or_left_as_they_are(engine: Engine) -> None:
    assert put_rates(engine, [a_rate(1.1), a_rate(0.9, currency="CHF")]) == ["created", "created"]
    assert put_rates(engine, [a_rate(1.2), a_rate(0.9, currency="CHF")]) == ["changed", "unchanged"]
    assert put_rates(engine, [a_rate(1.2)]) == ["unchanged"]
    assert told(engine, "SELECT currency, per_eur FROM exchange_rates ORDER BY currency") == [
        ("CHF", 0.9),
        ("USD", 1.2),
    ]


def test_what_changed_is_audited_and_told_once_and_nothing_else_is(engine: Engine) -> None:
    put_rates(engine, [a_rate(1.1), a_rate(0.9, currency="CHF")])
    put_rates(engine, [a_rate(1.2), a_rate(0.9, currency="CHF")])
    put_rates(engine, [a_rate(1.2)])
    assert told(engine, AUDITED) == [
        ("key_op", "exchange_rates.imported", {"created": 2, "changed": 0}),
        ("key_op", "exchange_rates.imported", {"created": 0, "changed": 1}),
    ]
    assert told(engine, SAID) == [("exchange_rates", "exchange_rates_imported")] * 2


def test_one_bad_row_keeps_all_of_them_out(engine: Engine) -> None:
    put_rates(engine, [a_rate(1.1)])
    late = a_rate(1.3, first=date(2026, 12, 1), last=date(2027, 12, 31))
    assert put_rates(engine, [a_rate(0.9, currency="CHF"), late]) == [
        "created",
        "valid_from 2026-12-01 to 2027-12-31 overlaps 2026-01-01 to 2026-12-31 of USD, which is there already: "
        "let that one end on 2026-11-30, in the same table",
    ]
    assert told(engine, "SELECT currency FROM exchange_rates") == [("USD",)]
    assert len(told(engine, SAID)) == len(told(engine, AUDITED)) == 1


def test_the_same_rows_by_two_at_once_come_in_once(engine: Engine) -> None:
    found = at_once(*[partial(put_rates, engine, [a_rate(1.1)])] * 4)
    assert sorted(str(outcome) for (outcome,) in found) == ["created", "unchanged", "unchanged", "unchanged"]
    assert len(told(engine, SAID)) == 1


def test_of_two_that_do_not_go_together_at_once_one_is_refused(engine: Engine) -> None:
    first, second = a_rate(1.1), a_rate(1.2, first=date(2026, 6, 1), last=date(2027, 6, 1))
    found = at_once(partial(put_rates, engine, [first]), partial(put_rates, engine, [second]))
    outcomes = [str(outcome) for (outcome,) in found]
    assert sorted(outcome.partition(" ")[0] for outcome in outcomes) in (
        ["created", "valid_from"],
        ["created", "valid_to"],
    )
    assert told(engine, "SELECT count(*) FROM exchange_rates") == [(1,)]


def test_a_carbon_factor_may_not_leave_a_day_out(engine: Engine) -> None:
    old = NewCarbonFactor(mode=Mode.VAN, g_per_tonne_km=782, source="V", valid_to=date(2025, 12, 30))
    new = NewCarbonFactor(mode=Mode.VAN, g_per_tonne_km=770, source="V", valid_from=date(2026, 1, 1))
    with unit_of_work(engine) as session:
        first, second = put_rows(session, table=CARBON_FACTORS, items=[old, new], principal=OPERATOR, now=NOW)
    assert first == "created"
    assert isinstance(second, InvalidDatedRow)
    assert second.message == (
        "valid_from no row of van covers 2025-12-31 to 2025-12-31: add one, or let its neighbours meet"
    )


def test_a_tariff_that_can_not_be_is_refused_whoever_brings_it(engine: Engine) -> None:
    broken = a_tariff(bands=(WeightBand(up_to_grams=0, base_minor=1, per_kg_minor=1),), transit=(3, 1))
    with unit_of_work(engine) as session:
        item = NewTariff(tariff=broken, source="x")
        (found,) = put_rows(session, table=CARRIER_TARIFFS, items=[item], principal=OPERATOR, now=NOW)
    assert isinstance(found, InvalidDatedRow)
    assert [problem.pointer for problem in found.problems] == ["/up_to_kg", "/transit"]
    assert (found.code, found.status) == ("invalid_dated_row", 422)


# ---------------------------------------------------------------- reading


def test_pages_follow_the_key_and_a_day_is_the_days_between(engine: Engine) -> None:
    rates = [a_rate(1 + n / 10, currency=f"A{letter}{letter}") for n, letter in enumerate("EBDCA")]
    put_rates(engine, [*rates, a_rate(9, currency="AAA", first=date(2027, 1, 1), last=date(2027, 1, 31))])

    def page(query: DatedQuery) -> tuple[list[str], str | None]:
        with unit_of_work(engine) as session:
            found = list_rows(session, table=EXCHANGE_RATES, query=query)
        return [f"{rate.currency} {rate.valid_from:%Y}" for rate in found.items], found.next_cursor

    first, cursor = page(DatedQuery(limit=4))
    assert (first, cursor) == (["AAA 2026", "AAA 2027", "ABB 2026", "ACC 2026"], "ACC 2026-01-01")
    assert page(DatedQuery(limit=4, cursor=cursor)) == (["ADD 2026", "AEE 2026"], None)
    assert page(DatedQuery(on=date(2027, 1, 31))) == (["AAA 2027"], None)
    assert page(DatedQuery(on=date(2027, 2, 1))) == ([], None)
    assert page(DatedQuery(equal={"currency": "ABB"})) == (["ABB 2026"], None)


def test_what_was_put_in_is_what_is_listed(engine: Engine) -> None:
    bands = (
        WeightBand(up_to_grams=2000, base_minor=550, per_kg_minor=0),
        WeightBand(up_to_grams=None, base_minor=550, per_kg_minor=80),
    )
    item = NewTariff(tariff=a_tariff(bands=bands, minimum_minor=650, carrier="Swift"), source="contract")
    with unit_of_work(engine) as session:
        assert put_rows(session, table=CARRIER_TARIFFS, items=[item], principal=OPERATOR, now=NOW) == ["created"]
        assert put_rows(session, table=CARRIER_TARIFFS, items=[item], principal=OPERATOR, now=NOW) == ["unchanged"]
    with unit_of_work(engine) as session:
        assert list_rows(session, table=CARRIER_TARIFFS, query=DatedQuery()).items == (item,)
        assert list_rows(session, table=DUTY_RULES, query=DatedQuery()).items == ()
        save_logistics(session, data=LogisticsData(carbon_factors=FACTORS))
        book = read_logistics(session, on=TODAY).freight
    assert book.tariffs == {(Zone.DOMESTIC, Service.EXPRESS): (item.tariff,)}


def test_routing_reads_grids_and_rates_of_the_day_and_later(engine: Engine) -> None:
    grids = (a_grid("DE", 390, last=date(2025, 12, 31)), a_grid("DE", 350, first=date(2026, 1, 1)), a_grid("*", 480))
    rates = (a_rate(1.1), a_rate(1.0, first=date(2025, 1, 1), last=date(2025, 12, 31)))
    with unit_of_work(engine) as session:
        data = LogisticsData(carbon_factors=FACTORS, grid_intensities=grids, exchange_rates=rates)
        assert save_logistics(session, data=data) == 7 + 3 + 2
        assert save_logistics(session, data=data) == 0
        view = read_logistics(session, on=TODAY)
    assert grid_g_per_kwh(view.grid, "DE", TODAY).g_per_kwh == 350
    assert grid_g_per_kwh(view.grid, "KE", TODAY).assumed is True
    assert [row.g_per_kwh for row in view.grid.rows["DE"]] == [350]
    assert [rate.per_eur for rate in view.rates.rows["USD"]] == [1.1]


def test_carbon_factors_are_those_of_the_day(engine: Engine) -> None:
    ship = NewCarbonFactor(mode=Mode.SHIP, g_per_tonne_km=90, source="V", valid_from=date(2027, 1, 1))
    with unit_of_work(engine) as session:
        save_logistics(session, data=LogisticsData(carbon_factors=(*FACTORS, ship)))
        before, after = (read_logistics(session, on=day).freight for day in (date(2026, 12, 31), date(2027, 1, 1)))
    assert (before.g_per_tonne_km[Mode.SHIP], after.g_per_tonne_km[Mode.SHIP]) == (100, 90)
    assert before.g_per_tonne_km[Mode.VAN] == after.g_per_tonne_km[Mode.VAN] == 100


def test_an_exchange_rate_is_looked_up_by_the_day_or_refused(engine: Engine) -> None:
    put_rates(engine, [a_rate(1.1), a_rate(0.9, currency="CHF", last=date(2026, 6, 30))])
    with unit_of_work(engine) as session:
        assert exchange_rate(session, "USD", TODAY) == a_rate(1.1)
        assert exchange_rate(session, "EUR", TODAY).per_eur == 1.0
        for currency in ("CHF", "JPY"):
            with pytest.raises(CurrencyWithoutRate, match=f"no exchange rate for {currency} on 2026-11-23"):
                exchange_rate(session, currency, TODAY)
