"""Statements on places, lanes, tariffs, duties and carbon factors."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import or_
from sqlmodel import Session, SQLModel, col, select

from fabroute.database.bulk import upsert
from fabroute.logistics.models import CarbonFactor, CarrierTariff, DutyRule, Lane, Place

_KEYS: Mapping[type[SQLModel], tuple[str, ...]] = {
    Place: ("country", "city_key"),
    Lane: ("node_id", "zone"),
    CarrierTariff: ("zone", "service", "valid_from"),
    DutyRule: ("id",),
    CarbonFactor: ("mode",),
}


def save(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, object]]) -> int:
    """Save rows of a table; return how many were new or different."""
    return upsert(session, model, rows, key=_KEYS[model])


def read_places(session: Session) -> Sequence[Place]:
    """Return all places."""
    return session.exec(select(Place)).all()


def find_place_or_capital(session: Session, *, country: str, city_key: str) -> Sequence[Place]:
    """Return the city of a country and the country's capital, as far as they are known."""
    wanted = or_(col(Place.city_key) == city_key, col(Place.is_capital))
    return session.exec(select(Place).where(col(Place.country) == country, wanted)).all()


def read_lanes(session: Session) -> Sequence[Lane]:
    """Return all lanes, by node and zone."""
    return session.exec(select(Lane).order_by(col(Lane.node_id), col(Lane.zone))).all()


def read_tariffs(session: Session, *, ending_from: date) -> Sequence[CarrierTariff]:
    """Return the tariffs that end on a day or later."""
    statement = select(CarrierTariff).where(col(CarrierTariff.valid_to) >= ending_from)
    key = (col(CarrierTariff.zone), col(CarrierTariff.service), col(CarrierTariff.valid_from))
    return session.exec(statement.order_by(*key)).all()


def read_duty_rules(session: Session, *, ending_from: date) -> Sequence[DutyRule]:
    """Return the duty rules that end on a day or later, by id."""
    statement = select(DutyRule).where(col(DutyRule.valid_to) >= ending_from)
    return session.exec(statement.order_by(col(DutyRule.id))).all()


def read_carbon_factors(session: Session) -> Sequence[CarbonFactor]:
    """Return all carbon factors."""
    return session.exec(select(CarbonFactor)).all()
