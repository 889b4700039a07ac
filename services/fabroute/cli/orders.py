"""Commands that place, show, list and cancel orders over HTTP."""

import json
import uuid
from typing import Annotated

import typer

from fabroute.cli.client import ApiClient, JsonObject
from fabroute.cli.decision_story import decision_story
from fabroute.cli.follow import wait_for_order
from fabroute.cli.mapping import OrderBody
from fabroute.cli.output import stdout
from fabroute.cli.report import order_story, order_table

orders = typer.Typer(help="Place, show, list and cancel orders.", no_args_is_help=True, add_completion=False)

Url = Annotated[str, typer.Option(envvar="FABROUTE_URL", help="Where the API is.")]
Key = Annotated[str, typer.Option(envvar="FABROUTE_API_KEY", help="An API key (fabroute keys create).")]
OrderName = Annotated[str, typer.Argument(help="The order's id, ord_…, or your reference.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the API's JSON.")]
DEFAULT_URL = "http://127.0.0.1:8000"


@orders.command()
def place(
    part: Annotated[str, typer.Argument(help="Part number, e.g. AP-0101.")],
    city: Annotated[str, typer.Option(help="Ship-to city.")],
    country: Annotated[str, typer.Option(help="Ship-to country, two letters (ISO 3166), e.g. DE.")],
    key: Key,
    quantity: Annotated[int, typer.Option(help="How many.")] = 1,
    objective: Annotated[str | None, typer.Option(help="cheapest, fastest, balanced or greenest.")] = None,
    need_by: Annotated[str | None, typer.Option(help="Latest arrival, e.g. 2027-01-20T17:00:00+01:00.")] = None,
    split_nodes: Annotated[
        int | None, typer.Option(help="How many nodes may share it; 1: several machines of one. Without it: no split.")
    ] = None,
    min_per_node: Annotated[int, typer.Option(help="Fewest pieces that a node of a split gets.")] = 1,
    waiting: Annotated[
        float | None, typer.Option(help="What an hour until the arrival costs you, in EUR: 2000.")
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Order one part, wait for the decision, and tell where it will be printed and why."""
    body: OrderBody = {"ship_to": {"city": city, "country": country}, "lines": [{"part": part, "quantity": quantity}]}
    if objective:
        body["objective"] = objective
    if need_by:
        body["need_by"] = need_by
    if split_nodes is not None:
        body["split"] = {"max_nodes": split_nodes, "min_per_node": min_per_node}
    if waiting is not None:
        body["cost_of_waiting_per_hour"] = {"amount_minor": round(waiting * 100), "currency": "EUR"}
    with ApiClient(url=url, key=key) as client:
        placed = client.place_order(body, idempotency_key=f"cli-{uuid.uuid4()}")
        _show(wait_for_order(client, order_id=str(placed["id"])), as_json)


@orders.command()
def show(
    order_id: OrderName, key: Key, url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show one order: its outcome and the sentence that says why."""
    with ApiClient(url=url, key=key) as client:
        _show(client.get(f"/v1/orders/{order_id_of(client, order_id)}"), as_json)


@orders.command()
def why(order_id: OrderName, key: Key, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Tell the whole decision: the price's parts, the alternatives, every node ruled out with codes and figures."""
    with ApiClient(url=url, key=key) as client:
        decisions = client.get(f"/v1/orders/{order_id_of(client, order_id)}/decision")
    stdout.print(as_json_text(decisions) if as_json else decision_story(decisions), markup=False)


@orders.command("list")
def list_orders(
    key: Key,
    state: Annotated[
        str | None, typer.Option(help="pending, routed, partly_routed, no_route, parked, cancelled.")
    ] = None,
    batch: Annotated[str | None, typer.Option(help="Only orders with this batch label.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    url: Url = DEFAULT_URL,
) -> None:
    """List orders, newest first, with their outcomes."""
    with ApiClient(url=url, key=key) as client:
        found = [
            order for order, _ in zip(client.pages("/v1/orders", state=state, batch=batch), range(limit), strict=False)
        ]
    stdout.print(order_table(found, width=stdout.width) if found else "no orders")


@orders.command()
def cancel(order_id: OrderName, key: Key, url: Url = DEFAULT_URL) -> None:
    """Cancel an order and give back what was held for it."""
    with ApiClient(url=url, key=key) as client:
        cancelled = client.post(f"/v1/orders/{order_id_of(client, order_id)}/cancel")
    stdout.print(f"{cancelled['id']} is cancelled", markup=False)


def _show(answer: JsonObject, as_json: bool) -> None:
    stdout.print(as_json_text(answer) if as_json else order_story(answer), markup=False)


def as_json_text(answer: JsonObject) -> str:
    """Return the API's answer as readable JSON."""
    return json.dumps(answer, indent=2, ensure_ascii=False)


def order_id_of(client: ApiClient, name: str) -> str:
    """Return the id of the order that goes by ``name``: its id, or the newest with that reference."""
    if name.startswith("ord_"):
        return name
    found = next(client.pages("/v1/orders", reference=name), None)
    return str(found["id"]) if found else name
