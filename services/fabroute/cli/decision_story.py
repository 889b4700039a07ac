"""A decision as a person reads it: one screen, from what was chosen to what was ruled out and why."""

from collections.abc import Iterator, Sequence

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json
from fabroute.cli.report import euro

_SHOWN_CANDIDATES = 5
_SHOWN_RULES, _SHOWN_CHANGES = 5, 5
_NOT_IN_THE_GAME = "PROCESS_MATERIAL"


def decision_story(decisions: JsonObject) -> str:
    """Return the latest decision about each line in words, from the API's answer."""
    latest = {str(decision["line_id"]): decision for decision in _objects(decisions["decisions"])}
    if not latest:
        return f"order {decisions['order_id']}: not decided yet"
    return "\n\n".join("\n".join(_story(decision)) for decision in latest.values())


def _story(decision: JsonObject) -> Iterator[str]:
    chosen, solver = decision["chosen"], _object(decision["solver"])
    yield f"{decision['line_id']}: {str(decision['outcome']).replace('_', ' ')} ({decision['objective']})"
    yield f"  {decision['why']}"
    yield from _moved(decision.get("moved_from"))
    if isinstance(chosen, dict):
        yield from _chosen(chosen)
    yield from (_alternative(each) for each in _objects(decision["alternatives"]) if _differs(each))
    yield from _others(_objects(decision["candidates"]))
    yield from _exclusions(_objects(decision["exclusions"]))
    yield from _explanation(_object(decision.get("explanation")))
    gap = 100 * float(str(solver["gap"]))
    yield f"  decided {_together(_int(solver['lines']))}: {solver['status']}, at most {gap:.2f} % from the best plan"


def _together(lines: int) -> str:
    return "alone" if lines == 1 else f"with {lines} lines together"


def _nodes(count: int, *, one: str, several: str) -> str:
    return f"1 node {one}" if count == 1 else f"{count} nodes {several}"


def _moved(moved_from: Json) -> Iterator[str]:
    """Yield where a line stood before, and what the move saves; nothing for a line that did not move."""
    if not isinstance(moved_from, dict):
        return
    saves = _object(moved_from["saves"])
    was = f"{moved_from['city']} ({moved_from['node_id']}), {euro(_int(moved_from['landed_minor']))}"
    saved = f"{euro(_int(saves['landed_minor']))} and {float(str(saves['hours'])):g} h"
    yield f"  moved from {was}, promised for {str(moved_from['promised_at'])[:10]}: saves {saved}"


def _chosen(chosen: JsonObject) -> Iterator[str]:
    yield f"  {_place(chosen)}: {chosen['process']} {chosen['material']} on {chosen['machine_id']}"
    yield from (_share(each) for each in _objects(chosen.get("shares")))
    yield f"    parameter set {chosen['parameter_set']}, lot {chosen['lot_id']}, {chosen['grams']} g"
    parts = (f"{name} {euro(_int(chosen[f'{name}_minor']))}" for name in ("production", "freight", "duty"))
    yield f"    {' + '.join(parts)} = {euro(_int(chosen['landed_minor']))}"
    rows = (f"{row['code']} {euro(_int(row['amount_minor']))}" for row in _objects(chosen["breakdown"]))
    yield f"    of which {', '.join(rows)}"
    carbon = f"{_int(chosen['co2e_g']) / 1000:.2f} kg CO2e"
    sent = f"sent by {chosen['carrier']} {chosen['service']}" if chosen.get("carrier") else chosen["service"]
    yield f"    printed by {chosen['produce_by']}, {sent}, arrives by {chosen['promised_at']}, {carbon}"


def _share(share: JsonObject) -> str:
    landed, arrives = euro(_int(share["landed_minor"])), str(share["promised_at"])[:16].replace("T", " ")
    return f"    {share['quantity']:>5} on {share['machine_id']} in {share['city']}, {landed}, there by {arrives}"


def _differs(alternative: JsonObject) -> bool:
    """Tell an alternative from the choice itself, which may be the cheapest, fastest and greenest at once."""
    return any(float(str(change)) for change in _object(alternative["difference"]).values())


def _alternative(alternative: JsonObject) -> str:
    difference, candidate = _object(alternative["difference"]), _object(alternative["candidate"])
    money, hours = _int(difference["landed_minor"]), round(float(str(difference["hours"])))
    carbon = _int(difference["co2e_g"]) / 1000
    return f"  {alternative['label']}: {_place(candidate)}, {_signed(money)}, {hours:+d} h, {carbon:+.2f} kg CO2e"


def _others(candidates: Sequence[JsonObject]) -> Iterator[str]:
    if not candidates:
        return
    yield f"  {_nodes(len(candidates), one='can', several='can')}:"
    for each in candidates[:_SHOWN_CANDIDATES]:
        yield f"    {_place(each):<28} {euro(_int(each['landed_minor'])):>12}  by {str(each['promised_at'])[:10]}"
    if len(candidates) > _SHOWN_CANDIDATES:
        yield f"    and {len(candidates) - _SHOWN_CANDIDATES} more (--json shows all)"


