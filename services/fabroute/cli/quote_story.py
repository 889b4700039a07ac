"""A quote as a person reads it: offers by quantity side by side, what the pieces cost, and why other nodes are out."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json
from fabroute.cli.quote_table import offer_table
from fabroute.cli.report import euro

_SHOWN_NODES = 8
_NOT_IN_THE_GAME = "PROCESS_MATERIAL"
_INDENT = 2


def quote_report(quote: JsonObject, *, width: int) -> RenderableType:
    """Return a quote from the API's answer, and how it is accepted."""
    quantities = _objects(quote["quantities"])
    parts: list[RenderableType] = [_head(quote), _standing(quote), Text()]
    if any(_objects(each["offers"]) for each in quantities):
        table = offer_table(quantities, quote, width=width - _INDENT)
        parts += [Padding(table, (0, 0, 0, _INDENT), expand=False), Text()]
        parts += list(_price_breaks(quote))
    parts += list(_advice(quantities))
    parts += list(_without_offers(quantities))
    parts += list(_ruled_out(_objects(quote["ruled_out"]), quantities=len(quantities)))
    parts += list(_how_to_accept(quote))
    return Group(*parts)


def _head(quote: JsonObject) -> Text:
    place = _object(quote["ship_to"])
    wishes = [str(quote["criticality"]), f"{quote['packaging']} packaging"]
    if quote["need_by"]:
        wishes.append(f"by {_day(quote['need_by'])}{'' if quote['need_by_hard'] else ' if possible'}")
    return Text.assemble(
        (f"{quote['part']} {quote['revision']}", "bold"),
        f" to {place['city']}, {place['country']} ",
        f"({', '.join(wishes)})",
    )


def _standing(quote: JsonObject) -> Text:
    if quote["state"] == "accepted":
        return Text(
            f"quote {quote['id']}: {quote['accepted_offer']} offer accepted by order {quote['order_id']}", "green"
        )
    until = f"{_instant(quote['valid_until']):%d %b %H:%M} UTC"
    if quote["state"] == "expired":
        return Text(f"quote {quote['id']}: expired {until}", "red")
    return Text(f"quote {quote['id']}: stands until {until}{_sooner(quote)}; nothing is held for it")


def _sooner(quote: JsonObject) -> str:
    """Return when the first of its offers ends, if that is before the quote does."""
    shortest = quote.get("shortest_valid_until")
    if not shortest or _instant(shortest) >= _instant(quote["valid_until"]):
        return ""
    return f", its first offer until {_instant(shortest):%d %b %H:%M} UTC (cut-off)"


def _price_breaks(quote: JsonObject) -> Iterator[Text]:
    breaks = _objects(quote["price_breaks"])
    if len(breaks) < 2:
        return
    words = (
        f"{_int(each['quantity']):,} at {_euro(each['unit'])}"
        + (f" ({-100 * float(str(each['saving'])):+.0f} %)" if each["saving"] else "")
        for each in breaks
    )
    yield Text(f"  a piece costs {', '.join(words)}")


def _advice(quantities: Sequence[JsonObject]) -> Iterator[Text]:
    """Yield what is told of the quantities for which another way may be cheaper, what is said of several only once."""
    told: dict[str, list[str]] = {}
    for each in quantities:
        if advice := _object(each.get("advice")):
            told.setdefault(str(advice["meaning"]), []).append(f"{_int(each['quantity']):,}")
    for meaning, pieces in told.items():
        yield Text(f"  told: {meaning} (for {', '.join(pieces)})" if len(quantities) > 1 else f"  told: {meaning}")


def _without_offers(quantities: Sequence[JsonObject]) -> Iterator[Text]:
    for each in quantities:
        if _objects(each["offers"]):
            continue
        yield Text(f"  {_int(each['quantity']):,}: no node can make it", "red")
        for change in _objects(each["routable_if"]):
            price = f" at {_euro(change['landed'])}" if change["landed"] else ""
            when = f" by {_day(change['promised_at'])}" if change["promised_at"] else ""
            yield Text(f"    {_place(change)} could{price}{when} if {change['change']}")


def _ruled_out(ruled_out: Sequence[JsonObject], *, quantities: int) -> Iterator[Text]:
    near = sorted((it for it in ruled_out if _NOT_IN_THE_GAME not in _codes(it)), key=lambda it: len(_codes(it)))
    unable = _node_ids(ruled_out) - _node_ids(near)
    if ruled_out:
        yield Text(f"  {len(_node_ids(ruled_out))} nodes are ruled out:")
    for it in near[:_SHOWN_NODES]:
        pieces = _ints(it["quantities"])
        some = f" (for {', '.join(f'{each:,}' for each in pieces)})" if len(pieces) < quantities else ""
        for number, reason in enumerate(_objects(it["reasons"])):
            yield Text(f"    {_places(it) + some if number == 0 else '':<28} {reason['code']}: {reason['message']}")
    if len(near) > _SHOWN_NODES:
        rest = _node_ids(near) - _node_ids(near[:_SHOWN_NODES])
        yield Text(f"    and {len(rest)} more (--json shows all)", "dim")
    if unable:
        yield Text(f"    {len(unable)} don't offer the process and material: {', '.join(sorted(unable))}", "dim")


def _how_to_accept(quote: JsonObject) -> Iterator[Text]:
    offered = [each for each in _objects(quote["quantities"]) if _objects(each["offers"])]
    if quote["state"] != "open" or not offered:
        return
    label = next(iter(_texts(_objects(offered[0]["offers"])[0]["labels"])))
    yield Text(f"  accept it: fabroute accept {quote['id']} --quantity {offered[0]['quantity']} --offer {label}")


def _place(node: JsonObject) -> str:
    return f"{node['node_id']} {node['city']} {node['country']}"


def _places(group: JsonObject) -> str:
    """Return the first of the nodes that share their reasons, and how many more there are."""
    nodes = _objects(group["nodes"])
    return _place(nodes[0]) + (f" and {len(nodes) - 1} more" if len(nodes) > 1 else "")


def _node_ids(groups: Sequence[JsonObject]) -> set[str]:
    return {str(node["node_id"]) for group in groups for node in _objects(group["nodes"])}


def _codes(node: JsonObject) -> set[str]:
    return {str(reason["code"]) for reason in _objects(node["reasons"])}


def _euro(money: Json) -> str:
    return euro(_int(_object(money)["amount_minor"]))


def _day(instant: Json) -> str:
    return f"{_instant(instant):%d %b}"


def _instant(value: Json) -> datetime:
    return datetime.fromisoformat(str(value)).astimezone(UTC)


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(value: Json) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _ints(value: Json) -> list[int]:
    return [item for item in value if isinstance(item, int)] if isinstance(value, list) else []


def _int(value: Json) -> int:
    return value if isinstance(value, int) else 0
