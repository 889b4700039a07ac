"""Sessions of people, each looked up at most once a second by a process."""

from datetime import datetime, timedelta

from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.identity.service.people.sessions import OpenSession, authenticate_session
from fabroute.identity.service.people.tokens import digest_of


class SessionCache:
    """Remembers whose a good cookie is, so that a change of a role or its end is felt within the second."""

    def __init__(self, *, engine: Engine, seconds: float, most: int = 10_000) -> None:
        self._engine = engine
        self._most = most
        self._lifetime = timedelta(seconds=seconds)
        self._seen: dict[str, tuple[OpenSession, datetime]] = {}

    def recall(self, token: str, *, now: datetime) -> OpenSession | None:
        """Return whose session a cookie is if that was looked up within the last second, else ``None``."""
        found = self._seen.get(digest_of(token))
        return found[0] if found is not None and found[1] > now else None

    def organisation_of(self, token: str) -> str | None:
        """Return whose a cookie was when it was looked up last, which may be a while ago: it opens nothing."""
        found = self._seen.get(digest_of(token))
        return None if found is None else found[0].principal.organisation_id

    def look_up(self, token: str, *, now: datetime) -> OpenSession:
        """Return whose session a cookie is and remember it; ``Unauthenticated`` if it is nobody's."""
        with unit_of_work(self._engine) as session:
            opened = authenticate_session(session, token=token, now=now)
        if len(self._seen) >= self._most:
            self._seen.clear()
        self._seen[digest_of(token)] = (opened, now + self._lifetime)
        return opened

    def forget(self, token: str) -> None:
        """Look a cookie up anew the next time."""
        self._seen.pop(digest_of(token), None)
