"""Jobs that wait for others: how long a line may wait, which day it wants then, and when its node is told.

A policy's window lets a line's job wait so long after its order, so that lines that are routed later can share its
build. A line that waits is promised for the first day on which it could be made after the whole wait with a day to
spare; that it could be there earlier is worth nothing to it. Its machine time is held on days after the wait. A build's
jobs are dispatched together, when the first of them has to be.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from fabroute.network.rules import first_production_day
from fabroute.network.service import NodeView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.rules import MILLIS_PER_MINOR
from fabroute.routing.rules.policies import PolicyView, policy_for
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.options import Option, Way, Wish
from fabroute.routing.service.problem import LineDays, MachineDays, take_minutes
from fabroute.routing.service.timing import Calendars, NodeClock, latest_bucket

DAYS_TO_SPARE = 1
"""A job is dispatched so early that its promise holds if its production ends so many days late."""
HURRIED = frozenset({"aog", "line_down"})
"""Criticalities that never wait; neither does the objective ``fastest``."""

EXPECTED_SAVING = 0.5
"""Of what opens a build: what a line that waits counts on to save (one other line; assumption).

So a way that leaves no time to wait must be cheaper by as much as that: a slower service, say.
"""


class Waiting(Protocol):
    """What of a line says whether it may wait."""

    @property
    def organisation_id(self) -> str:
        """Whose policy it is routed by."""

    @property
    def objective(self) -> str:
        """What it is routed for."""

    @property
    def criticality(self) -> str:
        """How much depends on it."""

    @property
    def placed_at(self) -> datetime:
        """When its order was placed."""


def waits_until(line: Waiting, policies: Mapping[str, PolicyView]) -> datetime | None:
    """Return until when a line's job may wait for others at most; ``None`` for one that never does.

    Counted from the order, not from the latest decision: however often a line is planned anew, it waits no longer.
    """
    window = policy_for(policies, line.organisation_id).consolidation_window_hours
    if not window or line.objective == "fastest" or line.criticality in HURRIED:
        return None
    return line.placed_at + timedelta(hours=window)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """On which days machines work for lines, and when the nodes of those that wait are told."""

    days: LineDays
    at: Mapping[str, datetime]
    """By line that waits."""


class Consolidation:
    """The waiting of one run's lines."""

    def __init__(self, lines: Iterable[ClaimedLine], policies: Mapping[str, PolicyView], calendars: Calendars) -> None:
        self._calendars = calendars
        until = {line.line_id: waits_until(line, policies) for line in lines}
        self._until = {line_id: at for line_id, at in until.items() if at is not None and at > calendars.now}

    def waits(self, line_id: str) -> bool:
        """Return whether a line waits for others."""
        return line_id in self._until

    def patient(self, line_id: str, ways: Iterable[Way], *, wish: Wish, free: Mapping[str, Days]) -> tuple[Way, ...]:
        """Return a line's ways with the bucket that it wants to be made by, if it waits."""
        until = self._until.get(line_id)
        if until is None:
            return tuple(ways)
        return tuple(self._patient(way, until, wish, free[way.offer.machine_id]) for way in ways)

    def dispatch(self, chosen: Mapping[str, Option], days: LineDays, *, free: Mapping[str, Days]) -> Dispatch:
        """Return the days of all lines with the work of those that wait put off, as far as there is room for it then.

        ``free`` is what machines have in each bucket before any of this. Lines that find no room later don't wait.
        """
        ledger = _Ledger(free, days, self._calendars)
        at: dict[str, datetime] = {}
        for group in self._groups(chosen):
            options = {line_id: chosen[line_id] for line_id in group}
            dispatched = self._put_off(options, ledger)
            if dispatched is not None:
                at |= dict.fromkeys(group, dispatched)
        return Dispatch(days=ledger.days(), at=at)

    def _groups(self, chosen: Mapping[str, Option]) -> list[list[str]]:
        """Return the lines that wait, those of one build together; with one among them that doesn't wait, none does."""
        groups: dict[str, list[str]] = defaultdict(list)
        for line_id, option in chosen.items():
            if not option.shares:
                groups[option.build.key if option.build else line_id].append(line_id)
        waiting = (group for group in groups.values() if all(line_id in self._until for line_id in group))
        return sorted(waiting, key=lambda group: (chosen[group[0]].bucket, group[0]))

    def _put_off(self, options: Mapping[str, Option], ledger: "_Ledger") -> datetime | None:
        """Put off the work of lines that are made together, to as late a day as may be; return when they are told."""
        until, some = min(self._until[line_id] for line_id in options), next(iter(options.values()))
        clock, last = self._calendars.clock(some.way.node), some.bucket - DAYS_TO_SPARE
        takes = max(option.way.earliest for option in options.values()) - clock.first_bucket
        first_after = self._start(some.way.node, until)
        for start in range(min(first_after, last - takes), clock.first_bucket - 1, -1):
            told = until if start == first_after else self._cutoff(clock, start)
            if told is not None and told > self._calendars.now and ledger.put_off(options, start=start, last=last):
                return told
        return None

    def _patient(self, way: Way, until: datetime, wish: Wish, free: Days) -> Way:
        """Return a way that wants the bucket after the whole wait, or, at the price of what it gives up, its last."""
        start, first = self._start(way.node, until), self._calendars.clock(way.node).first_bucket
        made = max(way.earliest + start - first, _made_by(free, start=start, minutes=way.machine_minutes))
        wanted, last = made + DAYS_TO_SPARE, _last_in_time(way, wish)
        given_up = way.opening.cost_minor if way.opening is not None and last < wanted else 0
        return replace(
            way,
            wanted=max(way.earliest, min(wanted, last)),
            hurry_millis=round(given_up * EXPECTED_SAVING) * MILLIS_PER_MINOR,
        )

    def _start(self, node: NodeView, at: datetime) -> int:
        """Return the bucket in which production begins of what a node is told at an instant."""
        clock = self._calendars.clock(node)
        return max(clock.first_bucket, self._calendars.bucket(first_production_day(at, calendar=clock.calendar)))

    def _cutoff(self, clock: NodeClock, bucket: int) -> datetime | None:
        """Return the last instant to tell the node what it begins in a bucket; ``None`` if that is no working day."""
        day, zone = self._calendars.day(bucket), ZoneInfo(clock.calendar.timezone)
        hours, minutes = divmod(clock.cutoff_minute, 60)
        at = datetime.combine(day, time(hours, minutes), tzinfo=zone).astimezone(self._calendars.now.tzinfo)
        return at if first_production_day(at, calendar=clock.calendar) == day else None


