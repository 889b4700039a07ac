"""API keys and access tokens, each looked up at most once a second by a process."""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from fabroute.api.callers.uses import LastUses
from fabroute.api.callers.wrong_keys import WrongKeys
from fabroute.database import unit_of_work
from fabroute.identity.rules import Principal, Unauthenticated, key_id_of
from fabroute.identity.service.credentials import check_credential

_WRONG_KEYS_A_MINUTE = 20
_STRANGERS_AT_ONCE = 4
"""Of forty threads."""


@dataclass(frozen=True, slots=True)
class Known:
    """Whose a key was when it was looked up last. Without ``kw_only``: one is made for each request."""

    organisation_id: str
    is_fresh: bool
    """Whether that still counts; otherwise it opens nothing."""


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
        self._strangers = asyncio.Semaphore(_STRANGERS_AT_ONCE)
        self._asking: dict[bytes, asyncio.Future[Principal]] = {}

    def recall(self, token: str, *, now: datetime) -> Principal | None:
        """Return whom ``token`` speaks for if that was looked up within the last second, else ``None``."""
        found = self._seen.get(_digest(token))
        return found[0] if found is not None and found[1] > now else None

    def known(self, token: str, *, now: datetime) -> Known | None:
        """Return whose ``token`` was when it was looked up last; ``None`` for one that was never good here."""
        found = self._seen.get(_digest(token))
        return None if found is None else Known(found[0].organisation_id, found[1] > now)

    async def find(self, token: str, *, now: datetime, address: str) -> Principal:
        """Return whom ``token`` speaks for, from memory or from the database. Raises as ``look_up`` does.

        Tokens that were never good wait for each other: however many are tried, those that are in use don't. One that
        many requests bring at once is looked up once for all of them.
        """
        known = self.recall(token, now=now)
        if known is not None:
            return known
        self._wrong.require_patience(address, token)
        if not self._wrong.is_familiar(token):
            self._require_form(token, address)
            async with self._strangers:
                return await run_in_threadpool(self.look_up, token, now=now, address=address)
        digest = _digest(token)
        asking = self._asking.get(digest)
        if asking is None:
            asking = asyncio.ensure_future(run_in_threadpool(self.look_up, token, now=now, address=address))
            self._asking[digest] = asking
            asking.add_done_callback(lambda _: self._asking.pop(digest))
        return await asyncio.shield(asking)

    def _require_form(self, token: str, address: str) -> None:
        """Refuse what can't be a key, by its checksum: it costs no thread and nobody waits for it."""
        try:
            key_id_of(token)
        except Unauthenticated:
            self._wrong.note_wrong(address)
            raise

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
