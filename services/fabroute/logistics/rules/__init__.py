"""Freight, transit, duty and transport carbon of one parcel: pure formulas over dated rows of data."""

from fabroute.logistics.rules.duties import Duty, NoDutyRule, consignment_of, customs_duty
from fabroute.logistics.rules.parcels import Parcel, chargeable_grams, pack_parcel
from fabroute.logistics.rules.places import Location, UnknownCountry, Zone, customs_territory, distance_km, zone_between
from fabroute.logistics.rules.quote import (
    FreightBook,
    IncompleteFreightData,
    LaneMissing,
    Shipment,
    ShipmentQuote,
    freight_book,
    offered_services,
    quote_shipment,
)
from fabroute.logistics.rules.tariffs import Mode, Service, Tariff, leg_mode, transit_days, travelled_km

__all__ = [
    "Duty",
    "FreightBook",
    "IncompleteFreightData",
    "LaneMissing",
    "Location",
    "Mode",
    "NoDutyRule",
    "Parcel",
    "Service",
    "Shipment",
    "ShipmentQuote",
    "Tariff",
    "UnknownCountry",
    "Zone",
    "chargeable_grams",
    "consignment_of",
    "customs_duty",
    "customs_territory",
    "distance_km",
    "freight_book",
    "leg_mode",
    "offered_services",
    "pack_parcel",
    "quote_shipment",
    "transit_days",
    "travelled_km",
    "zone_between",
]
