"""The price of each rule: what a line would cost, take and emit if that rule alone did not hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fabroute.routing.service.explaining.demands import PRICED, Demand
from fabroute.routing.service.explaining.placing import Placed
from fabroute.routing.service.options import Option


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePrice:
    """What a rule of the line costs it: where it would go without it, and what would be different there."""

    demand: Demand
    nodes: int
    """Nodes that the rule keeps from the line, alone or with others."""
    alone: int
    """Those that it alone keeps from it."""
    instead: Placed | None
    """Where the line would go without the rule; ``None`` where it would stay: the rule costs nothing."""
    landed_minor: int
    """Negative: so much less would be paid. So with the next three."""
    minutes: int
    co2e_g: int
    cost_millis: int


def rule_prices(chosen: Option, places: Sequence[Placed]) -> tuple[RulePrice, ...]:
    """Return the price of each rule that keeps a node from a line, the dearest first.

    A place counts for a rule only if that rule is all that speaks against it, on what the plan leaves. Rules that cost
    nothing are told too, with differences of 0: somebody pays for keeping them.
    """
    free = min((place.cost_millis for place in places if not place.demands), default=chosen.cost_millis)
    limit = min(free, chosen.cost_millis)
    best, kept_off = _best_without(places), _KeptOff(places)
    prices = (_price(chosen, demand, kept_off, _better(best.get(demand), limit)) for demand in kept_off.rules)
    telling = [price for price in prices if price.nodes or price.instead is not None]
    return tuple(sorted(telling, key=lambda price: (price.cost_millis, -price.alone, price.demand)))


def dearest(prices: Iterable[RulePrice]) -> RulePrice | None:
    """Return the rule that costs most, if one costs anything; of prices as ``rule_prices`` sorts them."""
    return next((price for price in prices if price.instead is not None), None)


def _best_without(places: Iterable[Placed]) -> dict[Demand, Placed]:
    """Return by demand the best of the places that it alone keeps from the line."""
    best: dict[Demand, Placed] = {}
    for place in places:
        if len(place.demands) == 1:
            (demand,) = place.demands
            if demand not in best or is_better(place, best[demand]):
                best[demand] = place
    return best


def rank(place: Placed) -> tuple[int, int, str, str]:
    """Cheapest first; ties are broken by day and names, so that equal snapshots give equal explanations."""
    chance = place.chance
    return (place.cost_millis, place.bucket, chance.priced.offer.offer_id, chance.sending.service.value)


def is_better(place: Placed, other: Placed) -> bool:
    """Tell whether a place comes before another one by ``rank``."""
    if place.cost_millis != other.cost_millis:
        return place.cost_millis < other.cost_millis
    return rank(place) < rank(other)


class _KeptOff:
    """The nodes that rules keep from a line: those that have no place without any demand."""

    def __init__(self, places: Sequence[Placed]) -> None:
        free = {place.chance.node.node_id for place in places if not place.demands}
        self.rules: set[Demand] = set()
        self.nodes: dict[Demand, set[str]] = {}
        self.alone: dict[Demand, set[str]] = {}
        for place in places:
            rules = [demand for demand in place.demands if demand.kind in PRICED]
            self.rules.update(rules)
            if place.chance.node.node_id not in free:
                self._add(place, rules)

    def _add(self, place: Placed, rules: Iterable[Demand]) -> None:
        for demand in rules:
            self.nodes.setdefault(demand, set()).add(place.chance.node.node_id)
            if len(place.demands) == 1:
                self.alone.setdefault(demand, set()).add(place.chance.node.node_id)


def _better(place: Placed | None, limit_millis: int) -> Placed | None:
    return place if place is not None and place.cost_millis < limit_millis else None


def _price(chosen: Option, demand: Demand, kept_off: _KeptOff, instead: Placed | None) -> RulePrice:
    price, was = None if instead is None else instead.chance.sending.price, chosen.price
    return RulePrice(
        demand=demand,
        nodes=len(kept_off.nodes.get(demand, ())),
        alone=len(kept_off.alone.get(demand, ())),
        instead=instead,
        landed_minor=0 if price is None else price.landed_minor - was.landed_minor,
        minutes=0 if instead is None else instead.minutes - chosen.minutes,
        co2e_g=0 if price is None else price.co2e_g - was.co2e_g,
        cost_millis=0 if instead is None else instead.cost_millis - chosen.cost_millis,
    )
