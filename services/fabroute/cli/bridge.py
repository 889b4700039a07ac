"""``fabroute bridge``: orders of shops, an ERP and a CMMS come in; status and tracking go back."""

import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.table import Table

from fabroute.bridges.journal import Entry, Journal
from fabroute.bridges.opening import OpenBridge, open_bridge
from fabroute.bridges.receiving import receiver
from fabroute.bridges.settings import BridgeSettings, load_settings
from fabroute.cli.mapping import Json
from fabroute.cli.orders import AsJson, as_json_text
from fabroute.cli.output import note, stderr, stdout
from fabroute.kernel.errors import DomainError

bridge = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Config = Annotated[
    Path, typer.Option(help="A TOML file: \\[fabroute], \\[orders], \\[parts] and the bridge's own table.")
]
Host = Annotated[str, typer.Option(help="Where webhooks are received; put a proxy with TLS in front.")]
Port = Annotated[int, typer.Option(help="Where webhooks are received.")]
Once = Annotated[bool, typer.Option("--once", help="Do what can be done now, and end.")]
Kind = Annotated[str, typer.Argument(help="shopify, woocommerce, erp or cmms.")]


class NothingToRetry(DomainError):
    """No refused order has that id."""

    code = "nothing_to_retry"
    status = 404


@bridge.command()
def shopify(config: Config, host: Host = "127.0.0.1", port: Port = 8090, once: Once = False) -> None:
    """Order what a Shopify shop sells; its fulfilments get the tracking numbers."""
    _run(load_settings("shopify", config=config, environment=os.environ), host=host, port=port, once=once)


@bridge.command()
def woocommerce(config: Config, host: Host = "127.0.0.1", port: Port = 8090, once: Once = False) -> None:
    """Order what a WooCommerce shop sells; its orders get status, meta data and notes."""
    _run(load_settings("woocommerce", config=config, environment=os.environ), host=host, port=port, once=once)


@bridge.command()
def cmms(config: Config, host: Host = "127.0.0.1", port: Port = 8090, once: Once = False) -> None:
    """Order the parts of work orders of a maintenance system; their logs get promises, tracking and certificates."""
    _run(load_settings("cmms", config=config, environment=os.environ), host=host, port=port, once=once)


@bridge.command()
def erp(config: Config, once: Once = False) -> None:
    """Order what lies in a folder as CSV or EDIFACT ORDERS; answers come back as CSV, ORDRSP and DESADV."""
    _run(load_settings("erp", config=config, environment=os.environ), host="", port=0, once=once)


@bridge.command()
def status(
    kind: Kind,
    config: Config,
    all_orders: Annotated[bool, typer.Option("--all", help="Those without trouble, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a bridge heard and what became of it: first of all what needs you."""
    journal = Journal(load_settings(kind, config=config, environment=os.environ).journal)
    facts = [_facts(journal, entry) for entry in journal.all()]
    journal.close()
    shown = [it for it in facts if all_orders or it["needs_you"]]
    if as_json:
        stdout.print(as_json_text({"orders": list(shown)}), markup=False)
        return
    table = Table("theirs", "stage", "order", "state", "to tell", "needs you", pad_edge=False, header_style="bold")
    for it in shown:
        table.add_row(*(str(it[name]) for name in ("number", "stage", "order_id", "state", "to_tell", "needs_you")))
    stages = Counter(str(it["stage"]) for it in facts)
    stdout.print(table if shown else "nothing needs you", markup=False)
    note(", ".join(f"{count} {stage}" for stage, count in sorted(stages.items())) or "no orders yet")


@bridge.command()
def retry(kind: Kind, config: Config, order: Annotated[str, typer.Argument(help="The order's id over there.")]) -> None:
    """Order what was refused once more, with the mapping as it is now; the bridge does it, now or when it runs."""
    journal = Journal(load_settings(kind, config=config, environment=os.environ).journal)
    again = journal.retry(foreign_id=order)
    journal.close()
    if not again:
        raise NothingToRetry(f"no refused order is {order} over there: fabroute bridge status {kind} lists them")
    note(f"{order} is tried again")


def _run(settings: BridgeSettings, *, host: str, port: int, once: bool) -> None:
    with open_bridge(settings, say=_say) as opened:
        if once:
            opened.bridge.run_once()
            return
        stop = threading.Event()
        worker = threading.Thread(target=opened.bridge.run, args=(stop,))
        worker.start()
        try:
            _receive(opened, host=host, port=port)
        except KeyboardInterrupt:
            _say("stopped; what is not done yet is kept, and goes on with the next start")
        finally:
            stop.set()
            opened.bridge.wake.set()
            worker.join()


def _receive(opened: OpenBridge, *, host: str, port: int) -> None:
    if opened.inbox is None:
        threading.Event().wait()
        return
    app = receiver(opened.inbox, opened.bench.journal, wake=opened.bridge.wake.set)
    _say(f"webhooks come to http://{host}:{port}/")
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False)


def _facts(journal: Journal, entry: Entry) -> dict[str, Json]:
    reports = journal.reports(entry.id)
    stuck = [it.detail for it in reports if it.stage == "given_up" or (it.stage == "waiting" and it.detail)]
    return {
        "account": entry.account,
        "id": entry.foreign_id,
        "number": entry.number or entry.foreign_id,
        "stage": entry.stage,
        "order_id": entry.order_id or "",
        "state": entry.state,
        "note": entry.note,
        "to_tell": sum(it.stage == "waiting" for it in reports),
        "needs_you": "; ".join([entry.detail] * (entry.stage not in ("left", "cancelled")) + stuck).strip("; "),
    }


def _say(line: str) -> None:
    stderr.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {line.replace('[', chr(92) + '[')}", soft_wrap=True)
