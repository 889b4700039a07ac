"""``fabroute scopes``: which lines are decided together, what waits, and who decides it."""

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fabroute.cli.client import ApiClient, JsonObject
from fabroute.cli.mapping import Json
from fabroute.cli.orders import DEFAULT_URL, AsJson, Url, as_json_text
from fabroute.cli.output import stdout

OperatorKey = Annotated[
    str, typer.Option("--key", envvar=["FABROUTE_OPERATOR_KEY", "FABROUTE_API_KEY"], help="A key of the operator.")
]
_COLUMNS = ("scope", "waiting", "oldest since", "decided by", "last run", "routed", "no route", "deferred")


def scopes(key: OperatorKey, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """List the planning scopes: lines of one family of processes to one part of the world are decided together."""
    with ApiClient(url=url, key=key) as client:
        found = list(client.pages("/v1/planning-scopes"))
    if as_json:
        data: list[Json] = [*found]
        stdout.print(as_json_text({"data": data}), markup=False)
    elif found:
        stdout.print(scopes_table(found))
    else:
        stdout.print("no order was placed yet, so there is no planning scope")


def scopes_table(found: Iterable[JsonObject]) -> Table:
    """Return scopes, a row each."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in _COLUMNS:
        table.add_column(name, justify="right" if name in ("waiting", "routed", "no route", "deferred") else "left")
    for scope in found:
        instants = (_minute(scope["oldest_at"]), str(scope["holder"] or ""), _minute(scope["last_run_at"]))
        counts = (_count(scope[name]) for name in ("last_routed", "last_no_route", "last_deferred"))
        table.add_row(*map(Text, (str(scope["name"]), str(scope["waiting"]), *instants, *counts)))
    return table


def _minute(instant: Json) -> str:
    return "" if instant is None else str(instant)[:16].replace("T", " ")


def _count(value: Json) -> str:
    return "" if value is None else str(value)
