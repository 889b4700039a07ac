"""What every worker process runs in: JSON logs with the task's ids, and in each child connections of its own."""

import faulthandler
import gc
import signal
from collections.abc import Mapping

import structlog
from celery import signals

from fabroute.database import database_engine
from fabroute.settings import get_settings
from fabroute.telemetry.binding import bind_ids
from fabroute.telemetry.logs import configure_logging
from fabroute.telemetry.tracing import flush_spans, start_tracing
from fabroute_workers.following import task_begins, task_ends
from fabroute_workers.isolated import go_first, limit_memory
from fabroute_workers.lifeline import die_with_parent

_FOR = ("scope", "node_id")
"""Arguments of tasks that say what they work on."""
_GARBAGE_THRESHOLDS = (50_000, 50, 1_000)


@signals.setup_logging.connect
def _log_as_json(**_: object) -> None:
    configure_logging()


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
