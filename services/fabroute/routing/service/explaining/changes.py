"""What would have to change at each node that a line did not go to: the fewest steps, then how much cheaper it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fabroute.network.service import NodeView
from fabroute.routing.rules import MILLIS_PER_MINOR
from fabroute.routing.service.explaining.chances import LineChances
from fabroute.routing.service.explaining.demands import Demand, demands_of, hardest, hardness
from fabroute.routing.service.explaining.placing import Placed, Setting
from fabroute.routing.service.explaining.pricing_rules import is_better
from fabroute.routing.service.explaining.steps import Step, steps_against, steps_to
from fabroute.routing.service.options import ExcludedNode, Option


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """By how much a place would have to be better in one thing alone to win; ``None`` where no amount is enough."""

    cheaper_by_minor: int | None
    sooner_by_minutes: int | None
    lighter_by_g: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChange:
    """The nearest that a node comes to making a line."""

    node: NodeView
    binding: Demand | None
    """The hardest of the steps; ``None`` where the node could and is merely not the best."""
    steps: tuple[Step, ...]
    place: Placed | None
    """What it would be then; ``None`` where there is no price for it."""
    margin: Margin | None
    """What it would lack even then; ``None`` where it wins, or has no price."""

    @property
    def wins(self) -> bool:
        """Whether the line would go there once the steps are made."""
        return self.place is not None and self.margin is None


def node_changes(
    found: LineChances,
    places: Sequence[Placed],
    setting: Setting,
    *,
    chosen: Option | None,
    excluded: Iterable[ExcludedNode],
) -> tuple[NodeChange, ...]:
    """Return for each node but the chosen one what would change it, the nearest first.

    Nearest are the fewest steps, of these the softest, of these the best place. Nodes that don't offer the process and
    material are left out: their one reason says all.
    """
    taken = set() if chosen is None else {part.way.node.node_id for part in chosen.parts(found.line.quantity)}
    nearest = _nearest_by_node(places)
    with_price = [
        _change(found, place, setting, chosen=chosen) for node_id, place in nearest.items() if node_id not in taken
    ]
    without = [_unpriced(each) for each in excluded if each.node.node_id not in nearest and _in_the_game(each)]
    return tuple(sorted((*with_price, *without), key=_order))


def _nearest_by_node(places: Iterable[Placed]) -> Mapping[str, Placed]:
    nearest: dict[str, Placed] = {}
    for place in places:
        node_id = place.chance.node.node_id
        known = nearest.get(node_id)
        if known is None or _is_nearer(place, known):
            nearest[node_id] = place
    return nearest


def _is_nearer(place: Placed, other: Placed) -> bool:
    if len(place.demands) != len(other.demands):
        return len(place.demands) < len(other.demands)
    mine, its = hardness(place.demands), hardness(other.demands)
    return mine < its or (mine == its and is_better(place, other))


def _change(found: LineChances, place: Placed, setting: Setting, *, chosen: Option | None) -> NodeChange:
    return NodeChange(
        node=place.chance.node,
        binding=hardest(place.demands) if place.demands else None,
        steps=steps_to(found, place, setting),
        place=place,
        margin=None if chosen is None else margin(found, place, chosen.cost_millis),
    )


def _unpriced(excluded: ExcludedNode) -> NodeChange:
    return NodeChange(
        node=excluded.node,
        binding=hardest(demands_of(excluded.reasons)),
        steps=steps_against(excluded.reasons),
        place=None,
        margin=None,
    )


def _in_the_game(excluded: ExcludedNode) -> bool:
    return all(reason.code.value != "PROCESS_MATERIAL" for reason in excluded.reasons)


def margin(found: LineChances, place: Placed, best_millis: int) -> Margin | None:
    """Return by how much a place must improve in one thing to cost less than ``best_millis``; ``None`` if it does."""
    over = place.cost_millis - best_millis
    if over < 0:
        return None
    price = place.chance.sending.price
    cheaper = over // MILLIS_PER_MINOR + 1
    grams = found.wish.weights.millis_per_co2e_gram
    lighter = over // grams + 1 if grams else None
    return Margin(
        cheaper_by_minor=cheaper if cheaper <= price.landed_minor else None,
        sooner_by_minutes=_sooner(found, place, best_millis),
        lighter_by_g=None if lighter is None or lighter > price.co2e_g else lighter,
    )


def _sooner(found: LineChances, place: Placed, best_millis: int) -> int | None:
    """Return the least number of minutes, by halving: what is sooner never costs more."""
    price, cost = place.chance.sending.price, found.wish.cost_millis
    if cost(price, 0) >= best_millis:
        return None
    low, high = 1, place.minutes
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if cost(price, place.minutes - middle) < best_millis else (middle + 1, high)
    return low


def _order(change: NodeChange) -> tuple[bool, int, int, int, str]:
    cost = 0 if change.place is None else change.place.cost_millis
    hard = 0 if change.binding is None else hardness(frozenset((change.binding,)))
    return (change.place is None, len(change.steps), hard, cost, change.node.node_id)
