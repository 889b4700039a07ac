"""Compares passwords, a few at a time: each takes 64 MiB and a good part of a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from fabroute.identity.service.people.passwords import PasswordHashing, Verdict
from fabroute.kernel.errors import DomainError
from fabroute.settings import Settings

_WAITING_PER_SLOT = 3


class SignInBusy(DomainError):
    """This process compares as many passwords as it can."""

    code = "sign_in_busy"
    status = 429


class PasswordSlots:
    """Hashing for all threads of a process: some at work, some more that wait, the rest sent away at once.

    So neither the memory nor the threads that serve everybody else run out when many sign in.
    """

    def __init__(self, hashing: PasswordHashing, *, slots: int) -> None:
        self._hashing = hashing
        self._at_work = BoundedSemaphore(slots)
        self._inside = BoundedSemaphore(slots * (1 + _WAITING_PER_SLOT))

    @classmethod
    def configured(cls, settings: Settings) -> "PasswordSlots":
        """Return the slots of a process with these settings."""
        cheap = settings.password_hashing == "cheap"
        return cls(PasswordHashing.cheap() if cheap else PasswordHashing.standard(), slots=settings.password_slots)

    def hash(self, password: str) -> str:
        """Return what is kept of a password; ``SignInBusy``."""
        with self._slot():
            return self._hashing.hash(password)

    def check(self, stored: str | None, password: str) -> Verdict:
        """Compare a password with what is kept; ``SignInBusy``."""
        with self._slot():
            return self._hashing.check(stored, password)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._inside.acquire(blocking=False):
            raise SignInBusy("many people sign in just now: try again in a second")
        try:
            with self._at_work:
                yield
        finally:
            self._inside.release()
