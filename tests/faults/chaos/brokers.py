"""The brokers that chaos happens to, Redis or RabbitMQ: how they are reached, kept running, and made to forget."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import amqp
import redis

from fabroute_embedded import EmbeddedServers
from fabroute_embedded.processes import ServerProcess
from fabroute_workers.app import QUEUES
from fabroute_workers.broker import BrokerKind
from tests.factories.rabbitmq import RabbitNode, free_ports, rabbitmq_node
from tests.faults.chaos.proxy import Proxy, start_proxy

_FORGET_SECONDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A broker that runs, and the way to it that every process takes."""

    url: str
    """By way of the link."""
    link: Proxy
    process: ServerProcess
    forget: Callable[[], str]
    """Loses all its messages, and says how many."""


@contextmanager
def running_broker(kind: BrokerKind, servers: EmbeddedServers, environment: Mapping[str, str]) -> Iterator[Broker]:
    """Yield a broker with the link to it; ``servers`` have a Redis. Call it in the main thread."""
    if kind == "redis":
        yield from _redis(servers, environment)
    else:
        with rabbitmq_node() as node:
            yield from _rabbitmq(node, environment)


def _redis(servers: EmbeddedServers, environment: Mapping[str, str]) -> Iterator[Broker]:
    folder = servers.folder / "broker"
    folder.mkdir()
    server, listen = servers.redis, folder / "redis.sock"
    proxy = start_proxy("broker", listen=listen, upstream=server.socket_path, environment=environment)
    url = f"redis+socket://{quote(str(listen))}"
    try:
        yield Broker(url=url, link=proxy, process=server.process, forget=lambda: _flushed(server.socket_path))
    finally:
        proxy.stop()


def _rabbitmq(node: RabbitNode, environment: Mapping[str, str]) -> Iterator[Broker]:
    (port,) = free_ports(1)
    ends = {"listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{node.port}"}
    proxy = start_proxy("broker", **ends, environment=environment)
    url = node.url.replace(f":{node.port}/", f":{port}/")
    try:
        yield Broker(url=url, link=proxy, process=node.process, forget=lambda: _purged(f"127.0.0.1:{node.port}"))
    finally:
        proxy.stop()


def _flushed(path: Path) -> str:
    with (
        suppress(redis.RedisError),
        redis.Redis(unix_socket_path=str(path), socket_timeout=_FORGET_SECONDS) as client,
    ):
        lost = client.dbsize()
        client.flushall()
        return f"{lost} keys forgotten"
    return "the broker was down"


def _purged(place: str) -> str:
    """Empty all queues; what workers have in hand they keep."""
    with (
        suppress(OSError, amqp.exceptions.AMQPError),
        amqp.Connection(place, connect_timeout=_FORGET_SECONDS, read_timeout=_FORGET_SECONDS) as connection,
    ):
        lost = sum(connection.channel().queue_purge(name) or 0 for name in QUEUES)
        return f"{lost} messages forgotten"
    return "the broker was down"
