"""Commands for whoever runs an installation: serve, work, migrate, doctor."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, ProgrammingError

from fabroute.api.addresses import Address, require_usable
from fabroute.api.first_start import WORDS, first_operator_key
from fabroute.cli.attention import attention_notes
from fabroute.cli.invariants import Finding, check_invariants
from fabroute.cli.output import complain, note, stdout
from fabroute.database import create_database_engine, database_engine
from fabroute.database.connecting import DatabaseRefused, trouble_of
from fabroute.database.schema import newer_revision, require_current_schema
from fabroute.database.starting import require_migratable_database
from fabroute.identity.service.keys import IssuedKey
from fabroute.kernel.errors import DomainError
from fabroute.migrations import current_revision, head_revision, in_turn, upgrade
from fabroute.operations.starting import (
    EXIT_MISCONFIGURED,
    exit_code_of,
    require_good_database,
    require_good_files,
    require_good_files_of_api,
)
from fabroute.settings import get_settings, setting_problems

_AGAIN_SECONDS = 2.0
_DATABASE = "FABROUTE_DATABASE_URL"
_OWNERS_DATABASE = "FABROUTE_MIGRATION_DATABASE_URL"

Result = TypeVar("Result")


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
        address = Address(uds=uds, host=host or settings.http_host, port=settings.http_port if port is None else port)
        require_usable(address)
        _tell([*require_good_database(database_engine(), settings), *require_good_files_of_api(settings)])
    place = ["--host", address.host, "--port", str(address.port)] if uds is None else ["--uds", uds]
    os.execv(sys.executable, [sys.executable, "-m", "fabroute.console", *place])


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
    options = [part for name, value in chosen.items() if value is not None for part in (name, value)]
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


def migrate(
    wait: Annotated[bool, typer.Option("--wait", help="Try again as long as PostgreSQL does not answer.")] = False,
) -> None:
    """Bring the database's tables to this version (safe to run again, and by several at once).

    Where there is no operator yet it is made, and its key printed: it can't be shown again. Exit codes as of serve.
    """
    with _refusing_to_start():
        issued = _once_it_answers(_migrate) if wait else _migrate()
    if issued is not None:
        note(WORDS)
        stdout.print(issued.token)


def _once_it_answers(work: Callable[[], Result]) -> Result:
    """Return what comes of ``work``, tried again as long as what keeps it may pass; each reason is told once."""
    told: str | None = None
    while True:
        try:
            return work()
        except DomainError as error:
            if not error.passes:
                raise
            if error.message != told:
                note(f"fabroute: waiting: {error.message}")
            told = error.message
        time.sleep(_AGAIN_SECONDS)


def _migrate() -> IssuedKey | None:
    """Bring the tables to this version; return the key of the operator that is made where there was none."""
    with _refusing_as_owner():
        settings = get_settings()
        url = settings.migration_database_url or settings.database_url
        engine = create_database_engine(url, pool_size=2)
        require_migratable_database(engine)
        with in_turn(engine):
            stdout.print(_migrated(engine, url or ""))
            issued = first_operator_key(url)
        engine.dispose()
    return issued


def _migrated(engine: Engine, url: str) -> str:
    """Bring the tables to this version, and return what was done. Those of a later one that serves this are left."""
    newer = newer_revision(engine)
    if newer is not None:
        return f"schema: {newer}, of a later version that serves this one, too: nothing to do"
    before = current_revision(engine)
    if before == head_revision():
        return "schema: current"
    upgrade(url)
    return f"schema: {before or 'empty'} → {head_revision()}"


@contextmanager
def _refusing_as_owner() -> Iterator[None]:
    """Turn what PostgreSQL says to whoever migrates into a refusal that names the setting that counts then."""
    try:
        yield
    except OperationalError as error:
        raise _of_owner(trouble_of(error)) from error
    except ProgrammingError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise DatabaseRefused(
            f"PostgreSQL refuses to migrate ({reason}): run infra/database/roles.sql as a superuser, and connect as "
            f"the tables' owner ({_OWNERS_DATABASE})"
        ) from error
    except DomainError as error:
        raise _of_owner(error) from error


def _of_owner(error: DomainError) -> DomainError:
    if get_settings().migration_database_url:
        error.message = error.message.replace(_DATABASE, _OWNERS_DATABASE)
    return error


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
