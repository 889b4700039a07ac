"""What is left of machines and lots beside a plan, and on which day a chance would fit in there."""

from collections.abc import Mapping, Sequence

import numpy as np

from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.explaining.chances import Chance
from fabroute.routing.service.options import Option
from fabroute.routing.service.problem import JointProblem, Supply
from fabroute.routing.service.timing import NEVER
from fabroute.solver.plan import UNROUTED, opened_builds
from fabroute.solver.problem import NO_LOT, IntArray


class Room:
    """Minutes by the end of each day, and grams, that a plan leaves: of machines the least from that day on."""

    def __init__(self, minutes: Mapping[str, Days], grams: Mapping[str, int], *, beside: "Room | None" = None) -> None:
        self._left = minutes
        self._grams = grams
        self._beside = beside
        self._slack: dict[str, Days] = {}
        self._buckets: dict[tuple[str, int, int], int] = {}

    def bucket(self, chance: Chance) -> int:
        """Return the first day by whose end a chance could be made beside the plan; ``NEVER`` if on none."""
        priced = chance.priced
        return self._bucket((priced.offer.machine_id, priced.machine_minutes, priced.earliest))

    def minutes(self, machine_id: str, bucket: int) -> int:
        """Return the minutes that may still be worked on a machine by the end of a bucket."""
        return max(0, int(self._slack_of(machine_id)[bucket])) if bucket < NEVER else 0

    def grams(self, lot_id: str) -> int:
        """Return what is left of a lot."""
        if self._beside is not None and lot_id not in self._grams:
            return self._beside.grams(lot_id)
        return self._grams[lot_id]

    def without(self, option: Option, *, quantity: int) -> "Room":
        """Return the room that there would be if an option of the plan were taken out of it."""
        minutes: dict[str, Days] = {}
        grams: dict[str, int] = {}
        for part in option.parts(quantity):
            machine_id, lot_id = part.way.offer.machine_id, part.way.lot.lot_id
            given = (minutes[machine_id] if machine_id in minutes else self._left[machine_id]).copy()
            given[part.bucket :] += part.way.machine_minutes
            minutes[machine_id] = given
            grams[lot_id] = grams.get(lot_id, self._grams[lot_id]) + part.way.grams
        return Room(minutes, grams, beside=self)

    def _bucket(self, key: tuple[str, int, int]) -> int:
        if self._beside is not None and key[0] not in self._left:
            return self._beside._bucket(key)
        if key not in self._buckets:
            self._buckets[key] = self._first(*key)
        return self._buckets[key]

    def _first(self, machine_id: str, minutes: int, earliest: int) -> int:
        if earliest >= NEVER:
            return NEVER
        slack = self._slack_of(machine_id)
        found = max(int(np.searchsorted(slack, minutes)), earliest)
        return found if found < len(slack) else NEVER

    def _slack_of(self, machine_id: str) -> Days:
        if self._beside is not None and machine_id not in self._left:
            return self._beside._slack_of(machine_id)
        if machine_id not in self._slack:
            self._slack[machine_id] = np.minimum.accumulate(self._left[machine_id][::-1])[::-1]
        return self._slack[machine_id]


def room_beside(joint: JointProblem, plan: Sequence[int], supply: Supply) -> Room:
    """Return what a plan leaves of the supply: options, further draws of splits, and opened builds taken off."""
    left = {machine_id: np.cumsum(minutes) for machine_id, minutes in supply.minutes.items()}
    grams = dict(supply.grams)
    used = _used_minutes(joint, plan)
    for pool, machine_id in enumerate(joint.machines):
        left[machine_id] = left[machine_id] - np.cumsum(used[pool])
    for lot, lot_id in enumerate(joint.lots):
        grams[lot_id] -= int(_used_grams(joint, plan)[lot])
    return Room(left, grams)


def _used_minutes(joint: JointProblem, plan: Sequence[int]) -> IntArray:
    problem = joint.problem
    used = np.zeros(problem.capacity.shape, dtype=np.int64)
    taken, draws = _taken(joint, plan)
    builds = np.array(list(opened_builds(problem, plan)), dtype=np.int64)
    np.add.at(used, (problem.option_pool[taken], problem.option_bucket[taken]), problem.option_minutes[taken])
    np.add.at(used, (problem.draw_pool[draws], problem.draw_bucket[draws]), problem.draw_minutes[draws])
    np.add.at(used, (problem.build_pool[builds], problem.build_bucket[builds]), problem.build_minutes[builds])
    return used


def _used_grams(joint: JointProblem, plan: Sequence[int]) -> IntArray:
    problem = joint.problem
    used = np.zeros(len(joint.lots) + 1, dtype=np.int64)
    taken, draws = _taken(joint, plan)
    for lots, grams in (
        (problem.option_lot[taken], problem.option_grams[taken]),
        (problem.draw_lot[draws], problem.draw_grams[draws]),
    ):
        np.add.at(used, np.where(lots == NO_LOT, len(joint.lots), lots), grams)
    return used


def _taken(joint: JointProblem, plan: Sequence[int]) -> tuple[IntArray, IntArray]:
    """Return the options that a plan takes, and the further draws of these."""
    taken = np.array([option for option in plan if option != UNROUTED], dtype=np.int64)
    return taken, np.flatnonzero(np.isin(joint.problem.draw_option, taken))
