"""``fabroute backup`` and ``fabroute restore``: everything of an installation into a folder, and back."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy.engine import make_url
from typer.core import TyperGroup

from fabroute.cli.output import note, stdout
from fabroute.cli.progress import counted_progress
from fabroute.database import DatabaseMissing, create_database_engine, unit_of_work
from fabroute.identity.service.sealing import export_restore, seal_audit_log
from fabroute.integrations.audit_roots import open_root_folder
from fabroute.integrations.object_storage import open_object_store
from fabroute.integrations.signing_key import configured_signer
from fabroute.integrations.validation.signing import SigningKeyMissing
from fabroute.operations.backing_up import Installation, take_backup
from fabroute.operations.manifest import Manifest, backup_names, read_manifest
from fabroute.operations.restoring import RestoreChoice, Restored, restore_backup
from fabroute.operations.verifying import verify_backup
from fabroute.settings import Settings, get_settings
from fabroute_embedded import EmbeddedServerError
from fabroute_embedded.wheels import postgres_tools_folder

_MAKE = "make"
_SEALING_SECONDS = 60.0
_Folder = Annotated[Path, typer.Argument(help="Where the backups are kept; files in it are shared by all of them.")]
_Name = Annotated[str | None, typer.Option("--backup", help="Which one; the newest otherwise.")]


class _MakeByDefault(TyperGroup):
    """Takes ``fabroute backup FOLDER`` for ``fabroute backup make FOLDER``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command for its name; for any other word the one that makes a backup there."""
        known = args[0] in self.commands or (args[0].startswith("-") and args[0] not in ("--with-keys",))
        return super().resolve_command(ctx, args if known else [_MAKE, *args])


backup = typer.Typer(
    cls=_MakeByDefault,
    help="Keep database, files and audit roots in a folder: fabroute backup FOLDER.",
    no_args_is_help=True,
    add_completion=False,
)


@backup.command(_MAKE)
def make(
    folder: _Folder,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="The signing key and the secret key, too: keep the folder as safe.")
    ] = False,
) -> None:
    """Make a backup, consistent while everything runs. Files that the folder has are not copied again."""
    started = time.monotonic()
    with counted_progress() as step:
        manifest = take_backup(_installation(get_settings()), folder, with_keys=with_keys, progress=step)
    note(f"backup {manifest.name} in {time.monotonic() - started:.1f} s")
    stdout.print(_facts(manifest))
    for key in manifest.keys:
        if key.fingerprint and not key.included:
            note(f"not in the backup: {key.path} ({key.name}); keep it elsewhere, or say --with-keys")
    if manifest.objects_missing:
        note(
            f"{len(manifest.objects_missing)} files that the database knows are not in the storage, or were changed "
            f"there, so they are not in the backup: {', '.join(manifest.objects_missing[:3])} …"
        )
        raise typer.Exit(1)


@backup.command()
def verify(folder: _Folder, name: _Name = None) -> None:
    """Read every file of a backup, and tell what is not as it was; exit code 1 then."""
    manifest = read_manifest(folder, name=name)
    with counted_progress() as step:
        problems = verify_backup(folder.absolute(), manifest, progress=step)
    for problem in problems:
        stdout.print(problem, markup=False)
    files = len(manifest.files) + manifest.objects
    stdout.print(f"backup {manifest.name}: {files} files, {len(problems)} of them damaged or missing")
    if problems:
        raise typer.Exit(1)


@backup.command("list")
def list_backups(folder: _Folder) -> None:
    """List the whole backups of a folder, oldest first."""
    table = Table("backup", "fabroute", "schema", "rows", "files", "MB", "keys")
    for name in backup_names(folder):
        it = read_manifest(folder, name=name)
        table.add_row(*_row(it))
    stdout.print(table)


def restore(
    folder: _Folder,
    name: _Name = None,
    replace: Annotated[bool, typer.Option("--replace", help="Throw away what is in the database now.")] = False,
    other_keys: Annotated[
        bool, typer.Option("--other-keys", help="Go on although this installation has other keys.")
    ] = False,
) -> None:
    """Bring files, audit roots and database back to a backup. Stop API, workers and relays first."""
    settings, manifest = get_settings(), read_manifest(folder, name=name)
    choice = RestoreChoice(replace=replace, other_keys=other_keys)
    with counted_progress() as step:
        done = restore_backup(_installation(settings), folder, manifest, choice=choice, progress=step)
    _sign(settings, done)
    _tell(done)


def _installation(settings: Settings) -> Installation:
    """Return what the settings say of this installation. Raises ``DatabaseMissing``."""
    owner_url = settings.migration_database_url or settings.database_url
    if owner_url is None or settings.database_url is None:
        raise DatabaseMissing("no database: set FABROUTE_DATABASE_URL, and FABROUTE_MIGRATION_DATABASE_URL (its owner)")
    return Installation(
        owner_url=owner_url,
        application_role=make_url(settings.database_url).username or "app_rw",
        store=open_object_store(settings.storage_url),
        roots=open_root_folder(settings.audit_roots_url),
        keys={"signing-key.pem": settings.signing_key_file, "secret-key": settings.secret_key_file},
        tool_folders=_tool_folders(),
    )


def _tool_folders() -> Sequence[Path]:
    try:
        return (postgres_tools_folder(),)
    except EmbeddedServerError:
        return ()


def _sign(settings: Settings, done: Restored) -> None:
    """State by signature that the audit log was restored, so that what was taken back is not taken for tampering."""
    engine = create_database_engine(settings.database_url, pool_size=1)
    try:
        seal_audit_log(engine, seconds=_SEALING_SECONDS)
        signer, folder = configured_signer(settings), open_root_folder(settings.audit_roots_url)
        with unit_of_work(engine) as session:
            export_restore(
                session,
                signer=signer,
                folder=folder,
                snapshot_at=done.manifest.snapshot_at,
                restored_at=done.restored_at,
            )
    except SigningKeyMissing as error:
        note(f"the restore is not signed, fabroute audit verify may report truncations: {error.message}")
    finally:
        engine.dispose()


def _facts(manifest: Manifest) -> str:
    rows = sum(manifest.database.rows.values())
    return (
        f"{manifest.name}: {rows} rows, {manifest.objects} files ({_megabytes(manifest)} MB), as of "
        f"{manifest.snapshot_at:%Y-%m-%d %H:%M:%S} UTC"
    )


def _row(it: Manifest) -> tuple[str, ...]:
    keys = ", ".join(key.name for key in it.keys if key.included) or "no"
    rows = sum(it.database.rows.values())
    return it.name, it.fabroute_version, it.database.revision, str(rows), str(it.objects), _megabytes(it), keys


def _megabytes(manifest: Manifest) -> str:
    held = sum(file.bytes for file in manifest.files)
    return f"{(manifest.objects_bytes + held) / 1e6:.1f}"


def _tell(done: Restored) -> None:
    manifest, at = done.manifest, f"{done.manifest.snapshot_at:%Y-%m-%d %H:%M:%S} UTC"
    stdout.print(_facts(manifest))
    stdout.print(f"restored: everything is as it was at {at}; {done.files_copied} files were put into the storage")
    for name in done.keys_restored:
        stdout.print(f"the {name} was brought back, too", markup=False)
    for line in (
        "now run: fabroute doctor; fabroute audit verify; then start API and workers",
        f"what happened after {at} is gone: orders, reports of bureaus, but also revoked keys, certificates, blocked "
        "lots, holds, disabled people: do those again",
        "clients are told by the event installation.restored; a cursor of later events is answered with 410 "
        "feed_restored and the cursor to go on from",
        f"clients send again what they sent after {at}, with the same Idempotency-Keys: what was there already is "
        "answered as before, the rest is done anew. Bureaus send again the reports from next_sequence on",
        "people sign in again, OAuth clients ask for new tokens",
    ):
        note(line)
