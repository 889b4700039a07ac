"""What is saved: places, lanes, and the dated rows of carriers, customs, carbon, grids and currencies."""

from dataclasses import dataclass
from datetime import date

from fabroute.logistics.rules import Duty, ExchangeRate, GridRow, Mode, Service, Tariff, Zone
from fabroute.logistics.snapshot import PlaceView

FIRST_DAY, LAST_DAY = date(2010, 1, 1), date(2099, 12, 31)
"""What counts as always in dated data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLane:
    """The services that a node uses into a zone."""

    node_id: str
    zone: Zone
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTariff:
    """A carrier's price row and where it comes from."""

    tariff: Tariff
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDutyRule:
    """A dated customs rule and where it comes from."""

    rule_id: str
    duty: Duty
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCarbonFactor:
    """Grams of CO2e per tonne-kilometre of a mode, and where that comes from."""

    mode: Mode
    g_per_tonne_km: float
    source: str
    valid_from: date = FIRST_DAY
    valid_to: date = LAST_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticsData:
    """Places, lanes and dated rows of data to be saved. The nodes of lanes must be known."""

    places: tuple[PlaceView, ...] = ()
    lanes: tuple[NewLane, ...] = ()
    tariffs: tuple[NewTariff, ...] = ()
    duty_rules: tuple[NewDutyRule, ...] = ()
    carbon_factors: tuple[NewCarbonFactor, ...] = ()
    grid_intensities: tuple[GridRow, ...] = ()
    exchange_rates: tuple[ExchangeRate, ...] = ()
