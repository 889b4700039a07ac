"""Faults of machines and servers: each strikes at once, ends by itself, and says what it did."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.faults.chaos.installation import Installation
from tests.faults.chaos.proxy import Proxy
from tests.faults.chaos.watchdog import signal_to

Strike = Callable[[Installation, Random], str]

WORKER_FROZEN_SECONDS = (11.0, 14.0)
"""Longer than the lease of lines, and much longer than that of a planning scope."""
FROZEN_SECONDS = (3.0, 7.0)
LINK_SECONDS = (2.0, 6.0)
DELAY_SECONDS = (0.01, 0.06)
"""For each piece, both ways: a request of five statements takes ten times as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong."""

    name: str
    weight: int = 1
    strike: Strike
    """Does it and returns what exactly, for the table."""


def killing(kind: str) -> Strike:
    """Return a fault: ``kill -9`` of one process of a kind."""

    def strike(installation: Installation, chance: Random) -> str:
        found = installation.processes(kind)
        if not found:
            return f"no {kind} was running"
        victim = chance.choice(found)
        signal_to((victim,), signal.SIGKILL)
        return f"kill -9 {victim}"

    return strike


def kill_tree(installation: Installation, chance: Random) -> str:
    """End a supervisor with everything under it, as the loss of a machine does."""
    found = installation.processes("supervisor")
    if not found:
        return "no supervisor was running"
    tree = installation.tree_of(chance.choice(found))
    signal_to(tree, signal.SIGKILL)
    return f"kill -9 of {len(tree)} processes"


def freezing(kind: str, seconds: tuple[float, float], *, with_tree: bool = False) -> Strike:
    """Return a fault: one process of a kind stands still for a while, then goes on as if nothing had been."""

    def strike(installation: Installation, chance: Random) -> str:
        found = installation.processes(kind)
        if not found:
            return f"no {kind} was running"
        victim, duration = chance.choice(found), chance.uniform(*seconds)
        pids = installation.tree_of(victim) if with_tree else (victim,)
        installation.freeze(pids, seconds=duration)
        return f"{len(pids)} frozen for {duration:.1f} s"

    return strike


def flush(installation: Installation, _: Random) -> str:
    """Empty the broker."""
    return installation.broker.forget()


def _broker(installation: Installation) -> Proxy:
    return installation.broker_link


def _database(installation: Installation) -> Proxy:
    return installation.database_link


def cutting(link: Callable[[Installation], Proxy]) -> Strike:
    """Return a fault: all connections break, and new ones are refused for a while."""

    def strike(installation: Installation, chance: Random) -> str:
        seconds = chance.uniform(*LINK_SECONDS)
        installation.disturb(link(installation), link(installation).cut, seconds=seconds)
        return f"{seconds:.1f} s"

    return strike


def delaying(link: Callable[[Installation], Proxy]) -> Strike:
    """Return a fault: every piece takes longer for a while."""

    def strike(installation: Installation, chance: Random) -> str:
        seconds, each = chance.uniform(*LINK_SECONDS), chance.uniform(*DELAY_SECONDS)
        installation.disturb(link(installation), lambda: link(installation).delay(each), seconds=seconds)
        return f"{each * 1000:.0f} ms for {seconds:.1f} s"

    return strike


def swallowing(link: Callable[[Installation], Proxy]) -> Strike:
    """Return a fault: nothing gets through for a while; then what was held back comes, or all connections break."""

    def strike(installation: Installation, chance: Random) -> str:
        seconds, breaks = chance.uniform(*LINK_SECONDS), chance.random() < 0.5
        way = link(installation)
        installation.disturb(way, way.black_hole, seconds=seconds)
        if breaks:
            installation.watchdog.after(seconds - 0.2, way.cut)
        return f"{seconds:.1f} s, then {'broken' if breaks else 'going on'}"

    return strike


FAULTS: tuple[Fault, ...] = (
    Fault(name="kill -9 an API process", weight=2, strike=killing("api")),
    Fault(name="kill -9 a supervisor with its tree", weight=2, strike=kill_tree),
    Fault(name="kill -9 a supervisor alone", strike=killing("supervisor")),
    Fault(name="kill -9 a worker", strike=killing("worker")),
    Fault(name="kill -9 a worker's child", weight=2, strike=killing("worker_child")),
    Fault(name="kill -9 a relay", strike=killing("relay")),
    Fault(name="kill -9 the broker", strike=killing("broker")),
    Fault(name="kill -9 the postmaster", strike=killing("postgres")),
    Fault(name="kill -9 a back end", strike=killing("back_end")),
    Fault(name="empty the broker", strike=flush),
    Fault(name="freeze a worker", weight=2, strike=freezing("worker", WORKER_FROZEN_SECONDS, with_tree=True)),
    Fault(name="freeze an API process", strike=freezing("api", FROZEN_SECONDS)),
    Fault(name="freeze a relay", strike=freezing("relay", FROZEN_SECONDS)),
    Fault(name="cut the broker's link", strike=cutting(_broker)),
    Fault(name="slow the broker's link", strike=delaying(_broker)),
    Fault(name="black hole before the broker", strike=swallowing(_broker)),
    Fault(name="cut the database's link", strike=cutting(_database)),
    Fault(name="slow the database's link", strike=delaying(_database)),
    Fault(name="black hole before the database", strike=swallowing(_database)),
)
