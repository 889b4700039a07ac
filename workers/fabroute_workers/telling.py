"""What the tasks of webhooks do: send what is due, remove what is old."""

import asyncio
from dataclasses import asdict

import structlog
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.integrations.sign_in.secret_key import configured_sealer
from fabroute.integrations.webhooks import configured_sender
from fabroute.kernel.time import utc_now
from fabroute.settings import Settings
from fabroute.webhooks.service.delivering import Deliverer, DeliveryLimits, DeliveryReport
from fabroute.webhooks.service.feed import PURGE_EVENTS, purge_events

_MOST_PURGES = 20
"""Rounds in one task; the next hour does the rest."""

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute_workers.telling")


def deliver(engine: Engine, settings: Settings, *, limits: DeliveryLimits | None = None) -> DeliveryReport:
    """Send what is due until nothing is, or ten seconds are over; a send that was begun takes five more at most."""
    report = asyncio.run(_deliver(engine, settings, limits))
    if report.attempts:
        _log.info("webhooks.delivered", **asdict(report))
    return report


def purge(engine: Engine, settings: Settings) -> int:
    """Remove events that are older than the feed goes back; return how many."""
    removed = 0
    for _ in range(_MOST_PURGES):
        with unit_of_work(engine) as session:
            found = purge_events(session, days=settings.event_days, now=utc_now())
        removed += found
        if found < PURGE_EVENTS:
            break
    return removed


async def _deliver(engine: Engine, settings: Settings, limits: DeliveryLimits | None) -> DeliveryReport:
    async with configured_sender(settings) as sender:
        deliverer = Deliverer(engine, sender=sender, sealer=configured_sealer(settings), limits=limits)
        return await deliverer.run()
