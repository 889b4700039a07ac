"""``fabroute reroutes`` and ``timeline``: which jobs left their nodes and why; what happened to an order."""

from collections.abc import Iterable, Mapping
from typing import Annotated

import typer
from rich.table import Table

from fabroute.cli.client import ApiClient, JsonObject
from fabroute.cli.mapping import Json
from fabroute.cli.orders import DEFAULT_URL, AsJson, Key, OrderName, Url, as_json_text, order_id_of
from fabroute.cli.output import stdout

_SAID_ELSEWHERE = frozenset({"reroute_id", "decision_id", "kind"})


def reroutes(
    key: Key,
    cause: Annotated[str | None, typer.Option(help="Only this cause, e.g. declined or node_down.")] = None,
    order: Annotated[str | None, typer.Option(help="Only of this order.")] = None,
    node: Annotated[str | None, typer.Option(help="Only those that left this node.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """List the jobs that left their nodes: why, and what became of the promise."""
    with ApiClient(url=url, key=key) as client:
        found = list(client.pages("/v1/reroutes", cause=cause, order_id=order, node_id=node))
    if as_json:
        data: list[Json] = [*found]
        stdout.print(as_json_text({"data": data}), markup=False)
    elif found:
        stdout.print(reroutes_table(found))
    else:
        stdout.print("no job left its node like that", markup=False)


def timeline(
    order: OrderName,
    key: Key,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Tell what happened to an order, oldest first."""
    with ApiClient(url=url, key=key) as client:
        found = list(client.pages(f"/v1/orders/{order_id_of(client, order)}/timeline"))
    if as_json:
        data: list[Json] = [*found]
        stdout.print(as_json_text({"data": data}), markup=False)
        return
    for entry in found:
        stdout.print(timeline_line(entry), markup=False)


def reroutes_table(found: Iterable[JsonObject]) -> Table:
    """Return re-routes as a table: a row each, the newest first."""
    table = Table("when", "order", "left", "cause", "why", "promise", box=None)
    for each in found:
        outcome = str(each["outcome"] or "open").replace("_", " ")
        table.add_row(
            _minute(each["rerouted_at"]),
            str(each["order_id"]),
            str(each["node_id"]),
            str(each["cause"]).replace("_", " "),
            str(each["detail"]),
            outcome if each["arrives_at"] is None else f"{outcome}, arrives {str(each['arrives_at'])[:10]}",
        )
    return table


def timeline_line(entry: JsonObject) -> str:
    """Return what happened in a line: when, what, to which line of the order, and the figures."""
    figures = entry["figures"] if isinstance(entry["figures"], Mapping) else {}
    shown = ", ".join(f"{name} {value}" for name, value in sorted(figures.items()) if name not in _SAID_ELSEWHERE)
    line = "" if entry["position"] is None else f" line {entry['position']}"
    return f"{_minute(entry['at'])}  {entry['what']}{line}" + (f": {shown}" if shown else "")


def _minute(instant: Json) -> str:
    return str(instant)[:16].replace("T", " ")
