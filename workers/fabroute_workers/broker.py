"""The broker: which kind its URL names, what that kind needs, and whether it answers. It is only a doorbell."""

import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, Protocol, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from amqp.exceptions import AccessRefused, NotAllowed
from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

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

_SIGNS_OF_LIFE: Mapping[int, int] = {
    **{socket.TCP_KEEPIDLE: 3, socket.TCP_KEEPINTVL: 1, socket.TCP_KEEPCNT: 2},
    socket.TCP_USER_TIMEOUT: 5_000,
}
"""A broker that is gone without a word is noticed in about five seconds, as a database is: not in hours."""

TRANSPORT_OPTIONS: Mapping[BrokerKind, Mapping[str, object]] = {
    "redis": {
        "visibility_timeout": 300,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "socket_keepalive_options": _SIGNS_OF_LIFE,
        "health_check_interval": 10,
    },
    "rabbitmq": {"confirm_publish": True, "read_timeout": 5, "socket_settings": _SIGNS_OF_LIFE},
}
"""Without ``confirm_publish`` RabbitMQ may lose what it said it took; without the timeouts a hung broker blocks us."""

_ANSWER_WITHIN_SECONDS = 5
_START_ONE = (
    "start one with: redis-server --maxmemory-policy noeviction --appendonly yes (then set FABROUTE_BROKER_URL="
    f"{EXAMPLE_BROKER_URL}), or run everything with: fabroute demo"
)


class _RedisChannel(Protocol):
    client: Redis


class BrokerMissing(DomainError):
    """No broker is configured, or its URL names a kind that fabroute doesn't know."""

    code = "broker_not_configured"
    status = 503


class BrokerUnreachable(DomainError):
    """The configured broker does not answer."""

    code = "broker_unreachable"
    status = 503
    passes = True


class BrokerRefused(DomainError):
    """The configured broker answers, but its password or user is another."""

    code = "broker_refused"
    status = 503


class BrokerForgets(DomainError):
    """The configured Redis may throw queues away."""

    code = "broker_forgets"
    status = 503


_REFUSALS = (AuthenticationError, ResponseError, AccessRefused, NotAllowed)
_HIGHEST_PORT = 65_535
_ENCODED = "in a user's name or a password write @ as %40, : as %3A, / as %2F, # as %23, ? as %3F, % as %25"
_UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"
_BY_TLS = ("rediss", "amqps")
_TLS_OPTION = "ssl_"
_CERT_REQS = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
_TLS_OPTIONS = ("ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


def broker_kind(url: str | None) -> BrokerKind | None:
    """Return what serves ``url``, ``None`` for no URL or one that is neither Redis nor RabbitMQ."""
    return _KINDS.get(_scheme_of(url or ""))


def require_broker_url(url: str | None) -> str:
    """Return ``url`` if it names Redis or RabbitMQ; ``BrokerMissing`` says what to set."""
    if not url:
        raise BrokerMissing(f"no broker: FABROUTE_BROKER_URL is not set; {_START_ONE}")
    if broker_kind(url) is None:
        raise BrokerMissing(
            f"FABROUTE_BROKER_URL begins with {_scheme_of(url) or '(nothing)'}://, but fabroute rings by Redis "
            f"(redis, rediss, redis+socket) or RabbitMQ (amqp, amqps); it looks like {EXAMPLE_BROKER_URL}"
        )
    for one in url.split(";"):
        _require_readable(one)
    return url


def tls_of(url: str | None) -> Mapping[str, object] | None:
    """Return how the broker at ``url`` proves who it is, as its library takes it; ``None`` where it needs not.

    Over TLS its certificate has to be good: signed by an authority of this machine's, or of ``ssl_ca_certs``, for the
    host's name. Only ``ssl_cert_reqs=none`` in the URL takes any. Raises ``BrokerMissing`` for other words there.
    """
    kind = broker_kind(url)
    if url is None or _scheme_of(url) not in _BY_TLS:
        return None
    given = {name: value for name, value in parse_qsl(urlsplit(url).query) if name in _TLS_OPTIONS}
    required = given.pop("ssl_cert_reqs", "required").lower().removeprefix("cert_")
    if required not in _CERT_REQS:
        raise BrokerMissing(f"ssl_cert_reqs in FABROUTE_BROKER_URL is one of {', '.join(_CERT_REQS)}")
    options: dict[str, object] = {"ssl_cert_reqs": _CERT_REQS[required], **given}
    if kind == "redis":
        return {**options, "ssl_check_hostname": required != "none"}
    for_rabbitmq = {name.removeprefix(_TLS_OPTION): value for name, value in options.items()}
    return for_rabbitmq if required == "none" else {**for_rabbitmq, "server_hostname": urlsplit(url).hostname}


def without_tls_options(url: str | None) -> str | None:
    """Return ``url`` without what ``tls_of`` takes out of it."""
    if url is None or _scheme_of(url) not in _BY_TLS:
        return url
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in _TLS_OPTIONS]
    return urlunsplit(parts._replace(query=urlencode(kept)))


