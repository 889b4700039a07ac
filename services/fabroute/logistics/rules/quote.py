"""The price, time, duty and carbon of sending one parcel by one service."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fabroute.estimation.breakdown import BreakdownRow, rounded_rows
from fabroute.kernel.errors import DomainError
from fabroute.logistics.rules.arrivals import Transit, quantile_days
from fabroute.logistics.rules.duties import Consignment, Duties, Duty, customs_duty
from fabroute.logistics.rules.parcels import Parcel
from fabroute.logistics.rules.places import Location, Zone, customs_territory, distance_km, zone_between
from fabroute.logistics.rules.tariffs import Mode, Service, Tariff, WeightBand, leg_mode, travelled_km, way_transit

PACKAGING_CO2_G_PER_KG = 1000
"""Carbon in a kilogram of packaging (assumption)."""


class LaneMissing(DomainError):
    """No carrier offers a service into a zone on a day."""

    code = "lane_missing"
    status = 409


class ParcelTooHeavy(LaneMissing):
    """Every carrier that offers the service refuses a parcel of this weight."""

    code = "parcel_too_heavy"

    def __init__(self, message: str, *, weight_grams: int, limit_grams: int) -> None:
        super().__init__(message)
        self.weight_grams = weight_grams
        self.limit_grams = limit_grams


class IncompleteFreightData(DomainError):
    """The rows of data don't cover what a quote needs."""

    code = "freight_data_incomplete"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class FreightBook:
    """All tariffs, duties and carbon factors, arranged for looking up. Made by ``freight_book``."""

    tariffs: Mapping[tuple[Zone, Service], tuple[Tariff, ...]]
    duties: Duties
    g_per_tonne_km: Mapping[Mode, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A parcel, its way, its worth and the day on which it is handed over."""

    origin: Location
    destination: Location
    parcel: Parcel
    value_minor: int
    """What the goods cost: the base of duty."""
    consignment: Consignment
    day: date
    item_categories: int = 1
    """Different tariff headings among the goods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentQuote:
    """What a shipment takes by one service. Money in EUR minor units, carbon in grams."""

    zone: Zone
    service: Service
    carrier: str
    cost_minor: int
    """Freight, without duty."""
    duty_minor: int
    transit: Transit
    """How many of a thousand parcels arrive after how many working days, counted where both ends work."""
    transit_p50_days: int
    transit_p95_days: int
    co2_g: int
    """Of the way (well to wheel) and of the packaging."""
    mode: Mode
    distance_km: float
    """Great circle."""
    chargeable_grams: int
    breakdown: tuple[BreakdownRow, ...]
    """Rows that add up to freight and duty."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Carrier:
    """A carrier between two places: what it asks, and how and how long its parcels travel, whatever they weigh."""

    tariff: Tariff
    mode: Mode
    transit: Transit
    median_days: int
    late_days: int
    """Within which 95 % of its parcels arrive."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Connection:
    """A service between two places on a day, for parcels of any weight and worth."""

    zone: Zone
    service: Service
    great_circle_km: float
    customs: bool
    """Whether parcels enter another customs territory."""
    carriers: tuple[Carrier, ...]


def freight_book(
    *, tariffs: Iterable[Tariff], duties: Iterable[Duty], g_per_tonne_km: Mapping[Mode, float]
) -> FreightBook:
    """Arrange rows of data for quoting; ``IncompleteFreightData`` if a mode of transport has no carbon factor.

    Where two rows of a carrier, or two duty rules with the same limit, cover a day, the one that began later counts.
    """
    missing = [mode.value for mode in Mode if mode not in g_per_tonne_km]
    if missing:
        raise IncompleteFreightData(f"no carbon factor for {', '.join(missing)}: add a row for each")
    by_lane: defaultdict[tuple[Zone, Service], list[Tariff]] = defaultdict(list)
    for tariff in sorted(tariffs, key=lambda row: row.valid_from, reverse=True):
        by_lane[tariff.zone, tariff.service].append(tariff)
    by_territory: defaultdict[tuple[str, str], list[Duty]] = defaultdict(list)
    for duty in sorted(sorted(duties, key=lambda rule: rule.valid_from, reverse=True), key=_value_limit):
        by_territory[duty.territory, duty.consignment].append(duty)
    return FreightBook(
        tariffs={lane: tuple(rows) for lane, rows in by_lane.items()},
        duties=dict(by_territory),
        g_per_tonne_km=dict(g_per_tonne_km),
    )


def offered_services(book: FreightBook, *, zone: Zone, day: date) -> tuple[Service, ...]:
    """Return the services that carriers offer into a zone on a day, the slowest first."""
    return tuple(service for service in Service if tariffs_on(book, zone, service, day))


def quote_shipment(book: FreightBook, shipment: Shipment, *, service: Service) -> ShipmentQuote:
    """Return what sending a parcel by a service takes, with the carrier that is cheapest (then quickest) for it.

    ``max(minimum, base + rate x kg) x (1 + fuel) + surcharge`` by the band of the chargeable weight, and duty where the
    parcel enters another customs territory. ``LaneMissing`` if no tariff covers the zone, service and day;
    ``ParcelTooHeavy`` if all that do have a lower limit; ``NoDutyRule`` if no rule covers the border.
    """
    connection = connect(book, shipment.origin, shipment.destination, service=service, day=shipment.day)
    return quote_on(book, connection, shipment)


def connect(book: FreightBook, origin: Location, destination: Location, *, service: Service, day: date) -> Connection:
    """Return how carriers go from a place to another by a service, for every parcel of a day; none if none does."""
    great_circle_km = distance_km(origin, destination)
    zone = zone_between(origin, destination, great_circle_km=great_circle_km)
    customs = customs_territory(origin.country) != customs_territory(destination.country)
    return Connection(
        zone=zone,
        service=service,
        great_circle_km=great_circle_km,
        customs=customs,
        carriers=tuple(
            _carrier(tariff, great_circle_km=great_circle_km, customs=customs)
            for tariff in tariffs_on(book, zone, service, day)
        ),
    )


def quote_on(book: FreightBook, connection: Connection, shipment: Shipment) -> ShipmentQuote:
    """Return what ``quote_shipment`` does, on the connection between the shipment's places on its day."""
    found, great_circle_km = _cheapest(connection, shipment), connection.great_circle_km
    territory = customs_territory(shipment.destination.country)
    duty_minor = _duty_minor(book, shipment, territory) if connection.customs else 0
    return ShipmentQuote(
        zone=connection.zone,
        service=connection.service,
        carrier=found.carrier,
        cost_minor=found.cost_minor,
        duty_minor=duty_minor,
        transit=found.transit,
        transit_p50_days=found.median_days,
        transit_p95_days=found.late_days,
        co2_g=_co2_g(book, shipment.parcel, found.mode, great_circle_km),
        mode=found.mode,
        distance_km=great_circle_km,
        chargeable_grams=shipment.parcel.chargeable_grams,
        breakdown=(*found.rows, BreakdownRow(code="duty", amount_minor=duty_minor)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Carriage:
    """What one carrier takes for a shipment."""

    cost_minor: int
    late_days: int
    median_days: int
    transit: Transit
    carrier: str
    mode: Mode
    rows: tuple[BreakdownRow, ...]

    def preference(self) -> tuple[int, int, int, str]:
        """Return what to compare carriers by: price, then time, then name."""
        return self.cost_minor, self.late_days, self.median_days, self.carrier


def _cheapest(connection: Connection, shipment: Shipment) -> _Carriage:
    zone, service = connection.zone, connection.service
    if not connection.carriers:
        raise LaneMissing(f"no carrier offers {service} into zone {zone} on {shipment.day}: choose another service")
    grams = shipment.parcel.chargeable_grams
    offers = [
        _carriage(carrier, band, grams)
        for carrier in connection.carriers
        if (band := carrier.tariff.band(grams)) is not None
    ]
    if not offers:
        raise _too_heavy([carrier.tariff for carrier in connection.carriers], zone, service, grams)
    return offers[0] if len(offers) == 1 else min(offers, key=_Carriage.preference)


def _carrier(tariff: Tariff, *, great_circle_km: float, customs: bool) -> Carrier:
    mode = leg_mode(tariff.mode, service=tariff.service, great_circle_km=great_circle_km)
    transit = way_transit(tariff, mode=mode, great_circle_km=great_circle_km, customs=customs)
    return Carrier(
        tariff=tariff,
        mode=mode,
        transit=transit,
        median_days=quantile_days(transit, per_mille=500),
        late_days=quantile_days(transit, per_mille=950),
    )


def _carriage(carrier: Carrier, band: WeightBand, grams: int) -> _Carriage:
    rows = freight_rows(carrier.tariff, band, grams)
    return _Carriage(
        cost_minor=sum(row.amount_minor for row in rows),
        late_days=carrier.late_days,
        median_days=carrier.median_days,
        transit=carrier.transit,
        carrier=carrier.tariff.carrier,
        mode=carrier.mode,
        rows=rows,
    )


def _too_heavy(tariffs: Sequence[Tariff], zone: Zone, service: Service, grams: int) -> ParcelTooHeavy:
    limit = int(max(tariff.heaviest_grams for tariff in tariffs))
    return ParcelTooHeavy(
        f"a parcel that counts as {grams / 1000:g} kg is too heavy for {service} into zone {zone}: the limit is "
        f"{limit / 1000:g} kg, send fewer parts at a time or choose another service",
        weight_grams=grams,
        limit_grams=limit,
    )


def _value_limit(duty: Duty) -> float:
    return math.inf if duty.maximum_value_minor is None else duty.maximum_value_minor


def tariffs_on(book: FreightBook, zone: Zone, service: Service, day: date) -> tuple[Tariff, ...]:
    """Return what each carrier asks on a day."""
    found: dict[str, Tariff] = {}
    for tariff in book.tariffs.get((zone, service), ()):
        if tariff.valid_from <= day <= tariff.valid_to:
            found.setdefault(tariff.carrier, tariff)
    return tuple(found.values())


def freight_rows(tariff: Tariff, band: WeightBand, grams: int) -> tuple[BreakdownRow, ...]:
    """Return the rows of what a carrier asks for a chargeable weight in one of its bands."""
    weight_minor = band.per_kg_minor * grams / 1000
    carriage_minor = band.base_minor + weight_minor
    to_minimum_minor = max(0.0, tariff.minimum_minor - carriage_minor)
    return rounded_rows(
        (
            ("freight_base", band.base_minor),
            ("freight_weight", weight_minor),
            *((("freight_minimum", to_minimum_minor),) if to_minimum_minor else ()),
            ("fuel", (carriage_minor + to_minimum_minor) * tariff.fuel_fraction),
            ("freight_surcharge", tariff.surcharge_minor),
        )
    )


def _duty_minor(book: FreightBook, shipment: Shipment, territory: str) -> int:
    duty = customs_duty(
        book.duties,
        territory=territory,
        consignment=shipment.consignment,
        on=shipment.day,
        value_minor=shipment.value_minor,
    )
    amount = duty.fixed_minor * shipment.item_categories + duty.fraction * shipment.value_minor
    return rounded_rows([("duty", amount)])[0].amount_minor


def _co2_g(book: FreightBook, parcel: Parcel, mode: Mode, great_circle_km: float) -> int:
    tonne_km = parcel.gross_grams / 1e6 * travelled_km(mode, great_circle_km=great_circle_km)
    packaging = parcel.packaging_grams / 1000 * PACKAGING_CO2_G_PER_KG
    return math.ceil(tonne_km * book.g_per_tonne_km[mode] + packaging - 1e-9)
