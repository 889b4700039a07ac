"""What one API process holds from its start to its end."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from sqlalchemy import Engine

from fabroute.api.admission.refusals import Pressure
from fabroute.api.admission.turns import Turns, bounds_of
from fabroute.api.callers.uses import LastUses
from fabroute.api.callers.wrong_keys import WrongKeys
from fabroute.api.contract.changes import Changes
from fabroute.api.contract.limits import RateLimits, rate_limits_of
from fabroute.api.feed.listener import FeedListener
from fabroute.api.feed.watch import FeedWatch
from fabroute.api.garbage import set_aside_again
from fabroute.api.intake.acceptances import AcceptanceDesk
from fabroute.api.intake.desk import OrderDesk
from fabroute.api.intake.doorbell import Doorbell
from fabroute.api.intake.keys import KeysInFlight
from fabroute.api.intake.placed_log import PlacedLog
from fabroute.api.intake.places import Places
from fabroute.api.intake.promises import PromiseDesk
from fabroute.api.intake.queue import Intake
from fabroute.api.intake.quotes import QuoteDesk
from fabroute.api.keys import KeyCache
from fabroute.api.measuring.lag import measured_lag
from fabroute.api.measuring.measures import ApiMeasures
from fabroute.api.measuring.room import Measuring, make_measuring
from fabroute.api.people.room import PeopleRoom, make_people_room
from fabroute.api.queues.room import Queues, make_queues, serving
from fabroute.api.signing import InstallationSigner
from fabroute.api.uploads import UploadSlots
from fabroute.database import create_database_engine, unit_of_work
from fabroute.identity.service.credentials import note_uses
from fabroute.integrations.object_storage import open_print_file_store
from fabroute.inventory.ports import PrintFileSigner, PrintFileStore
from fabroute.kernel.time import utc_now
from fabroute.orders.service import Catalogue
from fabroute.production.service import offer_jobs
from fabroute.routing.service.accepting import QuoteAcceptor
from fabroute.routing.service.online import OnlinePromiser
from fabroute.routing.service.quoting import QuoteBook, QuoteBooks, read_book
from fabroute.settings import Settings

_PREPARE_AT_ONCE = 0
_IDLE_SECONDS = 10.0
"""A request holds no lease, and may work out more between two statements than a worker: on a busy machine for seconds.
"""
_INTAKE_SETTINGS = (
    "SET statement_timeout = '10s'",
    # The one statement of the intake is planned once, for tables that may be small then and large later.
    "SET enable_seqscan = off",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Settings, database, files, caches, and the way of an order into the database."""

    settings: Settings
    engine: Engine
    """For what the process does by itself: its connections may touch every tenant's rows."""
    tenants: Engine
    """For what callers ask for: its connections touch nobody's rows before a unit of work says whose."""
    store: PrintFileStore
    signer: PrintFileSigner
    uploads: UploadSlots
    turns: Turns
    measuring: Measuring
    limits: RateLimits
    changes: Changes
    people: PeopleRoom
    keys: KeyCache
    wrong_keys: WrongKeys
    last_uses: LastUses
    intake: Intake
    doorbell: Doorbell
    desk: OrderDesk
    quotes: QuoteDesk
    acceptances: AcceptanceDesk
    promises: PromiseDesk
    queues: Queues
    feed: FeedWatch
    feed_listener: FeedListener
    pressure: Pressure = field(default_factory=Pressure)
    placed: PlacedLog = field(default_factory=PlacedLog)


def make_resources(settings: Settings) -> Resources:
    """Return the resources of a process, without connecting anywhere.

    Raises ``DatabaseMissing`` if no URL is set, ``UnknownStorage`` if the store's URL can't be one.
    """
    engine, tenants = _engines(settings)
    doorbell, measures = Doorbell(lambda: open_connection(engine)), ApiMeasures()
    turns, intake = _turns_and_intake(engine, settings, doorbell, measures)
    catalogue, places, books, feed = Catalogue(), Places(), _quote_books(engine, settings), FeedWatch()
    wrong_keys, last_uses = _wrong_keys(settings), _last_uses(engine)
    return Resources(
        settings=settings,
        engine=engine,
        tenants=tenants,
        store=open_print_file_store(settings.storage_url),
        signer=InstallationSigner(settings.signing_key_file, create=settings.profile != "production"),
        uploads=UploadSlots(settings.upload_slots),
        turns=turns,
        measuring=make_measuring(settings, measures, turns=turns, intake=intake, engine=engine, tenants=tenants),
        limits=rate_limits_of(settings),
        changes=Changes(url=engine.url),
        people=make_people_room(engine, settings),
        keys=KeyCache(engine=engine, seconds=settings.api_key_cache_seconds, wrong_keys=wrong_keys, uses=last_uses),
        wrong_keys=wrong_keys,
        last_uses=last_uses,
        intake=intake,
        doorbell=doorbell,
        desk=OrderDesk(tenants=tenants, intake=intake, catalogue=catalogue, places=places),
        quotes=_quote_desk(tenants, settings, books=books, catalogue=catalogue, places=places),
        acceptances=AcceptanceDesk(
            tenants=tenants,
            acceptor=QuoteAcceptor(engine, dispatch=offer_jobs, horizon_days=settings.planning_horizon_days),
            places=places,
            doorbell=doorbell,
            books=books,
            in_flight=KeysInFlight(tenants=tenants),
        ),
        promises=PromiseDesk(
            tenants=tenants,
            promiser=OnlinePromiser(engine, dispatch=offer_jobs, horizon_days=settings.planning_horizon_days),
            catalogue=catalogue,
            places=places,
            doorbell=doorbell,
            books=books,
            in_flight=KeysInFlight(tenants=tenants),
        ),
        queues=make_queues(engine, settings, connect=lambda: open_connection(engine), on_claimed=doorbell.ring),
        feed=feed,
        feed_listener=FeedListener(url=engine.url, watch=feed),
    )


