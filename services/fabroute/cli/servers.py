"""Commands for whoever runs an installation: serve, work, migrate, doctor."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer
from pydantic import ValidationError

from fabroute.api.first_start import WORDS, first_operator_key
from fabroute.cli.attention import attention_notes
from fabroute.cli.invariants import Finding, check_invariants
from fabroute.cli.output import complain, note, setting_problems, stdout
from fabroute.database import create_database_engine, database_engine
from fabroute.database.schema import require_current_schema
from fabroute.database.starting import require_migratable_database
from fabroute.kernel.errors import DomainError
from fabroute.migrations import current_revision, head_revision, upgrade
from fabroute.operations.starting import EXIT_MISCONFIGURED, exit_code_of, require_good_database, require_good_files
from fabroute.settings import get_settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (FABROUTE_HTTP_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (FABROUTE_HTTP_PORT).")] = None,
    uds: Annotated[str | None, typer.Option(help="Listen on this Unix socket instead.")] = None,
) -> None:
    """Run the HTTP API and the console (uvicorn) until it is stopped.

    What is wrong with database or store is told at once; exit code 75: try again in a while, 78: set it right first.
    """
    with _refusing_to_start():
        settings = get_settings()
        _tell([*require_good_database(database_engine(), settings), *require_good_files(settings)])
    address = (
        ["--uds", uds] if uds else ["--host", host or settings.http_host, "--port", str(port or settings.http_port)]
    )
    os.execv(sys.executable, [sys.executable, "-m", "fabroute.console", *address])


def work(
    concurrency: Annotated[int, typer.Option(min=1, help="Celery worker processes.")] = 2,
    only: Annotated[str | None, typer.Option(help="Run only the 'worker', only 'files' or only the 'relay'.")] = None,
    queues: Annotated[str | None, typer.Option(help="Queues to work on, separated by commas; else all.")] = None,
) -> None:
    """Run a Celery worker that routes orders, and the relay that hands it work, until stopped.

    What is wrong with database, broker or store is told at once, with exit codes as of serve.
    """
    with _refusing_to_start():
        database_engine()
        if only != "relay":
            _tell(require_good_files(get_settings(), queues=queues))
    chosen = {"--only": only, "--queues": queues}
    options = [part for name, value in chosen.items() if value for part in (name, value)]
    command = [sys.executable, "-m", "fabroute_workers", "--concurrency", str(concurrency)]
    os.execv(sys.executable, command + options)


def _tell(warnings: Sequence[str]) -> None:
    for words in warnings:
        note(f"fabroute: warning: {words}")


@contextmanager
def _refusing_to_start() -> Iterator[None]:
    """Turn a refusal into its words and the exit code that whoever watches over the process goes by."""
    try:
        yield
    except ValidationError as error:
        complain(setting_problems(error))
        raise typer.Exit(EXIT_MISCONFIGURED) from error
    except DomainError as error:
        complain(error.message)
        raise typer.Exit(exit_code_of(error)) from error


def migrate() -> None:
    """Bring the database's tables to this version (safe to run again).

    Where there is no operator yet it is made, and its key printed: it can't be shown again.
    """
    settings = get_settings()
    url = settings.migration_database_url or settings.database_url
    engine = create_database_engine(url, pool_size=1)
    require_migratable_database(engine)
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
