"""What every worker process runs in: JSON logs with the task's ids, and in each child connections of its own."""

import faulthandler
import gc
import json
import logging
import os
import signal
from collections.abc import Mapping

import structlog
from celery import signals
from celery.apps import worker as celery_worker

from fabroute.database import database_engine
from fabroute.settings import get_settings
from fabroute.telemetry.binding import bind_ids
from fabroute.telemetry.logs import configure_logging
from fabroute.telemetry.tracing import flush_spans, start_tracing
from fabroute_workers.app import app
from fabroute_workers.following import task_begins, task_ends
from fabroute_workers.isolated import go_first, limit_memory
from fabroute_workers.lifeline import die_with_parent
from fabroute_workers.presence import show_presence
from fabroute_workers.subscriptions import PLAY_SANDBOXES, SEAL_AUDIT_LOG

_FOR = ("scope", "node_id")
"""Arguments of tasks that say what they work on."""
_CELERYS_LOGGERS = ("celery.worker.strategy", "celery.app.trace")
"""Each tells of every task: that it came, that it is done."""
_OF_EVERY_SECOND = frozenset({SEAL_AUDIT_LOG, PLAY_SANDBOXES})
_CELERYS_PRINT = "safe_say"
_STDERR = 2
_GARBAGE_THRESHOLDS = (50_000, 50, 1_000)


@signals.setup_logging.connect
def _log_as_json(**_: object) -> None:
    """Have Celery write what we write, where we write it; what it would print belongs into the log as well."""
    configure_logging()
    for name in _CELERYS_LOGGERS:
        logging.getLogger(name).addFilter(is_worth_a_line)
    setattr(celery_worker, _CELERYS_PRINT, say)


def is_worth_a_line(record: logging.LogRecord) -> bool:
    """Return whether a line of Celery's is news: not that of a task that is sent every second."""
    told = getattr(record, "data", None)
    name = told.get("name") if isinstance(told, Mapping) else None
    return record.levelno > logging.INFO or name not in _OF_EVERY_SECOND


def say(message: str, *_: object) -> None:
    """Write a line as the log has them, from within a handler of signals: the log itself may be writing just then."""
    line = message if os.isatty(_STDERR) else json.dumps({"event": message, "level": "info", "logger": "celery"})
    os.write(_STDERR, f"{line}\n".encode())


@signals.worker_process_init.connect
def _begin_child(**_: object) -> None:
    """A forked child must not share its parent's connections, nor live on without it, nor eat the machine's memory.

    Where a library ends it, the log says in which function.

    Collecting garbage less often, and never what was there at the start, takes a quarter off the time of a run.
    """
    die_with_parent(signal.SIGKILL)
    limit_memory(get_settings().worker_memory_mib)
    go_first()
    start_tracing(get_settings(), service="fabroute-worker")
    faulthandler.enable(all_threads=False)
    database_engine.cache_clear()
    show_presence(frozenset(app.amqp.queues.consume_from))
    gc.freeze()
    gc.set_threshold(*_GARBAGE_THRESHOLDS)


@signals.task_prerun.connect
def _bind_task(task_id: str, task: object, kwargs: Mapping[str, object] | None = None, **_: object) -> None:
    """Have the log name the task, and the scope or node that it is for, until it is over; begin its span."""
    task_begins(task_id, getattr(task, "name", ""), getattr(task, "request", None))
    bind_ids(task_id=task_id, task=getattr(task, "name", ""))
    bind_ids(**{name: value for name, value in (kwargs or {}).items() if name in _FOR and isinstance(value, str)})


@signals.task_postrun.connect
def _unbind_task(task_id: str = "", task: object = None, state: str | None = None, **_: object) -> None:
    task_ends(task_id, getattr(task, "name", ""), state)
    structlog.contextvars.clear_contextvars()


@signals.worker_process_shutdown.connect
def _end_child(**_: object) -> None:
    """Send the spans that wait: the process ends without further ado."""
    flush_spans()
