"""Runtime folders: short, private to the servers' account, and swept when a killed owner left one behind."""

import fcntl
import os
import shutil
import tempfile
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path

from fabroute_embedded.accounts import Account, can_reach, server_account
from fabroute_embedded.errors import EmbeddedServerError

_PREFIX = "fabroute-"
_OWNER_LOCK = "owner.lock"
_LONGEST_SOCKET_PATH_BYTES = 103
"""macOS allows 103 bytes, Linux 107."""
_ROOM_FOR_SOCKET = "/fabroute-12345678/postgres/.s.PGSQL.5432"
_MEMORY = Path("/dev/shm")
_MEMORY_NEEDED_BYTES = 1 << 30
_FALLBACK = Path("/tmp")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeFolder:
    """A private temporary folder, held by this process until ``delete``."""

    path: Path
    owner_lock: BufferedRandom | None
    """Held open by a living owner; ``None`` for a folder that is to outlive its owner."""

    def delete(self) -> None:
        """Remove the folder and all that it holds. Calling it again does no harm."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.release()

    def release(self) -> None:
        """Let go of the folder without removing it."""
        if self.owner_lock is not None:
            self.owner_lock.close()


def create_runtime_folder(*, keep: bool = False, in_memory: bool = False) -> RuntimeFolder:
    """Make a 0700 folder for servers with a path short enough for Unix sockets, after sweeping abandoned ones.

    With ``keep`` nothing sweeps it later. With ``in_memory`` it lies in ``/dev/shm`` if that has 1 GiB to spare.
    """
    account = server_account()
    base = _base_folder(account, in_memory=in_memory)
    _sweep_abandoned(base)
    path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    lock = None if keep else _hold(path)
    if account.uid != os.geteuid():
        os.chown(path, account.uid, account.gid)
    return RuntimeFolder(path=path, owner_lock=lock)


def prepare_server_folder(folder: Path, account: Account) -> Path:
    """Make ``folder`` (0700, owned by ``account``) or check that it is so; return its absolute path."""
    absolute = folder.resolve()
    if not absolute.exists():
        absolute.mkdir(mode=0o700)
        os.chown(absolute, account.uid, account.gid)
    status = absolute.stat()
    if status.st_mode & 0o077:
        raise EmbeddedServerError(f"{absolute} is open to others: give the server a folder of its own with mode 0700")
    if status.st_uid != account.uid:
        os.chown(absolute, account.uid, account.gid)
    if not can_reach(absolute, account):
        raise EmbeddedServerError(
            f"the servers run as user {account.uid}, which can't reach {absolute}: choose a folder below /tmp"
        )
    return absolute


def socket_path(folder: Path, name: str) -> Path:
    """Return the path of a Unix socket in ``folder``; ``EmbeddedServerError`` if it is too long for the system."""
    path = folder / name
    if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH_BYTES:
        raise EmbeddedServerError(
            f"{path} is too long for a Unix socket ({_LONGEST_SOCKET_PATH_BYTES} bytes): choose a shorter folder"
        )
    return path


def _base_folder(account: Account, *, in_memory: bool) -> Path:
    """Prefer the configured temporary folder; ``/tmp`` if its path is too long or closed to the servers' account."""
    if in_memory and _has_room_for_servers(_MEMORY) and can_reach(_MEMORY, account):
        return _MEMORY
    configured = Path(tempfile.gettempdir())
    short = len(os.fsencode(configured)) + len(_ROOM_FOR_SOCKET) <= _LONGEST_SOCKET_PATH_BYTES
    return configured if short and can_reach(configured, account) else _FALLBACK


def _has_room_for_servers(memory: Path) -> bool:
    """Tell whether programs may run from there (containers often forbid it) and a test session's databases fit."""
    if not memory.is_dir() or not os.access(memory, os.W_OK | os.X_OK):
        return False
    status = os.statvfs(memory)
    return not status.f_flag & os.ST_NOEXEC and status.f_bavail * status.f_frsize >= _MEMORY_NEEDED_BYTES


def _hold(folder: Path) -> BufferedRandom:
    """Lock the folder's lock file, under another name first: a sweeper must never see it unlocked."""
    unnamed = folder / f"{_OWNER_LOCK}.new"
    lock = unnamed.open("w+b")
    fcntl.flock(lock, fcntl.LOCK_EX)
    unnamed.rename(folder / _OWNER_LOCK)
    return lock


def _sweep_abandoned(base: Path) -> None:
    """Remove the folders of owners that were killed: the kernel has released their locks."""
    for lock_path in base.glob(f"{_PREFIX}*/{_OWNER_LOCK}"):
        if _is_abandoned(lock_path):
            shutil.rmtree(lock_path.parent, ignore_errors=True)


def _is_abandoned(lock_path: Path) -> bool:
    """Tell whether nobody holds the lock; a folder of another user, or one that has just gone, is none of ours."""
    try:
        with lock_path.open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:
        return False
