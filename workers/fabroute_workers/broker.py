"""The broker: which kind its URL names, what that kind needs, and whether it answers. It is only a doorbell."""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from celery import Celery
from kombu.exceptions import OperationalError

from fabroute.kernel.errors import DomainError
from fabroute.settings import EXAMPLE_BROKER_URL

BrokerKind = Literal["redis", "rabbitmq"]

_KINDS: Mapping[str, BrokerKind] = {
    "redis": "redis",
    "rediss": "redis",
    "redis+socket": "redis",
    "amqp": "rabbitmq",
    "amqps": "rabbitmq",
    "pyamqp": "rabbitmq",
}

TRANSPORT_OPTIONS: Mapping[BrokerKind, Mapping[str, object]] = {
    "redis": {
        "visibility_timeout": 300,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 10,
    },
    "rabbitmq": {"confirm_publish": True},
}
"""Without ``confirm_publish`` RabbitMQ may lose what it said it took; without the timeouts a hung Redis blocks us."""

_ANSWER_WITHIN_SECONDS = 5
_START_ONE = (
    "start one with: redis-server --maxmemory-policy noeviction --appendonly yes (then set FABROUTE_BROKER_URL="
    f"{EXAMPLE_BROKER_URL}), or run everything with: fabroute demo"
)


class BrokerMissing(DomainError):
    """No broker is configured, or its URL names a kind that fabroute doesn't know."""

    code = "broker_not_configured"
    status = 503


class BrokerUnreachable(DomainError):
    """The configured broker does not answer."""

    code = "broker_unreachable"
    status = 503


def broker_kind(url: str | None) -> BrokerKind | None:
    """Return what serves ``url``, ``None`` for no URL or one that is neither Redis nor RabbitMQ."""
    return _KINDS.get(urlsplit(url or "").scheme)


def require_broker_url(url: str | None) -> str:
    """Return ``url`` if it names Redis or RabbitMQ; ``BrokerMissing`` says what to set."""
    if not url:
        raise BrokerMissing(f"no broker: FABROUTE_BROKER_URL is not set; {_START_ONE}")
    if broker_kind(url) is None:
        raise BrokerMissing(
            f"FABROUTE_BROKER_URL begins with {urlsplit(url).scheme or '(nothing)'}://, but fabroute rings by Redis "
            f"(redis, rediss, redis+socket) or RabbitMQ (amqp, amqps); it looks like {EXAMPLE_BROKER_URL}"
        )
    return url


def require_reachable(app: Celery) -> None:
    """Raise ``BrokerUnreachable`` with what to do unless the broker of ``app`` answers within its timeouts."""
    with app.connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=0, timeout=_ANSWER_WITHIN_SECONDS)
        except OperationalError as error:
            raise BrokerUnreachable(
                f"the broker at {connection.as_uri()} does not answer ({error}): is it running? {_START_ONE}"
            ) from error
