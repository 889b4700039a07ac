"""Where no node can make a quantity: the nodes that one thing keeps from it, and the least change by which they could."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from fabroute.kernel.events import JsonScalar
from fabroute.routing.rules import PRICE_CAP_MULTIPLIER
from fabroute.routing.service.options import ExcludedNode
from fabroute.routing.service.quoting.answers import RoutableIf
from fabroute.routing.service.quoting.survey import LATE, Setting, Survey, minutes_of_day
from fabroute.routing.service.sentences import euro
from fabroute.solver.eligibility import Exclusion, ExclusionCode

MOST_SHOWN = 5
_TIME = frozenset({ExclusionCode.NEED_BY, ExclusionCode.CAPACITY})
_STOCK = frozenset({ExclusionCode.MATERIAL_SHORT, ExclusionCode.LOT_BLOCKED})
_Figures = Mapping[str, JsonScalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chance:
    """What an offer would come to without the one thing that speaks against it."""

    landed_minor: int
    day: int
    machine_id: str


def routable_if(
    setting: Setting, survey: Survey, column: int, excluded: Sequence[ExcludedNode]
) -> tuple[RoutableIf, ...]:
    """Return at most five nodes with a single code against them, and its nearest fix; those that land cheapest first.

    Nodes without the process or material are not among them: for these the part would have to be another one.
    """
    place = {node.node_id: position for position, node in enumerate(setting.book.tables.nodes)}
    found = [
        _fix(setting, each, each.reasons[0], _chance(setting, survey, place[each.node.node_id], column, each.reasons[0]))
        for each in excluded
        if len(each.reasons) == 1 and each.reasons[0].code is not ExclusionCode.PROCESS_MATERIAL
    ]
    return tuple(sorted(found, key=_rank)[:MOST_SHOWN])


def _rank(found: RoutableIf) -> tuple[float, str]:
    return (math.inf if found.landed_minor is None else found.landed_minor, found.node.node_id)


def _chance(setting: Setting, survey: Survey, node: int, column: int, reason: Exclusion) -> _Chance | None:
    """Return the best that the node's offers come to that only fail by the reason: soonest where time is what lacks."""
    first, end = setting.part.at_node[node]
    rows = (row for row in range(first, end) if _failing(setting, survey, row, column) <= _alike(reason.code))
    chances = [chance for row in rows for chance in _chances(setting, survey, row, column, reason.code)]
    if reason.code in _TIME:
        return min(chances, key=lambda each: (each.day, each.landed_minor), default=None)
    return min(chances, key=lambda each: (each.landed_minor, each.day), default=None)


def _alike(code: ExclusionCode) -> frozenset[ExclusionCode]:
    return next((group for group in (_TIME, _STOCK) if code in group), frozenset({code}))


def _failing(setting: Setting, survey: Survey, row: int, column: int) -> frozenset[ExclusionCode]:
    at = (row, column)
    gates = (
        (setting.amounts.refused[at], ExclusionCode.MIN_ORDER),
        (not survey.in_time[at].any(), ExclusionCode.NEED_BY),
        (survey.uncertified[at], ExclusionCode.CERTIFICATE_EXPIRES),
        (survey.unqualified[at], ExclusionCode.PART_NOT_QUALIFIED),
        (survey.unlicensed[at], ExclusionCode.IP_POLICY),
        (survey.without_lot[at], ExclusionCode.MATERIAL_SHORT),
    )
    return frozenset(code for fails, code in gates if fails) | {reason.code for reason in setting.part.reasons[row]}


def _chances(setting: Setting, survey: Survey, row: int, column: int, code: ExclusionCode) -> Iterator[_Chance]:
    cap = None if code is ExclusionCode.PRICE_CAP else setting.cap_minor
    counted = survey.priced if code in _TIME else survey.in_time
    for service in counted[row, column].nonzero()[0].tolist():
        landed, day = int(survey.landed_minor[row, column, service]), int(survey.promised[row, column, service])
        if day < LATE and (cap is None or landed <= cap):
            yield _Chance(landed_minor=landed, day=day, machine_id=setting.part.facts[row].machine_id)


def _fix(setting: Setting, excluded: ExcludedNode, reason: Exclusion, chance: _Chance | None) -> RoutableIf:
    calendars = setting.book.tables.calendars
    promised = None if chance is None else calendars.instant(minutes_of_day(setting, chance.day))
    figures: _Figures = reason.figures
    if reason.code in _TIME and promised is not None and setting.need_by is not None:
        change, figures = f"it may arrive {promised:%Y-%m-%d %H:%M} UTC", {"need_by": promised.isoformat()}
    elif reason.code is ExclusionCode.PRICE_CAP and chance is not None:
        least = -(-chance.landed_minor // PRICE_CAP_MULTIPLIER.get(setting.asked.criticality, 1))
        change, figures = f"it may cost {euro(least)} EUR", {"max_price_minor": least}
    else:
        change = _CHANGES[reason.code](figures)
    return RoutableIf(
        node=excluded.node,
        code=reason.code,
        change=change,
        figures=figures,
        machine_id=reason.machine_id if chance is None else chance.machine_id,
        landed_minor=None if chance is None else chance.landed_minor,
        promised_at=promised,
    )


def _property(it: _Figures) -> str:
    if "licence" in it:
        return f"a print licence has {it['needed']} prints left for it"
    return "the part's owner permits the node"


_CHANGES: Mapping[ExclusionCode, Callable[[_Figures], str]] = MappingProxyType(
    {
        ExclusionCode.FILE_NOT_VALIDATED: lambda it: "the revision is released with a validated print file",
        ExclusionCode.NO_PARAMETER_SET: lambda it: f"parameter set {it['parameter_set']} is qualified and allowed",
        ExclusionCode.BUILD_VOLUME: lambda it: f"what needs {it['needs_mm']} mm needs {it['has_mm']} mm",
        ExclusionCode.CERTIFICATE_MISSING: lambda it: f"the node proves {it['missing']} for {it['scope']}",
        ExclusionCode.CERTIFICATE_EXPIRES: lambda it: f"{it['certificate']} holds through {it['production_to']}",
        ExclusionCode.PART_NOT_QUALIFIED: lambda it: f"a first article with {it['parameter_set']} is approved",
        ExclusionCode.MATERIAL_SHORT: lambda it: f"one lot of {it['material']} holds {it['needed_grams']} g",
        ExclusionCode.LOT_BLOCKED: lambda it: f"lot {it['lot_id']} may be used",
        ExclusionCode.EXPORT_CONTROL: lambda it: f"the node is permitted {it['export_class']} files for {it['ship_to']}",
        ExclusionCode.IP_POLICY: _property,
        ExclusionCode.NODE_DOWN: lambda it: f"what is {it['status']} is up again",
        ExclusionCode.PACKAGING: lambda it: f"one of these packagings would do: {it['offered']}",
        ExclusionCode.LANE_MISSING: lambda it: f"a carrier takes it from there to {it['ship_to']}",
        ExclusionCode.CAPACITY: lambda it: f"the machine has {it['needed_minutes']} min free by {it['by']}",
        ExclusionCode.NEED_BY: lambda it: f"it arrives {it['late_hours']} h sooner, or may be later",
        ExclusionCode.PRICE_CAP: lambda it: f"it may cost {euro(int(str(it['landed_minor'])))} EUR",
        ExclusionCode.MIN_ORDER: lambda it: f"the order is worth {euro(int(str(it['minimum_minor'])))} EUR there",
    }
)
"""What would have to be different, by what speaks against a node, in words that follow "if"."""
