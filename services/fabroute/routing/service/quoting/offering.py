"""From positions in arrays to offers with prices, days and figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fabroute.estimation.breakdown import BreakdownRow, rounded_rows
from fabroute.estimation.sources import SourcedFigure, figures_used
from fabroute.logistics.rules.quote import freight_rows
from fabroute.network.service import evidence_of, machine_facts, material_facts
from fabroute.routing.service.arrivals import P10, P50, P90, Days
from fabroute.routing.service.options import Price
from fabroute.routing.service.quoting.answers import ParetoPoint, QuotedOffer
from fabroute.routing.service.quoting.freight import SERVICES
from fabroute.routing.service.quoting.survey import Setting, Survey, minutes_of
from fabroute.routing.service.quoting.travel import cases_of, on_time_per_mille, quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An option: an offer (row), a quantity (column) and a service, by their positions."""

    row: int
    column: int
    service: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Minutes from now to the hand-over."""

    p10: int
    p50: int
    p90: int
    on_time_per_mille: int | None


def windows(setting: Setting, survey: Survey, places: Sequence[Place]) -> list[Window]:
    """Return when the options arrive, all of them at once."""
    if not places:
        return []
    at = tuple(np.array(each) for each in zip(*((it.row, it.column, it.service) for it in places), strict=True))
    days, weights = cases_of(
        setting.roads,
        setting.freight.transits,
        week=setting.book.tables.pattern_of[setting.part.node_of[at[0]]],
        ends=setting.amounts.earliest[at[:2]],
        shifts=setting.amounts.shifts[at[:2]],
        transit=setting.freight.transit_of[survey.ways[at]],
    )
    p10, p50, p90 = (minutes_of(setting, quantile(days, weights, share)).tolist() for share in (P10, P50, P90))
    columns = zip(p10, p50, p90, _on_time(setting, days, weights), strict=True)
    return [Window(p10=early, p50=half, p90=late, on_time_per_mille=share) for early, half, late, share in columns]


def quoted_offer(
    setting: Setting, survey: Survey, place: Place, *, window: Window, labels: tuple[str, ...]
) -> QuotedOffer:
    """Return an option as it is offered."""
    part, amounts, tables = setting.part, setting.amounts, setting.book.tables
    row, column, at = place.row, place.column, (place.row, place.column)
    instant = tables.calendars.instant
    way = int(survey.ways[row, column, place.service])
    return QuotedOffer(
        labels=labels,
        quantity=amounts.quantities[column],
        node=tables.nodes[int(part.node_of[row])],
        offer=part.offers[row],
        lot_id=tables.stores.lot_ids[int(part.store_of[row])][int(amounts.lots[at].argmax())],
        service=SERVICES[place.service].value,
        carrier=setting.freight.tariffs[int(setting.freight.tariff_of[way])].carrier,
        price=price_of(setting, survey, place),
        earliest_at=instant(window.p10),
        expected_at=instant(window.p50),
        promised_at=instant(window.p90),
        on_time_per_mille=window.on_time_per_mille,
        cutoff_at=tables.clocks[int(part.node_of[row])].cutoff_at,
        produce_by=tables.calendars.day(int(amounts.earliest[at])),
        machine_minutes=int(amounts.machine_minutes[at]),
        grams=int(amounts.grams[at]),
        figures=_figures(setting, row),
    )


def price_of(setting: Setting, survey: Survey, place: Place) -> Price:
    """Return the price of an option with the rows that are not 0."""
    at = (place.row, place.column)
    freight = _freight_rows(setting, survey, place)
    duty = int(survey.duty_minor[at])
    rows = (*_production_rows(setting, place), *freight, BreakdownRow(code="duty", amount_minor=duty))
    return Price(
        production_minor=int(setting.amounts.price_minor[at]),
        freight_minor=sum(row.amount_minor for row in freight),
        duty_minor=duty,
        co2e_g=int(survey.co2e_g[place.row, place.column, place.service]),
        breakdown=tuple(row for row in rows if row.amount_minor),
    )


def pareto_point(setting: Setting, survey: Survey, place: Place) -> ParetoPoint:
    """Return an option in short."""
    offer, at = setting.part.offers[place.row], (place.row, place.column, place.service)
    promised = int(minutes_of(setting, survey.promised[at]))
    return ParetoPoint(
        node_id=offer.node_id,
        offer_id=offer.offer_id,
        service=SERVICES[place.service].value,
        landed_minor=int(survey.landed_minor[at]),
        promised_at=setting.book.tables.calendars.instant(promised),
        co2e_g=int(survey.co2e_g[at]),
    )


def _on_time(setting: Setting, days: Days, weights: Days) -> list[int] | list[None]:
    need_by = setting.asked.need_by
    if need_by is None:
        return [None] * len(days)
    last_day = (setting.book.tables.calendars.minutes_until(need_by) - setting.hour) // (24 * 60)
    found: list[int] = on_time_per_mille(days, weights, last_day=np.full(len(days), last_day)).tolist()
    return found


def _production_rows(setting: Setting, place: Place) -> tuple[BreakdownRow, ...]:
    part, row, quantity = setting.part, place.row, setting.amounts.quantities[place.column]
    copies = float(part.figure("parts_per_build")[row, 0])
    builds = quantity / copies if part.figure("shared")[row, 0] else float(-(-quantity // int(copies)))
    terms = zip(part.codes, *(costs[row].tolist() for costs in part.costs()), strict=True)
    rows = rounded_rows((code, once + build * builds + each * quantity) for code, once, build, each in terms)
    topped_up = setting.amounts.price_minor[row, place.column] - setting.amounts.before_top_up_minor[row, place.column]
    return (*rows, BreakdownRow(code="minimum_order_top_up", amount_minor=int(topped_up)))


def _freight_rows(setting: Setting, survey: Survey, place: Place) -> tuple[BreakdownRow, ...]:
    freight, amounts = setting.freight, setting.amounts
    tariff = freight.tariffs[int(freight.tariff_of[survey.ways[place.row, place.column, place.service]])]
    grams = amounts.parcels[int(amounts.parcel_of[place.row, place.column])].chargeable_grams
    band = tariff.band(grams)
    return () if band is None else freight_rows(tariff, band, grams)


def _figures(setting: Setting, row: int) -> tuple[SourcedFigure, ...]:
    offer, node = setting.part.offers[row], setting.book.tables.nodes[int(setting.part.node_of[row])]
    return setting.book.figures.get(
        offer.offer_id,
        lambda: figures_used(
            machine_facts(offer.model),
            material_facts(offer.material),
            setting.book.pricing.rates(node, offer),
            evidence_of(offer),
        ),
    )
