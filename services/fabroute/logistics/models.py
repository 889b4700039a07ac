"""Tables of places, lanes, tariffs, duties and carbon factors: dated data, each row with its source."""

from datetime import date

from sqlmodel import Field, SQLModel

from fabroute.database.columns import texts


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
    """The price and transit time of one service into one zone."""

    __tablename__ = "carrier_tariffs"

    zone: str = Field(primary_key=True)
    service: str = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    valid_to: date
    base_minor: int
    per_kg_minor: int
    fuel_fraction: float
    surcharge_minor: int
    transit_p50_days: int
    transit_p95_days: int
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
    """Grams of CO2e per tonne-kilometre of a transport mode."""

    __tablename__ = "carbon_factors"

    mode: str = Field(primary_key=True)
    g_per_tonne_km: float
    source: str
