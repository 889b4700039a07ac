"""From the end of production to the door, for many ways at once: the days that ``Calendars`` finds one by one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fabroute.logistics.rules import Transit, quantile_days
from fabroute.routing.service.arrivals import EVERY_CASE, P90, PRODUCTION_PARTS, Days
from fabroute.routing.service.quoting.network import NetworkTables
from fabroute.routing.service.timing import CARRIER_DAYS, LOOKAHEAD_DAYS, NEVER, on_or_after

_WEIGHT_BITS = 20
_WEIGHT = (1 << _WEIGHT_BITS) - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Transits:
    """Different transit distributions, a row each; the shorter ones are filled up with cases of no weight."""

    days: Days
    weights: Days
    """Of ``EVERY_CASE``, for one of the five cases of production."""
    p90_days: Days
    """Of each distribution by itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Roads:
    """The calendars between all nodes' weeks and one country, by week."""

    dispatched: Days
    """By week and day: how many travelling days are before the dispatch of what is ready then, or on that day."""
    rested: Days
    """By week and day: 1 if the day of dispatch is no travelling day."""
    travelling: Days
    """By week: the travelling days, ``NEVER`` after them."""


def transits_of(found: Sequence[Transit]) -> Transits:
    """Return distributions as arrays."""
    width = max(map(len, found), default=1)
    filled = [(*transit, *[(transit[-1][0], 0)] * (width - len(transit))) for transit in found]
    table = np.array(filled, dtype=np.int64).reshape(len(filled), width, 2)
    return Transits(
        days=table[:, :, 0],
        weights=table[:, :, 1] * PRODUCTION_PARTS,
        p90_days=np.array([quantile_days(transit, per_mille=900) for transit in found], dtype=np.int64),
    )


def roads_to(tables: NetworkTables, country: str) -> Roads:
    """Return the calendars to a country. A parcel is sent when its node works, and travels when both ends do."""
    ready = np.arange(tables.horizon_days + LOOKAHEAD_DAYS + 1)
    dispatched, rested, travelling = [], [], []
    for week, home in tables.patterns:
        travel = tables.calendars.working_days(CARRIER_DAYS, frozenset({home, country}))
        sent = on_or_after(tables.calendars.working_days(week, frozenset({home})), ready)
        gone = np.searchsorted(travel, sent, side="right")
        dispatched.append(gone)
        rested.append(gone == np.searchsorted(travel, sent, side="left"))
        travelling.append(travel)
    longest = max(map(len, travelling), default=1)
    filled = [np.append(travel, np.full(longest - len(travel), NEVER)) for travel in travelling]
    shape = (len(tables.patterns), len(ready))
    return Roads(
        dispatched=np.array(dispatched, dtype=np.int64).reshape(shape),
        rested=np.array(rested, dtype=np.int64).reshape(shape),
        travelling=np.array(filled, dtype=np.int64).reshape(len(filled), longest),
    )


def days_of_delivery(roads: Roads, *, week: Days, ready: Days, transit: Days) -> Days:
    """Return the days of delivery of parcels that are ready on a day and travel so many days; all of one shape.

    A parcel that travels for no day arrives with its dispatch, or on the first travelling day after it.
    """
    at = week, np.minimum(ready, roads.dispatched.shape[1] - 1)
    place = roads.dispatched[at] - 1 + transit
    if not transit.all():
        place += np.where(transit == 0, roads.rested[at], 0)
    days: Days = roads.travelling[week, np.minimum(place, roads.travelling.shape[1] - 1)]
    return days


def promised_days(roads: Roads, transits: Transits, *, week: Days, ends: Days, shifts: Days, transit: Days) -> Days:
    """Return the P90 days of delivery for lines of ways.

    ``week`` is each way's calendar, ``ends`` the bucket in which its production ends, ``shifts`` its five days to
    dispatch (a row each, ascending), ``transit`` which of ``transits`` its carrier has. Where all five are on one day,
    the transit alone decides.
    """
    days = days_of_delivery(roads, week=week, ready=ends + shifts[:, 0], transit=transits.p90_days[transit])
    late = np.flatnonzero(shifts[:, 0] != shifts[:, -1])
    if len(late):
        cases = cases_of(roads, transits, week=week[late], ends=ends[late], shifts=shifts[late], transit=transit[late])
        days[late] = quantile(*cases, P90)
    return days


def cases_of(
    roads: Roads, transits: Transits, *, week: Days, ends: Days, shifts: Days, transit: Days
) -> tuple[Days, Days]:
    """Return the days and weights of all cases of each way, a row of them each, ascending."""
    ready = (ends[:, np.newaxis] + shifts)[:, :, np.newaxis]
    travelled = transits.days[transit][:, np.newaxis, :]
    shape = np.broadcast_shapes(ready.shape, travelled.shape)
    days = days_of_delivery(
        roads,
        week=week[:, np.newaxis, np.newaxis],
        ready=ready,
        transit=np.broadcast_to(travelled, shape),
    )
    weights = np.broadcast_to(transits.weights[transit][:, np.newaxis, :], shape)
    packed = np.sort(((days << _WEIGHT_BITS) | weights).reshape(len(ends), shape[1] * shape[2]), axis=-1)
    return packed >> _WEIGHT_BITS, packed & _WEIGHT


def quantile(days: Days, weights: Days, share: int) -> Days:
    """Return of each row the first day by which a share of ``EVERY_CASE`` is delivered."""
    position = (weights.cumsum(axis=-1) < share).sum(axis=-1)
    found: Days = np.take_along_axis(days, position[:, np.newaxis], axis=-1)[:, 0]
    return found


def on_time_per_mille(days: Days, weights: Days, *, last_day: Days) -> Days:
    """Return how many of a thousand deliveries of each row are not after its last day, rounded down."""
    in_time = np.where(days <= last_day[:, np.newaxis], weights, 0)
    per_mille: Days = in_time.sum(axis=-1) // (EVERY_CASE // 1000)
    return per_mille
