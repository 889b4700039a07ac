"""Commands about carriers: tell them of new shipments, and read what they say."""

import typer

from fabroute.cli.output import stdout
from fabroute.database import database_engine
from fabroute.integrations.carriers import open_carriers
from fabroute.kernel.errors import DomainError
from fabroute.kernel.time import utc_now
from fabroute.production.service.shipping.carriers import CarrierSync, sync_carrier
from fabroute.settings import get_settings

carriers = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


class NoCarrierFolder(DomainError):
    """There is no folder to exchange files with carriers."""

    code = "no_carrier_folder"
    status = 404


@carriers.callback()
def about() -> None:
    """Exchange files with carriers: FABROUTE_CARRIER_FOLDER holds a folder for each of them."""


@carriers.command()
def sync() -> None:
    """Write manifests of new shipments, and take the statuses that lie there. Exit code 3 if a file was refused."""
    found = open_carriers(get_settings().carrier_folder)
    if not found:
        raise NoCarrierFolder(
            "no carrier has a folder: set FABROUTE_CARRIER_FOLDER, with a folder in it for each carrier, such as dhl"
        )
    engine = database_engine()
    done = [sync_carrier(engine, carrier=carrier, now=utc_now()) for carrier in found]
    for one in done:
        _show(one)
    if any(one.refused for one in done):
        raise typer.Exit(3)


def _show(done: CarrierSync) -> None:
    stdout.print(f"{done.carrier}: {done.booked} booked, {done.taken} messages taken", markup=False)
    for refused in done.refused:
        stdout.print(f"  refused {refused}", markup=False)
