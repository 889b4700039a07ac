"""What the tasks of webhooks do: send what is due."""

import asyncio
from dataclasses import asdict

import structlog
from sqlalchemy import Engine

from fabroute.integrations.sign_in.secret_key import configured_sealer
from fabroute.integrations.webhooks import configured_sender
from fabroute.settings import Settings
from fabroute.webhooks.service.delivering import Deliverer, DeliveryLimits, DeliveryReport

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute_workers.telling")


def deliver(engine: Engine, settings: Settings, *, limits: DeliveryLimits | None = None) -> DeliveryReport:
    """Send what is due until nothing is, or ten seconds are over; a send that was begun takes five more at most."""
    report = asyncio.run(_deliver(engine, settings, limits))
    if report.attempts:
        _log.info("webhooks.delivered", **asdict(report))
    return report


async def _deliver(engine: Engine, settings: Settings, limits: DeliveryLimits | None) -> DeliveryReport:
    async with configured_sender(settings) as sender:
        deliverer = Deliverer(engine, sender=sender, sealer=configured_sealer(settings), limits=limits)
        return await deliverer.run()
