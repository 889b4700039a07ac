"""Signs of life for whoever watches over this process: systemd by its notify socket, containers by a file.

Only the process that was started tells them, never a fork of it: what it tells is that all is well with its children.
"""

import contextlib
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

READY = "READY=1"
STOPPING = "STOPPING=1"
_ALIVE = "WATCHDOG=1"
STALE_SECONDS = 60.0
"""A sign of life that is older is none. A worker whose child died is back within half of that."""


def tell(state: str, *, environment: Mapping[str, str] = os.environ) -> None:
    """Tell systemd a state (``sd_notify``); nothing where it did not start this process, or does not listen."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        link.send(state.encode())


def sign_seconds(*, environment: Mapping[str, str] = os.environ) -> float:
    """Return how often to give a sign of life: a third of what systemd waits for one, ten seconds at most."""
    asked = int(environment.get("WATCHDOG_USEC", "0")) / 1_000_000
    mine = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return min(10.0, asked / 3) if asked and mine else 10.0


class SignsOfLife:
    """Gives a sign of life each time that it is asked to, but no more often than is useful."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._every = sign_seconds()
        self._next = 0.0

    def give(self) -> None:
        """Tell that all is well."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._every
        tell(_ALIVE)
        if self._file is not None:
            with contextlib.suppress(OSError):  # a full disk is told of elsewhere
                self._file.touch()

    def end(self) -> None:
        """Take the sign of life away: whoever has ended has none, however lately it gave one."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)


def is_fresh(file: Path, *, now: float) -> bool:
    """Return whether a sign of life was given lately; ``now`` in seconds since 1970."""
    try:
        return now - file.stat().st_mtime < STALE_SECONDS
    except OSError:
        return False
