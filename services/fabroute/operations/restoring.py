"""Restoring a backup: everything is looked at before anything is touched, files come first, the database at once.

The database is emptied, filled and settled by one transaction of ``psql``: it is restored whole, or is what it was.
"""

import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, text

from fabroute.database import create_database_engine
from fabroute.inventory.ports import PrintFileDamaged, PrintFileMissing
from fabroute.kernel.errors import DomainError
from fabroute.migrations import head_revision
from fabroute.operations.after_restore import emptying, settling
from fabroute.operations.backing_up import Installation, Progress, fingerprint
from fabroute.operations.manifest import (
    DUMP,
    ROOTS,
    BackupDamaged,
    Manifest,
    listed_objects,
    object_path,
    write_durably,
)
from fabroute.operations.tools import PostgresTools, connection_environment, find_tools
from fabroute.operations.verifying import verify_backup

_STEP = 100
_CHUNK_BYTES = 1 << 20
_LEFT_OUT = ("SCHEMA - public ", "COMMENT - SCHEMA public ")
_PROBLEMS_SHOWN = 5
_STATE = text("""
SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')) AS tables,
    (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND usename IS NOT NULL) AS others,
    EXISTS (SELECT FROM pg_roles WHERE rolname = :role) AS has_role,
    current_setting('server_version_num')::int / 10000 AS server_major, clock_timestamp() AS now
""")


class RestoreRefused(DomainError):
    """The backup can't go into this installation; nothing was touched."""

    code = "restore_refused"
    status = 409


class RestoreFailed(DomainError):
    """The database could not be restored; it is what it was before."""

    code = "restore_failed"
    status = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreChoice:
    """How far a restore may go."""

    replace: bool = False
    """Whether what is in the database may be thrown away."""
    other_keys: bool = False
    """Whether to go on although the installation has not the keys of the backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did."""

    manifest: Manifest
    restored_at: datetime
    files_copied: int
    """Of those of the backup; the others were in the storage already."""
    keys_restored: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    tools: PostgresTools
    now: datetime


def restore_backup(
    installation: Installation, folder: Path, manifest: Manifest, *, choice: RestoreChoice, progress: Progress
) -> Restored:
    """Bring an installation back to what a backup holds: files first, then the database.

    Every hash of the backup is checked before anything is touched. API, workers and relays have to be stopped. Raises
    ``BackupDamaged``, ``RestoreRefused``, ``RestoreFailed``, ``ToolsMissing`` and what store and database raise.
    """
    folder = folder.absolute()
    problems = verify_backup(folder, manifest, progress=progress)
    if problems:
        shown = "; ".join(problems[:_PROBLEMS_SHOWN])
        raise BackupDamaged(f"backup {manifest.name} is damaged, nothing was touched: {shown} ({len(problems)} in all)")
    target = _looked_at(installation, manifest, choice)
    missing_keys = _keys_to_restore(installation.keys, manifest, choice)
    copied = _restore_files(installation, folder, manifest, progress)
    for name, content in missing_keys.items():
        write_durably(installation.keys[name], (folder / content).read_bytes())
    _restore_database(installation, folder, manifest, target)
    progress("database", 1, 1)
    return Restored(
        manifest=manifest, restored_at=target.now, files_copied=copied, keys_restored=tuple(sorted(missing_keys))
    )


def _looked_at(installation: Installation, manifest: Manifest, choice: RestoreChoice) -> _Target:
    """Return what the database is restored with and when. Raises ``RestoreRefused`` where that can't go well."""
    facts = manifest.database
    if facts.revision != head_revision():
        raise RestoreRefused(
            f"the backup was made with schema {facts.revision} (fabroute {manifest.fabroute_version}), this version "
            f"has {head_revision()}: restore it with that version, then upgrade"
        )
    engine = create_database_engine(installation.owner_url, pool_size=1)
    try:
        with engine.connect() as connection:
            return _fit(connection, installation, manifest, choice)
    finally:
        engine.dispose()


def _fit(connection: Connection, installation: Installation, manifest: Manifest, choice: RestoreChoice) -> _Target:
    found = connection.execute(_STATE, {"role": installation.application_role}).one()
    if found.server_major < manifest.database.server_major:
        raise RestoreRefused(
            f"the backup is of PostgreSQL {manifest.database.server_major}, this server is {found.server_major}: it "
            "has to be as new at least"
        )
    if not found.has_role:
        raise RestoreRefused(
            f"there is no role {installation.application_role} (FABROUTE_DATABASE_URL) on this server: CREATE ROLE it"
        )
    if found.others:
        raise RestoreRefused(
            f"{found.others} others are connected to this database: stop API, workers and relays, then restore"
        )
    if found.tables and not choice.replace:
        raise RestoreRefused(
            f"the database has {found.tables} tables: name an empty one, or say --replace to throw away what is there"
        )
    least = max(found.server_major, manifest.database.server_major)
    return _Target(tools=find_tools(least_major=least, folders=installation.tool_folders), now=found.now)


