"""Every offer, quantity and service at once: what it costs, emits, when it arrives, and which gates it fails."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fabroute.logistics.rules import Duty, consignment_of, customs_territory
from fabroute.logistics.rules.duties import ELSEWHERE
from fabroute.network.rules import MINUTES_PER_DAY
from fabroute.routing.rules import price_cap_minor
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.quoting.amounts import Amounts
from fabroute.routing.service.quoting.asking import QuoteAsked
from fabroute.routing.service.quoting.book import QuoteBook
from fabroute.routing.service.quoting.freight import NO_PRICE, Freight, transport_g
from fabroute.routing.service.quoting.gating import Terms, licensed_buckets, qualified_buckets
from fabroute.routing.service.quoting.network import Flags, some
from fabroute.routing.service.quoting.parts import PartTable
from fabroute.routing.service.quoting.travel import Roads, promised_days
from fabroute.routing.service.timing import NEVER

LATE = 10**6
"""A day that stands for no delivery."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """A question with all that was looked up for it."""

    book: QuoteBook
    asked: QuoteAsked
    part: PartTable
    amounts: Amounts
    freight: Freight
    roads: Roads
    terms: Terms
    hour: int
    """Minutes from now to the hand-over on the first day."""
    need_by: int | None
    """Minutes from now to a need-by that must be met."""
    cap_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survey:
    """Arrays of offers (rows) by quantities by services."""

    ways: Days
    """The carrier's way of each."""
    duty_minor: Days
    """By row and quantity; ``NO_PRICE`` where no rule covers the border."""
    landed_minor: Days
    """``NO_PRICE`` or more where there is no price."""
    co2e_g: Days
    promised: Days
    """The P90 day of delivery; ``NEVER`` for one that no calendar knows, ``LATE`` for none."""
    priced: Flags
    in_time: Flags
    """Those that have a price and arrive as they must."""
    uncertified: Flags
    """By row and quantity, as the next three: the gates that fail in the days of production."""
    unqualified: Flags
    unlicensed: Flags
    without_lot: Flags
    open: Flags
    """The ways of offers against which nothing speaks but perhaps their node."""


def survey(setting: Setting) -> Survey:
    """Return what there is for every quantity at every offer by every service."""
    part, amounts, freight = setting.part, setting.amounts, setting.freight
    ways, freight_minor = _cheapest_ways(setting)
    duty_minor = _duty(setting)
    landed = amounts.price_minor[:, :, np.newaxis] + freight_minor + duty_minor[:, :, np.newaxis]
    priced = (landed < NO_PRICE) & part.fits[:, np.newaxis, np.newaxis]
    transport = transport_g(freight, ways, amounts.parcels, amounts.parcel_of[:, :, np.newaxis])
    promised = days_promised(setting, ways, amounts.earliest[:, :, np.newaxis], priced)
    in_time = priced & is_in_time(setting, promised)
    uncertified = amounts.last_bucket > part.certified_until[:, np.newaxis]
    unqualified = _beyond(amounts, qualified_buckets(setting.book.tables, part, setting.terms))
    unlicensed = _beyond(amounts, licensed_buckets(setting.book.tables, part, setting.terms, amounts.quantities))
    without_lot = ~some(amounts.lots)
    shut = part.barred[:, np.newaxis] | amounts.refused | uncertified | unqualified | unlicensed | without_lot
    return Survey(
        ways=ways,
        duty_minor=duty_minor,
        landed_minor=landed,
        co2e_g=amounts.co2_g[:, :, np.newaxis] + transport,
        promised=promised,
        priced=priced,
        in_time=in_time,
        uncertified=uncertified,
        unqualified=unqualified,
        unlicensed=unlicensed,
        without_lot=without_lot,
        open=in_time & ~shut[:, :, np.newaxis],
    )


def setting_of(book: QuoteBook, asked: QuoteAsked) -> Setting:
    """Look up all that a question needs; ``InvalidFact`` for measures that no part can have."""
    line, part = book.part(asked)
    need_by = None if asked.need_by is None else book.tables.calendars.minutes_until(asked.need_by)
    return Setting(
        book=book,
        asked=asked,
        part=part,
        amounts=book.amounts(part, asked.quantities),
        freight=book.freight(asked.destination),
        roads=book.roads(asked.destination.country),
        terms=book.terms(asked, line, part),
        hour=book.tables.calendars.minutes_to_delivery_hour(asked.destination),
        need_by=need_by if asked.need_by_hard else None,
        cap_minor=price_cap_minor(asked.max_price_minor, criticality=asked.criticality),
    )


