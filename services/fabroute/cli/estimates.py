"""Commands that tell what a part takes on a machine, and how far each figure behind that is known."""

from typing import Annotated

import typer

from fabroute.cli.client import ApiClient
from fabroute.cli.estimate_story import constants_table, estimates_report
from fabroute.cli.mapping import Json
from fabroute.cli.orders import DEFAULT_URL, AsJson, Key, Url, as_json_text
from fabroute.cli.output import stdout
from fabroute.estimation.sources import Mark


def estimate(
    part: Annotated[str, typer.Argument(help="Part number, old or new.")],
    key: Key,
    node: Annotated[str | None, typer.Option(help="Only at this node, e.g. N001; without it, everywhere.")] = None,
    machine: Annotated[str | None, typer.Option(help="Only on this machine, e.g. N001-A.")] = None,
    quantity: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    revision: Annotated[str | None, typer.Option(help="Name of the revision, e.g. B; else the released one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many machines at most.")] = 10,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Tell times, price and carbon of a part on each machine, and which figures are measured, stated or assumed."""
    asked: dict[str, Json] = {"part": part, "quantity": quantity, "limit": limit}
    named = {"node_id": node, "machine_id": machine, "revision": revision}
    asked |= {name: value for name, value in named.items() if value is not None}
    with ApiClient(url=url, key=key) as client:
        found = client.post("/v1/estimates", asked)
    stdout.print(as_json_text(found) if as_json else estimates_report(found, width=stdout.width), markup=False)


def constants(
    key: Key,
    mark: Annotated[Mark | None, typer.Option(help="Only those known this far.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """List every constant of the estimates with its value, unit, mark and source, the best known first."""
    with ApiClient(url=url, key=key) as client:
        found = list(client.pages("/v1/constants", mark=mark))
    if as_json:
        stdout.print(as_json_text({"data": list[Json](found)}), markup=False)
    else:
        stdout.print(constants_table(found, width=stdout.width) if found else "no constant has this mark")