def _keys_to_restore(keys: Mapping[str, Path], manifest: Manifest, choice: RestoreChoice) -> dict[str, str]:
    """Return the path in the backup of each key that the installation hasn't; an existing one is never replaced."""
    restored = {}
    for key in manifest.keys:
        path = keys[key.name]
        present = path.read_bytes() if path.exists() else b""
        if not present and key.included:
            restored[key.name] = manifest.file(f"keys/{key.name}").path
        elif key.fingerprint and fingerprint(present) != key.fingerprint and not choice.other_keys:
            raise RestoreRefused(
                f"the key at {path} is {'another' if present else 'missing, and not in the backup'}: bring back the "
                f"{key.name} of the installation that was backed up. With --other-keys it is restored all the same: "
                "second factors and webhook secrets can't be opened then, signatures are of another key"
            )
    return restored


def _restore_files(installation: Installation, folder: Path, manifest: Manifest, progress: Progress) -> int:
    """Put every file into the storage that it hasn't, or has damaged; return how many."""
    objects, copied = listed_objects(folder, manifest), 0
    for number, sha256 in enumerate(objects, start=1):
        if not _is_whole(installation, sha256):
            installation.store.put_file(object_path(folder, sha256))
            copied += 1
        if number % _STEP == 0 or number == len(objects):
            progress("files", number, len(objects))
    for held in manifest.files:
        if held.path.startswith(f"{ROOTS}/"):
            _restore_root(installation, held.path.removeprefix(f"{ROOTS}/"), (folder / held.path).read_bytes())
    return copied


def _is_whole(installation: Installation, sha256: str) -> bool:
    with tempfile.TemporaryFile() as nowhere:
        try:
            installation.store.fetch(sha256, nowhere)
        except (PrintFileMissing, PrintFileDamaged):
            return False
    return True


def _restore_root(installation: Installation, key: str, content: bytes) -> None:
    """Put an exported file of audit roots back where it is missing; one that is there stays as it is."""
    if installation.roots.get(key) is None:
        installation.roots.put(key, content)


def _restore_database(installation: Installation, folder: Path, manifest: Manifest, target: _Target) -> None:
    after = settling(
        manifest.database,
        application_role=installation.application_role,
        snapshot_at=manifest.snapshot_at,
        restored_at=target.now,
        backup=manifest.name,
    )
    with connection_environment(installation.owner_url) as environment, ExitStack() as stack:
        errors = stack.enter_context(tempfile.TemporaryFile())
        toc = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".toc"))
        dump = str(folder / manifest.file(DUMP).path)
        toc.write(_contents(target.tools, dump, environment))
        toc.flush()
        whole = _run(target.tools, dump, Path(toc.name), environment, errors, after)
        if not whole:
            raise RestoreFailed(f"the database is what it was: {_last_words(errors)}")


def _run(
    tools: PostgresTools, dump: str, toc: Path, environment: Mapping[str, str], errors: IO[bytes], after: str
) -> bool:
    """Empty, fill and settle the database; whether that was committed."""
    psql = _psql(tools, environment, errors)
    script = psql.stdin
    assert script is not None, "it is a pipe"
    _write(script, f"BEGIN;\n{emptying()}")
    streamed = _stream(tools, dump, toc, environment, script, errors)
    if streamed:
        _write(script, f"{after}\nCOMMIT;\nANALYZE;\n")
    with suppress(BrokenPipeError):
        script.close()  # what was not committed is rolled back
    return psql.wait() == 0 and streamed


def _contents(tools: PostgresTools, dump: str, environment: Mapping[str, str]) -> str:
    """Return what of the dump is restored: all but the schema itself, which every database has."""
    listed = subprocess.run(
        [tools.restore, "--list", dump],
        env=dict(environment),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if listed.returncode:
        raise RestoreFailed(f"pg_restore can't read {dump}: {' '.join(listed.stderr.split())[:500]}")
    return "".join(f"{line}\n" for line in listed.stdout.splitlines() if not any(it in line for it in _LEFT_OUT))


def _psql(tools: PostgresTools, environment: Mapping[str, str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [tools.psql, "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--file=-"],
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=errors,
    )


def _stream(
    tools: PostgresTools, dump: str, toc: Path, environment: Mapping[str, str], script: IO[bytes], errors: IO[bytes]
) -> bool:
    """Write the dump as SQL into ``script``; whether all of it came."""
    command = [tools.restore, "--file=-", "--no-owner", "--no-acl", f"--use-list={toc}", dump]
    with subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE, stderr=errors) as restore:
        assert restore.stdout is not None, "it is a pipe"
        while piece := restore.stdout.read(_CHUNK_BYTES):
            if not _write(script, piece):
                break
    return restore.returncode == 0


def _write(script: IO[bytes], piece: str | bytes) -> bool:
    """Write for ``psql``; ``False`` once it has given up, for reasons that it tells itself."""
    try:
        script.write(piece.encode() if isinstance(piece, str) else piece)
        script.flush()
    except BrokenPipeError:
        return False
    return True


def _last_words(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").split("\n")
    return " ".join(line for line in lines if line.strip())[-500:] or "psql ended without a word"
