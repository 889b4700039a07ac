"""Orders with poison among them, a relay and workers with the poisoned app, and what came of it all."""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Engine

from fabroute.kernel.time import utc_now
from fabroute.orders.service import NewOrder
from fabroute_workers.commands import worker_module
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import given_orders, given_owner, make_order
from tests.factories.processes import a_process
from tests.factories.routable import given_routable_network
from tests.faults.poison.poisons import RECORD, city_of, lines_of, read_record
from tests.faults.poison.watch import EndedWorker, Watch

SCOPES = ("metal/europe", "photopolymer/europe", "polymer_powder/europe")
_LOOK_SECONDS = 0.25
_NODES = 12
_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """How many orders, how many of them poisoned and in which ways, over how many planning scopes."""

    orders: int
    poisoned: int
    seed: int
    kinds: Sequence[str]
    scopes: int = len(SCOPES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a dose."""

    seconds: float
    healthy: Mapping[str, int]
    """Healthy lines by state."""
    healthy_seconds: float
    """Until the last of them was decided."""
    poisoned: Mapping[str, int]
    """Poisoned lines by state."""
    kinds: Mapping[str, str]
    """By poisoned line: what it does."""
    runs: Mapping[str, int]
    """By poisoned line: in how many runs it was."""
    broken: int
    """Runs that a poison broke, of ``all_runs``."""
    all_runs: int
    ended: Sequence[EndedWorker]
    """The workers that a run ended."""

    @property
    def most_runs(self) -> int:
        """The most runs that a poisoned line was in."""
        return max(self.runs.values(), default=0)


def place(engine: Engine, dose: Dose) -> dict[str, str]:
    """Place orders in the database of an empty installation; return the kind of each poisoned line."""
    given_routable_network(
        engine,
        today=utc_now().date(),
        nodes=tuple(a_node(node_id=f"N{number}") for number in range(101, 101 + _NODES)),
        lot_grams=1_000_000,
    )
    owner, chance = given_owner(engine), random.Random(dose.seed)
    orders = [
        make_order(owner, placed_at=utc_now(), planning_scope=SCOPES[number % dose.scopes])
        for number in range(dose.orders)
    ]
    drawn = sorted(orders[number].lines[0].id for number in chance.sample(range(dose.orders), dose.poisoned))
    kinds = {line_id: dose.kinds[number % len(dose.kinds)] for number, line_id in enumerate(drawn)}
    placed = [_poisoned(order, kinds) for order in orders]
    for first in range(0, len(placed), _BATCH):
        given_orders(engine, *placed[first : first + _BATCH])
    return kinds


def _poisoned(order: NewOrder, kinds: Mapping[str, str]) -> NewOrder:
    kind = kinds.get(order.lines[0].id)
    return order if kind is None else replace(order, ship_to=replace(order.ship_to, city=city_of(kind)))


@contextmanager
def poisoned_workers(settings: Mapping[str, str], folder: Path, *, children: int = 1) -> Iterator[Watch]:
    """Run a relay and a Celery worker with so many children and the poisoned app; yield the watch over them."""
    record, log = folder / "record", folder / "log"
    environment = dict(settings) | {RECORD: str(record)}
    command = [*worker_module(children)]
    command[command.index("fabroute_workers.app")] = "tests.faults.poison.app"
    with (
        a_process("fabroute_workers.relay", environment=environment, log=log),
        a_process(*command, environment=environment, log=log) as worker,
        Watch(worker.pid, children=children, record=record) as watch,
    ):
        yield watch


def follow(engine: Engine, *, seconds: float, tell: Callable[[str], None] = lambda words: None) -> tuple[float, float]:
    """Wait until every line has an outcome; return the seconds until the healthy ones had theirs, and all."""
    began, healthy_seconds, told = time.monotonic(), 0.0, ""
    while (elapsed := time.monotonic() - began) < seconds:
        waiting, poisoned_waiting = _waiting(engine)
        if waiting:
            healthy_seconds = elapsed
        if not waiting + poisoned_waiting:
            break
        words = f"{elapsed:6.0f} s: {waiting} healthy and {poisoned_waiting} poisoned lines wait"
        if words[10:] != told[10:]:
            tell(words)
            told = words
        time.sleep(_LOOK_SECONDS)
    return healthy_seconds, time.monotonic() - began


def _waiting(engine: Engine) -> tuple[int, int]:
    counts = Counter({(state, ill): number for state, ill, number in _states(engine)})
    open_states = ("pending", "routing")
    return sum(counts[it, False] for it in open_states), sum(counts[it, True] for it in open_states)


def _states(engine: Engine) -> list[tuple[str, bool, int]]:
    found = in_transaction(
        engine,
        lambda session: rows(
            session,
            "SELECT line.state, placed.ship_to_city LIKE 'Poison %', count(*) FROM order_lines line"
            " JOIN orders placed ON placed.id = line.order_id GROUP BY 1, 2",
        ),
    )
    return [(str(state), bool(ill), int(str(number))) for state, ill, number in found]


def outcome_of(engine: Engine, watch: Watch, kinds: Mapping[str, str], *, took: tuple[float, float]) -> Outcome:
    """Return what became of all lines, from the database, from what the workers noted and from how they ended."""
    notes, states = read_record(watch.record), _states(engine)
    runs: Counter[str] = Counter()
    for note in notes:
        runs.update(lines_of(note))
    return Outcome(
        seconds=took[1],
        healthy={state: number for state, ill, number in states if not ill},
        healthy_seconds=took[0],
        poisoned={state: number for state, ill, number in states if ill},
        kinds=kinds,
        runs={line: runs[line] for line in kinds},
        broken=sum(1 for note in notes if note["poisoned"]),
        all_runs=len(notes),
        ended=watch.ended(notes),
    )


def cores() -> int:
    """Return how many cores this machine has."""
    return os.cpu_count() or 1
