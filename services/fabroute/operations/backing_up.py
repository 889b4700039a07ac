"""Taking a backup: the database at one instant, and every file that it knows then."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import IO

from fabroute.database import create_database_engine
from fabroute.identity.ports import RootFolder
from fabroute.inventory.ports import PrintFileDamaged, PrintFileMissing
from fabroute.kernel.errors import DomainError
from fabroute.operations.manifest import (
    BACKUPS,
    DUMP,
    MANIFEST,
    OBJECTS_LIST,
    PARTIAL,
    ROOTS,
    HeldFile,
    KeyFile,
    Manifest,
    held_file,
    make_private,
    manifest_text,
    object_path,
    sync_folder,
    write_durably,
)
from fabroute.operations.ports import ObjectStore
from fabroute.operations.snapshot import Snapshot, open_snapshot
from fabroute.operations.tools import connection_environment, find_tools

Progress = Callable[[str, int, int], None]
"""Told as ``(what, done, total)``."""

_STEP = 100


class BackupFailed(DomainError):
    """No backup was made."""

    code = "backup_failed"
    status = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is backed up or restored, and where it lies."""

    owner_url: str
    """Of the role that owns the tables."""
    application_role: str
    """The role that serves requests."""
    store: ObjectStore
    roots: RootFolder
    keys: Mapping[str, Path]
    """The files of the installation's keys, by their names."""
    tool_folders: Sequence[Path] = ()
    """Where PostgreSQL's programs may be besides the usual places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    folder: Path
    partial: Path
    name: str
    progress: Progress

    def held(self, path: Path) -> HeldFile:
        """Return a file of the unfinished backup as it will be called."""
        held = held_file(self.folder, path)
        return replace(held, path=f"{BACKUPS}/{self.name}/{path.relative_to(self.partial).as_posix()}")


def take_backup(installation: Installation, folder: Path, *, with_keys: bool, progress: Progress) -> Manifest:
    """Make a backup in ``folder`` beside those that are there, and return its manifest; others may go on working.

    Files that the folder has are not copied again. Until the last moment the backup has a temporary name: one that
    was interrupted is never taken for a whole one, and the next call removes it. Raises ``BackupFailed``,
    ``ToolsMissing`` and what store and database raise.
    """
    folder = folder.absolute()
    with _only_one(folder):
        with _snapshot(installation) as snapshot:
            work = _begin(folder, snapshot, progress)
            _dump(installation, snapshot, work)
        roots = tuple(_keep_roots(installation.roots, work))
        copied = _copy_objects(installation.store, snapshot, work)
        keys = _keep_keys(installation.keys, work, included=with_keys)
        return _finish(work, snapshot, roots=roots, copied=copied, keys=keys)


def _begin(folder: Path, snapshot: Snapshot, progress: Progress) -> _Work:
    name = f"{snapshot.at:%Y%m%dT%H%M%S.%f}Z"
    partial = folder / BACKUPS / f"{name}{PARTIAL}"
    make_private(partial)
    return _Work(folder=folder, partial=partial, name=name, progress=progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copied:
    count: int
    bytes: int
    missing: tuple[str, ...]


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the folder, and sweep what a backup left behind that was interrupted."""
    make_private(folder)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupFailed(f"another backup is being made in {folder}: wait for it") from error
        for left in (folder / BACKUPS).glob(f"*{PARTIAL}"):
            shutil.rmtree(left)
        yield


@contextmanager
def _snapshot(installation: Installation) -> Iterator[Snapshot]:
    engine = create_database_engine(installation.owner_url, pool_size=1)
    try:
        with open_snapshot(engine, application_role=installation.application_role) as snapshot:
            yield snapshot
    finally:
        engine.dispose()


def _dump(installation: Installation, snapshot: Snapshot, work: _Work) -> None:
    tools = find_tools(least_major=snapshot.facts.server_major, folders=installation.tool_folders)
    target = work.partial / DUMP
    target.touch(mode=0o600)
    command = [
        *(tools.dump, "--format=custom", "--schema=public", "--enable-row-security", "--no-password"),
        *("--lock-wait-timeout=30s", f"--snapshot={snapshot.id}", f"--file={target}"),
    ]
    with connection_environment(installation.owner_url) as environment:
        done = subprocess.run(
            command, env=dict(environment), capture_output=True, encoding="utf-8", errors="replace", check=False
        )
    if done.returncode:
        raise BackupFailed(f"pg_dump: {' '.join(done.stderr.split())[:500]}")
    _sync_file(target)
    work.progress("database", 1, 1)