def days_promised(setting: Setting, ways: Days, ends: Days, wanted: Flags) -> Days:
    """Return the P90 days of delivery of the wanted ones, whose production ends in these buckets; else ``LATE``."""
    part, amounts, tables = setting.part, setting.amounts, setting.book.tables
    promised = np.full(wanted.shape, LATE, np.int64)
    ends = np.broadcast_to(ends, wanted.shape)
    at = np.nonzero(wanted & (ends != NEVER))
    rows, columns, _ = at
    promised[at] = promised_days(
        setting.roads,
        setting.freight.transits,
        week=tables.pattern_of[part.node_of[rows]],
        ends=ends[at],
        shifts=amounts.shifts[rows, columns],
        transit=setting.freight.transit_of[ways[at]],
    )
    return promised


def is_in_time(setting: Setting, promised: Days) -> Flags:
    """Return whether days of delivery are as early as they must be, and at all on a day that calendars know."""
    in_time: Flags = promised < NEVER
    return in_time if setting.need_by is None else in_time & (minutes_of(setting, promised) <= setting.need_by)


def minutes_of(setting: Setting, days: Days) -> Days:
    """Return the minutes from now to the hand-over on each day."""
    return days * MINUTES_PER_DAY + setting.hour


def minutes_of_day(setting: Setting, day: int) -> int:
    """Return the minutes from now to the hand-over on a day."""
    return day * MINUTES_PER_DAY + setting.hour


def _cheapest_ways(setting: Setting) -> tuple[Days, Days]:
    """Return by row, quantity and service the cheapest carrier's way and its price without duty."""
    freight, parcel_of = setting.freight, setting.amounts.parcel_of
    ways = freight.ways[setting.part.node_of][:, np.newaxis]
    prices = setting.book.freight_maker.prices(freight, setting.amounts.parcels)
    found = prices[freight.tariff_of[ways], parcel_of[:, :, np.newaxis, np.newaxis]]
    best = found.argmin(axis=-1)[..., np.newaxis]
    taken = np.take_along_axis(np.broadcast_to(ways, found.shape), best, axis=-1)
    return taken[..., 0], np.take_along_axis(found, best, axis=-1)[..., 0]


def _duty(setting: Setting) -> Days:
    """Return the duty by row and quantity, as ``customs_duty`` finds it; 0 where no border is crossed."""
    rows = np.flatnonzero(setting.freight.customs[setting.part.node_of])
    duty = np.zeros(setting.amounts.price_minor.shape, np.int64)
    if len(rows):
        days = setting.book.tables.first_bucket[setting.part.node_of[rows]]
        for bucket in np.unique(days).tolist():
            of_day = rows[days == bucket]
            duty[of_day] = _amount(_rules(setting, bucket), setting.amounts.price_minor[of_day])
    return duty


def _rules(setting: Setting, bucket: int) -> list[Duty]:
    """Return the rules that may hold at the border on a day, the first to apply in front."""
    territory, day = customs_territory(setting.asked.destination.country), setting.book.tables.calendars.day(bucket)
    duties, consignment = setting.book.snapshot.logistics.freight.duties, consignment_of(setting.asked.criticality)
    found = (rule for place in (territory, ELSEWHERE) for rule in duties.get((place, consignment), ()))
    return [rule for rule in found if rule.valid_from <= day <= rule.valid_to]


def _amount(rules: Sequence[Duty], value_minor: Days) -> Days:
    amount = np.full(value_minor.shape, NO_PRICE, np.int64)
    for rule in reversed(rules):
        exact = rule.fixed_minor + rule.fraction * value_minor
        covered = value_minor <= (NO_PRICE if rule.maximum_value_minor is None else rule.maximum_value_minor)
        amount = np.where(covered, np.floor(exact + 0.5 + 1e-7).astype(np.int64), amount)
    return amount


def _beyond(amounts: Amounts, until: Days | None) -> Flags:
    """Return by row and quantity whether production ends after something does."""
    if until is None:
        return np.zeros(amounts.last_bucket.shape, np.bool_)
    beyond: Flags = amounts.last_bucket > (until if until.ndim > 1 else until[:, np.newaxis])
    return beyond
