"""Celery's consumer without queues for delayed tasks, and which soon notices that a broker is back."""

from functools import partial

from celery.worker.consumer import Consumer
from kombu import Connection

LOOK_EVERY_SECONDS = 5
"""An absent broker is looked for that often at least. Celery's pauses grow to half a minute, in which orders wait."""
_DELAYED = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class PromptConsumer(Consumer):
    """What takes messages in a worker. With quorum queues Celery would make 28 more of them, for tasks with a delay.

    No task ever has one: what is to be done later stands in PostgreSQL.
    """

    class Blueprint(Consumer.Blueprint):
        """The steps of Celery's own, but for one."""

        default_steps = tuple(step for step in Consumer.Blueprint.default_steps if step != _DELAYED)

    def ensure_connected(self, conn: Connection) -> Connection:
        """Return a connection to the broker, as soon as there is one."""
        conn.ensure_connection = partial(conn.ensure_connection, interval_max=LOOK_EVERY_SECONDS)
        return super().ensure_connected(conn)