def _scheme_of(url: str) -> str:
    return url.partition("://")[0] if "://" in url else ""


def _require_readable(url: str) -> None:
    """Raise ``BrokerMissing`` for what the library would take for something else; nothing of the URL is shown."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BrokerMissing(
            f"FABROUTE_BROKER_URL has no number from 1 to {_HIGHEST_PORT} as its port; {_ENCODED}; it looks like "
            f"{EXAMPLE_BROKER_URL}"
        ) from error
    if port == 0 or "@" in parts.path:
        raise BrokerMissing(f"FABROUTE_BROKER_URL can't be read: {_ENCODED}; it looks like {EXAMPLE_BROKER_URL}")
    number = parts.path.strip("/")
    if parts.scheme == "redis+socket":
        number = dict(parse_qsl(parts.query)).get("virtual_host", "")
    if _KINDS.get(parts.scheme) == "redis" and number and not number.isdecimal():
        raise BrokerMissing(
            "FABROUTE_BROKER_URL ends in the number of a database of Redis, 0 where there is none: "
            f"{EXAMPLE_BROKER_URL}; {_ENCODED}"
        )


def require_reachable(app: Celery) -> None:
    """Raise ``BrokerUnreachable`` with what to do unless the broker of ``app`` answers within its timeouts.

    ``BrokerRefused`` where it answers, but doesn't let us in.
    """
    with _connected(app):
        pass


def require_lasting(app: Celery, *, strict: bool) -> Sequence[str]:
    """Return what should be put right of a Redis that forgets: no append-only file, or keys that may be evicted.

    With ``strict`` evicting is refused by ``BrokerForgets``: it takes what it likes, when work is most. What is lost
    is rung again from PostgreSQL in either case.
    """
    if broker_kind(app.conf.broker_url) != "redis":
        return ()
    with _connected(app) as connection:
        try:
            found = cast("_RedisChannel", connection.default_channel).client.info()
        except RedisError as error:
            return (f"Redis does not say how it is set ({error}): see to appendonly yes, maxmemory-policy noeviction",)
    return [*_evicts(str(found.get("maxmemory_policy", "noeviction")), strict=strict), *_forgets(found)]


def _evicts(policy: str, *, strict: bool) -> Sequence[str]:
    if policy == "noeviction":
        return ()
    words = (
        f"the Redis of FABROUTE_BROKER_URL drops keys when it is full (maxmemory-policy {policy}), and with them "
        "queues: redis-cli CONFIG SET maxmemory-policy noeviction, and the same line in redis.conf"
    )
    if strict:
        raise BrokerForgets(words)
    return (words,)


def _forgets(found: Mapping[str, object]) -> Sequence[str]:
    if int(str(found.get("aof_enabled", 1))):
        return ()
    return (
        "the Redis of FABROUTE_BROKER_URL keeps no append-only file: when it dies its messages are gone, and orders "
        "wait until the relay rings again; redis-cli CONFIG SET appendonly yes, and the same line in redis.conf",
    )


@contextmanager
def _connected(app: Celery) -> Iterator[Connection]:
    with app.connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=0, timeout=_ANSWER_WITHIN_SECONDS)
        except _REFUSALS as error:
            raise _refused(connection, error) from error
        except OperationalError as error:
            if isinstance(error.__cause__, _REFUSALS):
                raise _refused(connection, error.__cause__) from error
            if _UNTRUSTED in str(error):
                raise _untrusted(connection, error) from error
            raise BrokerUnreachable(
                f"the broker at {connection.as_uri()} does not answer ({error}): is it running? {_START_ONE}"
            ) from error
        yield connection


def _untrusted(connection: Connection, error: BaseException) -> BrokerRefused:
    return BrokerRefused(
        f"the broker at {connection.as_uri()} shows a certificate that is not good ({error}): let it have one for its "
        "name, and name the authority that signed it in FABROUTE_BROKER_URL (?ssl_ca_certs=/path/ca.pem); without any "
        "protection: ?ssl_cert_reqs=none"
    )


def _refused(connection: Connection, error: BaseException) -> BrokerRefused:
    return BrokerRefused(
        f"the broker at {connection.as_uri()} does not let us in ({error}): correct user, password, virtual host or "
        "number in FABROUTE_BROKER_URL (redis://:password@host:6379/0, amqp://user:password@host:5672/vhost; "
        f"{_ENCODED})"
    )
