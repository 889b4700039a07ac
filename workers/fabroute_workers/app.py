"""The Celery app: its settings, its queues, and the check that refuses to start with others."""

import logging
import sys
from collections.abc import Mapping
from typing import Protocol

from celery import Celery, bootsteps
from celery.concurrency import prefork
from kombu import Exchange, Queue
from pydantic import ValidationError

from fabroute.kernel.errors import DomainError
from fabroute.orders.rules import holds_suspects
from fabroute.settings import get_settings, setting_problems
from fabroute_workers.broker import (
    TRANSPORT_OPTIONS,
    BrokerKind,
    BrokerMissing,
    broker_kind,
    require_broker_url,
    tls_of,
    without_tls_options,
)
from fabroute_workers.listening import KeepListening
from fabroute_workers.subscriptions import IMPROVE_PROMISED, REQUEUE_UNROUTABLE

EXIT_MISCONFIGURED = 78
"""The process can't run as configured (``EX_CONFIG``): starting it again won't help."""

SUSPECTS_QUEUE = "suspects"
REPLANNING_QUEUE = "replanning"
QUEUES: tuple[str, ...] = (
    "routing",
    SUSPECTS_QUEUE,
    REPLANNING_QUEUE,
    "network",
    "inventory",
    "production",
    "advice",
    "identity",
    "webhooks",
    "sandbox",
)
"""A worker takes from them in turn: what is rare never waits behind all that is frequent."""
FILE_QUEUES: tuple[str, ...] = ("inventory", "advice", "webhooks")
"""Queues of tasks that wait for a child process, or work long: with a worker of their own, so routing never waits."""
_REPLANNING = (REQUEUE_UNROUTABLE, IMPROVE_PROMISED)
"""A changing network asks for these again and again; new orders don't wait for them."""
DEAD_LETTERS = "fabroute.dead"
_DELIVERY_LIMIT = 8
_TASK = "fabroute_workers.requests:CountedTask"
_MODULES = (
    "fabroute_workers.runtime",
    "fabroute_workers.tasks.routing",
    "fabroute_workers.tasks.identity",
    "fabroute_workers.tasks.network",
    "fabroute_workers.tasks.inventory",
    "fabroute_workers.tasks.production",
    "fabroute_workers.tasks.advice",
    "fabroute_workers.tasks.webhooks",
    "fabroute_workers.tasks.audit",
    "fabroute_workers.tasks.sandbox",
)

REQUIRED_SETTINGS: Mapping[str, object] = {
    "result_backend": None,
    "task_ignore_result": True,
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_acks_on_failure": True,
    "task_acks_on_timeout": True,
    "worker_prefetch_multiplier": 1,
    "task_time_limit": 45,
    "task_soft_time_limit": 40,
    "task_publish_retry": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "worker_cancel_long_running_tasks_on_connection_loss": True,
    "worker_enable_remote_control": False,
    "worker_max_tasks_per_child": 500,
}
"""With other values tasks get lost, repeat for ever or block: each was measured to matter."""

_log = logging.getLogger(__name__)


class WrongSettings(DomainError):
    """The Celery app has a setting with which work can be lost."""

    code = "wrong_worker_settings"
    status = 500


class StartingWorker(Protocol):
    """What is looked at of a worker that is about to start."""

    app: Celery
    pool_cls: type
    prefetch_multiplier: int
    time_limit: float | None
    soft_time_limit: float | None
    max_tasks_per_child: int | None


class RequireSettings(bootsteps.StartStopStep):
    """Keeps a worker from starting with settings that lose work, however it was called."""

    def __init__(self, parent: StartingWorker, **kwargs: object) -> None:
        super().__init__(parent, **kwargs)
        try:
            require_settings(parent.app)
            require_as_configured(parent)
        except (BrokerMissing, WrongSettings) as error:
            _log.critical("the worker refuses to start: %s", error.message)
            raise SystemExit(EXIT_MISCONFIGURED) from error


def create_app(broker_url: str | None) -> Celery:
    """Return a Celery app for the broker at ``broker_url``; without one it can be looked at, but not started.

    Raises ``BrokerMissing`` where the URL asks for a kind of TLS that is none.
    """
    kind, tls = broker_kind(broker_url), tls_of(broker_url)
    app = Celery("fabroute", task_cls=_TASK, include=list(_MODULES))
    app.conf.update(REQUIRED_SETTINGS)
    app.conf.update(
        broker_url=without_tls_options(broker_url),
        broker_use_ssl=None if tls is None else dict(tls),
        broker_transport_options=dict(TRANSPORT_OPTIONS[kind]) if kind else {},
        task_queues=[_queue(name, kind=kind) for name in QUEUES],
        task_default_queue="routing",
        task_routes=(_route,),
        task_create_missing_queues=False,
        timezone="UTC",
        worker_consumer="fabroute_workers.consuming:PromptConsumer",
    )
    app.steps["worker"].add(RequireSettings)
    app.steps["consumer"].add(KeepListening)
    return app


