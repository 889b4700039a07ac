"""The table of carriers' tariffs: a row for each weight band, the rows of a carrier, way and first day together."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from sqlmodel import Session

from fabroute.api.bulk.cells import Column
from fabroute.api.bulk.dated import DATES, SOURCE, as_text, both, euro_of, minor_of, missing, put, warner
from fabroute.api.bulk.importing import ImportTerms, TableKind
from fabroute.api.schemas.imports import Outcome
from fabroute.api.schemas.logistics import TariffRow
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.logistics import service as logistics
from fabroute.logistics.rules import Mode, Tariff, Transit, WeightBand, transit_of
from fabroute.logistics.service import NewTariff

COLUMNS = (
    Column(name="carrier", required=True),
    Column(name="zone", required=True),
    Column(name="service", required=True),
    *DATES,
    Column(name="over_kg", kind="number"),
    Column(name="up_to_kg", kind="number"),
    Column(name="base_eur", kind="number", required=True),
    Column(name="per_kg_eur", kind="number", required=True),
    Column(name="minimum_eur", kind="number"),
    Column(name="fuel_fraction", kind="number", required=True),
    Column(name="surcharge_eur", kind="number", required=True),
    Column(name="transit", kind="texts"),
    Column(name="transit_p50_days", kind="whole"),
    Column(name="transit_p95_days", kind="whole"),
    Column(name="mode", required=True),
    SOURCE,
)
_NEEDED = ("valid_to", "base_eur", "per_kg_eur", "fuel_fraction", "surcharge_eur", "mode", "source")
_SHARED = (
    *("valid_to", "minimum_eur", "fuel_fraction", "surcharge_eur"),
    *("transit", "transit_p50_days", "transit_p95_days", "mode", "source"),
)
"""What all bands of a tariff have in common."""
_STAND_IN: Transit = transit_of(p50_days=1, p95_days=1)
_TariffKey = tuple[object, ...]


@dataclass(slots=True, kw_only=True)
class JudgedTariffs:
    """The rows of a table as tariffs, with what is wrong with each row."""

    rows: Sequence[TariffRow]
    bands: list[list[int]] = field(default_factory=list)
    """The places of the rows of each tariff, the lightest band first."""
    problems: dict[int, list[FieldProblem]] = field(default_factory=dict)
    """By the place of a row."""

    @property
    def tariffs(self) -> list[NewTariff]:
        """Return the tariffs, with something put in for what is missing: their other problems are told all the same."""
        return [_tariff(self.rows, places) for places in self.bands]

    def refuse(self, place: int, column: str, message: str) -> None:
        """Note a problem of the row at a place."""
        self.problems.setdefault(place, []).append(FieldProblem(pointer=f"/{column}", message=message))


def judge_tariffs(rows: Sequence[TariffRow]) -> JudgedTariffs:
    """Return the tariffs that rows make, and everything that is wrong with a row or among the bands of a tariff."""
    problems = {place: list(missing(row, _NEEDED)) for place, row in enumerate(rows)}
    judged = JudgedTariffs(rows=rows, bands=_bands_of_tariffs(rows), problems=problems)
    for places in judged.bands:
        _judge_bands(judged, places)
        _judge_transit(judged, places[0])
    return judged


def take_tariffs(session: Session, rows: Sequence[TariffRow], terms: ImportTerms) -> list[Outcome | DomainError]:
    """Put the tariffs of a table in; what a tariff as a whole is refused for stands at its lightest band."""
    judged = judge_tariffs(rows)
    outcomes = put(session, logistics.CARRIER_TARIFFS, judged.tariffs, terms)
    found: dict[int, Outcome | DomainError] = {}
    for places, outcome in zip(judged.bands, outcomes, strict=True):
        said_once = "unchanged" if isinstance(outcome, DomainError) else outcome
        found |= {place: both(judged.problems[place], said_once) for place in places}
        found[places[0]] = both(judged.problems[places[0]], outcome)
    return [found[place] for place in range(len(rows))]


CARRIER_TARIFFS = TableKind(
    columns=COLUMNS,
    model=TariffRow,
    key_of=lambda row: f"{row.carrier} {row.zone} {row.service} from {row.valid_from} {_words(row.up_to_kg)}",
    take=take_tariffs,
    warn=warner(logistics.CARRIER_TARIFFS),
)


def tariff_rows(tariffs: Sequence[NewTariff]) -> Iterator[dict[str, object]]:
    """Yield the bands of tariffs as an import takes them."""
    for row in tariffs:
        tariff = row.tariff
        over: float = 0.0
        for band in tariff.bands:
            up_to = None if band.up_to_grams is None else band.up_to_grams / 1000
            yield as_text(
                {
                    "carrier": tariff.carrier,
                    "zone": tariff.zone.value,
                    "service": tariff.service.value,
                    "valid_from": tariff.valid_from,
                    "valid_to": tariff.valid_to,
                    "over_kg": over,
                    "up_to_kg": up_to,
                    "base_eur": euro_of(band.base_minor),
                    "per_kg_eur": euro_of(band.per_kg_minor),
                    "minimum_eur": euro_of(tariff.minimum_minor),
                    "fuel_fraction": tariff.fuel_fraction,
                    "surcharge_eur": euro_of(tariff.surcharge_minor),
                    "transit": [f"{days}:{share}" for days, share in tariff.transit],
                    "transit_p50_days": None,
                    "transit_p95_days": None,
                    "mode": tariff.mode.value,
                    "source": row.source,
                }
            )
            over = up_to or over


def _bands_of_tariffs(rows: Sequence[TariffRow]) -> list[list[int]]:
    """Return the places of the rows of each tariff, the lightest band first."""
    found: dict[_TariffKey, list[int]] = {}
    for place, row in enumerate(rows):
        found.setdefault((row.carrier, row.zone, row.service, row.valid_from), []).append(place)
    return [sorted(places, key=lambda place: _limit(rows[place])) for places in found.values()]


def _judge_bands(judged: JudgedTariffs, places: Sequence[int]) -> None:
    first = judged.rows[places[0]]
    turned = {place for place in places if _is_reversed(judged.rows[place])}
    for place in turned:
        row = judged.rows[place]
        advice = f"is {row.over_kg:g} and up_to_kg {row.up_to_kg:g}: a band goes from the lighter to the heavier parcel"
        judged.refuse(place, "over_kg", f"{advice}, swap or correct them")
    if first.over_kg and not turned:
        judged.refuse(places[0], "over_kg", f"is {first.over_kg:g}: no band covers lighter parcels, add one from 0")
    if first.up_to_kg == 0:
        judged.refuse(places[0], "up_to_kg", "is 0: give the heaviest parcel of the band, or nothing for any weight")
    for before, place in pairwise(places):
        lighter, row = judged.rows[before], judged.rows[place]
        if row.over_kg is not None and not turned and row.over_kg != lighter.up_to_kg:
            what = "leaves a gap after" if row.over_kg > _limit(lighter) else "overlaps"
            band = f"the band {_words(lighter.up_to_kg)}"
            judged.refuse(place, "over_kg", f"is {row.over_kg:g}: it {what} {band}, let one begin where the other ends")
        for column in _SHARED:
            if getattr(row, column) != getattr(first, column):
                advice = f"differs from the band {_words(first.up_to_kg)} of the same tariff: give all bands the same"
                judged.refuse(place, column, advice)


def _is_reversed(row: TariffRow) -> bool:
    return row.over_kg is not None and bool(row.up_to_kg) and row.over_kg >= _limit(row)


def _judge_transit(judged: JudgedTariffs, place: int) -> None:
    row = judged.rows[place]
    typical, late = row.transit_p50_days, row.transit_p95_days
    if row.transit and (typical is not None or late is not None):
        judged.refuse(place, "transit", "stands beside transit_p50_days and transit_p95_days: give one or the other")
    elif not row.transit and (typical is None or late is None):
        advice = "is missing: give days:per mille such as 1:500|2:450|3:50, or transit_p50_days and transit_p95_days"
        judged.refuse(place, "transit", advice)
    elif typical is not None and late is not None and late < typical:
        judged.refuse(place, "transit_p95_days", f"is less than transit_p50_days ({typical}): late is not sooner")


def _tariff(rows: Sequence[TariffRow], places: Sequence[int]) -> NewTariff:
    row = rows[places[0]]
    tariff = Tariff(
        carrier=row.carrier,
        zone=row.zone,
        service=row.service,
        bands=tuple(_band(rows[place]) for place in places),
        minimum_minor=minor_of(row.minimum_eur),
        fuel_fraction=row.fuel_fraction or 0.0,
        surcharge_minor=minor_of(row.surcharge_eur),
        transit=_transit(row),
        mode=row.mode or Mode.VAN,
        valid_from=row.valid_from,
        valid_to=row.valid_to or row.valid_from,
    )
    return NewTariff(tariff=tariff, source=row.source or "")


def _band(row: TariffRow) -> WeightBand:
    return WeightBand(
        up_to_grams=None if not row.up_to_kg else round(row.up_to_kg * 1000),
        base_minor=minor_of(row.base_eur),
        per_kg_minor=minor_of(row.per_kg_eur),
    )


def _transit(row: TariffRow) -> Transit:
    if row.transit:
        return tuple(row.transit)
    if row.transit_p50_days is None or row.transit_p95_days is None or row.transit_p95_days < row.transit_p50_days:
        return _STAND_IN
    return transit_of(p50_days=row.transit_p50_days, p95_days=row.transit_p95_days)


def _limit(row: TariffRow) -> float:
    return math.inf if row.up_to_kg is None else row.up_to_kg


def _words(up_to_kg: float | None) -> str:
    return "for any weight" if up_to_kg is None else f"up to {up_to_kg:g} kg"
