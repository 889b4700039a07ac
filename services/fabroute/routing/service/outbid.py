"""What is left of machines and lots once a plan is made, and what a line without a place would have needed of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from fabroute.routing.service.options import ExcludedNode, LineChoices, Option
from fabroute.routing.service.problem import JointProblem, Supply
from fabroute.routing.service.timing import Calendars
from fabroute.solver.eligibility import Exclusion, ExclusionCode


class Leftovers:
    """Minutes and grams that a plan leaves."""

    def __init__(self, joint: JointProblem, plan: Sequence[int], supply: Supply) -> None:
        self._minutes = {machine_id: np.cumsum(minutes) for machine_id, minutes in supply.minutes.items()}
        self._grams = dict(supply.grams)
        for option in joint.chosen(plan).values():
            for share in option.shares or (option,):
                self._minutes[share.way.offer.machine_id][share.bucket :] -= share.way.machine_minutes
                self._grams[share.way.lot.lot_id] -= share.way.grams

    def minutes(self, option: Option) -> int:
        """Return the minutes that the option's machine still has before the option's deadline."""
        return max(0, int(self._minutes[option.way.offer.machine_id][option.bucket :].min()))

    def grams(self, option: Option) -> int:
        """Return the grams that are left of the option's lot."""
        return self._grams[option.way.lot.lot_id]


class Takers:
    """Which orders use each machine and lot in a plan."""

    def __init__(self, choices: Iterable[LineChoices], chosen: Mapping[str, Option]) -> None:
        self._orders: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for it in choices:
            line = it.line
            option = chosen.get(line.line_id)
            for part in () if option is None else option.parts(line.quantity):
                for thing in (part.way.offer.machine_id, part.way.lot.lot_id):
                    self._orders[thing][line.order_id].add(line.line_id)

    def only_own(self, choices: LineChoices, option: Option) -> bool:
        """Tell whether all who use what an option needs are other lines of the same order, and there are some."""
        line = choices.line
        needed = [it for part in option.parts(line.quantity) for it in (part.way.offer.machine_id, part.way.lot.lot_id)]
        others = {order for it in needed for order, lines in self._orders[it].items() if lines - {line.line_id}}
        return others == {line.order_id}


def outbid_exclusions(choices: LineChoices, leftovers: Leftovers, calendars: Calendars) -> tuple[ExcludedNode, ...]:
    """Return all nodes as ruled out: those of the line itself, and those whose time or material other orders took."""
    lost = tuple(
        ExcludedNode(node=option.way.node, reasons=_taken_by_others(option, leftovers, calendars))
        for option in choices.best
    )
    return tuple(sorted((*choices.exclusions, *lost), key=lambda exclusion: exclusion.node.node_id))


def _taken_by_others(option: Option, leftovers: Leftovers, calendars: Calendars) -> tuple[Exclusion, ...]:
    minutes, grams = leftovers.minutes(option), leftovers.grams(option)
    reasons = []
    if grams < option.way.grams:
        reasons.append(_material_short(option, grams))
    if minutes < option.way.machine_minutes or not reasons:
        reasons.append(_capacity(option, minutes, calendars))
    return tuple(reasons)


def _capacity(option: Option, minutes: int, calendars: Calendars) -> Exclusion:
    day, needed = calendars.day(option.bucket).isoformat(), option.way.machine_minutes
    return Exclusion(
        code=ExclusionCode.CAPACITY,
        message=f"needs {needed} min by {day}; orders that gain more leave {minutes} min",
        figures={"needed_minutes": needed, "left_minutes": minutes, "by": day, "taken_by_other_orders": True},
        machine_id=option.way.offer.machine_id,
    )


def _material_short(option: Option, grams: int) -> Exclusion:
    lot_id, needed = option.way.lot.lot_id, option.way.grams
    return Exclusion(
        code=ExclusionCode.MATERIAL_SHORT,
        message=f"needs {needed} g of lot {lot_id}; orders that gain more leave {grams} g",
        figures={"needed_grams": needed, "left_grams": grams, "lot_id": lot_id, "taken_by_other_orders": True},
        machine_id=option.way.offer.machine_id,
    )
