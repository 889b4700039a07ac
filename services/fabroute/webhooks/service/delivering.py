"""Sends what is due: many endpoints at once, of each subject at an endpoint only the first.

Any number of deliverers may run. Each takes deliveries under a lease that outlives a send, and notes what came of them
under its fence: a deliverer that dies loses nothing, at worst something is sent twice, under the same ``webhook-id``.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine, RowMapping
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.ports import SealBroken, Sealer
from fabroute.kernel.time import utc_now
from fabroute.webhooks.ports import Answer, Sender
from fabroute.webhooks.repository import deliveries as rows
from fabroute.webhooks.repository import endpoints as endpoint_rows
from fabroute.webhooks.repository.deliveries import Claim
from fabroute.webhooks.rules.messages import LARGEST_BODY_BYTES, body_of, envelope
from fabroute.webhooks.rules.signing import SigningSecret, secret_of, signed_headers
from fabroute.webhooks.service.endpoints import seal_purpose
from fabroute.webhooks.service.outcomes import Outcome, note_outcomes

LEASE = timedelta(seconds=30)
"""After so long another deliverer takes what this one has not finished; a send takes five seconds at most."""
_IDLE_SECONDS = 0.25
_GATHER_SECONDS = 0.01

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLimits:
    """How much a deliverer does."""

    seconds: float = 10.0
    """Nothing is begun after so long; what was begun is finished."""
    at_once: int = 256
    of_one_endpoint: int = 32
    """Once it has taken something; receivers that hang must not have all places."""
    at_first: int = 4
    """Of an endpoint that has taken nothing yet in this run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """What a deliverer did."""

    attempts: int
    delivered: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parcel:
    """A delivery that was taken, ready to be sent."""

    number: int
    fence: int
    endpoint_id: str
    attempts: int
    url: str
    message_id: str
    body: bytes
    secrets: tuple[SigningSecret, ...]


class Deliverer:
    """Sends what is due until nothing is, or its time is over. ``now`` is the wall clock, ``chance`` from 0 to 1."""

    def __init__(
        self,
        engine: Engine,
        *,
        sender: Sender,
        sealer: Sealer,
        limits: DeliveryLimits | None = None,
        now: Callable[[], datetime] = utc_now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._engine = engine
        self._sender = sender
        self._sealer = sealer
        self._limits = limits or DeliveryLimits()
        self._now = now
        self._chance = chance
        self._running: dict[asyncio.Task[Outcome], str] = {}
        self._secrets: dict[str, SigningSecret] = {}
        self._proven: set[str] = set()

    async def run(self) -> DeliveryReport:
        """Deliver, and return what was done."""
        until, counted = time.monotonic() + self._limits.seconds, Counter[str]()
        outcomes: list[Outcome] = []
        while True:
            room = self._limits.at_once - len(self._running) if time.monotonic() < until else 0
            parcels = await asyncio.to_thread(self._step, outcomes, room) if outcomes or room else []
            for parcel in parcels:
                self._running[asyncio.create_task(self._send(parcel))] = parcel.endpoint_id
            if not self._running:
                break
            outcomes = await self._wait(at_most=None if parcels else _IDLE_SECONDS)
            self._proven |= {it.endpoint_id for it in outcomes if it.answer.is_taken}
            counted.update("delivered" if it.answer.is_taken else "failed" for it in outcomes)
        return DeliveryReport(attempts=counted.total(), delivered=counted["delivered"], failed=counted["failed"])

    async def _wait(self, *, at_most: float | None) -> list[Outcome]:
        """Return what was sent meanwhile, once something was; a moment later, so that many are noted at once."""
        await asyncio.wait(self._running, timeout=at_most, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait(self._running, timeout=_GATHER_SECONDS)
        done = [task for task in self._running if task.done()]
        for task in done:
            del self._running[task]
        return [task.result() for task in done]

    async def _send(self, parcel: _Parcel) -> Outcome:
        at = self._now()
        answer = await self._answer(parcel, at)
        return Outcome(
            number=parcel.number,
            fence=parcel.fence,
            endpoint_id=parcel.endpoint_id,
            attempt=parcel.attempts + 1,
            at=at,
            chance=self._chance(),
            answer=answer,
        )

    async def _answer(self, parcel: _Parcel, at: datetime) -> Answer:
        if not parcel.secrets:
            return Answer(duration_ms=0, failure="unreadable_secret", detail="rotate the secret of this endpoint")
        if len(parcel.body) > LARGEST_BODY_BYTES:
            return Answer(duration_ms=0, failure="too_large", detail="read the event at GET /v1/events")
        headers = signed_headers(
            parcel.secrets, message_id=parcel.message_id, timestamp=int(at.timestamp()), body=parcel.body
        )
        return await self._sender.send(url=parcel.url, headers=headers, body=parcel.body)

    def _step(self, outcomes: Sequence[Outcome], room: int) -> list[_Parcel]:
        """Note what was sent, and take what is due, in one transaction."""
        now = self._now()
        with unit_of_work(self._engine) as session:
            if outcomes:
                note_outcomes(session, outcomes, now=now)
            return self._claim(session, room, now=now) if room > 0 else []

    def _claim(self, session: Session, room: int, *, now: datetime) -> list[_Parcel]:
        claim = Claim(
            limit=room,
            most_of_one=self._limits.of_one_endpoint,
            most_at_first=min(self._limits.at_first, self._limits.of_one_endpoint),
            proven=self._proven,
            busy=Counter(self._running.values()),
            lease_until=now + LEASE,
        )
        found = rows.claim_due(session, claim, now=now)
        secrets = self._live_secrets(session, {row["endpoint_id"] for row in found}, now=now)
        return [_parcel(row, secrets.get(row["endpoint_id"], ())) for row in found]

    def _live_secrets(
        self, session: Session, endpoint_ids: set[str], *, now: datetime
    ) -> dict[str, tuple[SigningSecret, ...]]:
        """Return the secrets that sign now; those that can't be read are left out, and logged."""
        live: dict[str, tuple[SigningSecret, ...]] = {}
        stored = endpoint_rows.read_live_secrets(session, endpoint_ids, now=now) if endpoint_ids else ()
        for row in stored:
            try:
                secret = self._opened(row.id, row.endpoint_id, row.sealed)
            except SealBroken:
                _log.error("webhooks.secret_unreadable", endpoint_id=row.endpoint_id, secret_id=row.id)
                continue
            live[row.endpoint_id] = (*live.get(row.endpoint_id, ()), secret)
        return live

    def _opened(self, secret_id: str, endpoint_id: str, sealed: str) -> SigningSecret:
        known = self._secrets.get(secret_id)
        if known is None:
            known = secret_of(self._sealer.unseal(sealed, purpose=seal_purpose(endpoint_id)))
            self._secrets[secret_id] = known
        return known


def _parcel(row: RowMapping, secrets: tuple[SigningSecret, ...]) -> _Parcel:
    told = envelope(
        event_id=row["event_id"],
        organisation_id=row["organisation_id"],
        type=row["type"],
        version=row["version"],
        subject_type=row["subject_type"],
        subject_id=row["subject_id"],
        occurred_at=row["occurred_at"],
        data=row["data"],
    )
    return _Parcel(
        number=row["number"],
        fence=row["fence"],
        endpoint_id=row["endpoint_id"],
        attempts=row["attempts"],
        url=row["url"],
        message_id=row["event_id"],
        body=body_of(told),
        secrets=secrets,
    )