class _Ledger:
    """Which line has which minutes of which machine in which bucket, and what is free."""

    def __init__(self, free: Mapping[str, Days], days: LineDays, calendars: Calendars) -> None:
        self._calendars = calendars
        self._days = dict(days)
        self._free: dict[str, list[int]] = {}
        for machine in (machine for machines in days.values() for machine in machines):
            left = self._free.setdefault(machine.machine_id, free[machine.machine_id].tolist())
            for day, minutes in machine.minutes_by_day:
                left[calendars.bucket(day)] -= minutes

    def days(self) -> LineDays:
        """Return the days of all lines as they are now."""
        return self._days

    def put_off(self, options: Mapping[str, Option], *, start: int, last: int) -> bool:
        """Put lines of one machine into the buckets from ``start`` to ``last``; change nothing if there is no room."""
        machine_id = next(iter(options.values())).way.offer.machine_id
        left = list(self._free[machine_id])
        for line_id in options:
            for day, minutes in _only(self._days[line_id]).minutes_by_day:
                left[self._calendars.bucket(day)] += minutes
        laid: dict[str, tuple[MachineDays, ...]] = {}
        for line_id in options:
            wanted = sum(minutes for _, minutes in _only(self._days[line_id]).minutes_by_day)
            taken = take_minutes(left, wanted, buckets=range(start, last + 1))
            if taken is None:
                return False
            days = tuple((self._calendars.day(bucket), minutes) for bucket, minutes in taken.items())
            laid[line_id] = (MachineDays(machine_id=machine_id, minutes_by_day=days),)
        self._days |= laid
        self._free[machine_id] = left
        return True


def _only(machines: tuple[MachineDays, ...]) -> MachineDays:
    (machine,) = machines
    return machine


def _made_by(free: Days, *, start: int, minutes: int) -> int:
    """Return the bucket by which so many minutes are free from ``start`` on; the number of buckets if never."""
    return start + int(np.searchsorted(np.cumsum(free[start:]), minutes))


def _last_in_time(way: Way, wish: Wish) -> int:
    """Return the last bucket that is in time for a line; its need-by counts even if it may be missed."""
    if wish.minutes_to_need_by is None:
        return way.latest
    return min(way.latest, latest_bucket(way.arrivals.p90, minutes_to_need_by=wish.minutes_to_need_by))
