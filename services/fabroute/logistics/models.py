"""Tables of places, lanes, tariffs, duties, carbon, grids and exchange rates: dated data, each row with its source."""

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from fabroute.database.columns import document, texts


class Place(SQLModel, table=True):
    """A city that can be named as a destination without coordinates."""

    __tablename__ = "places"

    country: str = Field(primary_key=True)
    city_key: str = Field(primary_key=True)
    """The city's name in lower case without accents."""
    city: str
    latitude: float
    longitude: float
    is_capital: bool = False


class Lane(SQLModel, table=True):
    """The shipping services that a node uses into one zone; no row, no shipping."""

    __tablename__ = "lanes"

    node_id: str = Field(primary_key=True, foreign_key="nodes.id")
    zone: str = Field(primary_key=True)
    services: list[str] = Field(sa_column=texts())


class CarrierTariff(SQLModel, table=True):
    """What a carrier asks for one service into one zone, and how long it takes."""

    __tablename__ = "carrier_tariffs"
    __table_args__ = (
        CheckConstraint("valid_from <= valid_to", name="begins_before_it_ends"),
        CheckConstraint("minimum_minor >= 0", name="minimum_not_negative"),
    )

    carrier: str = Field(primary_key=True, default="reference")
    zone: str = Field(primary_key=True)
    service: str = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    valid_to: date
    bands: list[Any] = Field(default_factory=list, sa_column=document())
    """``{"up_to_grams": int or null, "base_minor": int, "per_kg_minor": int}``, lightest first; null: any weight."""
    minimum_minor: int = 0
    """The least that base and weight price come to, before fuel and surcharge."""
    fuel_fraction: float
    surcharge_minor: int
    transit: list[Any] = Field(default_factory=list, sa_column=document())
    """``[working days, per mille]``, the quickest first; the shares add up to 1000."""
    mode: str
    source: str


class DutyRule(SQLModel, table=True):
    """A dated rule for what customs take."""

    __tablename__ = "duty_rules"

    id: str = Field(primary_key=True)
    territory: str
    """``EU`` or an ISO country code."""
    consignment: str
    """``b2c`` or ``b2b``."""
    maximum_value_minor: int | None = None
    fixed_minor: int
    fraction: float
    valid_from: date
    valid_to: date
    source: str


class CarbonFactor(SQLModel, table=True):
    """Grams of CO2e per tonne-kilometre of a transport mode, as one edition of the factors has it."""

    __tablename__ = "carbon_factors"

    mode: str = Field(primary_key=True)
    valid_from: date = Field(primary_key=True, default=date(2010, 1, 1))
    valid_to: date = date(2099, 12, 31)
    g_per_tonne_km: float
    source: str


class GridIntensity(SQLModel, table=True):
    """Grams of CO2e per kWh from a country's grid, as one edition of the figures has it."""

    __tablename__ = "grid_intensities"
    __table_args__ = (CheckConstraint("g_per_kwh >= 0", name="not_negative"),)

    country: str = Field(primary_key=True)
    """ISO country code, or ``*`` for every country without a row."""
    valid_from: date = Field(primary_key=True)
    valid_to: date
    g_per_kwh: float
    source: str


class ExchangeRate(SQLModel, table=True):
    """How much of a currency one euro buys from a day on."""

    __tablename__ = "exchange_rates"
    __table_args__ = (CheckConstraint("per_eur > 0", name="positive"),)

    currency: str = Field(primary_key=True)
    """ISO 4217."""
    valid_from: date = Field(primary_key=True)
    valid_to: date
    per_eur: float
    source: str
