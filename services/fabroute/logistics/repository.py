"""Statements on places, lanes, tariffs, duties, carbon factors, grids and exchange rates."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TypeVar

from sqlalchemy import Text, and_, cast, func, inspect, or_
from sqlmodel import Session, SQLModel, col, select

from fabroute.database.bulk import upsert
from fabroute.logistics.models import CarbonFactor, CarrierTariff, DutyRule, ExchangeRate, GridIntensity, Lane, Place

Model = TypeVar("Model", bound=SQLModel)

_KEYS: Mapping[type[SQLModel], tuple[str, ...]] = {
    Place: ("country", "city_key"),
    Lane: ("node_id", "zone"),
    CarrierTariff: ("carrier", "zone", "service", "valid_from"),
    DutyRule: ("id",),
    CarbonFactor: ("mode", "valid_from"),
    GridIntensity: ("country", "valid_from"),
    ExchangeRate: ("currency", "valid_from"),
}


def save(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, object]]) -> int:
    """Save rows of a table; return how many were new or different."""
    return upsert(session, model, rows, key=_KEYS[model])


def key_of(model: type[SQLModel]) -> tuple[str, ...]:
    """Return the columns that a row of a table is known by."""
    return _KEYS[model]


def sorting_key(model: type[SQLModel], row: SQLModel) -> str:
    """Return a row's key as ``list_rows`` sorts by it."""
    return " ".join(str(getattr(row, name)) for name in _KEYS[model])


def hold(session: Session, model: type[SQLModel]) -> None:
    """Wait until no other transaction holds a table's rows, and hold them until this one ends."""
    name = inspect(model).local_table.description
    session.exec(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def read_all(session: Session, model: type[Model]) -> Sequence[Model]:
    """Return all rows of a table."""
    return session.exec(select(model)).all()


def list_rows(
    session: Session,
    model: type[Model],
    *,
    on: date | None,
    equal: Mapping[str, str],
    after: str | None,
    limit: int,
) -> Sequence[Model]:
    """Return rows of a dated table in the order of their key: after a key, of a day, with given values."""
    columns = inspect(model).columns
    sorting = func.concat_ws(" ", *(cast(columns[name], Text) for name in _KEYS[model])).collate("C")
    statement = select(model).where(*(columns[name] == value for name, value in equal.items()))
    if on is not None:
        statement = statement.where(columns["valid_from"] <= on, columns["valid_to"] >= on)
    if after is not None:
        statement = statement.where(sorting > after)
    return session.exec(statement.order_by(sorting).limit(limit)).all()


def read_places(session: Session) -> Sequence[Place]:
    """Return all places."""
    return session.exec(select(Place)).all()


def find_place_or_capital(session: Session, *, country: str, city_key: str) -> Sequence[Place]:
    """Return the city of a country and the country's capital, as far as they are known."""
    wanted = or_(col(Place.city_key) == city_key, col(Place.is_capital))
    return session.exec(select(Place).where(col(Place.country) == country, wanted)).all()


def read_places_of(session: Session, *, country: str, limit: int) -> Sequence[Place]:
    """Return the first places of a country, by their keys."""
    statement = select(Place).where(col(Place.country) == country).order_by(col(Place.city_key)).limit(limit)
    return session.exec(statement).all()


def read_lanes(session: Session) -> Sequence[Lane]:
    """Return all lanes, by node and zone."""
    return session.exec(select(Lane).order_by(col(Lane.node_id), col(Lane.zone))).all()


def read_tariffs(session: Session, *, ending_from: date) -> Sequence[CarrierTariff]:
    """Return the tariffs that end on a day or later."""
    statement = select(CarrierTariff).where(col(CarrierTariff.valid_to) >= ending_from)
    key = (
        col(CarrierTariff.carrier),
        col(CarrierTariff.zone),
        col(CarrierTariff.service),
        col(CarrierTariff.valid_from),
    )
    return session.exec(statement.order_by(*key)).all()


def read_tariff_ends(session: Session, *, before: date) -> Sequence[tuple[str, str, str, date]]:
    """Return carrier, zone, service and the last day of what ended before a day."""
    key = (col(CarrierTariff.carrier), col(CarrierTariff.zone), col(CarrierTariff.service))
    last = func.max(col(CarrierTariff.valid_to))
    statement = select(*key, last).where(col(CarrierTariff.valid_to) < before).group_by(*key).order_by(*key)
    return [(carrier, zone, service, day) for carrier, zone, service, day in session.exec(statement).all()]


def read_duty_rules(session: Session, *, ending_from: date) -> Sequence[DutyRule]:
    """Return the duty rules that end on a day or later, by id."""
    statement = select(DutyRule).where(col(DutyRule.valid_to) >= ending_from)
    return session.exec(statement.order_by(col(DutyRule.id))).all()


def read_carbon_factors(session: Session, *, on: date) -> Sequence[CarbonFactor]:
    """Return the carbon factors of a day, those that began later last."""
    of_the_day = and_(col(CarbonFactor.valid_from) <= on, col(CarbonFactor.valid_to) >= on)
    return session.exec(select(CarbonFactor).where(of_the_day).order_by(col(CarbonFactor.valid_from))).all()


def read_grid_intensities(session: Session, *, ending_from: date) -> Sequence[GridIntensity]:
    """Return the grid figures that end on a day or later, by country and day."""
    statement = select(GridIntensity).where(col(GridIntensity.valid_to) >= ending_from)
    return session.exec(statement.order_by(col(GridIntensity.country), col(GridIntensity.valid_from))).all()


def read_exchange_rates(session: Session, *, ending_from: date, currency: str | None = None) -> Sequence[ExchangeRate]:
    """Return the exchange rates that end on a day or later, of one currency or of all."""
    statement = select(ExchangeRate).where(col(ExchangeRate.valid_to) >= ending_from)
    if currency is not None:
        statement = statement.where(col(ExchangeRate.currency) == currency)
    return session.exec(statement.order_by(col(ExchangeRate.currency), col(ExchangeRate.valid_from))).all()
