"""The command ``fabroute``, put together from its groups of commands."""

import signal
import sys
from types import FrameType

import typer
from sqlalchemy.exc import OperationalError

from fabroute.cli.administration import administration
from fabroute.cli.demo import demo
from fabroute.cli.imports import imports
from fabroute.cli.orders import orders
from fabroute.cli.output import complain
from fabroute.kernel.errors import DomainError

app = typer.Typer(
    name="fabroute",
    help="Route spare-part orders to the cheapest or fastest qualified printing node, and see why. "
    "New here? Run: fabroute demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo)
app.add_typer(administration)
app.add_typer(imports, name="import")
app.add_typer(orders, name="order")


def main() -> None:
    """Run the command line; a refusal is one line on standard error and exit code 1, never a stack trace."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        app()
    except DomainError as error:
        complain(error.message)
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[-1] if error.orig else "no answer"
        complain(
            f"PostgreSQL does not answer ({reason}): start it, or point FABROUTE_DATABASE_URL at one that runs "
            "(to try fabroute without any server: fabroute demo)"
        )
    except KeyboardInterrupt:
        complain("stopped")
    sys.exit(1)


def _stop(_number: int, _frame: FrameType | None) -> None:
    """Turn SIGTERM into an ordinary end, so that whatever a command started is stopped in order."""
    raise KeyboardInterrupt
