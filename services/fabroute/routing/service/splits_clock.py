"""A clock of minutes for lines that can't wait for the end of a day.

Routing plans by days: production that ends on a day is handed over on a later one. For a line that is urgent that is
too coarse. On its clock a machine begins as soon as the work that it holds is done (all of it, as if it came first),
works without a pause at the share of its time that is free for fabroute, and a courier of the same day brings the parts
as soon as they are finished, by day or by night. Times are those that nine of ten builds keep, all of them late
together: on the safe side. Two urgent lines of one run are promised as if the later one waited for the other.
"""

import math
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from fabroute.estimation.production import ProductionEstimate
from fabroute.logistics.rules import Mode, ShipmentQuote, quantile_days, travelled_km
from fabroute.network.rules import daily_capacity_minutes
from fabroute.network.service import NodeView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.service.arrivals import EVERY_CASE, Arrivals
from fabroute.routing.service.options import Wish
from fabroute.routing.service.timing import Calendars
from fabroute.routing.snapshot import RoutingSnapshot

URGENT_HOURS = 48
"""A line that must be there so soon, or whose waiting costs money, is planned by the minute."""
COURIER_KM_PER_HOUR = 30
"""Door to door, on the road (assumption)."""
_PROMISED_PER_MILLE = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When a machine can work for one more line, in minutes from now."""

    begins: int
    """When everything that it holds is done."""
    ends: int
    rate: float
    """Minutes that it gives fabroute in a minute of the clock."""

    def done(self, machine_minutes: float) -> int:
        """Return when it has worked so many minutes for the line, rounded up."""
        return self.begins + math.ceil(machine_minutes / self.rate - 1e-9)


def is_urgent(line: ClaimedLine, wish: Wish) -> bool:
    """Return whether a line is planned by the minute: it waits at a price, or must be there within two days."""
    soon = wish.minutes_to_need_by is not None and wish.minutes_to_need_by <= URGENT_HOURS * 60
    return line.cost_of_waiting_minor is not None or (wish.need_by_hard and soon)


class MachineClock:
    """When the machines of a snapshot can begin, to the minute, and when a courier is there."""

    def __init__(self, snapshot: RoutingSnapshot, calendars: Calendars) -> None:
        self._network = snapshot.network
        self._calendars = calendars
        self._ahead: defaultdict[str, int] = defaultdict(int)

    def promise(self, machine_id: str, *, minutes: int) -> None:
        """Let what is promised from now on wait for so many minutes of work more, if it waits for less so far."""
        self._ahead[machine_id] = max(self._ahead[machine_id], minutes)

    def window(self, machine_id: str, *, until: int) -> Window | None:
        """Return when a machine can work, in the working days that follow each other up to ``until`` (minutes)."""
        machine = self._network.machines[machine_id]
        clock = self._calendars.clock(self._network.nodes[machine.node_id])
        begins, ends, held = 0, -1, self._ahead[machine_id]
        for bucket in range(clock.first_bucket, self._calendars.horizon_days):
            opens = self._calendars.minutes_until(clock.end_of_bucket(bucket - 1))
            offered = daily_capacity_minutes(
                self._calendars.day(bucket), utilisation=machine.utilisation, calendar=clock.calendar
            )
            if not offered or (ends >= 0 and opens > until):
                break
            begins = max(0, opens) if ends < 0 else begins
            ends = self._calendars.minutes_until(clock.end_of_bucket(bucket))
            held += max(0, offered - self._network.capacity[machine_id][bucket])
        rate = 1 - machine.utilisation
        if ends < 0 or rate <= 0:
            return None
        return Window(begins=begins + math.ceil(held / rate), ends=ends, rate=rate)

    def bucket(self, node: NodeView, minutes: int) -> int | None:
        """Return the day of the node on which so many minutes from now are over; ``None`` beyond the horizon."""
        clock = self._calendars.clock(node)
        for bucket in range(clock.first_bucket, self._calendars.horizon_days):
            if self._calendars.minutes_until(clock.end_of_bucket(bucket)) >= minutes:
                return bucket
        return None


def courier_minutes(quote: ShipmentQuote) -> int | None:
    """Return how long a service of the same day is on its way; ``None`` for services that take days."""
    if quantile_days(quote.transit, per_mille=_PROMISED_PER_MILLE) > 0:
        return None
    km = travelled_km(Mode.VAN, great_circle_km=quote.distance_km)
    return math.ceil(km / COURIER_KM_PER_HOUR * 60 - 1e-9)


def ready_minutes(estimate: ProductionEstimate, window: Window, *, late: bool = True) -> int:
    """Return when so much is finished on a machine, in minutes from now: in nine cases of ten, or in half of them."""
    machine = estimate.machine_minutes_p90 if late else estimate.machine_minutes
    return window.done(machine) + estimate.off_machine_minutes


def by_the_clock(arrivals: Arrivals, *, expected: int, promised: int) -> Arrivals:
    """Return arrivals by the minute in the place of those by the day, whatever the bucket."""
    buckets = len(arrivals.p90)
    half, late = np.full(buckets, expected, dtype=np.int64), np.full(buckets, promised, dtype=np.int64)
    weights = np.full((2, buckets), EVERY_CASE // 2, dtype=np.int64)
    return replace(arrivals, p10=half, p50=half, p90=late, cases=np.stack([half, late]), weights=weights)