def _copy_objects(store: ObjectStore, snapshot: Snapshot, work: _Work) -> _Copied:
    """Copy what the folder has not; list all that the store holds, and what the database misses in it."""
    sizes = dict(store.sizes())
    wanted = sorted({*sizes, *snapshot.stored})
    missing, copied, lines = [], 0, []
    for number, sha256 in enumerate(wanted, start=1):
        length = _kept(store, sha256, sizes.get(sha256), work)
        if length is None:
            missing.append(sha256)
        else:
            copied += length
            lines.append(json.dumps({"bytes": length, "kind": snapshot.stored.get(sha256, ""), "sha256": sha256}))
        if number % _STEP == 0 or number == len(wanted):
            work.progress("files", number, len(wanted))
    write_durably(work.partial / OBJECTS_LIST, "".join(f"{line}\n" for line in lines).encode())
    return _Copied(count=len(lines), bytes=copied, missing=tuple(missing))


def _kept(store: ObjectStore, sha256: str, length: int | None, work: _Work) -> int | None:
    """Return the length of an object that the folder has now; ``None`` where the store lost or changed it."""
    target = object_path(work.folder, sha256)
    if target.exists() and length in (None, target.stat().st_size):
        return target.stat().st_size
    make_private(target.parent)
    temporary = target.with_name(f"{sha256}{PARTIAL}")
    try:
        with _private(temporary) as file:
            store.fetch(sha256, file)
            file.flush()
            os.fsync(file.fileno())
    except (PrintFileMissing, PrintFileDamaged):
        temporary.unlink(missing_ok=True)
        return None
    temporary.rename(target)
    return target.stat().st_size


def _keep_roots(roots: RootFolder, work: _Work) -> Iterator[HeldFile]:
    """Keep the signed roots of the audit log that were exported; each is written once and never changed."""
    for key in roots.names():
        target, content = work.folder / ROOTS / key, roots.get(key) or b""
        if not target.exists():
            write_durably(target, content)
        elif target.read_bytes() != content:
            raise BackupFailed(
                f"the exported audit roots {key} are not what an earlier backup holds: one of them was changed. Run "
                "fabroute audit verify, and take this backup into another folder"
            )
        yield held_file(work.folder, target)


def _keep_keys(keys: Mapping[str, Path], work: _Work, *, included: bool) -> tuple[KeyFile, ...]:
    kept = []
    for name, path in keys.items():
        content = path.read_bytes() if path.exists() else b""
        if content and included:
            write_durably(work.partial / "keys" / name, content)
        kept.append(
            KeyFile(name=name, path=str(path), fingerprint=fingerprint(content), included=bool(content and included))
        )
    return tuple(kept)


def fingerprint(key: bytes) -> str:
    """Return what tells one key from another and nothing about it; empty for none."""
    return hashlib.sha256(b"fabroute key\0" + key.strip()).hexdigest() if key else ""


def _finish(
    work: _Work, snapshot: Snapshot, *, roots: tuple[HeldFile, ...], copied: _Copied, keys: tuple[KeyFile, ...]
) -> Manifest:
    """Write the manifest, last, and give the backup its name."""
    own = sorted(it for it in work.partial.rglob("*") if it.is_file())
    manifest = Manifest(
        name=work.name,
        snapshot_at=snapshot.at,
        fabroute_version=version("fabroute"),
        database=snapshot.facts,
        files=(*roots, *(work.held(path) for path in own)),
        objects=copied.count,
        objects_bytes=copied.bytes,
        objects_missing=copied.missing,
        keys=keys,
    )
    write_durably(work.partial / MANIFEST, manifest_text(manifest).encode())
    sync_folder(work.partial)
    work.partial.rename(work.partial.with_name(work.name))
    sync_folder(work.folder / BACKUPS)
    return manifest


@contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        yield file


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
