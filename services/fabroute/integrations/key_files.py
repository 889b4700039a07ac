"""Files that hold the keys of an installation: written once and whole, read by their owner only.

Where a key belongs to root, its group may read it: that is how Kubernetes and systemd hand secrets to a process that is
not root. PostgreSQL takes keys of TLS by the same rule.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fabroute.kernel.errors import DomainError

_OWNER_ONLY = 0o600
_ROOT = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyKind:
    """A kind of key: how it is called, what is raised where its file is no good, and what to do then."""

    name: str
    missing: type[DomainError]
    exposed: type[DomainError]
    unusable: type[DomainError]
    to_have: str
    """What to do where there is no file."""
    to_hide: str
    """What to do where others may read it."""


def make_key_file(path: Path, make: Callable[[], bytes], *, kind: KeyKind) -> None:
    """Write a new key to ``path`` if there is none; of two that try, both use one. Raises ``kind.unusable``."""
    if path.exists():
        return
    content = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _publish(path, content)
    except OSError as error:
        raise kind.unusable(f"no {kind.name} can be written to {path} ({error}): make it writable") from error


def read_key_file(path: Path, *, kind: KeyKind) -> bytes:
    """Return what the file at ``path`` holds. Raises what ``kind`` names where it is missing, exposed or unreadable."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read()
    except FileNotFoundError as error:
        raise kind.missing(f"there is no {kind.name} at {path}: {kind.to_have}") from error
    except OSError as error:
        raise kind.unusable(f"the {kind.name} at {path} can't be read ({error})") from error
    mode = stat.S_IMODE(status.st_mode)
    if mode & _exposing(status.st_uid):
        raise kind.exposed(f"others may read the {kind.name} at {path} (mode {mode:o}): {kind.to_hide}")
    return content


def _exposing(owner: int) -> int:
    """Return the permissions that a key of this owner must not have."""
    if owner == _ROOT != os.geteuid():
        return stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO
    return stat.S_IRWXG | stat.S_IRWXO


def _publish(path: Path, content: bytes) -> None:
    """Write the file whole or not at all, and never over another: of two that try, one wins and both use its key."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        _write(draft, content)
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
