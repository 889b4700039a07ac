"""Sending task names to the broker: soon, or not at all."""

from contextlib import closing

from celery import Celery
from kombu.exceptions import OperationalError

from fabroute.kernel.errors import DomainError
from fabroute_workers.following import headers_of
from fabroute_workers.subscriptions import Errand

CONFIRMED_WITHIN_SECONDS = 2
"""RabbitMQ says that it has a message; while it chooses a leader for a queue, after it was killed, it may never do so.
"""


class BrokerDown(DomainError):
    """The broker didn't take an errand in time; the record of what to do is in PostgreSQL, so nothing is lost."""

    code = "broker_down"
    status = 503


class Doorbell:
    """One connection to the broker. It tries once, within the socket timeouts, and connects anew after a failure."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._connection = app.connection_for_write(transport_options={"max_retries": 0})

    def ring(self, errand: Errand) -> None:
        """Send the errand's task by its name; ``BrokerDown`` if the broker doesn't take it."""
        try:
            producer = self._app.amqp.Producer(self._connection)
            self._app.send_task(
                errand.task,
                kwargs=errand.arguments,
                producer=producer,
                retry=False,
                headers=headers_of(errand.traceparent),
                confirm_timeout=CONFIRMED_WITHIN_SECONDS,
            )
        except (OperationalError, OSError) as error:
            self._connection.collect(socket_timeout=0)
            why = str(error) or type(error.__cause__ or error).__name__
            raise BrokerDown(f"{self._connection.as_uri()}: {why}") from error

    def close(self) -> None:
        """Drop the connection; the next ring makes a new one."""
        self._connection.release()


def ring_again(app: Celery, errand: Errand) -> None:
    """Send an errand from within a task: it goes on behind the others that wait. ``BrokerDown``."""
    with closing(Doorbell(app)) as doorbell:
        doorbell.ring(errand)
