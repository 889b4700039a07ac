"""What a process holds to serve queues."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Engine

from fabroute.api.intake.doorbell import Doorbell
from fabroute.api.intake.writer import Connect
from fabroute.api.queues.claimer import Claimer
from fabroute.api.queues.desk import ClaimDesk
from fabroute.api.queues.listener import QueueListener
from fabroute.api.queues.pollers import PollerKeys
from fabroute.api.queues.versions import QueueVersions
from fabroute.api.schemas.packets import claimed_body
from fabroute.network.service.nodes import QUEUE_CHANNEL
from fabroute.production.service.claims import ClaimTerms
from fabroute.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """The desk that takes claims, and the positions of the queues."""

    desk: ClaimDesk
    versions: QueueVersions
    pollers: PollerKeys
    listener: QueueListener
    bell: Doorbell
    """Rings for those who follow the queues, here and in other processes."""


def make_queues(engine: Engine, settings: Settings, *, connect: Connect, on_claimed: Callable[[], None]) -> Queues:
    """Return what serves the queues, without connecting anywhere."""
    versions, pollers = QueueVersions(), PollerKeys(seconds=settings.api_key_cache_seconds)
    answer = partial(claimed_body, heartbeat_seconds=settings.heartbeat_seconds)
    terms = ClaimTerms(answer=answer, offer_seconds=settings.offer_seconds)
    bell = Doorbell(connect, channel=QUEUE_CHANNEL)

    def changed() -> None:
        bell.ring()
        on_claimed()

    claimer = Claimer(engine=engine, terms=terms, on_claimed=changed)
    return Queues(
        desk=ClaimDesk(answer=claimer.answer, versions=versions),
        versions=versions,
        pollers=pollers,
        listener=QueueListener(url=engine.url, versions=versions, pollers=pollers),
        bell=bell,
    )


@asynccontextmanager
async def serving(queues: Queues) -> AsyncIterator[None]:
    """Take claims and follow the queues inside the block; answer the claims that wait at its end."""
    queues.bell.start()
    queues.listener.start()
    queues.desk.start()
    try:
        yield
    finally:
        await queues.desk.stop()
        await queues.listener.stop()
        queues.bell.stop()
