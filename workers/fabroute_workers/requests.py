"""Tasks as the worker's main process sees them: it alone knows of those whose process died or was ended."""

from typing import Any

from billiard.exceptions import WorkerLostError
from celery import Task
from celery.worker.request import Request

from fabroute_workers.measuring import TASKS, count

LOST = "lost"
OUT_OF_TIME = "out_of_time"


class CountedRequest(Request):
    """A task's message, and what becomes of it."""

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """Count a task whose process died; the broker sends it again."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)  # billiard wraps what a child raised
        if isinstance(error, WorkerLostError | SystemExit):  # killed, or ended by itself
            count(TASKS, (self.name, LOST))
        return super().on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """Count a task that is ended because it takes too long."""
        if not soft:
            count(TASKS, (self.name, OUT_OF_TIME))
        super().on_timeout(soft, timeout)


class CountedTask(Task[..., Any]):
    """What every task of ours is."""

    Request = "fabroute_workers.requests:CountedRequest"
