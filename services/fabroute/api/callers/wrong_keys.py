"""Wrong keys, counted by client address and in all: whoever tries many waits, and costs no query."""

import hashlib
import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from fabroute.kernel.errors import DomainError

_WINDOW_SECONDS = 60.0
_WINDOW_IN_ALL_SECONDS = 10.0
"""Shorter, for each costs a query: what may come in a minute must not come at once."""
_TOLERANCE_SECONDS = 1e-6
_SPREAD_SECONDS = 10
_UNAUTHENTICATED = 401


class TooManyWrongKeys(DomainError):
    """Too many wrong keys came from this address, or from everywhere: it has to wait before it tries another."""

    code = "too_many_wrong_keys"
    status = 429


class _Paid(NamedTuple):
    """What was counted before a credential was looked at."""

    of_address: bool
    in_all: bool


class WrongKeys:
    """A leaky bucket for each address (GCRA: one number, the instant at which it is empty). Safe between threads.

    One more bucket holds what comes from all addresses, for who has many: while it is full, only addresses that sent a
    good credential before may try another. A credential that was good before is let through whatever others from its
    address tried. ``clock`` is any steady count of seconds.
    """

    def __init__(
        self,
        *,
        a_minute: int,
        in_all_a_minute: int | None = None,
        maximum_addresses: int = 10_000,
        maximum_familiar: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
        pick: Callable[[int, int], int] = random.randint,
    ) -> None:
        self._interval = _WINDOW_SECONDS / a_minute
        self._interval_in_all = _WINDOW_SECONDS / max(
            a_minute * _WINDOW_SECONDS / _WINDOW_IN_ALL_SECONDS, in_all_a_minute or 0
        )
        self._is_guarded_in_all = in_all_a_minute is not None
        self._maximum_addresses = maximum_addresses
        self._maximum_familiar = maximum_familiar
        self._clock = clock
        self._pick = pick
        self._empty_at: dict[str, float] = {}
        self._empty_in_all_at = 0.0
        self._familiar: dict[bytes, None] = {}
        self._good_addresses: dict[str, None] = {}
        self._lock = threading.Lock()

    def is_familiar(self, secret: str) -> bool:
        """Return whether a credential was good before, and not refused since."""
        return _digest(secret) in self._familiar

    def require_patience(self, address: str, secret: str) -> None:
        """Raise ``TooManyWrongKeys``, which says how long to wait, if the bucket of ``address`` or of all is full."""
        now = self._clock()
        wait = self._empty_at.get(address, 0.0) - now - (_WINDOW_SECONDS - self._interval)
        if wait > _TOLERANCE_SECONDS and not self.is_familiar(secret):
            raise _too_many("from your address", math.ceil(wait - _TOLERANCE_SECONDS))
        if self._is_full_in_all(now) and address not in self._good_addresses and not self.is_familiar(secret):
            raise _too_many("from everywhere just now", self._pick(1, _SPREAD_SECONDS))

    @contextmanager
    def watching(self, address: str, secret: str) -> Iterator[None]:
        """Count it if the block refuses ``secret`` with 401, else remember that it was good.

        It is counted before, in all and for an address from which wrong keys came lately, and that is taken back where
        it was good: many at once are no way round. Raises ``TooManyWrongKeys`` before the block runs, as
        ``require_patience`` does.
        """
        paid, is_refused = self._enter(address, secret), False
        try:
            yield
            self._befriend(address, secret)
        except DomainError as error:
            is_refused = error.status == _UNAUTHENTICATED
            raise
        finally:
            self._leave(address, secret, paid=paid, is_refused=is_refused)

    def note_wrong(self, address: str) -> None:
        """Count a key from ``address`` that needed no look at the database to be wrong."""
        with self._lock:
            self._count(address)

    def _is_full_in_all(self, now: float) -> bool:
        wait = self._empty_in_all_at - now - (_WINDOW_IN_ALL_SECONDS - self._interval_in_all)
        return self._is_guarded_in_all and wait > _TOLERANCE_SECONDS

    def _enter(self, address: str, secret: str) -> _Paid:
        with self._lock:
            self.require_patience(address, secret)
            is_familiar = self.is_familiar(secret)
            of_address = not is_familiar and self._empty_at.get(address, 0.0) > self._clock()
            in_all = not is_familiar and address not in self._good_addresses
            if of_address:
                self._empty_at[address] += self._interval
            if in_all:
                self._count_in_all()
            return _Paid(of_address, in_all)

    def _leave(self, address: str, secret: str, *, paid: _Paid, is_refused: bool) -> None:
        with self._lock:
            if not is_refused:
                self._pay_back(address, paid)
                return
            self._familiar.pop(_digest(secret), None)
            if not paid.in_all:
                self._count_in_all()
            if not paid.of_address:
                self._count_of(address)

    def _pay_back(self, address: str, paid: _Paid) -> None:
        if paid.in_all:
            self._empty_in_all_at -= self._interval_in_all
        if paid.of_address and address in self._empty_at:
            self._empty_at[address] -= self._interval

    def _count(self, address: str) -> None:
        self._count_in_all()
        self._count_of(address)

    def _count_in_all(self) -> None:
        now = self._clock()
        empty_at = max(self._empty_in_all_at, now) + self._interval_in_all
        self._empty_in_all_at = min(empty_at, now + _WINDOW_IN_ALL_SECONDS)

    def _count_of(self, address: str) -> None:
        now = self._clock()
        empty_at = max(self._empty_at.pop(address, now), now) + self._interval
        if len(self._empty_at) >= self._maximum_addresses:
            self._forget(now)
        self._empty_at[address] = min(empty_at, now + _WINDOW_SECONDS)

    def _befriend(self, address: str, secret: str) -> None:
        with self._lock:
            if len(self._familiar) >= self._maximum_familiar:
                self._familiar.clear()
            self._familiar[_digest(secret)] = None
            if len(self._good_addresses) >= self._maximum_addresses:
                self._good_addresses.clear()
            self._good_addresses[address] = None

    def _forget(self, now: float) -> None:
        """Make room: those whose bucket is empty go, and if none is, the half that tried longest ago."""
        waiting = [(address, at) for address, at in self._empty_at.items() if at > now]
        keep = waiting if len(waiting) < self._maximum_addresses else waiting[len(waiting) // 2 :]
        self._empty_at = dict(keep)


def _too_many(where: str, seconds: int) -> TooManyWrongKeys:
    return TooManyWrongKeys(
        f"too many wrong keys {where}: wait {seconds} s, then send a live one; keys that were in use go on working",
        headers={"Retry-After": str(seconds)},
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
