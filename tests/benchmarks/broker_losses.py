"""What is lost when a broker dies: without anybody who rings again, and with the product's relay."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from fabroute.kernel.time import utc_now
from fabroute_workers.commands import relay_module
from fabroute_workers.doorbell import BrokerDown, Doorbell
from fabroute_workers.subscriptions import ROUTE_PENDING, Errand
from tests.benchmarks.broker_rounds import Stamps, a_worker, doorbell_of, settings_of
from tests.benchmarks.killable_brokers import BrokerKind, Killable, running_broker
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.processes import a_process, wait_until

_QUIET_SECONDS = 12.0
"""So long after the last start of a task nothing more is expected: longer than a worker takes to connect again."""
_PAUSE_SECONDS = 0.2
_DRAINED_SECONDS = 120.0
_PLACED_A_SECOND = 50
_SCOPES = 10
_UNDECIDED = text("SELECT count(*) FROM order_lines WHERE state IN ('pending', 'routing')")
_SLOWEST = text(
    "SELECT extract(epoch FROM max(line_at.at - placed.placed_at)) FROM orders placed JOIN order_lines line"
    " ON line.order_id = placed.id JOIN LATERAL (SELECT min(greatest(decided_at, run.finished_at)) AS at"
    " FROM routing_decisions decision JOIN routing_runs run ON run.id = decision.run_id"
    " WHERE decision.order_line_id = line.id) line_at ON true WHERE line.planning_scope LIKE :scopes"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What became of messages that a broker had taken."""

    accepted: int
    lost: int
    """Of them, those whose task never started."""
    doubled: int
    """Starts beyond the first of a message."""
    refused: int
    """How often the broker was found down, and asked again."""
    away_seconds: float
    """From its death until it took connections again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What became of order lines that were placed while the broker died."""

    lines: int
    undecided: int
    slowest_seconds: float


def lose(kind: BrokerKind, *, url: str, folder: Path, count: int) -> Loss:
    """Hand over messages to a broker that dies halfway, each until it is taken; a worker starts tasks meanwhile."""
    stamps = Stamps(path=folder / "lost")
    with running_broker(kind) as broker:
        environment = settings_of(kind, url=url, broker_url=broker.url)
        with a_worker(environment, stamps, folder):
            time.sleep(2)  # RabbitMQ forgets a quorum queue that is younger than a second when it is killed
            doorbell, refused, away = doorbell_of(kind, broker.url), 0, 0.0
            for number in range(count):
                if number == count // 2:
                    away = _killed(broker)
                refused += _rung(doorbell, f"lost/{number}")
            doorbell.close()
            _wait_until_quiet(stamps, count)
    started = [scope for scope, _ in stamps.starts()]
    distinct = set(started)
    return Loss(
        accepted=count,
        lost=count - len(distinct),
        doubled=len(started) - len(distinct),
        refused=refused,
        away_seconds=away,
    )


def sweep(kind: BrokerKind, engine: Engine, *, url: str, folder: Path, lines: int) -> Sweep:
    """Place lines in planning scopes of their own while the broker dies and comes back: relay and worker go on."""
    name, stamps = f"swept/{time.monotonic_ns()}", Stamps(path=folder / "swept")
    owner = given_owner(engine, name=name)
    with running_broker(kind) as broker:
        environment = settings_of(kind, url=url, broker_url=broker.url)
        with (
            a_worker(environment, stamps, folder),
            a_process(*relay_module(), environment=environment, log=folder / "relay-swept.log"),
        ):
            time.sleep(2)
            placing = threading.Thread(target=_place, args=(engine, owner, name, lines))
            placing.start()
            time.sleep(lines / _PLACED_A_SECOND / 2)
            _killed(broker)
            placing.join()
            wait_until(lambda: _undecided(engine) == 0, seconds=_DRAINED_SECONDS, every=0.2)
    with engine.connect() as connection:
        slowest = connection.execute(_SLOWEST, {"scopes": f"{name}/%"}).scalar_one()
    return Sweep(lines=lines, undecided=_undecided(engine), slowest_seconds=float(slowest or 0))


def _place(engine: Engine, owner: Owner, name: str, lines: int) -> None:
    for number in range(lines):
        given_orders(engine, make_order(owner, planning_scope=f"{name}/{number % _SCOPES}", placed_at=utc_now()))
        time.sleep(1 / _PLACED_A_SECOND)


def _killed(broker: Killable) -> float:
    """Kill a broker, start it again, and return how long it was away."""
    began = time.monotonic()
    broker.kill()
    broker.start()
    return time.monotonic() - began


def _rung(doorbell: Doorbell, scope: str) -> int:
    """Ring until the broker takes it, and return how often it did not."""
    for refused in range(1_000):
        try:
            doorbell.ring(Errand(task=ROUTE_PENDING, scope=scope))
        except BrokerDown:
            time.sleep(_PAUSE_SECONDS)
        else:
            return refused
    raise RuntimeError("the broker does not come back")


def _wait_until_quiet(stamps: Stamps, count: int) -> None:
    """Wait until all tasks have started, or none did for a while."""
    seen, since = 0, time.monotonic()
    while seen < count and time.monotonic() - since < _QUIET_SECONDS:
        time.sleep(0.2)
        if (now := stamps.count()) > seen:
            seen, since = now, time.monotonic()


def _undecided(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(_UNDECIDED).scalar_one())
