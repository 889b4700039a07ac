"""Commands for whoever runs an installation: serve, work, migrate, doctor."""

import os
import sys
from typing import Annotated

import typer

from fabroute.api.first_start import WORDS, first_operator_key
from fabroute.cli.attention import attention_notes
from fabroute.cli.invariants import Finding, check_invariants
from fabroute.cli.output import note, stdout
from fabroute.database import create_database_engine, database_engine
from fabroute.database.schema import require_current_schema
from fabroute.migrations import current_revision, head_revision, upgrade
from fabroute.settings import get_settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (FABROUTE_HTTP_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (FABROUTE_HTTP_PORT).")] = None,
) -> None:
    """Run the HTTP API and the console (uvicorn) until it is stopped."""
    settings = get_settings()
    require_current_schema(database_engine())
    address = [host or settings.http_host, str(port or settings.http_port)]
    os.execv(sys.executable, [sys.executable, "-m", "fabroute.console", "--host", address[0], "--port", address[1]])


def work(
    concurrency: Annotated[int, typer.Option(min=1, help="Celery worker processes.")] = 2,
    only: Annotated[str | None, typer.Option(help="Run only the 'worker' or only the 'relay'.")] = None,
) -> None:
    """Run a Celery worker that routes orders, and the relay that hands it work, until stopped."""
    require_current_schema(database_engine())
    command = [sys.executable, "-m", "fabroute_workers", "--concurrency", str(concurrency)]
    os.execv(sys.executable, command + (["--only", only] if only else []))


def migrate() -> None:
    """Bring the database's tables to this version (safe to run again).

    Where there is no operator yet it is made, and its key printed: it can't be shown again.
    """
    settings = get_settings()
    url = settings.migration_database_url or settings.database_url
    engine = create_database_engine(url, pool_size=1)
    before = current_revision(engine)
    engine.dispose()
    upgrade(url or "")
    stdout.print(f"schema: {before or 'empty'} → {head_revision()}" if before != head_revision() else "schema: current")
    issued = first_operator_key(url)
    if issued is not None:
        note(WORDS)
        stdout.print(issued.token)


def doctor() -> None:
    """Check what must always hold in the database; exit code 1 and what to do where it doesn't."""
    engine = database_engine()
    require_current_schema(engine)
    findings = check_invariants(engine)
    for finding in findings:
        _print_finding(finding)
    for words in attention_notes(engine):
        stdout.print(f"          {words}", markup=False)
    broken = sum(1 for finding in findings if finding.broken)
    stdout.print(f"{len(findings)} invariants checked, {broken} broken")
    if broken:
        raise typer.Exit(1)


def _print_finding(finding: Finding) -> None:
    mark = "[red]broken[/]" if finding.broken else "[green]holds[/]"
    stdout.print(f"{mark:>18}  {finding.invariant.name}" + (f": {finding.broken} rows" if finding.broken else ""))
    if finding.broken:
        for example in finding.examples:
            stdout.print(f"          {example}", markup=False)
        stdout.print(f"          what to do: {finding.invariant.advice}", markup=False)
