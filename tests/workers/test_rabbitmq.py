"""A real RabbitMQ with quorum queues, where it is installed: rung, hung, killed and started again."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import amqp
import pytest

from fabroute_workers.app import QUEUES, create_app, declare_dead_letters
from fabroute_workers.broker import BrokerRefused, require_reachable
from fabroute_workers.commands import worker_module
from fabroute_workers.doorbell import BrokerDown, Doorbell
from fabroute_workers.subscriptions import Errand
from tests.factories.processes import a_process, wait_until
from tests.factories.rabbitmq import MISSING, RabbitNode, is_installed, rabbitmq_node

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not is_installed(), reason=MISSING),
]


@pytest.fixture(scope="module")
def node() -> Iterator[RabbitNode]:
    """A RabbitMQ of this file's own."""
    with rabbitmq_node() as node:
        yield node


def errand(scope: str) -> Errand:
    return Errand(task="routing.route_pending", scope=scope)


def rung_until_taken(doorbell: Doorbell, scope: str) -> bool:
    def taken() -> bool:
        try:
            doorbell.ring(errand(scope))
        except BrokerDown:
            return False
        return True

    return wait_until(taken, seconds=60, every=0.2)


def is_there(node: RabbitNode, queue: str) -> bool:
    with amqp.Connection(f"127.0.0.1:{node.port}") as connection:
        try:
            connection.channel().queue_declare(queue, passive=True)
        except amqp.exceptions.NotFound:
            return False
        return True


def test_a_wrong_password_or_virtual_host_is_refused_without_the_password(node: RabbitNode) -> None:
    require_reachable(create_app(node.url))
    for wrong in (node.url.replace("guest@", "another@"), f"{node.url}nowhere"):
        with pytest.raises(BrokerRefused, match="does not let us in") as refusal:
            require_reachable(create_app(wrong))
        assert "another" not in refusal.value.message


def test_a_hung_rabbitmq_is_given_up_after_its_timeout_and_works_again_afterwards(node: RabbitNode) -> None:
    doorbell = Doorbell(create_app(node.url))
    doorbell.ring(errand("before"))
    os.kill(node.pid, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(BrokerDown, match="timed out"):
        doorbell.ring(errand("meanwhile"))
    took = time.monotonic() - began
    os.kill(node.pid, signal.SIGCONT)

    assert 1.5 < took < 8.0
    assert rung_until_taken(doorbell, "after")
    doorbell.close()


def test_a_worker_takes_tasks_of_all_its_queues_and_goes_on_when_rabbitmq_was_killed(
    node: RabbitNode, settings: dict[str, str], tmp_path: Path
) -> None:
    stamps, log = tmp_path / "stamps", tmp_path / "worker.log"
    stamps.touch()
    environment = {**settings, "FABROUTE_BROKER_URL": node.url, "STAMPS": str(stamps)}
    command = ["tests.fakes.stamping_worker" if it == "fabroute_workers.app" else it for it in worker_module(1)]
    declare_dead_letters(create_app(node.url))
    doorbell = Doorbell(create_app(node.url))

    with a_process(*command, environment=environment, log=log):
        doorbell.ring(errand("first"))
        assert wait_until(lambda: "first " in stamps.read_text(encoding="utf-8"))
        time.sleep(2)  # a quorum queue that is younger than a second is forgotten when its only node is killed
        node.kill()
        node.start()
        assert rung_until_taken(doorbell, "second")
        assert wait_until(lambda: "second " in stamps.read_text(encoding="utf-8"))
    doorbell.close()

    assert [queue for queue in QUEUES if not is_there(node, queue)] == []
    assert not is_there(node, "celery_delayed_0")
