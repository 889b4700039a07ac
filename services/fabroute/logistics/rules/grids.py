"""What a kilowatt-hour costs in carbon, by country and day: dated national figures, and what is assumed without one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

EVERYWHERE_ELSE = "*"
"""The country of figures for all that have none of their own."""
DEFAULT_G_PER_KWH = 475.0
"""World average (vendor figure of 2023), where the data have no row for anywhere else either."""
DEFAULT_SOURCE = "V: world average 2023, built in"


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """A country's figure in one edition."""

    country: str
    """ISO 3166 alpha-2, or ``*``."""
    g_per_kwh: float
    valid_from: date
    valid_to: date
    """The last day, included."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GridFigure:
    """Grams of CO2e per kWh, where that comes from, and whether it was assumed for want of a national figure."""

    g_per_kwh: float
    source: str
    assumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GridBook:
    """The figures of all countries. Made by ``grid_book``."""

    rows: Mapping[str, tuple[GridRow, ...]] = field(default_factory=dict)


def grid_book(rows: Iterable[GridRow]) -> GridBook:
    """Arrange rows for looking up; where two cover a day, the one that began later counts."""
    by_country: defaultdict[str, list[GridRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.valid_from, reverse=True):
        by_country[row.country].append(row)
    return GridBook(rows={country: tuple(found) for country, found in sorted(by_country.items())})


def grid_g_per_kwh(book: GridBook, country: str, on: date) -> GridFigure:
    """Return a country's figure on a day; without one, that of ``*`` or 475, marked as ``assumed``."""
    for place in (country, EVERYWHERE_ELSE):
        for row in book.rows.get(place, ()):
            if row.valid_from <= on <= row.valid_to:
                return GridFigure(g_per_kwh=row.g_per_kwh, source=row.source, assumed=place == EVERYWHERE_ELSE)
    return GridFigure(g_per_kwh=DEFAULT_G_PER_KWH, source=DEFAULT_SOURCE, assumed=True)
