"""A real worker whose way to the broker is cut while it works: it must ask for the next task afterwards."""

import time
from pathlib import Path

import pytest

from fabroute_embedded.redis import RedisServer
from fabroute_workers.app import create_app
from fabroute_workers.commands import worker_command
from tests.factories.processes import a_process, plain_environment, wait_until
from tests.faults.chaos.proxy import start_proxy

pytestmark = pytest.mark.timeout(600)


@pytest.mark.slow
def test_a_worker_whose_connection_broke_under_a_task_goes_on_with_the_next(
    settings: dict[str, str], broker: RedisServer, tmp_path: Path
) -> None:
    link, marks = broker.socket_path.parent / "link.sock", tmp_path / "marks"
    marks.touch()
    sender = create_app(broker.url)
    proxy = start_proxy("broker", listen=link, upstream=broker.socket_path, environment=plain_environment())
    command = ["tests.fakes.sleepy_worker:app" if it == "fabroute_workers.app" else it for it in worker_command(1)]
    environment = settings | {"FABROUTE_BROKER_URL": f"redis+socket://{link}"}

    def send(seconds: float) -> None:
        sender.send_task("routing.sleep", kwargs={"seconds": seconds, "marks": str(marks)}, retry=False)

    def done() -> int:
        return len(marks.read_text().split())

    try:
        with a_process(*command[2:], environment=environment, log=tmp_path / "worker.log"):
            send(0.0)
            assert wait_until(lambda: done() == 1)
            send(2.0)
            time.sleep(1.0)
            proxy.cut()
            assert wait_until(lambda: done() == 2)
            time.sleep(1.0)
            proxy.passing()
            send(0.0)
            assert wait_until(lambda: done() >= 3)
    finally:
        proxy.stop()
