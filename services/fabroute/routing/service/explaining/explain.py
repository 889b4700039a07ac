"""The explanation of a decision: what each rule costs, what would change it, why there is no way, what was scarce."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fabroute.routing.service.explaining.chances import Chance, LineChances
from fabroute.routing.service.explaining.changes import NodeChange, node_changes
from fabroute.routing.service.explaining.conflicts import Relaxation, relaxations, smallest_conflict, walls
from fabroute.routing.service.explaining.demands import BUILD_VOLUME, PROCESS_MATERIAL, Demand, Demands, demands_of
from fabroute.routing.service.explaining.oversize import Oversize
from fabroute.routing.service.explaining.placing import Placed, Setting, placings
from fabroute.routing.service.explaining.pricing_rules import RulePrice, dearest, rule_prices
from fabroute.routing.service.explaining.scarcity import Scarcity
from fabroute.routing.service.gates import Reasons
from fabroute.routing.service.options import ExcludedNode, Option
from fabroute.solver.eligibility import ExclusionCode

_CAP = ExclusionCode.CONCENTRATION


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRoute:
    """Why a line has no place, and what it would take."""

    conflict: tuple[Demand, ...]
    """The fewest demands that together keep every offer off; none where other orders took what would have done."""
    relaxations: tuple[Relaxation, ...]
    oversize: Oversize | None
    """Where no machine of the part's own processes and materials is large enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All that is told of a decision beside its candidates and exclusions."""

    rules: tuple[RulePrice, ...]
    """The dearest first; none without a place."""
    changes: tuple[NodeChange, ...]
    """For each node but the chosen one, the nearest first."""
    no_route: NoRoute | None
    scarcity: Scarcity | None
    """Of the line's own best option, where other orders took it and the plan knows prices."""

    @property
    def dearest_rule(self) -> RulePrice | None:
        """The rule that costs most, if one costs anything."""
        return dearest(self.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A decided line with what was found for it."""

    found: LineChances
    chosen: Option | None
    excluded: tuple[ExcludedNode, ...]
    scarcity: Scarcity | None = None
    others: tuple[Chance, ...] = ()
    """In other materials and processes; only looked for where there is no place."""
    oversize: Oversize | None = None


def explain(asked: Asked, setting: Setting) -> Explanation:
    """Return the explanation of one line's decision, from what was found for it and what the plan leaves."""
    chosen, found = asked.chosen, asked.found
    if chosen is not None:
        setting = replace(setting, room=setting.room.without(chosen, quantity=found.line.quantity))
    places = _under_caps(placings(found, setting), asked.excluded)
    return Explanation(
        rules=() if chosen is None else rule_prices(chosen, places),
        changes=node_changes(found, places, setting, chosen=chosen, excluded=asked.excluded),
        no_route=_no_route(asked, places, setting) if chosen is None else None,
        scarcity=asked.scarcity,
    )


def _under_caps(places: Iterable[Placed], excluded: Iterable[ExcludedNode]) -> list[Placed]:
    """Return the places with the share caps that bar their nodes, which only the whole plan knows."""
    caps = {it.node.node_id: tuple(each for each in it.reasons if each.code is _CAP) for it in excluded}
    return [_under(caps.get(place.chance.node.node_id, ()), place) for place in places]


def _under(caps: Reasons, place: Placed) -> Placed:
    if not caps:
        return place
    return replace(place, demands=place.demands | demands_of(caps), lapsed=(*place.lapsed, *caps))


def is_oversize(sets: Sequence[Demands]) -> bool:
    """Tell whether size keeps off every offer of the part's own processes and materials, and there are some."""
    in_the_game = [each for each in sets if PROCESS_MATERIAL not in each]
    return bool(in_the_game) and all(BUILD_VOLUME in each for each in in_the_game)


def _no_route(asked: Asked, places: Sequence[Placed], setting: Setting) -> NoRoute:
    found = asked.found
    sets = walls(found, places)
    others = placings(replace(found, chances=asked.others), setting)
    return NoRoute(
        conflict=smallest_conflict(sets),
        relaxations=relaxations(found, [*places, *others], setting),
        oversize=asked.oversize if is_oversize(tuple(sets)) else None,
    )
