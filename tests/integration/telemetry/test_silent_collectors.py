"""A collector that is away, or takes connections and says nothing, costs spans and no time."""

import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager

import pytest

from fabroute.settings import Settings
from fabroute.telemetry.opentelemetry import open_tracing
from fabroute.telemetry.tracing import flush_spans, span, use_tracing
from tests.fakes.otlp import otlp_collector

SPANS = 5_000
"""More than wait in memory."""


@contextmanager
def nobody() -> Iterator[str]:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    yield address


@contextmanager
def a_silent_one() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def seconds_of_spans(url: str, *, count: int) -> tuple[float, float]:
    """How much computing spans take of who makes them, and how long it takes to give up sending the last.

    In a process of its own: the thread that sends would go on trying beside the tests that follow.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_seconds_of_spans, url, count).result()


def _seconds_of_spans(url: str, count: int) -> tuple[float, float]:
    tracing = open_tracing(Settings(tracing_url=url), service="test")
    use_tracing(tracing)
    try:
        began = time.thread_time()
        for _ in range(count):
            with span("x"):
                pass
        made, flushed = time.thread_time() - began, time.monotonic()
        flush_spans(0.5)
        return made, time.monotonic() - flushed
    finally:
        use_tracing(None)


@pytest.mark.parametrize("collector", [nobody, a_silent_one])
def test_it_holds_nobody_up(collector: Callable[[], AbstractContextManager[str]]) -> None:
    with collector() as url:
        made, flushed = seconds_of_spans(url, count=SPANS)

    assert made / SPANS < 0.001
    assert flushed < 3  # half a second is given; a busy machine takes its time


def test_one_that_is_there_gets_what_waits() -> None:
    with otlp_collector() as collector:
        seconds_of_spans(collector.url, count=20)
        assert len(collector.spans) == 20
        assert {(it.service, it.name) for it in collector.spans} == {("test", "x")}
