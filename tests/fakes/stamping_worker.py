"""The product's Celery app, in a worker that writes down when each task starts.

``celery --app tests.fakes.stamping_worker worker …``; ``STAMPS`` names the file: a line for each start, with the task's
planning scope and the time. With ``QUEUES=classic`` RabbitMQ's queues are durable ones of the classic type, which the
product itself refuses.
"""

import os
import time
from collections.abc import Mapping

from celery import signals
from kombu import Queue

from fabroute_workers.app import RequireSettings, app

_stamps = os.open(os.environ["STAMPS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def be_classic() -> None:
    """Have queues of the classic type, and a worker that starts with them."""
    app.conf.task_queues = [Queue(it.name, it.exchange, routing_key=it.routing_key) for it in app.conf.task_queues]
    app.steps["worker"].discard(RequireSettings)


@signals.task_prerun.connect
def _stamp(kwargs: Mapping[str, object] | None = None, **_: object) -> None:
    os.write(_stamps, f"{(kwargs or {}).get('scope', '-')} {time.time():.6f}\n".encode())


if os.environ.get("QUEUES") == "classic":
    be_classic()
