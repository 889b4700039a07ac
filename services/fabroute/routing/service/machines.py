"""How much machine time there is, by bucket, and when work of some length can be done."""

from collections.abc import Mapping

import numpy as np

from fabroute.estimation.production import ProductionEstimate
from fabroute.network.rules import MINUTES_PER_DAY
from fabroute.network.service import MachineView, NetworkView, NodeView
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.timing import Calendars, NodeClock, earliest_bucket
from fabroute.routing.snapshot import RoutingSnapshot


def free_minutes(network: NetworkView, machine_id: str, calendars: Calendars) -> Days:
    """Return the minutes of a machine that are free in each bucket."""
    node = network.nodes[network.machines[machine_id].node_id]
    return calendars.clock(node).usable_minutes(network.capacity[machine_id])


class MachineTime:
    """The machines of a snapshot: what is free now, and what would be if they held nothing."""

    def __init__(self, snapshot: RoutingSnapshot, calendars: Calendars) -> None:
        self._calendars = calendars
        self._nodes = snapshot.network.nodes
        self._machines = snapshot.network.machines
        self.free: Mapping[str, Days] = {
            machine_id: free_minutes(snapshot.network, machine_id, calendars)
            for machine_id in snapshot.network.capacity
        }
        self._free_until = {machine_id: np.cumsum(minutes) for machine_id, minutes in self.free.items()}
        self._empty_until: dict[str, Days] = {}
        self._earliest: dict[tuple[str, int, int, bool], int] = {}

    def earliest(self, machine_id: str, estimate: ProductionEstimate, *, empty: bool = False) -> int:
        """Return the first bucket by which a machine can have made something, ``NEVER`` if not within the horizon.

        Not before a build that begins now can be over, however little of it is the line's own.
        """
        key = (machine_id, estimate.machine_minutes, estimate.build_minutes, empty)
        if key not in self._earliest:
            cumulative = self.empty_until(machine_id) if empty else self._free_until[machine_id]
            not_before = self._end_of_build(machine_id, estimate.build_minutes)
            self._earliest[key] = earliest_bucket(cumulative, minutes=estimate.machine_minutes, not_before=not_before)
        return self._earliest[key]

    def free_until(self, machine_id: str, bucket: int) -> int:
        """Return the free minutes of a machine up to and including a bucket."""
        return int(self._free_until[machine_id][bucket]) if bucket >= 0 else 0

    def empty_until(self, machine_id: str) -> Days:
        """Return the running total of a machine's minutes if it held nothing."""
        if machine_id not in self._empty_until:
            machine = self._machines[machine_id]
            minutes = self._calendars.clock(self._node_of(machine)).full_minutes(utilisation=machine.utilisation)
            self._empty_until[machine_id] = np.cumsum(minutes)
        return self._empty_until[machine_id]

    def _end_of_build(self, machine_id: str, build_minutes: int) -> int:
        clock = self._clock_of(machine_id)
        return clock.first_bucket + max(0, -(-(build_minutes - clock.first_day_minutes) // MINUTES_PER_DAY))

    def _clock_of(self, machine_id: str) -> NodeClock:
        return self._calendars.clock(self._node_of(self._machines[machine_id]))

    def _node_of(self, machine: MachineView) -> NodeView:
        return self._nodes[machine.node_id]
