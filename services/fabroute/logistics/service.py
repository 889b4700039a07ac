"""Ways to the customer: places, lanes, and what carriers and customs take, as dated data."""

from dataclasses import asdict, dataclass
from datetime import date

from sqlmodel import Session

from fabroute.logistics import repository
from fabroute.logistics.models import CarbonFactor, CarrierTariff, DutyRule, GridIntensity, Lane, Place
from fabroute.logistics.models import ExchangeRate as ExchangeRateRow
from fabroute.logistics.rules import (
    CurrencyWithoutRate,
    Duty,
    ExchangeBook,
    ExchangeRate,
    GridRow,
    Mode,
    Service,
    Tariff,
    UnknownCountry,
    Zone,
    rate_on,
)
from fabroute.logistics.snapshot import (
    Destination,
    LogisticsView,
    PlaceBook,
    PlaceView,
    UnknownDestination,
    city_key,
    place_book,
    read_exchange_book,
    read_logistics,
)

__all__ = [
    "CurrencyWithoutRate",
    "Destination",
    "ExchangeBook",
    "ExchangeRate",
    "LogisticsData",
    "LogisticsView",
    "NewCarbonFactor",
    "NewDutyRule",
    "NewLane",
    "NewTariff",
    "PlaceBook",
    "PlaceView",
    "UnknownCountry",
    "UnknownDestination",
    "city_key",
    "exchange_rate",
    "find_place",
    "load_places",
    "place_book",
    "read_logistics",
    "resolve_destination",
    "save_logistics",
]


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


def save_logistics(session: Session, *, data: LogisticsData) -> int:
    """Save what ``data`` holds and return how many rows were new or different; the same twice returns 0.

    Whoever calls this and gets more than 0 tells it on (``network.changed``).
    """
    return (
        repository.save(session, Place, [_place_row(place) for place in data.places])
        + repository.save(session, Lane, [_lane_row(lane) for lane in data.lanes])
        + repository.save(session, CarrierTariff, [_tariff_row(row) for row in data.tariffs])
        + repository.save(session, DutyRule, [_duty_row(row) for row in data.duty_rules])
        + repository.save(session, CarbonFactor, [_factor_row(factor) for factor in data.carbon_factors])
        + repository.save(session, GridIntensity, [asdict(row) for row in data.grid_intensities])
        + repository.save(session, ExchangeRateRow, [asdict(rate) for rate in data.exchange_rates])
    )


def load_places(session: Session) -> PlaceBook:
    """Return all places as a book to keep in memory: about two thousand, read once a process."""
    return place_book(_place_view(place) for place in repository.read_places(session))


def find_place(session: Session, *, city: str, country: str) -> PlaceView | None:
    """Return a city of a country (ISO alpha-2) without regard to case and accents, ``None`` if it isn't known."""
    return _small_book(session, city=city, country=country).find(city=city, country=country)


def resolve_destination(
    session: Session, *, city: str, country: str, latitude: float | None = None, longitude: float | None = None
) -> Destination:
    """Return where an order goes: the given point, else the city's, else the capital's (then ``assumed``).

    Raises ``UnknownCountry`` and ``UnknownDestination`` with the field's pointer. ``PlaceBook.resolve`` is the same
    without a query.
    """
    book = _small_book(session, city=city, country=country)
    return book.resolve(city=city, country=country, latitude=latitude, longitude=longitude)


def exchange_rate(source: Session | ExchangeBook, currency: str, on: date) -> ExchangeRate:
    """Return what a euro buys of a currency on a day, by the database or a book of it; EUR is always 1.

    ``CurrencyWithoutRate`` if no rate covers the day.
    """
    if isinstance(source, Session):
        source = read_exchange_book(source, on=on, currency=currency)
    return rate_on(source, currency, on)


def _small_book(session: Session, *, city: str, country: str) -> PlaceBook:
    found = repository.find_place_or_capital(session, country=country.strip().upper(), city_key=city_key(city))
    return place_book(_place_view(place) for place in found)


def _place_view(place: Place) -> PlaceView:
    return PlaceView(
        city=place.city,
        country=place.country,
        latitude=place.latitude,
        longitude=place.longitude,
        is_capital=place.is_capital,
    )


def _place_row(place: PlaceView) -> dict[str, object]:
    return {**asdict(place), "city_key": city_key(place.city)}


def _lane_row(lane: NewLane) -> dict[str, object]:
    return {"node_id": lane.node_id, "zone": lane.zone.value, "services": [service.value for service in lane.services]}


def _tariff_row(row: NewTariff) -> dict[str, object]:
    tariff = row.tariff
    words = {"zone": tariff.zone.value, "service": tariff.service.value, "mode": tariff.mode.value}
    return asdict(tariff) | words | {"source": row.source}


def _duty_row(row: NewDutyRule) -> dict[str, object]:
    return {"id": row.rule_id, **asdict(row.duty), "source": row.source}


def _factor_row(factor: NewCarbonFactor) -> dict[str, object]:
    return asdict(factor) | {"mode": factor.mode.value}
