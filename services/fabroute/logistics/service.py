"""Ways to the customer: places, lanes, and what carriers and customs take, as dated data."""

from dataclasses import asdict, dataclass

from sqlmodel import Session

from fabroute.logistics import repository
from fabroute.logistics.models import CarbonFactor, CarrierTariff, DutyRule, Lane, Place
from fabroute.logistics.rules import Duty, Mode, Service, Tariff, UnknownCountry, Zone
from fabroute.logistics.snapshot import (
    Destination,
    LogisticsView,
    PlaceBook,
    PlaceView,
    UnknownDestination,
    city_key,
    place_book,
    read_logistics,
)

__all__ = [
    "Destination",
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
    "find_place",
    "load_places",
    "place_book",
    "read_logistics",
    "resolve_destination",
    "save_logistics",
]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticsData:
    """Places, lanes, tariffs, duty rules and carbon factors to be saved. The nodes of lanes must be known."""

    places: tuple[PlaceView, ...] = ()
    lanes: tuple[NewLane, ...] = ()
    tariffs: tuple[NewTariff, ...] = ()
    duty_rules: tuple[NewDutyRule, ...] = ()
    carbon_factors: tuple[NewCarbonFactor, ...] = ()


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
