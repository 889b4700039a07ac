"""A quote as a person reads it: offers by quantity side by side, what the pieces cost, and why other nodes are out."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json
from fabroute.cli.report import euro
from fabroute.kernel.money import decimal_text

WIDE = 130
"""Columns from which on process, service and unit price stand beside the rest."""
_SHOWN_NODES = 8
_NOT_IN_THE_GAME = "PROCESS_MATERIAL"
_LABEL_STYLES = {"cheapest": "green", "fastest": "cyan", "greenest": "bright_green"}
_INDENT = (0, 0, 0, 2)


def quote_report(quote: JsonObject, *, width: int) -> RenderableType:
    """Return a quote from the API's answer, and how it is accepted."""
    quantities = _objects(quote["quantities"])
    parts: list[RenderableType] = [_head(quote), _standing(quote), Text()]
    if any(_objects(each["offers"]) for each in quantities):
        parts += [Padding(_offer_table(quantities, quote, wide=width >= WIDE), _INDENT, expand=False), Text()]
        parts += list(_price_breaks(quote))
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
    return Text(f"quote {quote['id']}: stands until {until}; nothing is held for it")


def _offer_table(quantities: Sequence[JsonObject], quote: JsonObject, *, wide: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    foreign = quote["currency"] != "EUR"
    in_time = bool(quote["need_by"])
    table.add_column("pieces", justify="right", no_wrap=True)
    for heading in ("offer", "node", *(("made by", "sent by") if wide else ())):
        table.add_column(heading, overflow="fold")
    for heading in ("landed", "each", *((str(quote["currency"]),) if foreign else ())):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("P10", "P50", "P90", *(("in time",) if in_time else ()), "CO2e"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in quantities:
        for number, offer in enumerate(_objects(each["offers"])):
            pieces = Text(f"{each['quantity']:,}" if number == 0 else "")
            table.add_row(pieces, *_offer_cells(offer, wide=wide, foreign=foreign, in_time=in_time))
    return table


def _offer_cells(offer: JsonObject, *, wide: bool, foreign: bool, in_time: bool) -> Iterator[Text]:
    node = _object(offer["node"])
    yield _labels(offer)
    yield Text(f"{node['node_id']} {node['city']} {node['country']}")
    if wide:
        yield Text(f"{offer['process']} {offer['material']}")
        yield Text(f"{offer['carrier']} {offer['service']}", "dim")
    yield Text(_euro(offer["landed"]), "bold")
    yield Text(_euro(offer["unit"]))
    if foreign:
        price = _object(offer["price"])
        yield Text(decimal_text(_int(price["amount_minor"]), str(price["currency"])))
    for name in ("earliest_at", "expected_at", "promised_at"):
        yield Text(_day(offer[name]), "bold" if name == "promised_at" else "")
    if in_time:
        yield Text(f"{100 * float(str(offer['on_time_probability'])):.0f} %")
    yield Text(f"{_int(offer['co2e_g']) / 1000:,.2f} kg")


def _labels(offer: JsonObject) -> Text:
    labels = Text()
    for number, label in enumerate(_texts(offer["labels"])):
        labels.append(" + " if number else "").append(label, _LABEL_STYLES.get(label, ""))
    return labels


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
    quantity, offers = offered[-1]["quantity"], _objects(offered[-1]["offers"])
    other = next((label for offer in offers[1:] for label in _texts(offer["labels"])), None)
    yield Text(
        f"  accept it: fabroute accept {quote['id']} --quantity {quantity}" + (f" --offer {other}" if other else "")
    )


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
