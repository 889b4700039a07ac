"""Celery's consumer without queues for delayed tasks, and which soon notices that a broker is back."""

import logging

from celery import bootsteps
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu import Connection

LOOK_EVERY_SECONDS = 5
"""An absent broker is looked for that often at least. Celery's pauses grow to half a minute, in which orders wait."""
_DELAYED = "celery.worker.consumer.delayed_delivery:DelayedDelivery"

_log = logging.getLogger(__name__)


class PromptBlueprint(bootsteps.Blueprint):
    """The steps of Celery's own consumer, but for one."""

    name = "Consumer"
    default_steps = set(Consumer.Blueprint.default_steps) - {_DELAYED}

    def shutdown(self, parent: Consumer) -> None:
        """Have every step end."""
        self.send_all(parent, "shutdown")


class PromptConsumer(Consumer):
    """What takes messages in a worker. With quorum queues Celery would make 28 more of them, for tasks with a delay.

    No task ever has one: what is to be done later stands in PostgreSQL.
    """

    Blueprint = PromptBlueprint

    def ensure_connected(self, conn: Connection) -> Connection:
        """Return a connection to the broker, as soon as there is one."""
        conn.ensure_connection(errback=_tell, interval_max=LOOK_EVERY_SECONDS, callback=maybe_shutdown)
        return super().ensure_connected(conn)


def _tell(error: Exception, seconds: float) -> None:
    _log.warning("the broker is away (%s): looked for again in %.0f seconds", error, seconds)
