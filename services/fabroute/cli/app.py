"""The command ``fabroute``, put together from its groups of commands, each imported when it is used."""

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import FrameType
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from typer.core import TyperCommand, TyperGroup

from fabroute.cli.output import complain
from fabroute.kernel.errors import DomainError
from fabroute.settings import setting_problems
from fabroute.telemetry.installed import installed_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where a command lives, and what it does in one line."""

    place: str
    """``module:name`` of a function or a ``typer.Typer``."""
    help: str


COMMANDS: Mapping[str, Entry] = {
    "demo": Entry(place="demo:demo", help="Run the whole product here: servers, 60 nodes, 32 parts, an order stream."),
    "inspect": Entry(place="inspect:inspect", help="Tell what is in print files (3MF, STL) and what to mend."),
    "order": Entry(place="orders:orders", help="Place, show, explain, list and cancel orders."),
    "quote": Entry(place="quotes:quote", help="Tell price, date and carbon of a part at once: cheapest to greenest."),
    "accept": Entry(place="quotes:accept", help="Order what was quoted, for its price and date."),
    "part": Entry(place="parts:parts", help="Find parts, send print files, approve, release and withdraw them."),
    "advise": Entry(place="advice:advise", help="Printed or conventional? Which pathway? Ready for mass production?"),
    "readiness": Entry(
        place="readiness:readiness", help="Tell which parts could be made now, in 30 days, with any one node gone."
    ),
    "export": Entry(place="tables:export", help="Write tables: parts, revisions, certificates, tariffs, rates."),
    "import": Entry(
        place="imports:imports", help="Bring in orders, parts, certificates, tariffs, rates and folders of files."
    ),
    "screen": Entry(place="screen:screen", help="Tell which parts of a spare-part list are worth a digital twin."),
    "estimate": Entry(
        place="estimates:estimate", help="Tell times, price and carbon of a part, and how far each figure is known."
    ),
    "constants": Entry(place="estimates:constants", help="List every constant of the estimates by mark and source."),
    "policy": Entry(place="policies:policies", help="How your lines are routed: caps, shares, weights; what it costs."),
    "shadow": Entry(place="shadow:shadow", help="Tell what another policy or network had made of a past time."),
    "replay": Entry(place="replay:replay", help="Make a decision again and tell whether it comes out the same."),
    "bureau": Entry(place="bureau:bureau", help="A bureau's connector: jobs come into a folder, results go out of it."),
    "bridge": Entry(place="bridge:bridge", help="Orders of a shop, an ERP, a CMMS come in; tracking goes back."),
    "conformance": Entry(place="conformance:conformance", help="Tell what a bureau's own client does wrong."),
    "builds": Entry(place="builds:builds", help="Plan, open, start and close builds of a node; who bears what."),
    "ship": Entry(place="ship:ship", help="Put a job's parts into a parcel, print its papers, hand it over."),
    "carriers": Entry(place="carriers:carriers", help="Exchange files with carriers: manifests out, statuses in."),
    "lots": Entry(place="lots:lots", help="List the lots in a node's store: what remains and how long it lasts."),
    "recall": Entry(place="lots:recall", help="Tell what was made of a lot; block it and take back what is not out."),
    "scores": Entry(place="lots:scores", help="Tell how a node does: on time, yield, answers, silence."),
    "reroutes": Entry(place="rerouting:reroutes", help="List jobs that left their nodes: why, and what became of it."),
    "webhooks": Entry(
        place="webhooks:webhooks", help="Where you are told of events: add, test, replay, listen, follow."
    ),
    "timeline": Entry(place="rerouting:timeline", help="Tell what happened to an order, oldest first."),
    "serve": Entry(place="servers:serve", help="Run the HTTP API and the console until it is stopped."),
    "work": Entry(place="servers:work", help="Run a worker that routes orders, and the relay, until stopped."),
    "alive": Entry(place="alive:alive", help="Tell whether serve or work does its work: a health check."),
    "scopes": Entry(place="scopes:scopes", help="List the planning scopes: what waits, who decides, the last run."),
    "migrate": Entry(place="servers:migrate", help="Bring the database's tables to this version."),
    "sandbox": Entry(place="sandbox:sandbox", help="Open a world to try things in: nodes answer by themselves."),
    "seed": Entry(place="seeding:seed", help="Load the reference network and parts with print files."),
    "people": Entry(place="people:people", help="Invite, list, disable and reset people who sign in."),
    "keys": Entry(place="keys:keys", help="Make, list, rotate and revoke API keys."),
    "organisations": Entry(place="organisations:organisations", help="Add, list, suspend and restore organisations."),
    "audit": Entry(place="audit:audit", help="Verify the audit log's chains, export them, sign how far they are."),
    "backup": Entry(place="backup:backup", help="Keep database, files and audit roots in a folder; verify a backup."),
    "restore": Entry(place="backup:restore", help="Bring an installation back to what a backup holds."),
    "status": Entry(place="monitoring:status", help="Tell what waits, who works, how old it is, what is wrong."),
    "metrics": Entry(place="monitoring:metrics", help="Serve the database's figures for Prometheus."),
    "doctor": Entry(place="servers:doctor", help="Check what must always hold in the database."),
    "openapi": Entry(place="documents:openapi", help="Write the OpenAPI document, or check the kept one."),
}


class LazyGroup(TyperGroup):
    """Lists commands from the table above, and imports one when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the table's order: the newcomer's first."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """Return a command that knows its name and help only."""
        entry = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=entry.help) if entry else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the real command for its name, and the rest of the words."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, _load(str(name)), rest


app = typer.Typer(
    name="fabroute",
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"fabroute {installed_version()}")
        raise typer.Exit


@app.callback()
def fabroute(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Tell the version, and end.")
    ] = False,
) -> None:
    """Route spare-part orders to the cheapest or fastest qualified printing node, and see why.

    New here? Run: fabroute demo
    """


def main() -> None:
    """Run the command line; a refusal is one line on standard error and exit code 1, never a stack trace."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        app()
    except DomainError as error:
        complain(error.message)
    except ValidationError as error:
        complain(setting_problems(error))
    except OperationalError as error:
        complain(import_module("fabroute.database.connecting").trouble_of(error).message)
    except KeyboardInterrupt:
        complain("stopped")
    sys.exit(1)


def _load(name: str) -> Any:
    module, attribute = COMMANDS[name].place.split(":")
    target = getattr(import_module(f"fabroute.cli.{module}"), attribute)
    if not isinstance(target, typer.Typer):
        function, target = target, typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        target.command(name)(function)
    return typer.main.get_command(target)


def _stop(_number: int, _frame: FrameType | None) -> None:
    """Turn SIGTERM into an ordinary end, so that whatever a command started is stopped in order."""
    raise KeyboardInterrupt
