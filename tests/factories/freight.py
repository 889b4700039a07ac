"""Places, parcels and rows of freight data: made-up ones with round figures, and those of the reference files."""

import csv
from datetime import date
from functools import lru_cache
from pathlib import Path

from fabroute.kernel.money import minor_from_major
from fabroute.logistics.rules import (
    Duty,
    FreightBook,
    Location,
    Mode,
    Parcel,
    Service,
    Shipment,
    Tariff,
    WeightBand,
    Zone,
    any_weight,
    freight_book,
    transit_of,
)
from fabroute.logistics.rules.duties import Consignment

REFERENCE = Path(__file__).parents[2] / "infra" / "reference"
TODAY = date(2026, 11, 23)
FOREVER = date(2099, 12, 31)

HAMBURG = Location(latitude=53.5507, longitude=9.993, country="DE")
BREMEN = Location(latitude=53.0758, longitude=8.8072, country="DE")
LUENEBURG = Location(latitude=53.2509, longitude=10.4141, country="DE")
ROTTERDAM = Location(latitude=51.9225, longitude=4.4792, country="NL")
PORTO = Location(latitude=41.1485, longitude=-8.611, country="PT")
LONDON = Location(latitude=51.5085, longitude=-0.1257, country="GB")
SINGAPORE = Location(latitude=1.2897, longitude=103.8501, country="SG")
TOKYO = Location(latitude=35.6895, longitude=139.6917, country="JP")
BOSTON = Location(latitude=42.3584, longitude=-71.0598, country="US")
LOS_ANGELES = Location(latitude=34.0522, longitude=-118.2437, country="US")
REUNION = Location(latitude=-20.8789, longitude=55.4481, country="RE")
STANLEY = Location(latitude=-51.7, longitude=-57.85, country="FK")


def a_tariff(
    *,
    zone: Zone = Zone.DOMESTIC,
    service: Service = Service.EXPRESS,
    surcharge_minor: int = 0,
    transit: tuple[int, int] = (1, 2),
    mode: Mode = Mode.HGV,
    base_minor: int = 1000,
    bands: tuple[WeightBand, ...] | None = None,
    minimum_minor: int = 0,
    carrier: str = "reference",
    valid_from: date = date(2025, 1, 1),
    valid_to: date = FOREVER,
) -> Tariff:
    """Return a row at 10.00 and 2.00 a kilogram, with 10 % fuel."""
    return Tariff(
        carrier=carrier,
        zone=zone,
        service=service,
        bands=bands or any_weight(base_minor=base_minor, per_kg_minor=200),
        minimum_minor=minimum_minor,
        fuel_fraction=0.1,
        surcharge_minor=surcharge_minor,
        transit=transit_of(p50_days=transit[0], p95_days=transit[1]),
        mode=mode,
        valid_from=valid_from,
        valid_to=valid_to,
    )


def a_parcel(*, net_grams: int = 900, packaging_grams: int = 100, chargeable_grams: int = 1000) -> Parcel:
    """Return a parcel of a kilogram."""
    return Parcel(
        sides_cm=(20, 15, 10),
        net_grams=net_grams,
        packaging_grams=packaging_grams,
        chargeable_grams=chargeable_grams,
    )


def a_shipment(
    *,
    origin: Location = HAMBURG,
    destination: Location = BREMEN,
    parcel: Parcel | None = None,
    value_minor: int = 10_000,
    consignment: Consignment = "b2b",
    day: date = TODAY,
) -> Shipment:
    """Return a shipment of goods for 100.00 from Hamburg to Bremen."""
    return Shipment(
        origin=origin,
        destination=destination,
        parcel=parcel or a_parcel(),
        value_minor=value_minor,
        consignment=consignment,
        day=day,
    )


@lru_cache
def reference_book() -> FreightBook:
    """Return the tariffs, duties and carbon factors of the reference files."""
    return freight_book(
        tariffs=[_tariff(row) for row in _rows("carrier_tariffs.csv")],
        duties=[_duty(row) for row in _rows("duty_rules.csv")],
        g_per_tonne_km={Mode(row["mode"]): float(row["g_per_tonne_km"]) for row in _rows("carbon_factors.csv")},
    )


def _rows(file: str) -> list[dict[str, str]]:
    with (REFERENCE / file).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _tariff(row: dict[str, str]) -> Tariff:
    return Tariff(
        carrier=row["carrier"],
        zone=Zone(row["zone"]),
        service=Service(row["service"]),
        bands=any_weight(
            base_minor=minor_from_major(row["base_eur"]), per_kg_minor=minor_from_major(row["per_kg_eur"])
        ),
        fuel_fraction=float(row["fuel_fraction"]),
        surcharge_minor=minor_from_major(row["surcharge_eur"]),
        transit=transit_of(p50_days=int(row["transit_p50_days"]), p95_days=int(row["transit_p95_days"])),
        mode=Mode(row["mode"]),
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_to=date.fromisoformat(row["valid_to"]),
    )


def _duty(row: dict[str, str]) -> Duty:
    return Duty(
        territory=row["territory"],
        consignment="b2c" if row["consignment"] == "b2c" else "b2b",
        maximum_value_minor=minor_from_major(row["maximum_value_eur"]) if row["maximum_value_eur"] else None,
        fixed_minor=minor_from_major(row["fixed_eur"]),
        fraction=float(row["fraction"]),
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_to=date.fromisoformat(row["valid_to"]),
    )