def _engines(settings: Settings) -> tuple[Engine, Engine]:
    """Return the pool for what the process does by itself, and the one for what callers ask for."""
    url, most = settings.database_url, settings.database_pool_connections
    own = create_database_engine(url, most=most, idle_seconds=_IDLE_SECONDS)
    return own, create_database_engine(url, most=most, tenant=None, idle_seconds=_IDLE_SECONDS)


def _turns_and_intake(
    engine: Engine, settings: Settings, doorbell: Doorbell, measures: ApiMeasures
) -> tuple[Turns, Intake]:
    """Return what bounds requests, and what bounds the orders among them."""
    return Turns(bounds_of(settings), clock=time.monotonic), Intake(
        connect=lambda: open_intake_connection(engine),
        capacity=settings.intake_queue_size,
        writers=settings.intake_writers,
        on_committed=doorbell.ring,
        on_written=measures.note_batch,
        patience_seconds=settings.intake_patience_seconds,
    )


def _wrong_keys(settings: Settings) -> WrongKeys:
    return WrongKeys(a_minute=settings.wrong_keys_a_minute, in_all_a_minute=settings.wrong_keys_in_all_a_minute)


def _quote_desk(
    tenants: Engine, settings: Settings, *, books: QuoteBooks, catalogue: Catalogue, places: Places
) -> QuoteDesk:
    valid_for = timedelta(minutes=settings.quote_valid_minutes)
    return QuoteDesk(tenants=tenants, books=books, catalogue=catalogue, places=places, valid_for=valid_for)


def _last_uses(engine: Engine) -> LastUses:
    def write(uses: Mapping[str, datetime]) -> None:
        with unit_of_work(engine) as session:
            note_uses(session, uses=uses)

    return LastUses(write=write)


def _quote_books(engine: Engine, settings: Settings) -> QuoteBooks:
    def read(before: QuoteBook | None) -> QuoteBook:
        with unit_of_work(engine, repeatable_read=True) as session:
            book = read_book(session, now=utc_now(), horizon_days=settings.planning_horizon_days)
        if before is None:
            set_aside_again()
        return book

    return QuoteBooks(read, seconds=settings.quote_snapshot_seconds)


@asynccontextmanager
async def running(resources: Resources) -> AsyncIterator[None]:
    """Take orders inside the block; at its end, write those that wait and close all connections."""
    resources.doorbell.start()
    resources.intake.start()
    resources.last_uses.start()
    try:
        async with (
            serving(resources.queues),
            resources.feed_listener.listening(),
            measured_lag(resources.measuring.measures),
        ):
            yield
    finally:
        await resources.changes.stop()
        await resources.intake.stop()
        resources.placed.flush()
        await resources.last_uses.stop()
        resources.doorbell.stop()
        resources.people.openid.close()
        resources.engine.dispose()
        resources.tenants.dispose()


def open_connection(engine: Engine) -> Connection[Any]:
    """Return a connection of one's own, outside the pool, in autocommit mode."""
    pooled = engine.raw_connection()
    connection = pooled.driver_connection
    assert isinstance(connection, Connection)
    pooled.detach()
    connection.autocommit = True
    return connection


def open_intake_connection(engine: Engine) -> Connection[Any]:
    """Return a connection for the intake's statement: prepared at its first use, planned to find rows by index."""
    connection = open_connection(engine)
    connection.prepare_threshold = _PREPARE_AT_ONCE
    for setting in _INTAKE_SETTINGS:
        connection.execute(setting)
    return connection
