"""The explanation as it is stored in a decision's document and shown: words beside figures, money in cents."""

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime, time
from types import MappingProxyType

from fabroute.network.service import NodeView
from fabroute.routing.service.explaining.changes import Margin, NodeChange
from fabroute.routing.service.explaining.conflicts import Relaxation
from fabroute.routing.service.explaining.demands import OF, Demand, kinds_against
from fabroute.routing.service.explaining.explain import Explanation, NoRoute
from fabroute.routing.service.explaining.oversize import oversize_document
from fabroute.routing.service.explaining.placing import Placed
from fabroute.routing.service.explaining.pricing_rules import RulePrice
from fabroute.routing.service.explaining.scarcity import Scarcity
from fabroute.routing.service.explaining.steps import Step
from fabroute.routing.service.sentences import carbon, day_name, euro
from fabroute.routing.service.timing import Calendars

Document = dict[str, object]

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "need_by": "the need-by",
        "price_cap": "the price cap",
        "same_country": "the same-country rule",
        "part_qualification": "part qualification",
        "parameter_set": "the list of parameter sets",
        "parameter_set_state": "the rule that parameter sets are qualified",
        "export_class": "export control",
        "zone": "the permitted zone",
        "countries": "the list of permitted countries",
        "kinds": "the list of permitted kinds of nodes",
        "nodes": "the list of permitted nodes",
        "licence": "the print licence",
        "material": "the limits of stock",
        "minimum_order": "minimum orders",
        "concentration": "share caps",
        "declined": "what happened when the node had the line",
        "sandbox": "that tests stay among themselves",
    }
)
_SEVERAL = frozenset({"material", "minimum_order", "concentration"})
"""The kinds whose names are plural."""


def explanation_document(explanation: Explanation, calendars: Calendars) -> Document:
    """Return an explanation in words and figures."""
    no_route, scarcity = explanation.no_route, explanation.scarcity
    return {
        "rules": [_rule(price, calendars) for price in explanation.rules],
        "changes": [_change(change, calendars) for change in explanation.changes],
        "no_route": None if no_route is None else _no_route(no_route, calendars),
        "scarcity": None if scarcity is None else _scarcity(scarcity, calendars),
    }


def rule_name(demand: Demand) -> str:
    """Return a rule as a person says it: ``EN45545-HL2``, ``the need-by``, ``brand packaging``."""
    if demand.kind == "packaging":
        return f"{demand.subject} packaging"
    return demand.subject or _NAMES.get(demand.kind, demand.kind.replace("_", " "))


def rule_in_short(price: RulePrice) -> str:
    """Return what a rule costs in a few words: ``without EN45545-HL2 600.00 less``."""
    gains = [words for _, words in _better(price)] or ["better"]
    return f"without {rule_name(price.demand)} {gains[0]}{_but(price)}"


def fix_in_short(change: NodeChange) -> str:
    """Return the nearest that a node comes to it in a few words."""
    parts = list(_said_once(change.steps))
    if change.margin is not None:
        parts.append(_least(change.margin))
    return " and ".join(parts) or "nothing but a place: it is better for this line alone, the plan weighs all together"


def able_in_short(change: NodeChange) -> str:
    """Return what would make an excluded node able, whether it would then win or not."""
    return " and ".join(_said_once(change.steps)) or fix_in_short(change)


def relaxation_in_short(relaxation: Relaxation) -> str:
    """Return what would make a place for a line, what that costs and where: ``…: 52.00 EUR at Porto``."""
    steps = " and ".join(_said_once(relaxation.steps)) or "nothing but a place"
    return f"{steps}: {_where(relaxation)}"


def nearest_in_short(relaxations: Sequence[Relaxation], *, code: str) -> str:
    """Return the first way that lifts what a code stands for, in words with a price: the fix beside that reason.

    Where more has to change there, that is told behind it (``…; also …``); where no way lifts it, the nearest way
    that there is beside it (``elsewhere, …``). There has to be a way.
    """
    kinds = kinds_against(code)
    lifting = [it for it in relaxations if any(step.demand.kind in kinds for step in it.steps)]
    alone = next((it for it in lifting if all(step.demand.kind in kinds for step in it.steps)), None)
    if alone is not None:
        return relaxation_in_short(alone)
    if lifting:
        return _with_more(lifting[0], kinds)
    nearest = relaxations[0]
    return ("elsewhere, " if kinds and nearest.steps else "") + relaxation_in_short(nearest)


def _with_more(relaxation: Relaxation, kinds: Set[str]) -> str:
    lifts = [step for step in relaxation.steps if step.demand.kind in kinds]
    others = [step for step in relaxation.steps if step.demand.kind not in kinds]
    said, more = (" and ".join(_said_once(steps)) for steps in (lifts, others))
    return f"{said}; also {more}: {_where(relaxation)}"


def _where(relaxation: Relaxation) -> str:
    chance = relaxation.place.chance
    return f"{euro(chance.landed_minor)} EUR at {chance.node.city}"


def _least(margin: Margin) -> str:
    """Return the first of money, time and carbon of which an amount alone is enough."""
    if margin.cheaper_by_minor is not None:
        less = margin.cheaper_by_minor - 1
        return f"over {euro(less)} EUR cheaper" if less else "0.01 EUR cheaper"
    if margin.sooner_by_minutes is not None:
        return f"{-(-margin.sooner_by_minutes // 60)} h sooner"
    if margin.lighter_by_g is not None:
        return carbon(-margin.lighter_by_g).replace("less", "lighter")
    return "better in more than one of price, time and carbon"


