"""Wrong keys, counted by client address: whoever tries many waits, and costs no query."""

import hashlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fabroute.kernel.errors import DomainError

_WINDOW_SECONDS = 60.0
_TOLERANCE_SECONDS = 1e-6
_UNAUTHENTICATED = 401


class TooManyWrongKeys(DomainError):
    """Too many wrong keys came from this address: it has to wait before it tries another."""

    code = "too_many_wrong_keys"
    status = 429


class WrongKeys:
    """A leaky bucket for each address (GCRA: one number, the instant at which it is empty). Safe between threads.

    A credential that was good before is let through whatever others from its address tried. ``clock`` is any steady
    count of seconds.
    """

    def __init__(
        self,
        *,
        a_minute: int,
        maximum_addresses: int = 10_000,
        maximum_familiar: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = _WINDOW_SECONDS / a_minute
        self._maximum_addresses = maximum_addresses
        self._maximum_familiar = maximum_familiar
        self._clock = clock
        self._empty_at: dict[str, float] = {}
        self._familiar: dict[bytes, None] = {}
        self._lock = threading.Lock()

    def require_patience(self, address: str, secret: str) -> None:
        """Raise ``TooManyWrongKeys``, which says how long to wait, where the bucket of ``address`` is full."""
        empty_at = self._empty_at.get(address)
        wait = 0.0 if empty_at is None else empty_at - self._clock() - (_WINDOW_SECONDS - self._interval)
        if wait > _TOLERANCE_SECONDS and _digest(secret) not in self._familiar:
            seconds = math.ceil(wait - _TOLERANCE_SECONDS)
            raise TooManyWrongKeys(
                f"too many wrong keys from your address: wait {seconds} s, then send a live one; "
                "keys that were in use go on working",
                headers={"Retry-After": str(seconds)},
            )

    @contextmanager
    def watching(self, address: str, secret: str) -> Iterator[None]:
        """Count it if the block refuses ``secret`` with 401, else remember that it was good.

        Raises ``TooManyWrongKeys`` before the block runs, as ``require_patience`` does.
        """
        self.require_patience(address, secret)
        try:
            yield
        except DomainError as error:
            if error.status == _UNAUTHENTICATED:
                self._note(address, secret)
            raise
        with self._lock:
            if len(self._familiar) >= self._maximum_familiar:
                self._familiar.clear()
            self._familiar[_digest(secret)] = None

    def _note(self, address: str, secret: str) -> None:
        now = self._clock()
        with self._lock:
            self._familiar.pop(_digest(secret), None)
            empty_at = max(self._empty_at.pop(address, now), now) + self._interval
            if len(self._empty_at) >= self._maximum_addresses:
                self._forget(now)
            self._empty_at[address] = min(empty_at, now + _WINDOW_SECONDS)

    def _forget(self, now: float) -> None:
        """Make room: those whose bucket is empty go, and if none is, the half that tried longest ago."""
        waiting = [(address, at) for address, at in self._empty_at.items() if at > now]
        keep = waiting if len(waiting) < self._maximum_addresses else waiting[len(waiting) // 2 :]
        self._empty_at = dict(keep)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
