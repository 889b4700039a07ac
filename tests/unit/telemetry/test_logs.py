"""Logs: an event a line, JSON unless a person looks, with the ids of what is worked on and with nothing secret."""

import io
import json
import logging
import threading
from collections.abc import Iterator
from contextvars import copy_context

import pytest
import structlog

from fabroute.kernel.ids import new_id
from fabroute.telemetry.binding import bind_ids, bind_known, bound
from fabroute.telemetry.logs import configure_logging


class Terminal(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def no_ids_bound() -> Iterator[None]:
    """Leave no id bound that the next test's events would have."""
    yield
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_object_with_the_ids_that_are_bound() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    bind_ids(request_id="req_1", order_id="ord_1")
    structlog.get_logger("fabroute.orders").info("order written", lines=2)
    with bound(run_id="run_1"):
        logging.getLogger("some.library").warning("from %s", "elsewhere")
    structlog.get_logger("fabroute.orders").info("after")

    first, second, third = lines(stream)
    assert {name: value for name, value in first.items() if name != "timestamp"} == {
        "event": "order written",
        "level": "info",
        "lines": 2,
        "logger": "fabroute.orders",
        "order_id": "ord_1",
        "request_id": "req_1",
    }
    assert (second["event"], second["logger"], second["run_id"]) == ("from elsewhere", "some.library", "run_1")
    assert "run_id" not in third


def test_on_a_terminal_a_line_is_for_people() -> None:
    stream = Terminal()
    configure_logging(stream=stream)
    structlog.get_logger("fabroute").info("order written", order_id="ord_1")

    assert stream.getvalue().count("\n") == 1
    assert "order written" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["json", "terminal"])
def test_a_traceback_tells_no_local_variable(stream: io.StringIO) -> None:
    configure_logging(stream=stream)
    key = "fr_test_very" + "_secret"
    try:
        raise ValueError("it failed")
    except ValueError:
        structlog.get_logger("fabroute").exception("a request failed")

    assert "ValueError: it failed" in stream.getvalue()
    assert key not in stream.getvalue()


def test_what_is_bound_goes_with_the_work_into_threads() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    bind_ids(request_id="req_1")
    thread = threading.Thread(target=copy_context().run, args=(structlog.get_logger().info, "from a thread"))
    thread.start()
    thread.join()

    assert [(line["event"], line["request_id"]) for line in lines(stream)] == [("from a thread", "req_1")]


def test_of_a_path_only_what_looks_like_an_id_is_bound() -> None:
    stream, order_id = io.StringIO(), new_id("ord")
    configure_logging(stream=stream)
    bind_known({"order_id": order_id, "line_id": f"{new_id('line')}_01", "job_id": "fr_test_key", "part": order_id})
    structlog.get_logger().info("seen")

    (line,) = lines(stream)
    assert line["order_id"] == order_id
    assert str(line["line_id"]).endswith("_01")
    assert "job_id" not in line
    assert "part" not in line
