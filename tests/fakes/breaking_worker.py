"""A Celery app as fabroute's, with one task that does nothing, and a connection that breaks when it is acknowledged."""

import os
from pathlib import Path

import redis
from kombu.transport.redis import QoS

from fabroute_workers.app import create_app

app = create_app(os.environ["FABROUTE_BROKER_URL"])
app.conf.include = []

_acknowledge, _broken = QoS.ack, list[str]()


def _break_once(qos: QoS, delivery_tag: str) -> None:
    """Fail as redis-py does on a connection that was cut, for the first message of this process."""
    if not _broken:
        _broken.append(delivery_tag)
        raise redis.ConnectionError("Error 32 while writing to socket. Broken pipe.")
    _acknowledge(qos, delivery_tag)


setattr(QoS, "ack", _break_once)  # noqa: B010


@app.task(name="routing.mark")
def mark(*, name: str, marks: str) -> None:
    """Leave a mark."""
    with Path(marks).open("a") as file:
        file.write(f"{name}\n")
