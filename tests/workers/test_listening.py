"""A real worker whose connection breaks when it acknowledges a task: it must ask for the next one afterwards."""

from pathlib import Path

import pytest

from fabroute_embedded.redis import RedisServer
from fabroute_workers.app import create_app
from fabroute_workers.commands import worker_module
from tests.factories.processes import a_process, wait_until

pytestmark = pytest.mark.timeout(600)


def test_a_worker_whose_connection_broke_under_a_task_goes_on_with_the_next(
    settings: dict[str, str], broker: RedisServer, tmp_path: Path
) -> None:
    marks, log = tmp_path / "marks", tmp_path / "worker.log"
    marks.touch()
    command = ["tests.fakes.breaking_worker:app" if it == "fabroute_workers.app" else it for it in worker_module(1)]
    sender = create_app(broker.url)

    def ask(name: str) -> None:
        sender.send_task("routing.mark", kwargs={"name": name, "marks": str(marks)}, retry=False)

    with a_process(*command, environment=settings, log=log):
        ask("first")
        assert wait_until(lambda: "Couldn't ack" in log.read_text(encoding="utf-8"))
        ask("second")
        assert wait_until(lambda: "second" in marks.read_text(encoding="utf-8"))
        # What was not acknowledged is handed out again: tasks may run twice, and are made for that.
        assert wait_until(lambda: marks.read_text(encoding="utf-8").split().count("first") == 2)
