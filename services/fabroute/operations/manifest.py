"""What a backup holds: its manifest, written last, so that a folder without one is no backup."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fabroute.kernel.errors import DomainError

FORMAT = 1
MANIFEST = "manifest.json"
OBJECTS_LIST = "objects.jsonl"
DUMP = "database.dump"
BACKUPS, OBJECTS, ROOTS = "backups", "objects", "roots"
PARTIAL = ".partial"
_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
_CHUNK_BYTES = 1 << 20


class NoBackup(DomainError):
    """The folder holds no whole backup, or none of that name."""

    code = "no_backup"
    status = 404


class BackupDamaged(DomainError):
    """A backup is not what it was when it was made."""

    code = "backup_damaged"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFile:
    """A file of the backup, by its path below the backup folder."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A key of the installation: without it the restored data can't be opened, or not be proven."""

    name: str
    path: str
    """Where the installation had it."""
    fingerprint: str
    """SHA-256 that only this key has, and that says nothing about it; empty where there was no key."""
    included: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """What the snapshot holds, to be compared after a restore."""

    revision: str
    server_major: int
    rows: Mapping[str, int]
    """By table."""
    grants: Mapping[str, str]
    """What the application's role may do, by table or sequence: ``INSERT SELECT``."""
    row_security: int
    """Tables on which row-level security is forced."""
    policies: int
    last_position: int
    """Of the event feeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A whole backup."""

    name: str
    snapshot_at: datetime
    """Everything is as it was then."""
    fabroute_version: str
    database: DatabaseFacts
    files: tuple[HeldFile, ...]
    """The database, the list of objects, exported audit roots, keys."""
    objects: int
    objects_bytes: int
    objects_missing: tuple[str, ...]
    """SHA-256 of files that the database knows and the store did not have, or had changed."""
    keys: tuple[KeyFile, ...]
    format: int = FORMAT

    def file(self, name: str) -> HeldFile:
        """Return the file of the backup that ends in ``name``."""
        return next(held for held in self.files if held.path.endswith(f"/{name}"))


def manifest_text(manifest: Manifest) -> str:
    """Return the manifest as JSON, with the SHA-256 of all the rest of it."""
    document = asdict(manifest) | {"snapshot_at": manifest.snapshot_at.isoformat()}
    return json.dumps(document | {"sha256": _digest(document)}, indent=1, sort_keys=True) + "\n"


def read_manifest(folder: Path, *, name: str | None = None) -> Manifest:
    """Return the manifest of the backup ``name``, or of the newest. Raises ``NoBackup`` and ``BackupDamaged``."""
    names = backup_names(folder)
    chosen = name or (names[-1] if names else None)
    if chosen is None or chosen not in names:
        raise NoBackup(
            f"{folder} holds no whole backup{f' {name}' if name else ''}: there are {', '.join(names) or 'none'}"
        )
    return _parsed((folder / BACKUPS / chosen / MANIFEST).read_text(encoding="utf8"), name=chosen)


def backup_names(folder: Path) -> list[str]:
    """Return the names of the whole backups in a folder, oldest first."""
    found = (folder / BACKUPS).glob(f"*/{MANIFEST}")
    return sorted(it.parent.name for it in found if _NAME.fullmatch(it.parent.name))


def object_path(folder: Path, sha256: str) -> Path:
    """Return where a backup folder keeps an object; all backups in it share them."""
    return folder / OBJECTS / sha256[:2] / sha256


def listed_objects(folder: Path, manifest: Manifest) -> dict[str, int]:
    """Return the bytes of each object of a backup by its SHA-256."""
    with (folder / manifest.file(OBJECTS_LIST).path).open(encoding="utf8") as lines:
        return {str(it["sha256"]): int(it["bytes"]) for it in map(json.loads, lines)}


def held_file(folder: Path, path: Path) -> HeldFile:
    """Return a file of the folder with its size and hash."""
    relative = path.relative_to(folder).as_posix()
    return HeldFile(path=relative, bytes=path.stat().st_size, sha256=sha256_of(path))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def make_private(folder: Path) -> Path:
    """Make a folder that only we can read, and all that are missing above it; return it."""
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def write_durably(path: Path, content: bytes) -> None:
    """Write a private file and let it reach the disk, under a temporary name first: it is whole or not there."""
    make_private(path.parent)
    temporary = path.with_name(f"{path.name}{PARTIAL}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def sync_folder(folder: Path) -> None:
    """Let the names in a folder reach the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _parsed(text: str, *, name: str) -> Manifest:
    try:
        document: dict[str, Any] = json.loads(text)
        said = document.pop("sha256")
        if said != _digest(document) or document["format"] != FORMAT or document["name"] != name:
            raise ValueError("its checksum, format or name is another")
        return _manifest(document)
    except (ValueError, KeyError, TypeError) as error:
        raise BackupDamaged(
            f"the manifest of backup {name} can't be read, or was changed ({error}): take another backup"
        ) from error


def _manifest(document: dict[str, Any]) -> Manifest:
    read = document | {
        "snapshot_at": datetime.fromisoformat(document["snapshot_at"]),
        "database": DatabaseFacts(**document["database"]),
        "files": tuple(HeldFile(**it) for it in document["files"]),
        "keys": tuple(KeyFile(**it) for it in document["keys"]),
        "objects_missing": tuple(document["objects_missing"]),
    }
    return Manifest(**read)


def _digest(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
