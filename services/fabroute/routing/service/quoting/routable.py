"""Where no node can make a quantity: those that one thing keeps from it, and the least change by which they could.

Also those that only date and price together keep from it. Nothing is told of nodes that other things may keep from it,
too: where no carrier goes there is no date and no price, and a part that fits would be another part.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fabroute.kernel.events import JsonScalar
from fabroute.routing.rules import PRICE_CAP_MULTIPLIER
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.options import ExcludedNode
from fabroute.routing.service.quoting.answers import RoutableIf, RuledOut
from fabroute.routing.service.quoting.network import some
from fabroute.routing.service.quoting.survey import Setting, Survey, minutes_of_day
from fabroute.routing.service.sentences import euro
from fabroute.routing.service.timing import NEVER
from fabroute.routing.service.ways import NEEDED_DAYS, PLANNED_DAYS
from fabroute.solver.eligibility import Exclusion, ExclusionCode

MOST_SHOWN = 5
_TIME = frozenset({ExclusionCode.NEED_BY, ExclusionCode.CAPACITY})
_DATE_AND_PRICE = frozenset({ExclusionCode.NEED_BY, ExclusionCode.PRICE_CAP})
_ANOTHER_PART = frozenset({ExclusionCode.PROCESS_MATERIAL, ExclusionCode.BUILD_VOLUME, ExclusionCode.SANDBOX})
_STOCK = frozenset({ExclusionCode.MATERIAL_SHORT, ExclusionCode.LOT_BLOCKED})
_BITS: Mapping[ExclusionCode, int] = MappingProxyType({code: 1 << place for place, code in enumerate(ExclusionCode)})
_ALIKE: Mapping[ExclusionCode, int] = MappingProxyType(
    {code: sum(_BITS[each] for each in group) for group in (_TIME, _STOCK) for code in group}
)
"""Codes that have the same cause, as bits."""
_Figures = Mapping[str, JsonScalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chance:
    """What an offer would come to without the one thing that speaks against it."""

    landed_minor: int
    day: int
    machine_id: str


def routable_if(setting: Setting, survey: Survey, column: int, ruled_out: Iterable[RuledOut]) -> tuple[RoutableIf, ...]:
    """Return at most five nodes that could with a change, and the least one: single ones first, by what they land at.

    All else was looked at: with the change nothing speaks against what the node would make. Nodes without the process,
    the material or the room are not among them: for these the part would have to be another one.
    """
    place, quantity = setting.book.tables.place, setting.amounts.quantities[column]
    chances = _Chances(setting, survey, column)
    looked_at = (
        (ExcludedNode(node=node, reasons=each.reasons), chances.best(place[node.node_id], _codes(each.reasons)))
        for each in ruled_out
        if quantity in each.quantities and _can_be_mended(_codes(each.reasons))
        for node in each.nodes
    )
    found = [(excluded, chance) for excluded, chance in looked_at if chance is not None]
    nearest = sorted(found, key=_rank)[:MOST_SHOWN]
    return tuple(_fix(setting, each, each.reasons[0], chance) for each, chance in nearest)


def _codes(reasons: Sequence[Exclusion]) -> frozenset[ExclusionCode]:
    return frozenset(reason.code for reason in reasons)


def _can_be_mended(codes: frozenset[ExclusionCode]) -> bool:
    """Tell whether one change does it, or a later day with a higher price."""
    return codes == _DATE_AND_PRICE or (len(codes) == 1 and not codes & _ANOTHER_PART)


def _rank(found: tuple[ExcludedNode, _Chance]) -> tuple[bool, int, int, str]:
    excluded, chance = found
    landed = _landed(excluded.reasons[0], chance)
    return (landed is None, len(excluded.reasons), landed or 0, excluded.node.node_id)


def _landed(reason: Exclusion, chance: _Chance) -> int | None:
    """Return what it would cost; unknown where fewer or more would be ordered, or a machine has no day at all."""
    if reason.code is ExclusionCode.MIN_ORDER or chance.day >= NEVER:
        return None
    return chance.landed_minor


class _Chances:
    """What offers would come to for one quantity, without what speaks against them."""

    def __init__(self, setting: Setting, survey: Survey, column: int) -> None:
        self._setting = setting
        self._failing: list[int] = _failing(setting, survey, column).tolist()
        self._landed: list[list[int]] = survey.landed_minor[:, column].tolist()
        self._days: list[list[int]] = survey.promised[:, column].tolist()
        self._priced: list[list[bool]] = survey.priced[:, column].tolist()
        self._in_time: list[list[bool]] = survey.in_time[:, column].tolist()

    def best(self, node: int, codes: frozenset[ExclusionCode]) -> _Chance | None:
        """Return the best that the node's offers come to that only fail by codes: soonest where time is what lacks."""
        mended = 0
        for code in codes:
            mended |= _ALIKE.get(code, _BITS[code])
        rows = (row for row in range(*self._setting.part.at_node[node]) if not self._against(row) & ~mended)
        chances = [chance for row in rows for chance in self._of(row, codes)]
        if codes <= _TIME:
            return min(chances, key=lambda each: (each.day, each.landed_minor), default=None)
        return min(chances, key=lambda each: (each.landed_minor, each.day), default=None)

    def _against(self, row: int) -> int:
        """Return the codes that speak against an offer, a bit each."""
        found = self._failing[row]
        for reason in self._setting.part.reasons[row]:
            found |= _BITS[reason.code]
        return found

    def _of(self, row: int, codes: frozenset[ExclusionCode]) -> Iterator[_Chance]:
        cap = None if ExclusionCode.PRICE_CAP in codes else self._setting.cap_minor
        counted = (self._priced if codes & _TIME else self._in_time)[row]
        for there, landed, day in zip(counted, self._landed[row], self._days[row], strict=True):
            if there and (day < NEVER or ExclusionCode.CAPACITY in codes) and (cap is None or landed <= cap):
                machine_id = self._setting.part.facts[row].machine_id
                yield _Chance(landed_minor=landed, day=day, machine_id=machine_id)


