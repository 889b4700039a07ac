"""What is older than it is kept is removed, the oldest first: a few thousand rows in a transaction, for some seconds.

What is never removed: orders, jobs, decisions with their reasons, evidence, and the audit log, which is a chain.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.service.idempotency import purge_answers
from fabroute.identity.service.oauth import purge_tokens
from fabroute.kernel.time import utc_now
from fabroute.outbox.service import purge_published
from fabroute.routing.service.archive import purge_archives
from fabroute.settings import Settings
from fabroute.webhooks.service.feed import purge_events

FORGET_SECONDS = 10.0
"""No batch is begun after this long: others wait for this worker. What is left is rung for at once."""

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute_workers.forgetting")
Removal = Callable[[Session], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How many rows were removed, and whether time was up before all were."""

    rows: int
    more: bool


def forget_events(engine: Engine, settings: Settings, *, seconds: float = FORGET_SECONDS) -> Forgotten:
    """Remove events that are older than the feed goes back, with their deliveries, and what the outbox has told."""

    def events(session: Session) -> int:
        return purge_events(session, days=settings.event_days, now=utc_now())

    def told(session: Session) -> int:
        return purge_published(session, days=settings.outbox_days, now=utc_now())

    return _forget(engine, "events", (events, told), seconds)


def forget_archives(engine: Engine, settings: Settings, *, seconds: float = FORGET_SECONDS) -> Forgotten:
    """Remove the archives of runs that are older than they are kept."""

    def archives(session: Session) -> int:
        return purge_archives(session, days=settings.archive_days, now=utc_now())

    return _forget(engine, "archives", (archives,), seconds)


def forget_answers(engine: Engine, *, seconds: float = FORGET_SECONDS) -> Forgotten:
    """Remove the answers to keyed requests that are older than they are kept, and access tokens that ended."""
    return _forget(engine, "answers", (_answers, _tokens), seconds)


def _answers(session: Session) -> int:
    return purge_answers(session, now=utc_now())


def _tokens(session: Session) -> int:
    return purge_tokens(session, now=utc_now())


def _forget(engine: Engine, what: str, removals: Sequence[Removal], seconds: float) -> Forgotten:
    """Let each removal work batch by batch until nothing is left for it, or time is up."""
    began, rows, left = time.monotonic(), 0, list(removals)
    while left and time.monotonic() - began < seconds:
        with unit_of_work(engine) as session:
            removed = left[0](session)
        rows += removed
        if not removed:
            left.pop(0)
    if rows:
        _log.info("forgotten", what=what, rows=rows, more=bool(left))
    return Forgotten(rows=rows, more=bool(left))
