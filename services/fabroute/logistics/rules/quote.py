"""The price, time, duty and carbon of sending one parcel by one service."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from fabroute.estimation.breakdown import BreakdownRow, rounded_rows
from fabroute.kernel.errors import DomainError
from fabroute.logistics.rules.duties import Consignment, Duties, Duty, customs_duty
from fabroute.logistics.rules.parcels import Parcel
from fabroute.logistics.rules.places import Location, Zone, customs_territory, distance_km, zone_between
from fabroute.logistics.rules.tariffs import Mode, Service, Tariff, leg_mode, transit_days, travelled_km

PACKAGING_CO2_G_PER_KG = 1000
"""Carbon in a kilogram of packaging (assumption)."""


class LaneMissing(DomainError):
    """No carrier offers a service into a zone on a day."""

    code = "lane_missing"
    status = 409


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
    cost_minor: int
    """Freight, without duty."""
    duty_minor: int
    transit_p50_days: int
    """Working days, counted where both ends work."""
    transit_p95_days: int
    co2_g: int
    """Of the way (well to wheel) and of the packaging."""
    mode: Mode
    distance_km: float
    """Great circle."""
    chargeable_grams: int
    breakdown: tuple[BreakdownRow, ...]
    """Rows that add up to freight and duty."""


def freight_book(
    *, tariffs: Iterable[Tariff], duties: Iterable[Duty], g_per_tonne_km: Mapping[Mode, float]
) -> FreightBook:
    """Arrange rows of data for quoting; ``IncompleteFreightData`` if a mode of transport has no carbon factor."""
    missing = [mode.value for mode in Mode if mode not in g_per_tonne_km]
    if missing:
        raise IncompleteFreightData(f"no carbon factor for {', '.join(missing)}: add a row for each")
    by_lane: defaultdict[tuple[Zone, Service], list[Tariff]] = defaultdict(list)
    for tariff in tariffs:
        by_lane[tariff.zone, tariff.service].append(tariff)
    by_territory: defaultdict[tuple[str, str], list[Duty]] = defaultdict(list)
    for duty in sorted(duties, key=_value_limit):
        by_territory[duty.territory, duty.consignment].append(duty)
    return FreightBook(
        tariffs={lane: tuple(rows) for lane, rows in by_lane.items()},
        duties=dict(by_territory),
        g_per_tonne_km=dict(g_per_tonne_km),
    )


def offered_services(book: FreightBook, *, zone: Zone, day: date) -> tuple[Service, ...]:
    """Return the services that carriers offer into a zone on a day, the slowest first."""
    return tuple(service for service in Service if _tariff(book, zone, service, day) is not None)


def quote_shipment(book: FreightBook, shipment: Shipment, *, service: Service) -> ShipmentQuote:
    """Return what sending a parcel by a service takes.

    ``(base + rate x kg) x (1 + fuel) + surcharge``, and duty where the parcel enters another customs territory.
    ``LaneMissing`` if no tariff covers the zone, service and day; ``NoDutyRule`` if no rule covers the border.
    """
    great_circle_km = distance_km(shipment.origin, shipment.destination)
    zone = zone_between(shipment.origin, shipment.destination, great_circle_km=great_circle_km)
    tariff = _tariff(book, zone, service, shipment.day)
    if tariff is None:
        raise LaneMissing(f"no carrier offers {service} into zone {zone} on {shipment.day}: choose another service")
    mode = leg_mode(tariff.mode, service=service, great_circle_km=great_circle_km)
    territory = customs_territory(shipment.destination.country)
    customs = customs_territory(shipment.origin.country) != territory
    typical, late = transit_days(tariff, mode=mode, great_circle_km=great_circle_km, customs=customs)
    freight = _freight_rows(tariff, shipment.parcel.chargeable_grams)
    duty_minor = _duty_minor(book, shipment, territory) if customs else 0
    return ShipmentQuote(
        zone=zone,
        service=service,
        cost_minor=sum(row.amount_minor for row in freight),
        duty_minor=duty_minor,
        transit_p50_days=typical,
        transit_p95_days=late,
        co2_g=_co2_g(book, shipment.parcel, mode, great_circle_km),
        mode=mode,
        distance_km=great_circle_km,
        chargeable_grams=shipment.parcel.chargeable_grams,
        breakdown=(*freight, BreakdownRow(code="duty", amount_minor=duty_minor)),
    )


def _value_limit(duty: Duty) -> float:
    return math.inf if duty.maximum_value_minor is None else duty.maximum_value_minor


def _tariff(book: FreightBook, zone: Zone, service: Service, day: date) -> Tariff | None:
    for tariff in book.tariffs.get((zone, service), ()):
        if tariff.valid_from <= day <= tariff.valid_to:
            return tariff
    return None


def _freight_rows(tariff: Tariff, grams: int) -> tuple[BreakdownRow, ...]:
    weight_minor = tariff.per_kg_minor * grams / 1000
    return rounded_rows(
        (
            ("freight_base", tariff.base_minor),
            ("freight_weight", weight_minor),
            ("fuel", (tariff.base_minor + weight_minor) * tariff.fuel_fraction),
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