def _failing(setting: Setting, survey: Survey, column: int) -> Days:
    """Return by offer the codes of the gates that fail for a quantity, a bit each."""
    gates = (
        (setting.amounts.refused[:, column], ExclusionCode.MIN_ORDER),
        (~some(survey.in_time[:, column]), ExclusionCode.NEED_BY),
        (survey.uncertified[:, column], ExclusionCode.CERTIFICATE_EXPIRES),
        (survey.unqualified[:, column], ExclusionCode.PART_NOT_QUALIFIED),
        (survey.unlicensed[:, column], ExclusionCode.IP_POLICY),
        (survey.without_lot[:, column], ExclusionCode.MATERIAL_SHORT),
    )
    found = np.zeros(len(setting.part.offers), np.int64)
    for fails, code in gates:
        found += fails * _BITS[code]
    return found


def _fix(setting: Setting, excluded: ExcludedNode, reason: Exclusion, chance: _Chance) -> RoutableIf:
    calendars = setting.book.tables.calendars
    promised = None if chance.day >= NEVER else calendars.instant(minutes_of_day(setting, chance.day))
    least = -(-chance.landed_minor // PRICE_CAP_MULTIPLIER.get(setting.asked.criticality, 1))
    figures: _Figures = reason.figures
    if _codes(excluded.reasons) == _DATE_AND_PRICE and promised is not None:
        change = f"it may arrive {promised:%Y-%m-%d %H:%M} UTC and cost {euro(least)} EUR"
        figures = {"need_by": promised.isoformat(), "max_price_minor": least}
    elif reason.code in _TIME and promised is not None and setting.need_by is not None:
        change, figures = f"it may arrive {promised:%Y-%m-%d %H:%M} UTC", {"need_by": promised.isoformat()}
    elif reason.code is ExclusionCode.PRICE_CAP:
        change, figures = f"it may cost {euro(least)} EUR", {"max_price_minor": least}
    else:
        change = _CHANGES[reason.code](figures)
    return RoutableIf(
        node=excluded.node,
        code=reason.code,
        change=change,
        figures=figures,
        machine_id=chance.machine_id,
        landed_minor=_landed(reason, chance),
        promised_at=promised,
    )


def _property(it: _Figures) -> str:
    if "licence" in it:
        return f"a print licence has {it['needed']} prints left for it"
    return "the part's owner permits the node"


def _availability(it: _Figures) -> str:
    if "invalid" in it:
        return f"what is known of the machine is put right: {it['invalid']}"
    return f"what is {it['status']} is up again"


def _time(it: _Figures) -> str:
    if NEEDED_DAYS in it:
        return f"so few are ordered at once that {it[PLANNED_DAYS]} days are enough, not {it[NEEDED_DAYS]}"
    return f"the machine has {it['needed_minutes']} min free by {it['by']}"


_CHANGES: Mapping[ExclusionCode, Callable[[_Figures], str]] = MappingProxyType(
    {
        ExclusionCode.FILE_NOT_VALIDATED: lambda it: "the revision is released with a validated print file",
        ExclusionCode.NO_PARAMETER_SET: lambda it: f"parameter set {it['parameter_set']} is qualified and allowed",
        ExclusionCode.CERTIFICATE_MISSING: lambda it: f"the node proves {it['missing']} for {it['scope']}",
        ExclusionCode.CERTIFICATE_EXPIRES: lambda it: f"{it['certificate']} holds through {it['production_to']}",
        ExclusionCode.PART_NOT_QUALIFIED: lambda it: f"a first article with {it['parameter_set']} is approved",
        ExclusionCode.MATERIAL_SHORT: lambda it: f"one lot of {it['material']} holds {it['needed_grams']} g",
        ExclusionCode.LOT_BLOCKED: lambda it: f"lot {it['lot_id']} may be used",
        ExclusionCode.EXPORT_CONTROL: lambda it: (
            f"the node is permitted {it['export_class']} files for {it['ship_to']}"
        ),
        ExclusionCode.IP_POLICY: _property,
        ExclusionCode.NODE_DOWN: _availability,
        ExclusionCode.PACKAGING: lambda it: f"one of these packagings would do: {it['offered']}",
        ExclusionCode.LANE_MISSING: lambda it: f"a carrier takes it from there to {it['ship_to']}",
        ExclusionCode.CAPACITY: _time,
        ExclusionCode.NEED_BY: lambda it: f"it arrives {it['late_hours']} h sooner, or may be later",
        ExclusionCode.PRICE_CAP: lambda it: f"it may cost {euro(int(str(it['landed_minor'])))} EUR",
        ExclusionCode.MIN_ORDER: lambda it: f"the order is worth {euro(int(str(it['minimum_minor'])))} EUR there",
    }
)
"""What would have to be different, by what speaks against a node, in words that follow "if"."""
