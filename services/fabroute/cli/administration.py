"""Commands for whoever runs an installation: serve, work, migrate, seed, keys, doctor, openapi."""

import os
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from fabroute.api.openapi import render
from fabroute.cli.invariants import Finding, check_invariants
from fabroute.cli.output import complain, note, stdout
from fabroute.cli.progress import counted_progress
from fabroute.database import create_database_engine, database_engine, unit_of_work
from fabroute.database.schema import require_current_schema
from fabroute.identity import service as identity
from fabroute.integrations.object_storage import open_print_file_store
from fabroute.integrations.reference import load_reference, reference_folder
from fabroute.kernel.time import utc_now
from fabroute.migrations import current_revision, head_revision, upgrade
from fabroute.settings import get_settings

administration = typer.Typer()
keys = typer.Typer(help="Make and revoke API keys.", no_args_is_help=True)
administration.add_typer(keys, name="keys")

ALL_SCOPES = ("orders:read", "orders:write", "inventory:read", "network:read", "network:write", "jobs:read")


@administration.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (FABROUTE_HTTP_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (FABROUTE_HTTP_PORT).")] = None,
) -> None:
    """Run the HTTP API (uvicorn) until it is stopped."""
    settings = get_settings()
    require_current_schema(database_engine())
    address = [host or settings.http_host, str(port or settings.http_port)]
    os.execv(sys.executable, [sys.executable, "-m", "fabroute.api", "--host", address[0], "--port", address[1]])


@administration.command()
def work(
    concurrency: Annotated[int, typer.Option(min=1, help="Celery worker processes.")] = 2,
    only: Annotated[str | None, typer.Option(help="Run only the 'worker' or only the 'relay'.")] = None,
) -> None:
    """Run a Celery worker that routes orders, and the relay that hands it work, until stopped."""
    require_current_schema(database_engine())
    command = [sys.executable, "-m", "fabroute_workers", "--concurrency", str(concurrency)]
    os.execv(sys.executable, command + (["--only", only] if only else []))


@administration.command()
def migrate() -> None:
    """Bring the database's tables to this version (safe to run again)."""
    settings = get_settings()
    url = settings.migration_database_url or settings.database_url
    before = current_revision(create_database_engine(url))
    upgrade(url or "")
    stdout.print(f"schema: {before or 'empty'} → {head_revision()}" if before != head_revision() else "schema: current")


@administration.command()
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
            as_of=base,
            now=now,
            progress=progress,
        )
    stdout.print(str(report))


@administration.command()
def doctor() -> None:
    """Check what must always hold in the database; exit code 1 and what to do where it doesn't."""
    engine = database_engine()
    require_current_schema(engine)
    findings = check_invariants(engine)
    for finding in findings:
        _print_finding(finding)
    broken = sum(1 for finding in findings if finding.broken)
    stdout.print(f"{len(findings)} invariants checked, {broken} broken")
    if broken:
        raise typer.Exit(1)


@administration.command()
def openapi(
    check: Annotated[bool, typer.Option("--check", help="Only compare: exit 1 if the file is out of date.")] = False,
    file: Annotated[Path, typer.Option(help="Where the document is kept.")] = Path("openapi/openapi.json"),
) -> None:
    """Write the OpenAPI document of this version, or compare it with the kept one."""
    document = render()
    kept = file.read_text(encoding="utf8") if file.exists() else ""
    if check and kept != document:
        complain(f"{file} is not what the code says any more: run fabroute openapi, read the difference, commit it")
        raise typer.Exit(1)
    if not check:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(document, encoding="utf8")
    stdout.print(f"{file}: {'current' if check or kept == document else 'written'}")


@keys.command()
def create(
    organisation: Annotated[str, typer.Argument(help="Id of the organisation, e.g. org_owner.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line",
    scope: Annotated[
        list[str] | None, typer.Option(help=f"Repeatable; all by default: {', '.join(ALL_SCOPES)}")
    ] = None,
) -> None:
    """Make an API key for an organisation and print it: it can't be shown again."""
    with unit_of_work(database_engine()) as session:
        issued = identity.issue_api_key(
            session, organisation_id=organisation, name=name, scopes=tuple(scope or ALL_SCOPES), now=utc_now()
        )
    note(f"key {issued.key_id} of {organisation}; keep it, it is shown only now:")
    stdout.print(issued.token)


@keys.command()
def revoke(key_id: Annotated[str, typer.Argument(help="The key's id, the third piece of the token.")]) -> None:
    """Revoke an API key: it is refused within a second."""
    with unit_of_work(database_engine()) as session:
        identity.revoke_api_key(session, key_id=key_id, now=utc_now())
    stdout.print(f"key {key_id} is revoked")


def _print_finding(finding: Finding) -> None:
    mark = "[red]broken[/]" if finding.broken else "[green]holds[/]"
    stdout.print(f"{mark:>18}  {finding.invariant.name}" + (f": {finding.broken} rows" if finding.broken else ""))
    if finding.broken:
        for example in finding.examples:
            stdout.print(f"          {example}", markup=False)
        stdout.print(f"          what to do: {finding.invariant.advice}", markup=False)


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise typer.BadParameter(f"{value!r} is not a date such as 2026-06-15", param_hint="--as-of") from None
