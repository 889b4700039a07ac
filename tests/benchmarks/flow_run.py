"""Orders offered at a rate to a whole installation, bureaus at their desks, and a look every few seconds."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

from tests.benchmarks.lived_orders import order_body
from tests.benchmarks.open_loop import Load, Offered, offer
from tests.benchmarks.order_flow import Backlog, Way, read_backlog, read_ways
from tests.benchmarks.running_processes import Taken
from tests.benchmarks.simulated_bureaus import Desk, work
from tests.benchmarks.simulated_bureaus import Taken as Bureaus
from tests.benchmarks.whole_installation import WholeInstallation
from tests.factories.wire import wire
from tests.faults.chaos.network import ChaosNetwork, ChaosOwner

Tell = Callable[[str], None]
Line = Callable[["Look", "Look"], str]
"""Of a look and the one before, what is told."""
_SETTLE_SECONDS = 3.0
_CROWD, _CROWDS_REQUESTS = 40, 10
"""As many clients at once as an API process has threads: it opens the connections that it keeps."""
_WARM_RATE = 7.0
_WARM_SECONDS = 90.0
"""For the first order through all processes: what they import and compile is no part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """How much is offered, for how long, and how often somebody looks."""

    rate: float
    seconds: float
    drain_seconds: float = 60.0
    """So long what is left is waited for."""
    look_seconds: float = 5.0
    makes: bool = False
    """Whether jobs are made and delivered, not accepted only."""
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What there was at one moment."""

    at: float
    """Seconds since the first order."""
    backlog: Backlog
    queued: int
    """Tasks in the broker."""
    taken: Mapping[str, Taken]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flowed:
    """What came of it."""

    flow: Flow
    offered: Sequence[Offered]
    bureaus: Bureaus
    looks: Sequence[Look]
    ways: Sequence[Way]

    @property
    def loaded(self) -> Look:
        """The last look while orders still came."""
        return next((it for it in reversed(self.looks) if it.at <= self.flow.seconds + 1), self.looks[-1])


def let_flow(installation: WholeInstallation, flow: Flow, *, tell: Tell, tells: Line | None = None) -> Flowed:
    """Offer orders at a rate, have bureaus take them, and return what came of it; ``tell`` gets a line a look."""
    context = get_context("spawn")
    loads = _loads(installation, flow)
    with ExitStack() as stack:
        manager = stack.enter_context(context.Manager())
        pool = stack.enter_context(ProcessPoolExecutor(len(loads) + 1, mp_context=context))
        stop = manager.Event()
        stack.callback(stop.set)
        bureaus = pool.submit(work, _desks(installation), stop, flow.makes)
        _warm(installation, pool, loads)
        looker = _Looker(installation, tell, tells or _line)
        clients = [pool.submit(offer, load) for load in loads]
        _watch(looker, clients, flow)
        stop.set()
        taken = bureaus.result()
        offered = [it.result() for it in clients]
    ways = [way for way in read_ways(installation.engine, taken.claimed) if way.placed >= looker.began]
    return Flowed(flow=flow, offered=offered, bureaus=taken, looks=looker.looks, ways=ways)


class _Looker:
    """Looks, and tells in a line what has changed since the last time."""

    def __init__(self, installation: WholeInstallation, tell: Tell, line: Line) -> None:
        self._installation = installation
        self._tell, self._line = tell, line
        self.began = time.time()
        self.looks = [self._look()]

    def look(self) -> Look:
        """Look once, and tell."""
        before, now = self.looks[-1], self._look()
        self.looks.append(now)
        self._tell(self._line(before, now))
        return now

    def _look(self) -> Look:
        return Look(
            at=time.time() - self.began,
            backlog=read_backlog(self._installation.engine),
            queued=self._installation.queued(),
            taken=self._installation.taken(),
        )


def _watch(looker: _Looker, clients: "Sequence[Future[Offered]]", flow: Flow) -> None:
    """Look every few seconds until nothing waits any more, or what is left was waited for long enough."""
    until = time.monotonic() + flow.seconds + flow.drain_seconds
    while time.monotonic() < until:
        time.sleep(flow.look_seconds)
        waiting = looker.look().backlog
        is_left = waiting.undecided + waiting.planned + waiting.unclaimed + waiting.unsequenced
        if not is_left and all(it.done() for it in clients):
            return


def _line(before: Look, now: Look) -> str:
    seconds = now.at - before.at
    cores = {name: (now.taken[name].cpu_seconds - before.taken[name].cpu_seconds) / seconds for name in now.taken}
    backlog = now.backlog
    return (
        f"{now.at:6.0f} s  {(backlog.placed - before.backlog.placed) / seconds:7.1f} orders/s in;"
        f" waiting: {backlog.undecided:,} lines, {backlog.unclaimed + backlog.planned:,} jobs,"
        f" {max(backlog.unsequenced, backlog.unpublished):,} events, {now.queued} tasks; cores: "
        + ", ".join(f"{name} {share:.2f}" for name, share in cores.items())
    )


def _warm(installation: WholeInstallation, pool: ProcessPoolExecutor, loads: Sequence[Load]) -> None:
    """Send a few orders through everything, from every client process, before anything is measured."""
    few = [replace(load, name=f"warm-{load.name}", seconds=1.0, rate=_WARM_RATE) for load in loads]
    for done in [pool.submit(offer, load) for load in few]:
        done.result()
    until = time.monotonic() + _WARM_SECONDS
    while time.monotonic() < until:
        waiting = read_backlog(installation.engine)
        if waiting.placed and not waiting.undecided + waiting.unclaimed + waiting.unsequenced:
            for api in installation.sockets:
                asyncio.run(_crowded(api, installation.network.owners[0].token))
            time.sleep(_SETTLE_SECONDS)
            return
        time.sleep(0.2)
    raise RuntimeError("the first orders did not come through: see the logs")


async def _crowded(socket: str, token: str) -> None:
    """Have as many as can be served at once read at once, a few times each."""

    async def read() -> None:
        async with wire(socket, token) as it:
            for _ in range(_CROWDS_REQUESTS):
                answer = await it.get("/v1/orders?limit=50")
                if answer.status != 200:
                    raise RuntimeError(f"the crowd got {answer.status}: {answer.body.decode()[:300]}")

    await asyncio.gather(*(read() for _ in range(_CROWD)))


def _loads(installation: WholeInstallation, flow: Flow) -> list[Load]:
    """Return a load for each owner: all parts that can be made, to all places."""
    loads = []
    for number, owner in enumerate(installation.network.owners):
        first, *others = (json.dumps(body).encode() for body in _bodies(installation.network, owner))
        load = Load(
            sockets=installation.sockets,
            token=owner.token,
            body=first,
            more_bodies=tuple(others),
            name=f"flow-{number}",
            seconds=flow.seconds,
            rate=flow.rate / len(installation.network.owners),
            seed=flow.seed + number,
        )
        loads.append(load)
    return loads


def _bodies(network: ChaosNetwork, owner: ChaosOwner) -> list[dict[str, Any]]:
    places = [(city, country) for country in sorted(network.cities) for city in network.cities[country]]
    parts = [part for part in owner.parts if part.feasible]
    return [order_body(part, city, country) for part in parts for city, country in places]


def _desks(installation: WholeInstallation) -> list[Desk]:
    """Return a desk for each node, spread over the API processes."""
    nodes = [(node_id, bureau) for bureau in installation.network.bureaus for node_id in bureau.node_ids]
    sockets = installation.sockets
    return [
        Desk(node_id=node_id, token=bureau.token, socket=sockets[number % len(sockets)])
        for number, (node_id, bureau) in enumerate(nodes)
    ]
