"""Which account the servers run as, and what that account can reach."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from fabroute_embedded.errors import EmbeddedServerError

_NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The user and group that a server process runs as."""

    uid: int
    gid: int


def server_account() -> Account:
    """Return the account for the servers: ourselves, or ``nobody`` when we are root."""
    return account_under(Account(uid=os.geteuid(), gid=os.getegid()))


def account_under(owner: Account, *, instead_of_root: str = _NOBODY) -> Account:
    """Return the account for servers of ``owner``: the same one, but another one for root.

    PostgreSQL refuses to run as root, and Redis has no need to. ``EmbeddedServerError`` if the other one is missing.
    """
    if owner.uid != 0:
        return owner
    try:
        entry = pwd.getpwnam(instead_of_root)
    except KeyError as error:
        message = f"PostgreSQL refuses to run as root and there is no user {instead_of_root!r}: run as an ordinary user"
        raise EmbeddedServerError(message) from error
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def can_reach(path: Path, account: Account) -> bool:
    """Tell whether ``account`` may read ``path`` and pass through every folder above it; for others, by mode bits."""
    if account.uid == os.geteuid():
        return os.access(path, os.R_OK)
    resolved = path.resolve()
    above_open = all(_allows(folder, account, stat.S_IXOTH) for folder in resolved.parents)
    return above_open and _allows(resolved, account, stat.S_IROTH)


def give_to(account: Account, folder: Path) -> None:
    """Make ``account`` the owner of ``folder`` and all that it holds; nothing to do when that is ourselves."""
    if account.uid == os.geteuid():
        return
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _allows(path: Path, account: Account, bit_for_others: int) -> bool:
    """Look up one permission of ``account``; the bits of owner and group stand 6 and 3 places above those of others."""
    status = path.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & (bit_for_others << 6))
    if status.st_gid == account.gid:
        return bool(status.st_mode & (bit_for_others << 3))
    return bool(status.st_mode & bit_for_others)
