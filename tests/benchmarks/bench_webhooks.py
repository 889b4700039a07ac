"""What webhooks take: events put into feeds a second, with and without endpoints; deliveries a second; a dead receiver.

``python -m tests.benchmarks.bench_webhooks [EVENTS] [ENDPOINTS]``. Real PostgreSQL from the wheel, durable; receivers
on this machine, each message on a connection of its own, as in production.
"""

import asyncio
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from fabroute import migrations
from fabroute.database import unit_of_work
from fabroute.integrations.webhooks import HttpSender
from fabroute.kernel.time import utc_now
from fabroute.outbox.service import claim_unpublished, mark_published, record_all
from fabroute.webhooks.service.delivering import Deliverer, DeliveryLimits, DeliveryReport
from fabroute.webhooks.service.sequencing import sequence_events
from fabroute_embedded import embedded_servers
from tests.benchmarks.bench_files import processor
from tests.factories.databases import engine_for
from tests.factories.webhooks import PlainSealer, an_event, given_endpoint, given_organisation
from tests.fakes.receivers import Receiver, answering, hanging, running_receiver

OWNER = "org_owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fanned:
    """What the sequencer did with so many events."""

    events: int
    endpoints: int
    seconds: float
    deliveries: int

    @property
    def events_a_second(self) -> float:
        """Events that came into the feed."""
        return self.events / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What deliverers did."""

    deliveries: int
    failed: int
    seconds: float

    @property
    def a_second(self) -> float:
        """Deliveries that were taken."""
        return self.deliveries / self.seconds


def fan_out(engine: Engine, *, events: int, endpoints: int) -> Fanned:
    """Put ``events`` into the feed of an owner with so many endpoints that want all of them."""
    _record(engine, events)
    deliveries, started = 0, time.perf_counter()
    while (done := sequence_events(engine, now=utc_now())).events:
        deliveries += done.deliveries
    return Fanned(events=events, endpoints=endpoints, seconds=time.perf_counter() - started, deliveries=deliveries)


def publish_alone(engine: Engine, *, events: int) -> float:
    """Return how many events a second are claimed and marked as published: what a relay did without feeds."""
    _record(engine, events)
    started, left = time.perf_counter(), True
    while left:
        with unit_of_work(engine) as session:
            claimed = claim_unpublished(session, limit=500)
            mark_published(session, ids=[message.id for message in claimed], now=utc_now())
        left = bool(claimed)
    return events / (time.perf_counter() - started)


def deliver_all(engine: Engine, *, seconds: float, send_seconds: float = 5.0) -> Delivered:
    """Deliver what is due over real connections."""
    started = time.perf_counter()
    report = asyncio.run(_deliver(engine, seconds, send_seconds))
    return Delivered(deliveries=report.delivered, failed=report.failed, seconds=time.perf_counter() - started)


async def _deliver(engine: Engine, seconds: float, send_seconds: float) -> DeliveryReport:
    async with HttpSender(loopback=True, seconds=send_seconds) as sender:
        limits = DeliveryLimits(seconds=seconds)
        return await Deliverer(engine, sender=sender, sealer=PlainSealer(), limits=limits).run()


def _record(engine: Engine, count: int) -> None:
    for begin in range(0, count, 1_000):
        numbers = range(begin, min(begin + 1_000, count))
        with unit_of_work(engine) as session:
            record_all(session, [an_event(subject_id=f"ord_{number}", state="routed") for number in numbers])


def _bench(engine: Engine, *, events: int, endpoints: int, tell: Callable[[str], None]) -> None:
    given_organisation(engine, OWNER)
    tell(f"publish alone: {publish_alone(engine, events=events):,.0f} events/s")
    _drain(engine)
    for count in dict.fromkeys((0, 1, endpoints)):
        with running_receiver(answering(204)) as receiver:
            for _ in range(count):
                given_endpoint(engine, OWNER, url=receiver.url)
            fanned = fan_out(engine, events=events, endpoints=count)
            tell(
                f"sequence, {count:>2} endpoints: {fanned.events_a_second:,.0f} events/s, "
                f"{fanned.deliveries / fanned.seconds:,.0f} deliveries written/s"
            )
            if count:
                done = deliver_all(engine, seconds=300)
                tell(f"deliver, {count:>2} endpoints: {done.a_second:,.0f}/s, {done.failed} failed")
        _forget(engine)
    _beside_the_dead(engine, events=min(events, 1_000), tell=tell)


def _beside_the_dead(engine: Engine, *, events: int, tell: Callable[[str], None]) -> None:
    """Deliver to one receiver that works and five that hang."""
    with running_receiver(answering(204)) as works, running_receiver(hanging) as hangs:
        given_endpoint(engine, OWNER, url=works.url)
        for _ in range(5):
            given_endpoint(engine, OWNER, url=hangs.url)
        fan_out(engine, events=events, endpoints=6)
        done, taken = deliver_all(engine, seconds=10), _count(works)
        tell(f"beside five that hang: {taken} of {events} taken in {done.seconds:.1f} s, {done.failed} timed out")
    _forget(engine)


def _count(receiver: Receiver) -> int:
    return len(receiver.received)


def _drain(engine: Engine) -> None:
    while sequence_events(engine, now=utc_now()).events:
        pass


def _forget(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM webhook_endpoints")
        connection.exec_driver_sql("DELETE FROM events")


def main(words: list[str]) -> None:
    """Run the benchmark and print its figures."""
    events, endpoints = int(words[0]) if words else 10_000, int(words[1]) if len(words) > 1 else 10
    with embedded_servers() as servers:
        urls = servers.postgres.create_database("bench")
        migrations.upgrade(urls.migration_url)
        with engine_for(urls.url, connections=8) as engine:
            print(f"{processor()}, Python {platform.python_version()}, {events:,} events")
            _bench(engine, events=events, endpoints=endpoints, tell=print)


if __name__ == "__main__":
    main(sys.argv[1:])
