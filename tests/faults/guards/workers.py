"""What tries the guards of routing on running processes: a relay and workers that freeze where they do most harm."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sqlalchemy import Engine, text

from fabroute.kernel.time import utc_now
from fabroute_embedded import EmbeddedServers
from fabroute_workers.commands import worker_module
from tests.factories.databases import engine_for
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.processes import PATIENCE_SECONDS, a_process, wait_until
from tests.factories.routable import given_routable_network
from tests.faults.guards.halts import HALTS, give_halts, go_on, halted
from tests.faults.guards.removals import drop

SCOPE, OTHER_SCOPE = "polymer_powder/europe", "polymer_powder/elsewhere"
_LOT_GRAMS = 160
"""For one of two orders of three."""
_OPEN = "SELECT count(*) FROM order_lines WHERE state IN ('pending', 'routing')"
_OTHERS_OPEN = f"{_OPEN} AND planning_scope = '{OTHER_SCOPE}'"
_UNTOLD = "SELECT count(*) FROM outbox_events WHERE published_at IS NULL"
_FORGOTTEN_SECONDS = 20.0
"""A sweeper rings again after three."""
_WOKEN_SECONDS = 5.0
_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """A database with a network, and what starts processes on it."""

    engine: Engine
    servers: EmbeddedServers
    buyer: Owner
    folder: Path
    environment: Mapping[str, str]
    running: ExitStack
    """Ends the processes that were started."""

    def start_relay(self) -> None:
        """Start a relay."""
        self._start("fabroute_workers.relay")

    def start_workers(self) -> None:
        """Start a Celery worker with two children."""
        self._start(*worker_module(2))

    def order(self, scope: str, *, quantity: int = 1) -> None:
        """Place an order."""
        order = make_order(self.buyer, placed_at=utc_now(), planning_scope=scope, quantities=(quantity,))
        given_orders(self.engine, order)

    def count(self, query: str) -> int:
        """Return a number from the database."""
        with self.engine.connect() as connection:
            return int(connection.execute(text(query)).scalar_one())

    def until_decided(self, *, seconds: float = PATIENCE_SECONDS) -> bool:
        """Wait until every line has its outcome; ``False`` if that does not come."""
        return wait_until(lambda: self.count(_OPEN) == 0, seconds=seconds, every=0.2)

    def halted(self, *, besides: frozenset[int] = frozenset()) -> int:
        """Wait for a worker that has decided and stopped; return its process id."""
        found = halted(self.folder, besides=besides)
        assert found is not None, f"no run stopped: see {self.folder}/log"
        return found

    def _start(self, *module: str) -> None:
        log = self.folder / "log"
        process = a_process("tests.faults.unguarded", *module, environment=self.environment, log=log, stop_seconds=5)
        self.running.enter_context(process)


@contextmanager
def a_crew(servers: EmbeddedServers, template: str, folder: Path, *, without: frozenset[str]) -> Iterator[Crew]:
    """Yield an empty installation on a copy of a migrated database, whose processes will be without some guards."""
    folder.mkdir(parents=True, exist_ok=True)
    servers.redis.flush()
    urls = servers.postgres.create_database(f"crew_{next(_numbers)}", template=template)
    environment = {
        "FABROUTE_PROFILE": "embedded",
        "FABROUTE_DATABASE_URL": urls.url,
        "FABROUTE_BROKER_URL": servers.redis.url,
        "FABROUTE_ROUTING_SCOPE_LEASE_SECONDS": "1",
        "FABROUTE_ROUTING_DETERMINISTIC_SECONDS": "1",
        "CHAOS_WITHOUT": ",".join(sorted(without)),
        HALTS: str(folder),
    }
    nodes = tuple(a_node(node_id=name, working_days="Mon-Sun") for name in ("N101", "N102"))
    with engine_for(urls.url) as engine, engine_for(urls.migration_url) as owner, ExitStack() as running:
        given_routable_network(engine, today=utc_now().date(), nodes=nodes, lot_grams=_LOT_GRAMS)
        drop(owner, without)
        buyer = given_owner(engine)
        yield Crew(engine=engine, servers=servers, buyer=buyer, folder=folder, environment=environment, running=running)


def forget_a_message(crew: Crew) -> str:
    """Empty Redis when an order's message lies in it; workers start, and another order comes."""
    crew.start_relay()
    crew.order(SCOPE)
    assert wait_until(lambda: crew.count(_UNTOLD) == 0, every=0.1)
    crew.servers.redis.flush()
    crew.start_workers()
    crew.order(OTHER_SCOPE)
    assert wait_until(lambda: crew.count(_OTHERS_OPEN) == 0, every=0.2), f"no worker: see {crew.folder}/log"
    decided = crew.until_decided(seconds=_FORGOTTEN_SECONDS)
    return "routed all the same" if decided else f"not routed {_FORGOTTEN_SECONDS:.0f} s after a later one"


def wake_while_the_successor_decides(crew: Crew) -> str:
    """Freeze a worker that has decided until another one took over; wake it while that one decides."""
    frozen, successor = _two_workers(crew)
    go_on(frozen)
    _pause(crew)
    go_on(successor)
    return _decided(crew)


def wake_after_the_successor(crew: Crew) -> str:
    """Freeze a worker that has decided until another one took over and has written; then wake it."""
    frozen, successor = _two_workers(crew)
    go_on(successor)
    crew.until_decided()
    go_on(frozen)
    time.sleep(_WOKEN_SECONDS)
    return _decided(crew)


def both_take_the_last(crew: Crew) -> str:
    """Freeze two workers of two planning scopes when both have decided on the same last grams; wake both."""
    give_halts(crew.folder, 2)
    crew.start_relay()
    crew.start_workers()
    crew.order(SCOPE, quantity=3)
    first = crew.halted()
    crew.order(OTHER_SCOPE, quantity=3)
    second = crew.halted(besides=frozenset({first}))
    go_on(first)
    go_on(second)
    return _decided(crew)


def _two_workers(crew: Crew) -> tuple[int, int]:
    """Return two processes that decided on one line and stopped: one that lost its lease, and its successor."""
    give_halts(crew.folder, 2)
    crew.start_relay()
    crew.start_workers()
    crew.order(SCOPE)
    frozen = crew.halted()
    return frozen, crew.halted(besides=frozenset({frozen}))


def _pause(crew: Crew) -> None:
    """Wait for what a process that woke up writes, if it does."""
    crew.until_decided(seconds=_WOKEN_SECONDS)


def _decided(crew: Crew) -> str:
    decided = crew.until_decided()
    jobs = crew.count("SELECT count(*) FROM jobs WHERE state NOT IN ('cancelled', 'declined', 'lapsed', 'failed')")
    return f"{jobs} live jobs" + ("" if decided else ", a line left")
