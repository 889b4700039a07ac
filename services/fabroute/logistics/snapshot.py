"""Where an order goes when only its city is given; and lanes, tariffs and duties as one instant saw them."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from sqlmodel import Session

from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.logistics import repository
from fabroute.logistics.models import CarrierTariff, DutyRule, GridIntensity
from fabroute.logistics.models import ExchangeRate as ExchangeRateRow
from fabroute.logistics.rules import (
    Duty,
    ExchangeBook,
    ExchangeRate,
    FreightBook,
    GridBook,
    GridRow,
    Mode,
    Service,
    Tariff,
    UnknownCountry,
    WeightBand,
    Zone,
    exchange_book,
    freight_book,
    grid_book,
)
from fabroute.logistics.rules.lapses import Ended, TariffEnd
from fabroute.logistics.rules.places import CONTINENTS

_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i", "\u2019": "'"}
)
"""Letters that Unicode does not take apart into a plain one and an accent."""
_CITIES_REMEMBERED = 4_096


class UnknownDestination(DomainError):
    """A destination that no parcel could be addressed to."""

    code = "unknown_destination"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceView:
    """A city with its coordinates in degrees (GeoNames)."""

    city: str
    country: str
    latitude: float
    longitude: float
    is_capital: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where an order goes. ``assumed``: the city is unknown, the coordinates are those of the country's capital."""

    city: str
    country: str
    latitude: float
    longitude: float
    assumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceBook:
    """All known places of this process, by country and city name without regard to case and accents."""

    places: Mapping[tuple[str, str], PlaceView]
    capitals: Mapping[str, PlaceView]

    def find(self, *, city: str, country: str) -> PlaceView | None:
        """Return a city of a country (ISO alpha-2), ``None`` if it isn't known."""
        return self.places.get((country.upper(), city_key(city)))

    def resolve(
        self, *, city: str, country: str, latitude: float | None = None, longitude: float | None = None
    ) -> Destination:
        """Return where an order goes: the point if one is given, else the city's, else the capital's (``assumed``).

        Raises ``UnknownCountry``, and ``UnknownDestination`` for half a point, one that is nowhere on earth, and for an
        unknown city of a country that has no capital.
        """
        code = country.strip().upper()
        if code not in CONTINENTS:
            raise unknown_country(country)
        if latitude is not None or longitude is not None:
            return _at_point(city=city, country=code, latitude=latitude, longitude=longitude)
        place = self.find(city=city, country=code) or self.capitals.get(code)
        if place is None:
            raise _unknown_destination(
                "/ship_to/latitude", f"we know no place in {code}: give latitude and longitude of {city}"
            )
        return Destination(
            city=city,
            country=code,
            latitude=place.latitude,
            longitude=place.longitude,
            assumed=city_key(place.city) != city_key(city),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticsView:
    """The lanes of all nodes, what carriers and customs take from a day on, national grids and exchange rates."""

    lanes: Mapping[str, Mapping[Zone, tuple[Service, ...]]]
    """By node id: the services that a node uses into a zone; a zone that isn't there is not served."""
    freight: FreightBook
    grid: GridBook = field(default_factory=GridBook)
    rates: ExchangeBook = field(default_factory=ExchangeBook)
    ended: Ended = field(default_factory=dict)
    """When tariffs ended that are over."""


def read_logistics(session: Session, *, on: date) -> LogisticsView:
    """Return all of it without what was over before the day ``on``; carbon factors are those of that day."""
    lanes: defaultdict[str, dict[Zone, tuple[Service, ...]]] = defaultdict(dict)
    for lane in repository.read_lanes(session):
        lanes[lane.node_id][Zone(lane.zone)] = tuple(Service(service) for service in lane.services)
    book = freight_book(
        tariffs=[tariff_of(row) for row in repository.read_tariffs(session, ending_from=on)],
        duties=[duty_of(row) for row in repository.read_duty_rules(session, ending_from=on)],
        g_per_tonne_km={Mode(row.mode): row.g_per_tonne_km for row in repository.read_carbon_factors(session, on=on)},
    )
    return LogisticsView(
        lanes=dict(lanes),
        freight=book,
        grid=read_grid_book(session, on=on),
        rates=read_exchange_book(session, on=on),
        ended=_ended(session, on),
    )


def _ended(session: Session, on: date) -> Ended:
    ended: defaultdict[Zone, list[TariffEnd]] = defaultdict(list)
    for carrier, zone, service, last in repository.read_tariff_ends(session, before=on):
        ended[Zone(zone)].append(TariffEnd(ended_on=last, carrier=carrier, service=Service(service)))
    return {zone: tuple(sorted(ends)) for zone, ends in ended.items()}


def read_grid_book(session: Session, *, on: date) -> GridBook:
    """Return the carbon figures of all grids that end on a day or later."""
    return grid_book(grid_row_of(row) for row in repository.read_grid_intensities(session, ending_from=on))


def read_exchange_book(session: Session, *, on: date, currency: str | None = None) -> ExchangeBook:
    """Return the exchange rates that end on a day or later, of one currency or of all."""
    rows = repository.read_exchange_rates(session, ending_from=on, currency=currency)
    return exchange_book(exchange_rate_of(row) for row in rows)


def place_book(places: Iterable[PlaceView]) -> PlaceBook:
    """Return a book of ``places``."""
    known = {(place.country, city_key(place.city)): place for place in places}
    return PlaceBook(places=known, capitals={place.country: place for place in known.values() if place.is_capital})


@lru_cache(maxsize=_CITIES_REMEMBERED)
def city_key(city: str) -> str:
    """Return a city's name without case, accents and double spaces: ``" São  PAULO"`` → ``sao paulo``."""
    letters = unicodedata.normalize("NFKD", city.casefold().translate(_LETTERS))
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def unknown_country(country: str) -> UnknownCountry:
    """Return the refusal of a country that is no ISO 3166 alpha-2 code."""
    advice = f"country {country!r} is unknown: use a two-letter code of ISO 3166, such as DE"
    return UnknownCountry(advice, problems=(FieldProblem(pointer="/ship_to/country", message=advice),))


def _at_point(*, city: str, country: str, latitude: float | None, longitude: float | None) -> Destination:
    if latitude is None or not -90 <= latitude <= 90:
        raise _unknown_destination(
            "/ship_to/latitude", "give latitude from -90 to 90 together with longitude, or neither"
        )
    if longitude is None or not -180 <= longitude <= 180:
        raise _unknown_destination(
            "/ship_to/longitude", "give longitude from -180 to 180 together with latitude, or neither"
        )
    return Destination(city=city, country=country, latitude=latitude, longitude=longitude, assumed=False)


def _unknown_destination(pointer: str, advice: str) -> UnknownDestination:
    return UnknownDestination(advice, problems=(FieldProblem(pointer=pointer, message=advice),))


def tariff_of(row: CarrierTariff) -> Tariff:
    """Return a stored tariff as the rules want it."""
    return Tariff(
        carrier=row.carrier,
        zone=Zone(row.zone),
        service=Service(row.service),
        bands=tuple(WeightBand(**band) for band in row.bands),
        minimum_minor=row.minimum_minor,
        fuel_fraction=row.fuel_fraction,
        surcharge_minor=row.surcharge_minor,
        transit=tuple((days, per_mille) for days, per_mille in row.transit),
        mode=Mode(row.mode),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


def grid_row_of(row: GridIntensity) -> GridRow:
    """Return a stored grid figure as the rules want it."""
    return GridRow(
        country=row.country,
        g_per_kwh=row.g_per_kwh,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        source=row.source,
    )


def exchange_rate_of(row: ExchangeRateRow) -> ExchangeRate:
    """Return a stored exchange rate as the rules want it."""
    return ExchangeRate(
        currency=row.currency,
        per_eur=row.per_eur,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        source=row.source,
    )


def duty_of(row: DutyRule) -> Duty:
    """Return a stored duty rule as the rules want it."""
    return Duty(
        territory=row.territory,
        consignment="b2c" if row.consignment == "b2c" else "b2b",
        maximum_value_minor=row.maximum_value_minor,
        fixed_minor=row.fixed_minor,
        fraction=row.fraction,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )
