"""What is measured in a database that has grown: requests over HTTP, and what workers read. Each returns seconds."""

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from types import MappingProxyType

import httpx
from sqlalchemy import Engine, text
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.kernel.time import utc_now
from fabroute.monitoring.reading import read_figures
from fabroute.network.service import bump_queue_versions
from fabroute.orders.service import claim_lines
from fabroute.routing.snapshot import read_snapshot
from fabroute_workers.delivery import Relay
from fabroute_workers.subscriptions import Errand
from tests.benchmarks.lived_orders import LivedOrders, order_body
from tests.benchmarks.open_loop import Load, offer
from tests.benchmarks.served_processes import Served
from tests.factories.databases import in_transaction, rows
from tests.factories.people import PASSWORD, Somebody, given_person
from tests.factories.wire import Reply, Wire, wire
from tests.faults.chaos.network import ChaosBureau, ChaosNetwork, ChaosOwner

INTAKE_CLIENTS = 8
OPERATOR = "org_chaos_operator"
_INTAKE_SECONDS = 2.0
_BATCH_LINES = 200
_FEWEST_ORDERS = 3 * _BATCH_LINES
_HORIZON_DAYS = 45
_READS = 20
"""Times for what takes long."""
_OLD = "SELECT id FROM orders WHERE organisation_id = :owner AND id < 'ord_01' ORDER BY id OFFSET :skip LIMIT 1"
_COUNT = "SELECT count(*) FROM orders WHERE organisation_id = :owner AND id < 'ord_01'"
_FULLEST = """
SELECT planning_scope FROM order_lines WHERE state = 'pending' GROUP BY planning_scope ORDER BY count(*) DESC LIMIT 1
"""
_BUSIEST = "SELECT node_id FROM jobs WHERE state = 'offered' GROUP BY node_id ORDER BY count(*) DESC, node_id LIMIT 1"
_UNCLAIM = (
    "UPDATE jobs SET state = 'offered', lease_id = NULL, lease_kind = '', lease_until = NULL, fence = 0, claimed_by ="
    " NULL, claimed_at = NULL WHERE lease_id IS NOT NULL AND state = 'offered'"
)
_NEW = text("SELECT key, substring(location FROM 12) FROM idempotency_keys WHERE key LIKE 'intake%'")
_END_NEW = (
    "UPDATE order_lines SET state = 'cancelled' WHERE order_id = ANY(:ids)",
    "UPDATE outbox_events SET published_at = occurred_at, sequenced_at = occurred_at WHERE published_at IS NULL OR"
    " sequenced_at IS NULL",
    "UPDATE orders SET state = 'cancelled' WHERE id = ANY(:ids)",
    "DELETE FROM idempotency_keys WHERE key = ANY(:keys)",
)
"""Orders are never deleted, so PostgreSQL has no index by which to see quickly that nothing names them."""


@dataclass(slots=True, kw_only=True)
class Grown:
    """A database that was filled, an API on it, and who asks."""

    engine: Engine
    network: ChaosNetwork
    api: Served
    lived: LivedOrders
    times: int
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    people: dict[str, Somebody] = field(default_factory=dict)
    """Who looks at pages, by organisation."""

    @property
    def owner(self) -> ChaosOwner:
        """Who asks for orders."""
        return self.network.owners[0]

    def busiest(self) -> tuple[str, ChaosBureau]:
        """Return the node with most offered jobs, and its bureau."""
        sql = (
            "SELECT node_id FROM jobs WHERE state = 'offered' GROUP BY node_id ORDER BY count(*) DESC, node_id LIMIT 1"
        )
        node_id = str(in_transaction(self.engine, lambda session: rows(session, sql))[0][0])
        return node_id, self.network.bureau_of(node_id)

    def old_orders(self, count: int) -> list[str]:
        """Return ids of so many of the owner's orders, spread over all its time."""
        owner = self.owner.organisation_id
        with unit_of_work(self.engine) as session:
            ((found,),) = rows(session, _COUNT, owner=owner)
            step = int(str(found)) // count
            return [str(rows(session, _OLD, owner=owner, skip=number * step)[0][0]) for number in range(count)]


def intake(grown: Grown) -> Sequence[float]:
    """Orders of eight clients, each sent when the one before is answered; at least enough for a whole run."""
    parts = [part for part in grown.owner.parts if part.feasible]
    bodies = [json.dumps(order_body(part, "Berlin", "DE")).encode() for part in parts]
    found: list[float] = []
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        while len(found) < _FEWEST_ORDERS:
            load = Load(
                sockets=(grown.api.socket,),
                token=grown.owner.token,
                body=bodies[0],
                more_bodies=tuple(bodies[1:]),
                name=f"intake{next(grown.numbers)}",
                seconds=_INTAKE_SECONDS,
                clients=INTAKE_CLIENTS,
            )
            found += pool.submit(offer, load).result().accepted
    return found


def claimed_lines(grown: Grown) -> Sequence[float]:
    """The claim of 200 due lines of a scope, rolled back."""
    return [claim for claim, _ in _begun_runs(grown)]


def snapshot(grown: Grown) -> Sequence[float]:
    """What a run over 200 lines of a scope reads before it decides; then what ``intake`` placed is cancelled."""
    found = [read for _, read in _begun_runs(grown)]
    with unit_of_work(grown.engine) as session:
        new = session.connection().execute(_NEW).all()
        asked = {"ids": [it[1] for it in new], "keys": [it[0] for it in new]}
        for statement in _END_NEW:
            session.connection().execute(text(statement), asked)
    return found


def _begun_runs(grown: Grown) -> list[tuple[float, float]]:
    """Return the seconds of claiming and of reading, of as many runs as are begun and rolled back."""
    engine, found = grown.engine.execution_options(isolation_level="REPEATABLE READ"), []
    for _ in range(_READS):
        with Session(engine) as session:
            scope = _fullest(session)
            began = time.perf_counter()
            lines = claim_lines(session, scope=scope, limit=_BATCH_LINES, lease_seconds=60.0, attempt_cap=8, alone=True)
            claimed = time.perf_counter()
            read_snapshot(session, lines=lines, now=utc_now(), horizon_days=_HORIZON_DAYS)
            found.append((claimed - began, time.perf_counter() - claimed))
    return found


def _fullest(session: Session) -> str:
    """Return the scope in which most lines are due."""
    return str(rows(session, _FULLEST)[0][0])


def sweep(grown: Grown) -> Sequence[float]:
    """What a relay looks for every second, with nothing to do."""
    relay = Relay(grown.engine, ringer=_Nobody())
    return [_timed(relay.sweep) for _ in range(_READS)]


def figures(grown: Grown) -> Sequence[float]:
    """What metrics and ``fabroute status`` read."""
    return [_timed(lambda: read_figures(grown.engine, now=utc_now())) for _ in range(_READS)]


def orders_by_id(grown: Grown) -> Sequence[float]:
    """``GET /v1/orders/{id}`` of orders of all times."""
    paths = [f"/v1/orders/{order_id}" for order_id in grown.old_orders(min(grown.times, 50))]
    return _gets(grown, grown.owner.token, paths)


def first_orders(grown: Grown) -> Sequence[float]:
    """The first page of the owner's orders."""
    return _gets(grown, grown.owner.token, ["/v1/orders?limit=50"])


def orders_by_state(grown: Grown) -> Sequence[float]:
    """The orders that have no route: a few among all."""
    return _gets(grown, grown.owner.token, ["/v1/orders?state=no_route&limit=50"])


def pending_orders(grown: Grown) -> Sequence[float]:
    """The orders that are not decided yet: none."""
    return _gets(grown, grown.owner.token, ["/v1/orders?state=pending&limit=50"])


def orders_by_reference(grown: Grown) -> Sequence[float]:
    """An order by the client's own number, which nobody has."""
    return _gets(grown, grown.owner.token, ["/v1/orders?reference=po-0815"])


def events(grown: Grown) -> Sequence[float]:
    """The next fifty events of the feed, from the oldest that is kept."""
    return _gets(grown, grown.owner.token, ["/v1/events?limit=50"])


def events_of_order(grown: Grown) -> Sequence[float]:
    """The events of one order."""
    order_id = grown.old_orders(2)[-1]
    return _gets(grown, grown.owner.token, [f"/v1/events?subject={order_id}&limit=50"])


def audit_log(grown: Grown) -> Sequence[float]:
    """The newest fifty entries of the audit log."""
    return _gets(grown, grown.owner.token, ["/v1/audit-log?limit=50"])


def idle_polls(grown: Grown) -> Sequence[float]:
    """A bureau's poll of a queue that has not changed: 304."""
    node_id, bureau = grown.busiest()

    async def ask(it: Wire) -> list[float]:
        path = f"/v1/nodes/{node_id}/jobs?state=offered"
        tag = (await it.get(path)).headers["etag"]
        return [await _seconds(lambda: it.get(path, If_None_Match=tag), 304) for _ in range(grown.times)]

    return _asked(grown, bureau.token, ask)


def polls_with_changes(grown: Grown) -> Sequence[float]:
    """A bureau's poll of a queue that has changed: the first fifty offered jobs."""
    node_id, bureau = grown.busiest()

    async def ask(it: Wire) -> list[float]:
        path, tag, found = f"/v1/nodes/{node_id}/jobs?state=offered&limit=50", "", []
        for _ in range(_READS):
            await asyncio.to_thread(_changed, grown, node_id)
            began = time.perf_counter()
            answer = await it.get(path, If_None_Match=tag)
            while answer.status == 304:  # this process has not heard of it yet
                await asyncio.sleep(0.02)
                began = time.perf_counter()
                answer = await it.get(path, If_None_Match=tag)
            found.append(time.perf_counter() - began)
            tag = answer.headers["etag"]
        return found

    return _asked(grown, bureau.token, ask)


def all_jobs(grown: Grown) -> Sequence[float]:
    """The first fifty of all jobs that a node ever had."""
    node_id, bureau = grown.busiest()
    return _gets(grown, bureau.token, [f"/v1/nodes/{node_id}/jobs?limit=50"])


def claims(grown: Grown) -> Sequence[float]:
    """One job after the other claimed by its bureau; all are put back."""
    node_id, bureau = grown.busiest()
    path = f"/v1/nodes/{node_id}/claims"

    async def ask(it: Wire) -> list[float]:
        return [
            await _seconds(lambda: it.post(path, {"max": 1}, Idempotency_Key=f"claim{next(grown.numbers)}"), 200)
            for _ in range(min(grown.times, 50))
        ]

    try:
        return _asked(grown, bureau.token, ask)
    finally:
        with unit_of_work(grown.engine) as session:
            session.connection().execute(text(_UNCLAIM))


def order_page(grown: Grown) -> Sequence[float]:
    """The console's page of an order."""
    return _pages(grown, _owner(grown), [f"/console/orders/{order_id}" for order_id in grown.old_orders(10)])


def orders_page(grown: Grown) -> Sequence[float]:
    """The console's list of orders."""
    return _pages(grown, _owner(grown), ["/console/orders"])


def start_page(grown: Grown) -> Sequence[float]:
    """The console's first page: what needs a person now."""
    return _pages(grown, _owner(grown), ["/console/"])


def operators_network(grown: Grown) -> Sequence[float]:
    """The network, with load and stock, as the operator sees it."""
    return _pages(grown, OPERATOR, ["/console/network"])


def bureaus_jobs(grown: Grown) -> Sequence[float]:
    """A bureau's jobs that are not over."""
    return _pages(grown, grown.busiest()[1].organisation_id, ["/console/jobs"])


def bureaus_network(grown: Grown) -> Sequence[float]:
    """The network, as a bureau sees it."""
    return _pages(grown, grown.busiest()[1].organisation_id, ["/console/network"])


Measure = Callable[[Grown], Sequence[float]]
MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "intake, 8 clients": intake,
        "routing: claim 200 lines": claimed_lines,
        "routing: snapshot of 200 lines": snapshot,
        "relay: sweep with nothing to do": sweep,
        "poll, nothing changed": idle_polls,
        "poll, 50 offered jobs": polls_with_changes,
        "claim": claims,
        "all jobs of a node, first page": all_jobs,
        "GET /v1/orders/{id}": orders_by_id,
        "GET /v1/orders, first page": first_orders,
        "orders without a route": orders_by_state,
        "orders that are pending (none)": pending_orders,
        "orders by an unknown reference": orders_by_reference,
        "GET /v1/events, from the oldest": events,
        "events of one order": events_of_order,
        "audit log, newest page": audit_log,
        "console: order": order_page,
        "console: orders": orders_page,
        "console: start": start_page,
        "console: network, operator": operators_network,
        "console: jobs, bureau": bureaus_jobs,
        "console: network, bureau": bureaus_network,
        "metrics of the database": figures,
    }
)
"""What is measured, in this order: runs begin over lines that the intake has placed."""


class _Nobody:
    """A ringer that rings for nobody."""

    def ring(self, errand: Errand) -> None:
        """Do nothing."""


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _changed(grown: Grown, node_id: str) -> None:
    with unit_of_work(grown.engine) as session:
        bump_queue_versions(session, node_ids=[node_id])


def _gets(grown: Grown, token: str, paths: Sequence[str]) -> Sequence[float]:
    """Return the seconds of reading these, in turn; each has to be answered with 200."""

    async def ask(it: Wire) -> list[float]:
        return [
            await _seconds(partial(it.get, path), 200) for path, _ in zip(itertools.cycle(paths), range(grown.times))
        ]

    return _asked(grown, token, ask)


def _asked(grown: Grown, token: str, ask: Callable[[Wire], Awaitable[list[float]]]) -> list[float]:
    async def connected() -> list[float]:
        async with wire(grown.api.socket, token) as it:
            return await ask(it)

    return asyncio.run(connected())


async def _seconds(ask: Callable[[], Awaitable[Reply]], status: int) -> float:
    began = time.perf_counter()
    answer = await ask()
    seconds = time.perf_counter() - began
    if answer.status != status:
        raise RuntimeError(f"{answer.status} instead of {status}: {answer.body.decode()[:300]}")
    return seconds


def _owner(grown: Grown) -> str:
    return grown.owner.organisation_id


def _pages(grown: Grown, organisation_id: str, paths: Sequence[str]) -> Sequence[float]:
    """Return the seconds of pages, as somebody of an organisation who is signed in gets them."""
    if organisation_id not in grown.people:
        grown.people[organisation_id] = given_person(grown.engine, organisation_id=organisation_id)
    transport = httpx.HTTPTransport(uds=grown.api.socket)
    with httpx.Client(transport=transport, base_url="http://fabroute", timeout=60) as client:
        form = {"email": grown.people[organisation_id].email, "password": PASSWORD}
        signed_in = client.post("/console/sign-in", data=form, headers={"Accept": "text/html"})
        if signed_in.status_code != 303:
            raise RuntimeError(f"nobody can sign in: {signed_in.status_code} {signed_in.text[:300]}")
        return [_page(client, path) for path, _ in zip(itertools.cycle(paths), range(_READS))]


def _page(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    answer = client.get(path, headers={"Accept": "text/html"})
    seconds = time.perf_counter() - began
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:300]}")
    return seconds
