"""A worker that doesn't listen to its broker any more takes a new connection.

Where a connection breaks while a task runs, Celery logs that it could not acknowledge the task, and goes on. The
message counts as one in hand for ever, so with a prefetch of one the worker never asks for another, and since it asks
for nothing it never finds out: it runs, answers signals, and does nothing more.
"""

from collections.abc import Collection
from typing import Any, Protocol

from celery import bootsteps
from celery.worker import state

LOOK_SECONDS = 2.0
_LOOKS_WITHOUT_TASK = 2
_LOOKS_WITH_SAME_TASK = 40
"""Longer than any task may last."""


class Listener(Protocol):
    """What is looked at of Celery's consumer."""

    hub: Any
    connection: Any
    task_consumer: Any


class KeepListening(bootsteps.StartStopStep):
    """Looks from time to time whether the consumer waits for messages or has one in hand.

    Where neither is so it raises a ``ConnectionError`` in the consumer's loop: Celery then connects anew, and gives
    back what it had not acknowledged. Only Redis is looked at; other transports raise by themselves.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Listener, **kwargs: object) -> None:
        super().__init__(consumer, **kwargs)
        self._timer: Any = None
        self._looks = 0
        self._in_hand: Collection[str] = ()

    def start(self, consumer: Listener) -> None:
        """Begin to look."""
        self._looks = 0
        if consumer.hub is not None:
            self._timer = consumer.hub.call_repeatedly(LOOK_SECONDS, self.look, consumer)

    def stop(self, consumer: Listener) -> None:
        """End it, before another connection is made."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self, consumer: Listener) -> None:
        """Raise ``ConnectionError`` where nothing is waited for, for too long."""
        in_hand = frozenset(request.id for request in state.reserved_requests)
        if waits_for_messages(consumer) or in_hand != self._in_hand:
            self._looks = 0
        else:
            self._looks += 1
        self._in_hand = in_hand
        if self._looks >= (_LOOKS_WITH_SAME_TASK if in_hand else _LOOKS_WITHOUT_TASK):
            self._looks = 0
            raise ConnectionError("the worker waits for no message on this connection any more: it needs a new one")


def waits_for_messages(consumer: Listener) -> bool:
    """Return whether the consumer may take a message and looks at a connection; so it seems where it is not Redis."""
    cycle = getattr(consumer.connection.transport, "cycle", None) if consumer.connection is not None else None
    if cycle is None:
        return True
    may_take = bool(consumer.task_consumer.channel.qos.can_consume())
    return may_take and any(fd in consumer.hub.readers for fd in cycle.fds)
