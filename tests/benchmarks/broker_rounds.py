"""What a hand-off takes: by relay and worker as they are, and at the most that publisher and worker manage."""

import statistics
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from fabroute.database import unit_of_work
from fabroute.kernel.time import utc_now
from fabroute.outbox.service import NOTIFY_CHANNEL
from fabroute_workers.app import create_app
from fabroute_workers.commands import relay_module, worker_module
from fabroute_workers.doorbell import Doorbell
from fabroute_workers.subscriptions import ROUTE_PENDING, Errand
from tests.benchmarks.killable_brokers import BrokerKind, cpu_seconds, memory_mib, running_broker
from tests.factories.processes import a_process, wait_until

RATE = 100
"""Hand-offs a second under load."""
_QUEUES = ("routing", "suspects", "replanning")
_STARTED_SECONDS = 120.0
_PLACED = text(
    "INSERT INTO outbox_events (event_id, name, organisation_id, subject_type, subject_id, data, occurred_at)"
    " VALUES (:id, 'order.placed', NULL, 'order', :id, jsonb_build_object('scope', CAST(:scope AS text)),"
    " clock_timestamp())"
)
_NOTIFY = text(f"NOTIFY {NOTIFY_CHANNEL}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoffs:
    """Milliseconds from a commit to the start of its task, and microseconds of processor for each."""

    alone_p50: float
    alone_p99: float
    """One after the other, nothing else to do."""
    busy_p50: float
    busy_p99: float
    relay_micros: float
    broker_micros: float
    worker_micros: float
    """With the task: a look into an empty planning scope."""
    postgres_micros: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """What one publisher and one worker manage."""

    published_a_second: float
    publisher_micros: float
    broker_in_micros: float
    started_a_second: float
    worker_micros: float
    broker_out_micros: float
    memory_mib: float
    full_mib: float
    """Of the broker with all messages in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """What a worker wrote down."""

    path: Path

    def starts(self) -> list[tuple[str, float]]:
        """Return scope and time of each start so far."""
        if not self.path.exists():
            return []
        lines = (line.split() for line in self.path.read_text(encoding="utf-8").splitlines())
        return [(scope, float(at)) for scope, at in lines]

    def count(self) -> int:
        """Return how many tasks of different scopes have started."""
        return len({scope for scope, _ in self.starts()})


def hand_off(kind: BrokerKind, engine: Engine, *, url: str, folder: Path, count: int) -> Handoffs:
    """Commit events one after the other, then a hundred a second, and see when their tasks start."""
    stamps = Stamps(path=folder / "handed-off")
    with running_broker(kind) as broker:
        environment = settings_of(kind, url=url, broker_url=broker.url)
        with (
            a_worker(environment, stamps, folder) as worker,
            a_process(*relay_module(), environment=environment, log=folder / "relay.log") as relay,
        ):
            warm = [_committed(engine, f"warm/{number}") for number in range(10)]
            wait_for_scopes(stamps, [scope for scope, _ in warm])
            alone = dict(_one_by_one(engine, stamps, count))
            processes = {"relay": relay.pid, "broker": broker.pid, "worker": worker, "postgres": _postmaster(engine)}
            before = {name: cpu_seconds(pid) for name, pid in processes.items()}
            busy = dict(_at_a_rate(engine, count))
            wait_for_scopes(stamps, busy)
            cpu = {name: (cpu_seconds(pid) - before[name]) / count * 1e6 for name, pid in processes.items()}
    started = dict(reversed(stamps.starts()))
    alone_ms, busy_ms = ([1e3 * (started[scope] - at) for scope, at in each.items()] for each in (alone, busy))
    return Handoffs(
        alone_p50=percentile(alone_ms, 50),
        alone_p99=percentile(alone_ms, 99),
        busy_p50=percentile(busy_ms, 50),
        busy_p99=percentile(busy_ms, 99),
        **{f"{name}_micros": micros for name, micros in cpu.items()},
    )


def publish(kind: BrokerKind, *, url: str, folder: Path, count: int) -> Publishing:
    """Hand messages to a broker as fast as one publisher can, then have a worker start all their tasks."""
    stamps = Stamps(path=folder / "published")
    with running_broker(kind) as broker:
        environment = settings_of(kind, url=url, broker_url=broker.url)
        with a_worker(environment, stamps, folder):
            memory = memory_mib(broker.pid)
        doorbell = doorbell_of(kind, broker.url)
        doorbell.ring(Errand(task=ROUTE_PENDING, scope="first"))
        began, cpu, broker_cpu = time.perf_counter(), time.process_time(), cpu_seconds(broker.pid)
        for number in range(count):
            doorbell.ring(Errand(task=ROUTE_PENDING, scope=f"published/{number}"))
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        broker_in = cpu_seconds(broker.pid) - broker_cpu
        doorbell.close()
        full = memory_mib(broker.pid)
        broker_cpu = cpu_seconds(broker.pid)
        with a_worker(environment, stamps, folder, ready=False) as worker:
            wait_for(stamps, 1)
            worker_cpu = cpu_seconds(worker)
            first = stamps.count()
            wait_for(stamps, count + 1)
            worker_cpu = cpu_seconds(worker) - worker_cpu
            broker_out = cpu_seconds(broker.pid) - broker_cpu
    times = sorted(at for _, at in stamps.starts())
    return Publishing(
        published_a_second=count / seconds,
        publisher_micros=cpu / count * 1e6,
        broker_in_micros=broker_in / count * 1e6,
        started_a_second=count / (times[-1] - times[0]),
        worker_micros=worker_cpu / (count + 1 - first) * 1e6,
        broker_out_micros=broker_out / count * 1e6,
        memory_mib=memory,
        full_mib=full,
    )


def settings_of(kind: BrokerKind, *, url: str, broker_url: str) -> Mapping[str, str]:
    """Return the environment of a process on a database and a broker."""
    return {
        "FABROUTE_PROFILE": "embedded",
        "FABROUTE_DATABASE_URL": url,
        "FABROUTE_BROKER_URL": broker_url,
        "QUEUES": kind.queues,
    }


def doorbell_of(kind: BrokerKind, url: str) -> Doorbell:
    """Return what rings a broker of a kind: the product's own, on queues as the kind has them."""
    app = create_app(url)
    if kind.queues == "classic":
        for queue in app.conf.task_queues:
            queue.queue_arguments = None
    return Doorbell(app)


@contextmanager
def a_worker(environment: Mapping[str, str], stamps: Stamps, folder: Path, *, ready: bool = True) -> Iterator[int]:
    """Yield the process of a worker with one child that writes down when tasks start; with ``ready`` it takes them."""
    log = folder / f"worker-{time.monotonic_ns()}.log"
    app = "tests.fakes.stamping_worker"
    command = [app if it == "fabroute_workers.app" else it for it in worker_module(1, queues=_QUEUES)]
    with a_process(*command, environment={**environment, "STAMPS": str(stamps.path)}, log=log) as process:
        if ready and not wait_until(lambda: " ready." in log.read_text(encoding="utf-8"), seconds=_STARTED_SECONDS):
            raise RuntimeError(f"the worker did not start: {log.read_text(encoding='utf-8')[-2000:]}")
        yield process.pid


def wait_for(stamps: Stamps, count: int) -> None:
    """Wait until so many tasks have started."""
    if not wait_until(lambda: stamps.count() >= count, seconds=_STARTED_SECONDS, every=0.02):
        raise RuntimeError(f"only {stamps.count()} of {count} tasks have started")


def wait_for_scopes(stamps: Stamps, scopes: Collection[str]) -> None:
    """Wait until the tasks of all these scopes have started; the relay's sweep may have others started, too."""
    wanted = set(scopes)
    if not wait_until(lambda: wanted <= {scope for scope, _ in stamps.starts()}, seconds=_STARTED_SECONDS, every=0.02):
        raise RuntimeError(f"not all of {len(wanted)} tasks have started")


def percentile(values: Sequence[float], share: int) -> float:
    """Return the value that ``share`` of a hundred do not exceed."""
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def _one_by_one(engine: Engine, stamps: Stamps, count: int) -> Iterator[tuple[str, float]]:
    for number in range(count):
        committed = _committed(engine, f"alone/{number}")
        yield committed
        wait_for_scopes(stamps, committed[:1])


def _at_a_rate(engine: Engine, count: int) -> Iterator[tuple[str, float]]:
    began = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        yield _committed(engine, f"busy/{number}")


def _committed(engine: Engine, scope: str) -> tuple[str, float]:
    """Commit an event as the intake does, with a notice afterwards; return its scope and when it was committed."""
    with unit_of_work(engine) as session:
        session.connection().execute(_PLACED, {"id": f"evt_{scope}_{time.monotonic_ns()}", "scope": scope})
    at = utc_now().timestamp()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(_NOTIFY)
    return scope, at


def _postmaster(engine: Engine) -> int:
    with engine.connect() as connection:
        own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    return int(Path(f"/proc/{own}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