def _said_once(steps: Sequence[Step]) -> Iterator[str]:
    """Yield the words of steps; those that permit the same are one, with the reasons of both."""
    said: dict[str, list[str]] = {}
    for step in steps:
        what, _, reason = step.words.partition(": ") if step.words.startswith("permit ") else (step.words, "", "")
        said.setdefault(what, []).extend([reason] if reason else [])
    yield from (f"{what}: {' and '.join(reasons)}" if reasons else what for what, reasons in said.items())


def _rule(price: RulePrice, calendars: Calendars) -> Document:
    """Return the price of a rule; ``instead`` is where the line would go without it."""
    instead = price.instead
    name = rule_name(price.demand)
    costs = (
        f"without {name} this order would {_gains(price)}" if instead is not None else f"{name} {_costs(price)} nothing"
    )
    return {
        "rule": price.demand.name,
        "of": OF[price.demand.kind],
        "words": costs,
        "nodes": price.nodes,
        "alone": price.alone,
        "difference": {
            "landed_minor": price.landed_minor,
            "hours": round(price.minutes / 60, 1),
            "co2e_g": price.co2e_g,
            "cost_millis": price.cost_millis,
        },
        "instead": None if instead is None else _place(instead, calendars),
    }


def _gains(price: RulePrice) -> str:
    """Return what would be better without a rule, and what more that would cost."""
    better = " and ".join(f"{verb} {words}" for verb, words in _better(price)) or "cost less, all things weighed"
    return better + _but(price)


def _costs(price: RulePrice) -> str:
    return "cost" if price.demand.kind in _SEVERAL else "costs"


def _better(price: RulePrice) -> list[tuple[str, str]]:
    hours = round(-price.minutes / 60)
    gains = (
        (price.landed_minor < 0, "cost", f"{euro(-price.landed_minor)} EUR less"),
        (hours > 0, "arrive", f"{hours} h sooner"),
        (price.co2e_g < 0, "emit", f"{-price.co2e_g} g CO2e less"),
    )
    return [(verb, words) for gained, verb, words in gains if gained]


def _but(price: RulePrice) -> str:
    """Return what would be worse without a rule: money, time, carbon."""
    money = f" for {euro(price.landed_minor)} EUR more" if price.landed_minor > 0 else ""
    hours = round(price.minutes / 60)
    worse = [f"{hours} h later"] if hours > 0 else []
    if price.co2e_g > 0:
        worse.append(f"with {carbon(price.co2e_g)}")
    return f"{money}, but {' and '.join(worse)}" if worse else money


def _change(change: NodeChange, calendars: Calendars) -> Document:
    place = change.place
    return {
        **_node(change.node),
        "binding": None if change.binding is None else change.binding.name,
        "words": fix_in_short(change),
        "steps": [_step(step) for step in change.steps],
        "wins": change.wins,
        "margin": None if change.margin is None else _margin(change.margin),
        "then": None if place is None else _place(place, calendars),
    }


def _margin(margin: Margin) -> Document:
    sooner = margin.sooner_by_minutes
    return {
        "cheaper_by_minor": margin.cheaper_by_minor,
        "sooner_by_hours": None if sooner is None else round(sooner / 60, 1),
        "lighter_by_g": margin.lighter_by_g,
    }


def _step(step: Step) -> Document:
    return {"rule": step.demand.name, "of": step.of, "words": step.words, "figures": dict(step.figures)}


def _place(place: Placed, calendars: Calendars) -> Document:
    offer, price = place.chance.priced.offer, place.chance.sending.price
    return {
        **_node(place.chance.node),
        "machine_id": offer.machine_id,
        "process": offer.process,
        "material": offer.material.code,
        "service": place.chance.sending.service.value,
        "landed_minor": price.landed_minor,
        "promised_at": calendars.instant(place.minutes).isoformat(),
        "hours": round(place.minutes / 60, 1),
        "co2e_g": price.co2e_g,
        "cost_millis": place.cost_millis,
    }


def _node(node: NodeView) -> Document:
    return {"node_id": node.node_id, "city": node.city, "country": node.country}


def _no_route(no_route: NoRoute, calendars: Calendars) -> Document:
    found = no_route.oversize
    return {
        "conflict": [
            {"rule": demand.name, "of": OF[demand.kind], "words": rule_name(demand)} for demand in no_route.conflict
        ],
        "relaxations": [_relaxation(each, calendars) for each in no_route.relaxations],
        "oversize": None if found is None else oversize_document(found),
    }


def _relaxation(relaxation: Relaxation, calendars: Calendars) -> Document:
    place = relaxation.place
    return {
        "words": relaxation_in_short(relaxation),
        "steps": [_step(step) for step in relaxation.steps],
        "then": _place(place, calendars),
    }


def _scarcity(scarcity: Scarcity, calendars: Calendars) -> Document:
    way, day = scarcity.option.way, calendars.day(scarcity.option.bucket)
    hour, kilogram = euro(scarcity.hour_minor), euro(scarcity.kilogram_minor)
    until = day_name(datetime.combine(day, time()))
    worth = [
        words
        for amount, words in (
            (scarcity.hour_minor, f"{way.offer.process} time until {until} is worth {hour} EUR an hour"),
            (scarcity.kilogram_minor, f"{way.offer.material.code} of its lot is worth {kilogram} EUR a kilogram"),
        )
        if amount
    ]
    return {
        "words": f"{way.node.city}: {', '.join(worth)}",
        "node_id": way.node.node_id,
        "machine_id": way.offer.machine_id,
        "until": day.isoformat(),
        "hour_minor": scarcity.hour_minor,
        "lot_id": way.lot.lot_id,
        "kilogram_minor": scarcity.kilogram_minor,
        "minor": scarcity.minor,
    }