def require_settings(app: Celery) -> None:
    """Raise ``WrongSettings`` naming each setting that is not as required, ``BrokerMissing`` without a broker."""
    kind = broker_kind(require_broker_url(app.conf.broker_url))
    wrong = _differences("", REQUIRED_SETTINGS, {name: app.conf[name] for name in REQUIRED_SETTINGS})
    if kind is not None:
        options = app.conf.broker_transport_options or {}
        wrong += _differences("broker_transport_options.", TRANSPORT_OPTIONS[kind], options)
    if kind == "rabbitmq":
        wrong += [f"queue {queue.name} is not a quorum queue" for queue in app.conf.task_queues if not _quorum(queue)]
    if wrong:
        raise WrongSettings(f"work can be lost with these settings, put them right in fabroute_workers.app: {wrong}")


def require_as_configured(worker: StartingWorker) -> None:
    """Raise ``WrongSettings`` if the command line has overruled a required setting, or asks for another pool.

    Only a pool of processes can end a task that hangs in the solver.
    """
    if not issubclass(worker.pool_cls, prefork.TaskPool):
        raise WrongSettings(f"pool is {worker.pool_cls.__module__}, start the worker with --pool prefork")
    found = {
        "worker_prefetch_multiplier": worker.prefetch_multiplier,
        "task_time_limit": worker.time_limit,
        "task_soft_time_limit": worker.soft_time_limit,
        "worker_max_tasks_per_child": worker.max_tasks_per_child,
    }
    overruled = _differences("", {name: REQUIRED_SETTINGS[name] for name in found}, found)
    if overruled:
        raise WrongSettings(f"work can be lost with these options of the command line, leave them out: {overruled}")


def dead_letter_queue() -> Queue:
    """Return the queue in which RabbitMQ keeps what was delivered too often; a person looks at it."""
    return Queue(DEAD_LETTERS, Exchange(DEAD_LETTERS, type="fanout"), queue_arguments={"x-queue-type": "quorum"})


def declare_dead_letters(app: Celery) -> None:
    """Make the dead-letter exchange and its queue on the broker of ``app``, where the broker knows such things."""
    if broker_kind(app.conf.broker_url) == "redis":
        return
    with app.connection_for_write() as connection:
        dead_letter_queue()(connection.default_channel).declare()


def _route(
    name: str, _args: object, arguments: Mapping[str, str | None] | None, *_: object, **__: object
) -> Mapping[str, str]:
    """Return the queue of a task that is sent, as Celery asks for it."""
    if name in _REPLANNING:
        return {"queue": REPLANNING_QUEUE}
    if holds_suspects((arguments or {}).get("scope") or ""):
        return {"queue": SUSPECTS_QUEUE}
    return {"queue": name.partition(".")[0]}


def _queue(name: str, *, kind: BrokerKind | None) -> Queue:
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": _DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD_LETTERS,
    }
    exchange = Exchange(name, type="direct")
    return Queue(name, exchange, routing_key=name, queue_arguments=arguments if kind == "rabbitmq" else None)


def _quorum(queue: Queue) -> bool:
    return (queue.queue_arguments or {}).get("x-queue-type") == "quorum"


def _differences(prefix: str, wanted: Mapping[str, object], found: Mapping[str, object]) -> list[str]:
    return [
        f"{prefix}{name} is {found.get(name)!r}, must be {value!r}"
        for name, value in wanted.items()
        if found.get(name) != value
    ]


def _configured_app() -> Celery:
    """Return the app; settings that can't be are told in a line, without what was given, and end the process.

    Every program of the workers comes by here: Celery imports this module by itself.
    """
    try:
        return create_app(get_settings().broker_url)
    except (ValidationError, DomainError) as error:
        print(f"fabroute_workers: {_reasons(error)}", file=sys.stderr)
        raise SystemExit(EXIT_MISCONFIGURED) from error


def _reasons(error: ValidationError | DomainError) -> str:
    if isinstance(error, DomainError):
        return error.message
    return setting_problems(error)


app = _configured_app()
