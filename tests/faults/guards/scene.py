"""An installation for requests of clients: the API in this process on a real database, or real processes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sqlalchemy import Engine, text

from fabroute.database import unit_of_work
from fabroute.identity.service.sealing import seal_audit_log
from fabroute.kernel.time import utc_now
from fabroute.orders.service import scopes_with_due_lines
from fabroute.production.service import offer_jobs
from fabroute.production.service.phases.watching import watch_leases
from fabroute.routing.service.run import RoutingLimits, route_pending
from fabroute_embedded import EmbeddedServers
from fabroute_workers.delivery import POLL_SECONDS, Relay
from tests.factories.api import served_api
from tests.factories.databases import engine_for
from tests.factories.orders import Owner
from tests.factories.processes import wait_until
from tests.fakes.ringers import FakeClock, FakeRinger
from tests.faults.chaos.installation import running_installation
from tests.faults.chaos.network import ChaosNetwork, given_network
from tests.faults.chaos.tally import Tally
from tests.faults.chaos.wire import UNIX, Installed, Stand
from tests.faults.guards.removals import drop, removed

_LIMITS = RoutingLimits(deterministic_seconds=0.3, wall_seconds=10.0)
_ALL_TOLD = """
SELECT NOT EXISTS (SELECT FROM outbox_events WHERE published_at IS NULL AND occurred_at < now() - interval '10 s')
    AND NOT EXISTS (SELECT FROM audit_entries entry LEFT JOIN audit_seals seal ON seal.entry_id = entry.id
        WHERE seal.entry_id IS NULL AND entry.occurred_at < now() - interval '10 s')
"""
_SETTINGS = {"FABROUTE_OFFER_SECONDS": "60", "FABROUTE_LEASE_SECONDS": "60"}
"""Leases end when the provocation says so."""
_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where clients ask: an installation with a network, and what they were told."""

    installed: Installed
    owner: Engine
    """As the owner of the tables."""
    network: ChaosNetwork
    tally: Tally
    work: Callable[[], None]
    """Does what workers do, where there are none."""

    def until(self, condition: str) -> None:
        """Let workers work until a query says true."""

        def holds() -> bool:
            self.work()
            with self.installed.engine.connect() as connection:
                return bool(connection.execute(text(condition)).scalar_one())

        assert wait_until(holds, every=0.2), f"never came: {condition}"

    def settle(self) -> None:
        """Have relays tell of everything and workers seal it, however slow the machine is."""
        self.until(_ALL_TOLD)

    def change(self, statement: str) -> None:
        """Change something in the database past the product."""
        with self.owner.begin() as connection:
            connection.exec_driver_sql(statement)


@dataclass(frozen=True, slots=True, kw_only=True)
class Furnished:
    """A database with a network to copy, and the folder with its print files."""

    name: str
    network: ChaosNetwork
    storage: Path


def furnish(servers: EmbeddedServers, *, copy_of: str, storage: Path) -> Furnished:
    """Return a database with a network, in which everything is told and sealed."""
    name = "template_guards"
    urls = servers.postgres.create_database(name, template=copy_of)
    with engine_for(urls.url) as engine:
        network = given_network(engine, utc_now(), storage_url=storage.as_uri())
        _tell(engine)
    return Furnished(name=name, network=network, storage=storage)


@contextmanager
def a_scene(servers: EmbeddedServers, furnished: Furnished, *, without: frozenset[str]) -> Iterator[Scene]:
    """Yield the API of this process on a copy of the database, without some guards."""
    name = f"guards_{next(_numbers)}"
    urls = servers.postgres.create_database(name, template=furnished.name)
    storage = furnished.storage
    with (
        engine_for(urls.url) as engine,
        engine_for(urls.migration_url, connections=1) as owner,
        served_api(urls.url, owner=_first_owner(furnished.network), storage_url=storage.as_uri()) as api,
        removed(without),
    ):
        drop(owner, without)
        stand = Stand(api_urls=(f"{UNIX}://{api.socket}",) * 2, engine=engine, storage=storage)
        yield Scene(installed=stand, owner=owner, network=furnished.network, tally=Tally(), work=lambda: _work(engine))
    servers.postgres.drop_database(name)


@contextmanager
def a_real_scene(folder: Path, *, without: frozenset[str]) -> Iterator[Scene]:
    """Yield a running installation whose processes, and whose database, are without some guards."""
    with running_installation(folder=folder, seed=1, settings=_SETTINGS, without=without) as installation:
        storage_url = installation.environment["FABROUTE_STORAGE_URL"]
        network = given_network(installation.engine, utc_now(), storage_url=storage_url)
        drop(installation.admin, without)
        yield Scene(installed=installation, owner=installation.admin, network=network, tally=Tally(), work=lambda: None)


def _work(engine: Engine) -> None:
    """Route what is due, look after silent nodes, tell and seal."""
    with unit_of_work(engine) as session:
        scopes = scopes_with_due_lines(session)
        watch_leases(session, now=utc_now())
    for scope in scopes:
        route_pending(engine, scope=scope, now=utc_now(), dispatch=offer_jobs, limits=_LIMITS)
    _tell(engine)


def _tell(engine: Engine) -> None:
    """Do what relays do with events, and workers with the audit log."""
    relay = Relay(engine, ringer=FakeRinger(), clock=FakeClock())
    while relay.sequence().wait_seconds < POLL_SECONDS:
        continue
    relay.publish()
    seal_audit_log(engine, seconds=10, settling_seconds=0)


def _first_owner(network: ChaosNetwork) -> Owner:
    first = network.owners[0]
    return Owner(
        organisation_id=first.organisation_id,
        token=first.token,
        key_id="",
        part_id="",
        revision_id=first.parts[0].revision_id,
    )
