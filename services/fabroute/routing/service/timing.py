"""From the end of production to the customer's door, for all days of the horizon at once.

Days are counted from the first day of the run (*buckets*). Production that ends on a day leaves the machine at that
day's local midnight, or later by what builds take longer than planned; cooling and finishing follow; the parcel goes
with the first dispatch on a working day before cut-off, travels for one of its carrier's transit times, counted in days
that are worked at both ends, and is handed over at 17:00 (assumption) of the destination's clock, which is set by its
longitude (assumption). What is promised is the day by which nine of ten such deliveries are there.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from fabroute.estimation.production import ProductionEstimate
from fabroute.logistics.rules import Location, Transit
from fabroute.network.rules import (
    MINUTES_PER_DAY,
    NodeCalendar,
    daily_capacity_minutes,
    end_of_day,
    first_production_day,
    is_working_day,
)
from fabroute.network.service import NodeView
from fabroute.routing.service.arrivals import Arrivals, Days, arrivals_of, weighed_cases

LOOKAHEAD_DAYS = 160
"""Beyond the horizon: the slowest service takes 45 working days."""
CARRIER_DAYS = "Mon-Fri"
DELIVERY_HOUR = 17
_LADDER_STEPS = (0, 1, 2, 3, 5, 8, 13, 21, 34)
NEVER = 10_000
"""A bucket after all others."""
BEYOND_MINUTES = (NEVER - 5) * MINUTES_PER_DAY
"""No hand-over of a day that calendars know is so late; one on ``NEVER`` is later."""


class Calendars:
    """The calendars of one run: working days and arrivals, each worked out once."""

    def __init__(self, *, now: datetime, horizon_days: int) -> None:
        self.now = now
        self.first_day = now.date()
        self.horizon_days = horizon_days
        self._working: dict[tuple[str, frozenset[str]], Days] = {}
        self._open_days: dict[tuple[str, str], npt.NDArray[np.bool_]] = {}
        self._clocks: dict[str, NodeClock] = {}
        self._days_after: dict[tuple[str, int, tuple[int, ...]], tuple[int, ...]] = {}
        self._deliveries: dict[tuple[str, str, int, int], Days] = {}
        self._arrivals: dict[tuple[str, str, tuple[int, ...], Transit, int], Arrivals] = {}

    @property
    def planned_days(self) -> int:
        """How many days from the first one on the calendars know; nothing is promised for a day after them."""
        return self.horizon_days + LOOKAHEAD_DAYS

    def day(self, bucket: int) -> date:
        """Return the date of a bucket."""
        return self.first_day + timedelta(days=int(bucket))

    def bucket(self, day: date) -> int:
        """Return the bucket of a date; negative for one in the past."""
        return (day - self.first_day).days

    def clock(self, node: NodeView) -> "NodeClock":
        """Return what a node's clock and calendar say at the run's beginning."""
        if node.node_id not in self._clocks:
            self._clocks[node.node_id] = NodeClock(node, self)
        return self._clocks[node.node_id]

    def delivery_buckets(self, node: NodeView, *, off_machine_minutes: int, country: str, transit_days: int) -> Days:
        """Return the day of delivery for production that ends in each bucket of the horizon."""
        return self._delivered(node, country, self.days_to_dispatch(node, off_machine_minutes), transit_days)

    def arrivals(
        self, node: NodeView, *, estimate: ProductionEstimate, destination: Location, transit: Transit
    ) -> Arrivals:
        """Return when a line is handed over, by the bucket in which its production is planned to end.

        Each of the estimate's production delays, added to the minutes after the machine, counts for a fifth.
        """
        shifts = self._shifts(node, estimate)
        key = (node.node_id, destination.country, shifts, transit, clock_offset_hours(destination.longitude))
        if key not in self._arrivals:
            weights = weighed_cases(shifts, transit)
            cases = [self._delivered(node, destination.country, shift, days) for shift, days in weights]
            minutes = np.array(cases) * MINUTES_PER_DAY + self.minutes_to_delivery_hour(destination)
            self._arrivals[key] = arrivals_of(minutes, tuple(weights.values()))
        return self._arrivals[key]

    def _shifts(self, node: NodeView, estimate: ProductionEstimate) -> tuple[int, ...]:
        """Return the days from the end of production to dispatch, by production delay."""
        key = (node.node_id, estimate.off_machine_minutes, estimate.delays_minutes)
        if key not in self._days_after:
            off_machine = estimate.off_machine_minutes
            self._days_after[key] = tuple(
                self.days_to_dispatch(node, off_machine + delay) for delay in estimate.delays_minutes
            )
        return self._days_after[key]

    def minutes_to_delivery_hour(self, destination: Location) -> int:
        """Return the minutes from now to the hour of hand-over on the run's first day, less than 0 if it is over."""
        hour = timedelta(hours=DELIVERY_HOUR - clock_offset_hours(destination.longitude))
        return self.minutes_until(datetime.combine(self.first_day, time(), tzinfo=UTC) + hour)

    def minutes_until(self, instant: datetime) -> int:
        """Return the whole minutes from this minute's beginning to an instant, rounded down."""
        return int((instant - self.now.replace(second=0, microsecond=0)).total_seconds() // 60)

    def instant(self, minutes: int) -> datetime:
        """Return the instant so many minutes after now, seconds cut off."""
        return self.now.replace(second=0, microsecond=0) + timedelta(minutes=int(minutes))

    def _delivered(self, node: NodeView, country: str, shift: int, transit_days: int) -> Days:
        key = (node.node_id, country, shift, transit_days)
        if key not in self._deliveries:
            dispatch = on_or_after(self._node_days(node), np.arange(self.horizon_days) + shift)
            travel = self.working_days(CARRIER_DAYS, frozenset({node.country, country}))
            self._deliveries[key] = _nth_after(travel, dispatch, transit_days)
        return self._deliveries[key]

    def days_to_dispatch(self, node: NodeView, off_machine_minutes: int) -> int:
        """Days from the one on which production ends to the one on which the parcel is ready before cut-off."""
        days, minute = divmod(off_machine_minutes, MINUTES_PER_DAY)
        return 1 + days + (1 if minute > self.clock(node).cutoff_minute else 0)

    def _node_days(self, node: NodeView) -> Days:
        return self.working_days(node.working_days, frozenset({node.country}))

    def working_days(self, working_days: str, countries: frozenset[str]) -> Days:
        """Return the buckets that are worked in all of these countries, ``NEVER`` after them."""
        key = (working_days, countries)
        if key not in self._working:
            open_days = np.logical_and.reduce([self.open_days(working_days, country) for country in sorted(countries)])
            self._working[key] = np.append(np.flatnonzero(open_days), NEVER)
        return self._working[key]

    def open_days(self, working_days: str, country: str) -> npt.NDArray[np.bool_]:
        """Return for each day of the horizon, and of those that follow it, whether it is worked in a country."""
        key = (working_days, country)
        if key not in self._open_days:
            days = range(self.horizon_days + LOOKAHEAD_DAYS)
            works = [is_working_day(self.day(day), working_days=working_days, country=country) for day in days]
            self._open_days[key] = np.array(works, dtype=np.bool_)
        return self._open_days[key]


class NodeClock:
    """A node's local time at the beginning of a run, and the machine time that it still has."""

    def __init__(self, node: NodeView, calendars: Calendars) -> None:
        self._calendars = calendars
        self._node = node
        hours, minutes = node.cutoff_local.split(":")
        self.cutoff_minute = int(hours) * 60 + int(minutes)
        self.calendar = NodeCalendar(
            country=node.country,
            timezone=node.timezone,
            working_days=node.working_days,
            cutoff_local=node.cutoff_local,
        )

    @cached_property
    def cutoff_at(self) -> datetime:
        """The instant, in UTC, up to which production begins on the first production day; then a working day later."""
        first = first_production_day(self._calendars.now, calendar=self.calendar)
        hours, minutes = divmod(self.cutoff_minute, 60)
        return datetime.combine(first, time(hours, minutes), tzinfo=ZoneInfo(self.calendar.timezone)).astimezone(UTC)

    @cached_property
    def first_bucket(self) -> int:
        """The first day on which production can begin; never before the run's first day."""
        first = first_production_day(self._calendars.now, calendar=self.calendar)
        return max(0, self._calendars.bucket(first))

    @cached_property
    def first_day(self) -> date:
        """The date of the first production day."""
        return self._calendars.day(self.first_bucket)

    @cached_property
    def first_day_minutes(self) -> int:
        """Minutes left of the first production day: less than a day if it has begun."""
        end = end_of_day(self.first_day, timezone=self.calendar.timezone)
        return min(MINUTES_PER_DAY, self._calendars.minutes_until(end))

    def usable_minutes(self, free: tuple[int, ...]) -> Days:
        """Return the minutes of a machine by bucket, without those that are over already."""
        usable = np.array(free, dtype=np.int64)
        usable[: self.first_bucket] = 0
        usable[self.first_bucket : self.first_bucket + 1] = np.minimum(
            usable[self.first_bucket : self.first_bucket + 1], self.first_day_minutes
        )
        return usable

    def full_minutes(self, *, utilisation: float) -> Days:
        """Return the minutes by bucket of a machine that holds nothing yet."""
        days = range(self._calendars.horizon_days)
        offered = tuple(
            daily_capacity_minutes(self._calendars.day(bucket), utilisation=utilisation, calendar=self.calendar)
            for bucket in days
        )
        return self.usable_minutes(offered)

    def end_of_bucket(self, bucket: int) -> datetime:
        """Return the instant at which a day is over at the node."""
        return end_of_day(self._calendars.day(bucket), timezone=self.calendar.timezone)


def clock_offset_hours(longitude: float) -> int:
    """Return the hours that a local clock is ahead of UTC, by the sun."""
    return round(longitude / 15)


def earliest_bucket(cumulative: Days, *, minutes: int, not_before: int) -> int:
    """Return the first bucket up to which ``minutes`` are free, at least ``not_before``; ``NEVER`` if there is none."""
    bucket = max(int(np.searchsorted(cumulative, minutes)), not_before)
    return bucket if bucket < len(cumulative) else NEVER


def latest_bucket(minutes_to_delivery: Days, *, minutes_to_need_by: int) -> int:
    """Return the last bucket whose delivery is in time, -1 if none is; a later end never arrives earlier."""
    return int(np.searchsorted(minutes_to_delivery, minutes_to_need_by, side="right")) - 1


def ladder(earliest: int, latest: int) -> tuple[int, ...]:
    """Return some buckets from ``earliest`` to ``latest``, close together at first: the deadlines worth offering."""
    if earliest > latest:
        return ()
    return (*(earliest + step for step in _LADDER_STEPS if earliest + step < latest), latest)


def on_or_after(working: Days, days: Days) -> Days:
    """Return the first working day on or after each day."""
    return _pick(working, np.searchsorted(working, days))


def _nth_after(working: Days, days: Days, count: int) -> Days:
    if count == 0:
        return on_or_after(working, days)
    return _pick(working, np.searchsorted(working, days, side="right") + count - 1)


def _pick(working: Days, positions: npt.NDArray[np.intp]) -> Days:
    return working[np.minimum(positions, len(working) - 1)]
