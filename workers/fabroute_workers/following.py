"""Each task's span and time: begun before it runs, told when it is over."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from fabroute.telemetry.tracing import is_tracing, span
from fabroute_workers.measuring import TASK_SECONDS, TASKS, count, is_counting

_SUCCESS = "SUCCESS"


@dataclass(slots=True)
class _Running:
    began: float
    block: ExitStack = field(default_factory=ExitStack)


_RUNNING: dict[str, _Running] = {}
"""Tasks of this process by their ids: one, as long as no task runs another."""


def task_begins(task_id: str, task: str, request: object) -> None:
    """Note that a task begins; where its message names a span, the task's is a child of that."""
    running = _RUNNING[task_id] = _Running(began=time.monotonic())
    parent = _traceparent(request) if is_tracing() else None
    if parent is not None:
        running.block.enter_context(span(task, kind="consumer", parent=parent, facts={"task_id": task_id}))


def task_ends(task_id: str, task: str, state: str | None) -> None:
    """Note that it is over."""
    running = _RUNNING.pop(task_id, None)
    if running is None:
        return
    running.block.close()
    if is_counting():
        count(TASK_SECONDS, (task,), time.monotonic() - running.began)
        count(TASKS, (task, "success" if state == _SUCCESS else "failure"))


def headers_of(traceparent: str | None) -> Mapping[str, str] | None:
    """Return the headers of a task's message that name the span it belongs to."""
    return None if traceparent is None else {"traceparent": traceparent}


def _traceparent(request: object) -> str | None:
    """Return what the message of a task names; Celery puts a message's headers beside its own fields."""
    found = getattr(request, "traceparent", None)
    return found if isinstance(found, str) else None
