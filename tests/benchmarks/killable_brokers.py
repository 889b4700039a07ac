"""Brokers of each kind that a benchmark starts, kills and starts again, all on a port of this machine."""

import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import redis

from fabroute_embedded.processes import ServerCommand, ServerProcess, start_process
from fabroute_embedded.redis import start_redis
from tests.benchmarks.served_processes import Served
from tests.factories.processes import children_of
from tests.factories.rabbitmq import free_ports, is_installed, rabbitmq_node


class Killable(Protocol):
    """A broker that can be killed and started again, with what it has kept."""

    @property
    def url(self) -> str:
        """Where Celery reaches it."""

    @property
    def pid(self) -> int:
        """Its process."""

    def kill(self) -> None:
        """End it as ``kill -9`` does."""

    def start(self) -> None:
        """Start it again, and wait until it takes messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerKind:
    """A broker with one way to keep what it was given."""

    name: str
    options: Sequence[str] = ()
    """Of Redis, as of its command line."""
    queues: str = ""
    """Of RabbitMQ: ``classic``, else quorum queues."""
    is_rabbitmq: bool = False


KINDS: Mapping[str, BrokerKind] = {
    "redis": BrokerKind(name="Redis, AOF every second", options=("--appendfsync", "everysec")),
    "redis-always": BrokerKind(name="Redis, AOF always", options=("--appendfsync", "always")),
    "redis-forgets": BrokerKind(name="Redis without AOF", options=("--appendonly", "no")),
    "rabbitmq": BrokerKind(name="RabbitMQ, quorum queues", is_rabbitmq=True),
    "rabbitmq-classic": BrokerKind(name="RabbitMQ, classic queues", is_rabbitmq=True, queues="classic"),
}


def kinds_here() -> Mapping[str, BrokerKind]:
    """Return the kinds that can be started on this machine."""
    return {name: kind for name, kind in KINDS.items() if not kind.is_rabbitmq or is_installed()}


@contextmanager
def running_broker(kind: BrokerKind) -> Iterator[Killable]:
    """Yield a broker of a kind, durable on disk; it is gone afterwards. Call it in the main thread."""
    if kind.is_rabbitmq:
        with rabbitmq_node() as node:
            yield node
    else:
        with _redis(kind) as server:
            yield server


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process, its threads and its children took so far, to the microsecond."""
    return sum(_nanoseconds(it) for it in (pid, *children_of(pid))) / 1e9


def memory_mib(pid: int) -> float:
    """Return the resident memory of a process and its children."""
    return sum(Served(socket="", process=it).memory_mib() for it in (pid, *children_of(pid)))


def _nanoseconds(pid: int) -> int:
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(it.read_text(encoding="ascii").split()[0]) for it in threads)


@dataclass(slots=True, kw_only=True)
class _Redis:
    command: ServerCommand
    process: ServerProcess
    port: int

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        self.process.child.kill()
        self.process.child.wait()

    def start(self) -> None:
        self.process = start_process(self.command, keep=False)
        self.process.wait_until_ready(self.answers)

    def answers(self) -> bool:
        try:
            with redis.Redis(port=self.port, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@contextmanager
def _redis(kind: BrokerKind) -> Iterator[_Redis]:
    """Start the embedded Redis once for its folder and command, then as ``kind`` wants it, on a port."""
    with ExitStack() as cleanup:
        folder = Path(tempfile.mkdtemp(prefix="fabroute-redis-"))
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)
        first = start_redis(folder / "redis")
        first.stop()
        (port,) = free_ports(1)
        command = first.process.command
        program = [*command.program, "--bind", "127.0.0.1", "--port", str(port), *kind.options]
        command = replace(command, program=program, death_signal=signal.SIGKILL)
        server = _Redis(command=command, process=start_process(command, keep=False), port=port)
        cleanup.callback(lambda: server.process.stop())
        server.process.wait_until_ready(server.answers)
        yield server
