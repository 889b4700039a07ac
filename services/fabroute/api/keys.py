"""API keys and access tokens, each looked up at most once a second by a process."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Engine

from fabroute.api.callers.uses import LastUses
from fabroute.api.callers.wrong_keys import WrongKeys
from fabroute.database import unit_of_work
from fabroute.identity.rules import Principal
from fabroute.identity.service.credentials import check_credential

_WRONG_KEYS_A_MINUTE = 20


class KeyCache:
    """Remembers whom a good key speaks for; a bad one is never remembered. One instance serves all threads."""

    def __init__(
        self,
        *,
        engine: Engine,
        seconds: float,
        maximum_keys: int = 10_000,
        wrong_keys: WrongKeys | None = None,
        uses: LastUses | None = None,
    ) -> None:
        self._engine = engine
        self._maximum_keys = maximum_keys
        self._lifetime = timedelta(seconds=seconds)
        self._seen: dict[bytes, tuple[Principal, datetime]] = {}
        self._wrong = wrong_keys or WrongKeys(a_minute=_WRONG_KEYS_A_MINUTE)
        self._uses = uses

    def recall(self, token: str, *, now: datetime) -> Principal | None:
        """Return whom ``token`` speaks for if that was looked up within the last second, else ``None``."""
        found = self._seen.get(_digest(token))
        return found[0] if found is not None and found[1] > now else None

    def admit(self, token: str, *, address: str) -> None:
        """Raise ``TooManyWrongKeys`` where ``address`` tried too many; a key that was good before is let in."""
        self._wrong.require_patience(address, token)

    def look_up(self, token: str, *, now: datetime, address: str = "") -> Principal:
        """Return whom ``token`` speaks for and remember it.

        Raises ``Unauthenticated`` if it opens nothing, ``OrganisationSuspended``, ``TooManyWrongKeys``.
        """
        with self._wrong.watching(address, token), unit_of_work(self._engine) as session:
            credential = check_credential(session, token=token, now=now)
        until = now + self._lifetime
        if credential.expires_at is not None:
            until = min(until, credential.expires_at)
        if len(self._seen) >= self._maximum_keys:
            self._seen.clear()
        self._seen[_digest(token)] = (credential.principal, until)
        self.note_use(credential.principal, at=now)
        return credential.principal

    def note_use(self, principal: Principal, *, at: datetime) -> None:
        """Note when a credential was used, where somebody keeps that."""
        if self._uses is not None:
            self._uses.note(principal.key_id, at=at)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
