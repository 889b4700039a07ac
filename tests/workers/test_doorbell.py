"""Ringing a real Redis that answers, hangs, dies and comes back."""

import os
import signal
import time

import pytest

from fabroute_embedded.redis import RedisServer
from fabroute_workers.app import create_app
from fabroute_workers.broker import BrokerUnreachable, require_reachable
from fabroute_workers.doorbell import BrokerDown, Doorbell
from fabroute_workers.subscriptions import Errand
from tests.factories.queues import queued_tasks

ERRAND = Errand(task="routing.route_pending", scope="global")


def queued(broker: RedisServer) -> int:
    return len(queued_tasks(broker, "routing"))


def test_an_errand_lies_in_the_queue_of_its_task(broker: RedisServer) -> None:
    doorbell = Doorbell(create_app(broker.url))

    doorbell.ring(ERRAND)
    doorbell.ring(ERRAND)
    doorbell.close()

    assert queued(broker) == 2


@pytest.mark.parametrize(
    ("errand", "queue"),
    [
        (Errand(task="routing.route_pending", scope="global/suspects"), "suspects"),
        (Errand(task="routing.requeue_unroutable"), "replanning"),
        (Errand(task="routing.improve_promised", scope="global"), "replanning"),
        (Errand(task="network.extend_capacity"), "network"),
    ],
)
def test_what_is_rare_or_comes_again_does_not_lie_among_new_orders(
    broker: RedisServer, errand: Errand, queue: str
) -> None:
    doorbell = Doorbell(create_app(broker.url))

    doorbell.ring(errand)
    doorbell.close()

    assert (queued_tasks(broker, queue), queued(broker)) == ([errand.task], 0)


def test_a_hung_broker_is_given_up_after_its_timeout_and_works_again_afterwards(broker: RedisServer) -> None:
    doorbell = Doorbell(create_app(broker.url))
    doorbell.ring(ERRAND)
    os.kill(broker.pid, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(BrokerDown, match=r"redis\.sock: Timeout"):
        doorbell.ring(ERRAND)
    took = time.monotonic() - began
    os.kill(broker.pid, signal.SIGCONT)

    doorbell.ring(ERRAND)

    assert 4.0 < took < 15.0
    assert queued(broker) >= 2


def test_a_broker_that_is_not_there_is_noticed_at_once(broker: RedisServer) -> None:
    app = create_app("redis+socket:///tmp/nobody-is-here.sock")
    began = time.monotonic()
    with pytest.raises(BrokerDown, match="nobody-is-here"):
        Doorbell(app).ring(ERRAND)
    with pytest.raises(BrokerUnreachable) as refusal:
        require_reachable(app)

    assert time.monotonic() - began < 3.0
    assert "start one with: redis-server" in refusal.value.message
    require_reachable(create_app(broker.url))
