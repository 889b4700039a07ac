"""``fabroute lots``, ``recall`` and ``scores``: what lies in a store, what was made of a lot, how a node does."""

from typing import Annotated

import typer

from fabroute.cli.client import ApiClient
from fabroute.cli.lot_story import lots_table, recall_sentences, recalled_table, scores_table
from fabroute.cli.mapping import Json
from fabroute.cli.orders import DEFAULT_URL, AsJson, Key, Url, as_json_text
from fabroute.cli.output import stdout

Node = Annotated[str, typer.Argument(help="The node's id, e.g. N025.")]


def lots(
    node: Node,
    key: Key,
    state: Annotated[str | None, typer.Option(help="Only available, quarantined or blocked.")] = None,
    material: Annotated[str | None, typer.Option(help="Only this material, e.g. PA12-MJF.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """List the lots in a node's store: what remains, is reserved and used, and how long it lasts."""
    with ApiClient(url=url, key=key) as client:
        found = list(client.pages(f"/v1/nodes/{node}/lots", state=state, material=material))
    if as_json:
        data: list[Json] = [*found]
        stdout.print(as_json_text({"data": data}), markup=False)
    elif found:
        stdout.print(lots_table(found))
    else:
        stdout.print(f"no lots of node {node} are like that", markup=False)


def recall(
    lot: Annotated[str, typer.Argument(help="The manufacturer's lot number, e.g. L-2291; with --one a lot's id.")],
    reason: Annotated[str, typer.Option(help="Why, for owners, nodes and papers.")],
    key: Key,
    material: Annotated[str | None, typer.Option(help="Only lots of this material.")] = None,
    one: Annotated[bool, typer.Option("--one", help="Recall the one lot with this id.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; otherwise only tell what would be done.")] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Tell everything that was made of a lot; with --yes, block it everywhere and take back what is not shipped."""
    body: dict[str, Json] = {"lot_id" if one else "supplier_lot": lot, "reason": reason}
    if material is not None:
        body["material"] = material
    with ApiClient(url=url, key=key) as client:
        found = client.post("/v1/recalls" if yes else "/v1/recalls?dry_run=true", body)
    if as_json:
        stdout.print(as_json_text(found), markup=False)
        return
    for sentence in recall_sentences(found):
        stdout.print(sentence, markup=False)
    if found["jobs"]:
        stdout.print(recalled_table(found))


def scores(
    node: Node,
    key: Key,
    first_day: Annotated[str | None, typer.Option("--from", help="The first day, e.g. 2026-06-01.")] = None,
    last_day: Annotated[str | None, typer.Option("--to", help="The last day.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Tell how a node does, by process: on time, first-pass yield, answers and silence; from what was recorded."""
    with ApiClient(url=url, key=key) as client:
        found = client.get(f"/v1/nodes/{node}/scores", **{"from": first_day, "to": last_day})
    if as_json:
        stdout.print(as_json_text(found), markup=False)
    else:
        stdout.print(f"{found['node_id']} from {found['first_day']} to {found['last_day']}", markup=False)
        stdout.print(scores_table(found))