def _exclusions(exclusions: Sequence[JsonObject]) -> Iterator[str]:
    unable = [node for node in exclusions if _NOT_IN_THE_GAME in _codes(node)]
    near = [node for node in exclusions if _NOT_IN_THE_GAME not in _codes(node)]
    if exclusions:
        yield f"  {_nodes(len(exclusions), one='is', several='are')} ruled out:"
    for node in sorted(near, key=lambda node: len(_objects(node["reasons"]))):
        yield from _reasons(node)
    if unable:
        does = "doesn't" if len(unable) == 1 else "don't"
        yield f"    {len(unable)} more {does} offer the process and material: {', '.join(_names(unable))}"


def _reasons(node: JsonObject) -> Iterator[str]:
    for number, reason in enumerate(_objects(node["reasons"])):
        yield f"    {_place(node) if number == 0 else '':<28} {reason['code']}: {reason['message']}"


def _explanation(explanation: JsonObject) -> Iterator[str]:
    """Yield what rules cost, why there is no way, and the nearest changes; nothing for older decisions."""
    if not explanation:
        return
    yield from _rules(_objects(explanation["rules"]))
    yield from _no_route(_object(explanation["no_route"]))
    yield from _changes(_objects(explanation["changes"]))
    scarcity = _object(explanation["scarcity"])
    if scarcity:
        yield f"  {scarcity['words']}"


def _rules(rules: Sequence[JsonObject]) -> Iterator[str]:
    dear = [rule for rule in rules if isinstance(rule["instead"], dict)]
    for rule in dear[:_SHOWN_RULES]:
        yield f"  {rule['words']}: {_place(_object(rule['instead']))}"
    free = [str(rule["rule"]) for rule in rules if rule not in dear]
    if free:
        yield f"  rules that cost nothing: {', '.join(free)}"


def _no_route(no_route: JsonObject) -> Iterator[str]:
    conflict, relaxations = _objects(no_route.get("conflict")), _objects(no_route.get("relaxations"))
    if conflict:
        yield f"  together these leave no way: {', '.join(str(rule['words']) for rule in conflict)}"
    if relaxations:
        yield "  there would be a way with:"
        yield from (f"    {relaxation['words']}" for relaxation in relaxations)
    yield from _oversize(_object(no_route.get("oversize")))


def _oversize(oversize: JsonObject) -> Iterator[str]:
    if not oversize:
        return
    yield f"  the part needs {_mm(oversize['needed_mm'])}, margins included:"
    for envelope in _objects(oversize["envelopes"]):
        short = f"{envelope['too_long_mm']} mm too long"
        yield f"    {envelope['machines']} × {envelope['model']} {_mm(envelope['box_mm'])}: {short}"
    ways = oversize["ways_out"]
    yield from (f"    or {way}" for way in (ways if isinstance(ways, list) else []))


def _changes(changes: Sequence[JsonObject]) -> Iterator[str]:
    if changes:
        yield "  what would change it:"
    for change in changes[:_SHOWN_CHANGES]:
        then = _object(change["then"])
        price = f" ({euro(_int(then['landed_minor']))})" if then else ""
        yield f"    {_place(change):<28} {change['words'] or _lacking(change)}{price}"
    if len(changes) > _SHOWN_CHANGES:
        yield f"    and {len(changes) - _SHOWN_CHANGES} more (--json shows all)"


def _lacking(change: JsonObject) -> str:
    """Return by how much a node must be better where a decision of an earlier release has no words for it."""
    margin = _object(change.get("margin"))
    if margin.get("sooner_by_hours") is not None:
        return f"{margin['sooner_by_hours']} h sooner"
    if margin.get("lighter_by_g") is not None:
        return f"{_int(margin['lighter_by_g']) / 1000:.2f} kg CO2e lighter"
    return "better in more than one of price, time and carbon" if margin else "better for this line alone"


def _mm(box: Json) -> str:
    return " × ".join(f"{float(str(length)):g}" for length in (box if isinstance(box, list) else [])) + " mm"


def _place(node: JsonObject) -> str:
    return f"{node['node_id']} {node['city']} {node['country']}"


def _names(nodes: Sequence[JsonObject]) -> list[str]:
    return [str(node["node_id"]) for node in nodes]


def _codes(node: JsonObject) -> set[str]:
    return {str(reason["code"]) for reason in _objects(node["reasons"])}


def _signed(minor: int) -> str:
    return f"{'+' if minor >= 0 else '−'}{euro(abs(minor))}"


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _int(value: Json) -> int:
    return value if isinstance(value, int) else 0
