"""``fabroute audit``: verify the audit log's chains, export them, have roots signed now."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.table import Table
from sqlmodel import Session

from fabroute.cli.mapping import Json
from fabroute.cli.orders import AsJson, as_json_text
from fabroute.cli.output import note, stdout
from fabroute.cli.progress import counted_progress
from fabroute.database import database_engine, unit_of_work
from fabroute.identity.ports import RootFolder
from fabroute.identity.service.sealing import (
    CHECKING_PROGRAM,
    Evidence,
    Finding,
    Verification,
    export_audit_log,
    export_roots,
    seal_audit_log,
    verify_audit_log,
)
from fabroute.integrations.audit_roots import open_root_folder
from fabroute.integrations.signing_key import configured_signer
from fabroute.integrations.validation.signing import SigningKeyMissing, verify
from fabroute.kernel.errors import DomainError
from fabroute.settings import get_settings

audit = typer.Typer(
    help="Verify and export the audit log, and sign how far it is.", no_args_is_help=True, add_completion=False
)

EXIT_TAMPERED = 1
_SHOWN = 50
_SEALING_SECONDS = 3600.0
_Organisation = Annotated[
    str | None, typer.Option(help="Only this organisation's chain; 'installation': entries of nobody.")
]


class NoRoots(DomainError):
    """The folder of exported roots isn't there."""

    code = "no_audit_roots"
    status = 404


@audit.command("verify")
def verify_log(
    organisation: _Organisation = None,
    roots: Annotated[
        str | None, typer.Option(help="Folder or URL of the exported roots; FABROUTE_AUDIT_ROOTS_URL otherwise.")
    ] = None,
    public_key: Annotated[
        list[str] | None,
        typer.Option(help="Trust roots of this key (base64), repeatable; this installation's otherwise."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find every edit, deletion, swap, insertion and truncation of the audit log; exit code 1 where there is one.

    What was cut off after the last exported root leaves no trace: have them exported where nobody can delete them.
    """
    evidence = Evidence(check=verify, trusted_keys=_trusted(public_key), folder=_folder(roots))
    with _snapshot() as session, counted_progress() as step:
        found = verify_audit_log(session, evidence=evidence, organisation_id=organisation, progress=step)
    if as_json:
        document = asdict(found) | {"whole": not found.findings, "findings": [asdict(it) for it in found.findings]}
        stdout.print(as_json_text(cast(dict[str, Json], document)), markup=False)
    else:
        _tell(found)
    if found.findings:
        raise typer.Exit(EXIT_TAMPERED)


@audit.command()
def export(
    organisation: Annotated[str, typer.Argument(help="Id of the organisation, or 'installation'.")],
    output: Annotated[Path | None, typer.Option(help="File to write; standard output otherwise.")] = None,
) -> None:
    """Write a chain as JSON lines that anyone can check without fabroute (fabroute audit program)."""
    with _snapshot() as session:
        lines = export_audit_log(session, chain=organisation)
        if output is None:
            for line in lines:
                stdout.file.write(line)
        else:
            with output.open("w", encoding="utf-8") as file:
                file.writelines(lines)


@audit.command()
def program() -> None:
    """Print the Python program with which a third party checks an exported log."""
    stdout.file.write(CHECKING_PROGRAM)


@audit.command()
def sign() -> None:
    """Seal what waits, sign how far every chain is, and export that now instead of within the hour."""
    settings = get_settings()
    sealed = seal_audit_log(database_engine(), seconds=_SEALING_SECONDS)
    folder = open_root_folder(settings.audit_roots_url)
    with unit_of_work(database_engine()) as session:
        roots = export_roots(session, signer=configured_signer(settings), folder=folder, every_seconds=0.0)
    stdout.print(f"{sealed} entries sealed, {roots} roots signed and exported to {settings.audit_roots_url}")


def _tell(found: Verification) -> None:
    stdout.print(
        f"{found.entries} entries in {found.chains} chains, {found.roots} signed roots, {found.exports} exported files"
    )
    if not found.findings:
        stdout.print("nothing was changed, taken out or put in")
        return
    stdout.print(_table(found.findings[:_SHOWN]))
    if len(found.findings) > _SHOWN:
        stdout.print(f"… and {len(found.findings) - _SHOWN} more: --json shows all")


def _table(findings: Sequence[Finding]) -> Table:
    table = Table("chain", "position", "entry", "finding", "what is wrong")
    for it in findings:
        table.add_row(it.chain, _cell(it.position), _cell(it.entry_id), it.code, it.message)
    return table


def _cell(number: int | None) -> str:
    return "" if number is None else str(number)


def _trusted(given: Sequence[str] | None) -> frozenset[str]:
    if given:
        return frozenset(given)
    try:
        return frozenset({configured_signer(get_settings()).public_key})
    except SigningKeyMissing:
        note("this machine has no signing key: roots of any key are taken (name it with --public-key)")
        return frozenset()


def _folder(given: str | None) -> RootFolder:
    """Return the folder of exported roots; a folder that is named has to be there."""
    if given is None:
        return open_root_folder(get_settings().audit_roots_url)
    if "://" in given:
        return open_root_folder(given)
    if not Path(given).is_dir():
        raise NoRoots(f"there is no folder {given}: name the one with the exported audit roots")
    return open_root_folder(Path(given).resolve().as_uri())


@contextmanager
def _snapshot() -> Iterator[Session]:
    with unit_of_work(database_engine(), repeatable_read=True) as session:
        yield session
