"""``fabroute seed``: load a network and parts from CSV files."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from fabroute.cli.output import stdout
from fabroute.cli.progress import counted_progress
from fabroute.database import database_engine
from fabroute.database.schema import require_current_schema
from fabroute.integrations.object_storage import open_print_file_store
from fabroute.integrations.reference import load_reference, reference_folder
from fabroute.integrations.signing_key import configured_signer
from fabroute.kernel.time import utc_now
from fabroute.settings import get_settings


def seed(
    folder: Annotated[Path | None, typer.Option(help="Folder with the CSV files; the reference network's.")] = None,
    as_of: Annotated[str, typer.Option(help="The day that the files' base day becomes: today, or a date.")] = "today",
    keep_dates: Annotated[bool, typer.Option("--keep-dates", help="Take the files' dates as they are.")] = False,
) -> None:
    """Load the reference network: 60 nodes, their machines and certificates, and 32 parts with print files."""
    now = utc_now()
    base = None if keep_dates else (now.date() if as_of == "today" else _day(as_of))
    engine = database_engine()
    require_current_schema(engine)
    with counted_progress() as progress:
        report = load_reference(
            engine,
            folder=folder or reference_folder(),
            store=open_print_file_store(get_settings().storage_url),
            signer=configured_signer(get_settings()),
            as_of=base,
            now=now,
            progress=progress,
        )
    stdout.print(str(report))


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise typer.BadParameter(f"{value!r} is not a date such as 2026-06-15", param_hint="--as-of") from None
