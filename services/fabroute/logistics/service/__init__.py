"""Ways to the customer: places, lanes, and what carriers and customs take, as dated data."""

from fabroute.logistics.rules import CurrencyWithoutRate, ExchangeBook, ExchangeRate, GridRow, UnknownCountry
from fabroute.logistics.rules.sources import freight_constants
from fabroute.logistics.service.data import (
    LogisticsData,
    NewCarbonFactor,
    NewDutyRule,
    NewLane,
    NewTariff,
)
from fabroute.logistics.service.listing import DatedQuery, exchange_rate, list_rows
from fabroute.logistics.service.places import UnknownCity, find_place, load_places, resolve_destination, unknown_city
from fabroute.logistics.service.putting import InvalidDatedRow, RowOutcome, coverage_warnings, invalid_row, put_rows
from fabroute.logistics.service.saving import save_logistics
from fabroute.logistics.service.tables import (
    CARBON_FACTORS,
    CARRIER_TARIFFS,
    DUTY_RULES,
    EXCHANGE_RATES,
    GRID_INTENSITIES,
    DatedTable,
)
from fabroute.logistics.snapshot import (
    Destination,
    LogisticsView,
    PlaceBook,
    PlaceView,
    UnknownDestination,
    city_key,
    place_book,
    read_grid_book,
    read_logistics,
)

__all__ = [
    "CARBON_FACTORS",
    "CARRIER_TARIFFS",
    "DUTY_RULES",
    "EXCHANGE_RATES",
    "GRID_INTENSITIES",
    "CurrencyWithoutRate",
    "DatedQuery",
    "DatedTable",
    "Destination",
    "ExchangeBook",
    "ExchangeRate",
    "GridRow",
    "InvalidDatedRow",
    "LogisticsData",
    "LogisticsView",
    "NewCarbonFactor",
    "NewDutyRule",
    "NewLane",
    "NewTariff",
    "PlaceBook",
    "PlaceView",
    "RowOutcome",
    "UnknownCity",
    "UnknownCountry",
    "UnknownDestination",
    "city_key",
    "coverage_warnings",
    "exchange_rate",
    "find_place",
    "freight_constants",
    "invalid_row",
    "list_rows",
    "load_places",
    "place_book",
    "put_rows",
    "read_grid_book",
    "read_logistics",
    "resolve_destination",
    "save_logistics",
    "unknown_city",
]
