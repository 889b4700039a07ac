"""API keys, each looked up at most once a second by a process."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.identity.rules import Principal
from fabroute.identity.service import authenticate


class KeyCache:
    """Remembers whom a good key speaks for; a bad one is never remembered. One instance serves all threads."""

    def __init__(self, *, engine: Engine, seconds: float, maximum_keys: int = 10_000) -> None:
        self._engine = engine
        self._maximum_keys = maximum_keys
        self._lifetime = timedelta(seconds=seconds)
        self._seen: dict[bytes, tuple[Principal, datetime]] = {}

    def recall(self, token: str, *, now: datetime) -> Principal | None:
        """Return whom ``token`` speaks for if that was looked up within the last second, else ``None``."""
        found = self._seen.get(_digest(token))
        return found[0] if found is not None and found[1] > now else None

    def look_up(self, token: str, *, now: datetime) -> Principal:
        """Return whom ``token`` speaks for and remember it; ``Unauthenticated`` if it opens nothing."""
        with unit_of_work(self._engine) as session:
            principal = authenticate(session, token=token, now=now)
        if len(self._seen) >= self._maximum_keys:
            self._seen.clear()
        self._seen[_digest(token)] = (principal, now + self._lifetime)
        return principal


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
