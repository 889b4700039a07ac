"""What surrounds the tasks: the worker's own check, dead letters, logs, ids, and the line to the parent process."""

import ctypes
import json
import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import structlog
from celery import Celery, concurrency, signals
from celery.concurrency import prefork, solo

from fabroute.telemetry.logs import configure_logging
from fabroute_workers import runtime
from fabroute_workers.app import (
    DEAD_LETTERS,
    WrongSettings,
    create_app,
    dead_letter_queue,
    declare_dead_letters,
    require_as_configured,
)
from fabroute_workers.lifeline import die_with_parent, lifeline


@dataclass(slots=True, kw_only=True)
class StartedWorker:
    """A worker as its command line made it."""

    app: Celery
    pool_cls: type = prefork.TaskPool
    prefetch_multiplier: int = 1
    time_limit: float | None = 45
    soft_time_limit: float | None = 40
    max_tasks_per_child: int | None = 500


@pytest.fixture
def app() -> Celery:
    return create_app("redis://localhost:6379/0")


@pytest.fixture
def no_lifeline() -> Iterator[None]:
    """Cut the line to the parent process again."""
    yield
    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)


def test_a_worker_as_we_start_it_is_accepted(app: Celery) -> None:
    require_as_configured(StartedWorker(app=app))
    assert issubclass(StartedWorker(app=app).pool_cls, concurrency.prefork.TaskPool)


def test_another_pool_is_refused(app: Celery) -> None:
    with pytest.raises(WrongSettings, match=r"pool is celery\.concurrency\.solo, start the worker with --pool prefork"):
        require_as_configured(StartedWorker(app=app, pool_cls=solo.TaskPool))


def test_options_that_overrule_required_settings_are_refused(app: Celery) -> None:
    with pytest.raises(WrongSettings) as refusal:
        require_as_configured(StartedWorker(app=app, prefetch_multiplier=4, time_limit=None))
    assert "worker_prefetch_multiplier is 4, must be 1" in refusal.value.message
    assert "task_time_limit is None, must be 45" in refusal.value.message
    assert "soft" not in refusal.value.message


def test_dead_letters_are_declared_where_the_broker_knows_them() -> None:
    app = create_app("memory://")
    declare_dead_letters(app)

    with app.connection_for_write() as connection:
        connection.Producer().publish({"scope": "global"}, exchange=DEAD_LETTERS)
        assert dead_letter_queue()(connection.default_channel).get() is not None


def test_redis_is_not_asked_for_dead_letters() -> None:
    app = create_app("redis+socket:///tmp/nobody-is-here.sock")

    declare_dead_letters(app)  # would fail if it connected
    assert app.conf.broker_url.startswith("redis")


def test_logs_are_json_lines_with_the_ids_of_the_task(capfd: pytest.CaptureFixture[str]) -> None:
    assert runtime is not None
    signals.setup_logging.send(sender=None)
    task = type("Task", (), {"name": "routing.route_pending"})()
    signals.task_prerun.send(sender=None, task_id="task-1", task=task)
    structlog.stdlib.get_logger("fabroute.routing").info("routing.run", scope="global", routed=2)
    signals.task_postrun.send(sender=None)
    logging.getLogger("celery").warning("from %s", "elsewhere")

    first, second = (json.loads(line) for line in capfd.readouterr().err.splitlines())
    assert first["event"] == "routing.run"
    assert (first["scope"], first["routed"], first["level"]) == ("global", 2, "info")
    assert (first["task_id"], first["task"]) == ("task-1", "routing.route_pending")
    assert (second["event"], second["logger"], second["level"]) == ("from elsewhere", "celery", "warning")
    assert "task_id" not in second


def test_failures_are_logged_with_their_trace_on_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging(logging.ERROR)
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("celery").exception("it failed")
    logging.getLogger("celery").info("not said")

    (line,) = capfd.readouterr().err.splitlines()
    assert "ValueError: two" in json.loads(line)["exception"]


def test_a_process_can_be_tied_to_its_parent(no_lifeline: None) -> None:
    die_with_parent(signal.SIGTERM, parent_pid=os.getppid())
    death_signal = ctypes.c_int()
    ctypes.CDLL(None).prctl(2, ctypes.byref(death_signal), 0, 0, 0)

    assert death_signal.value == signal.SIGTERM


def test_a_signal_that_there_is_not_is_refused(no_lifeline: None) -> None:
    with pytest.raises(OSError, match="fabroute's workers run on Linux"):
        die_with_parent(999)
    assert callable(lifeline(signal.SIGTERM))
