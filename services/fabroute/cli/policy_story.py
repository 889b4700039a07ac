"""A policy and its costs in words."""

from collections.abc import Iterator, Mapping

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json

_ALONE = "lines are routed the usual way"
_KINDS: Mapping[str, str] = {
    "in_house": "in-house nodes",
    "service_bureau": "service bureaus",
    "regional_hub": "regional hubs",
}


def policy_story(policy: JsonObject) -> str:
    """Return a version of a policy, a line for each of its rules."""
    head = f"version {policy['version']}, stated {str(policy['created_at'])[:16].replace('T', ' ')} UTC"
    return "\n".join([head, *(f"  {rule}" for rule in _rules(policy))])


def costs_story(costs: JsonObject) -> str:
    """Return what rules cost, a sentence for each, the dearest first."""
    head = f"{_day(costs['since'])} to {_day(costs['until'])}"
    rules = _objects(costs["rules"])
    if not rules:
        return f"{head}: no rule could bite in any joint run, none cost anything"
    lines = [f"  {rule['words']}{'' if rule['proven'] else ' (not proven)'}" for rule in rules]
    return "\n".join([f"{head}, joint runs beside the same without each rule, at the time of decision:", *lines])


def _rules(policy: JsonObject) -> Iterator[str]:
    plain = True
    for cap in _objects(policy["caps"]):
        plain = False
        where, over = cap["node_id"] or "any single node", cap["excess"]
        price = "never exceeded" if over is None else f"{_euro(over)} for each over it"
        yield f"at most {_share(cap)} of the {cap['unit']} within {_days(cap)} at {where}: {price}"
    for minimum in _objects(policy["minimum_shares"]):
        plain = False
        where = minimum["node_id"] or _KINDS.get(str(minimum["kind"]), str(minimum["kind"]))
        what = f"at least {_share(minimum)} of the {minimum['unit']} within {_days(minimum)} at {where}"
        yield f"{what}: {_euro(minimum['shortfall'])} for each that is short of it"
    weights = policy["weights"]
    for objective, worth in (weights if isinstance(weights, dict) else {}).items():
        plain = False
        yield f"{objective}: {_weights(worth)}"
    if policy["consolidation_window_hours"]:
        plain = False
        yield f"jobs may wait {policy['consolidation_window_hours']} h for others to share a build"
    if policy.get("share_builds") is False:
        plain = False
        yield "no other owner's parts are made in one build with yours"
    if plain:
        yield _ALONE
    yield f"an offered job moves for a saving of {_euro(policy['stability'])} or more"


def _weights(worth: Json) -> str:
    found = worth if isinstance(worth, dict) else {}
    hour, carbon, late = (_euro(found[name]) for name in ("per_hour", "per_kg_co2e", "per_late_hour"))
    return f"an hour is worth {hour}, a kilogram CO2e {carbon}, an hour late {late}"


def _share(rule: JsonObject) -> str:
    return f"{float(str(rule['share'])) * 100:g} %"


def _days(rule: JsonObject) -> str:
    return "1 day" if rule["window_days"] == 1 else f"{rule['window_days']} days"


def _euro(money: Json) -> str:
    amount = money["amount_minor"] if isinstance(money, dict) else 0
    return f"{int(str(amount)) / 100:,.2f} EUR"


def _day(instant: Json) -> str:
    return str(instant)[:16].replace("T", " ")


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
