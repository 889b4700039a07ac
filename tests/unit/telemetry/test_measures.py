"""Counts and distributions as Prometheus reads them, bounded in number, quick, and pushed through a pipe."""

import os
import time
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fabroute.telemetry.exposition import is_allowed, page_of, registry_of
from fabroute.telemetry.measures import MOST_SERIES, Counts, Distributions, Measure, measured
from fabroute_workers import measuring
from fabroute_workers.measures import WorkerMeasures
from fabroute_workers.measuring import ERRANDS, TASK_SECONDS, TASKS, count, counted, open_pipe

REQUESTS = Measure(name="x_requests", help="Requests.", labels=("route",))
SECONDS = Measure(name="x_seconds", help="Time.", labels=("route",), bounds=(0.1, 1.0))


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A pipe of the test's own."""
    own = measuring._Pipe()
    monkeypatch.setattr(measuring, "_PIPE", own)
    open_pipe()
    yield
    for end in (own.reading, own.writing):
        if end is not None:
            os.close(end)


def samples(text: str) -> dict[str, float]:
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_count_and_a_distribution_are_told_exactly() -> None:
    counts, times = measured(REQUESTS), measured(SECONDS)
    counts.add(("/a",), 1)
    counts.add(("/a",), 2)
    for seconds in (0.05, 0.1, 0.5, 7.0):
        times.add(("/a",), seconds)

    assert samples(page_of(registry_of(counts, times, of_process=False))().decode()) == {
        "x_requests_total[('route', '/a')]": 3,
        "x_seconds_bucket[('le', '0.1'), ('route', '/a')]": 2,
        "x_seconds_bucket[('le', '1.0'), ('route', '/a')]": 3,
        "x_seconds_bucket[('le', '+Inf'), ('route', '/a')]": 4,
        "x_seconds_count[('route', '/a')]": 4,
        "x_seconds_sum[('route', '/a')]": 7.65,
    }


def test_however_many_labels_come_the_series_are_bounded() -> None:
    counts, times = Counts(REQUESTS), Distributions(SECONDS)
    for number in range(MOST_SERIES + 50):
        counts.add((str(number),))
        times.add((str(number),), 0.2)

    assert len(counts.values) == len(times.values) == MOST_SERIES + 1
    assert counts.values[("other",)] == 50
    assert times.values[("other",)].counts == [0, 50, 0]


def test_to_count_costs_less_than_five_microseconds() -> None:
    counts, times = Counts(REQUESTS), Distributions(SECONDS)

    def once() -> float:
        began = time.thread_time()
        for _ in range(5_000):
            counts.add(("/a",))
            times.add(("/a",), 0.2)
        return (time.thread_time() - began) / 5_000 * 1e6

    assert min(once() for _ in range(5)) < 5.0


def test_what_children_count_is_added_up_by_who_reads_the_pipe(pipe: None) -> None:
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            count(TASKS, ("routing.route_pending", "success"))
            count(TASK_SECONDS, ("routing.route_pending",), 0.3)
            os._exit(0)
        os.waitpid(pid, 0)
    count(ERRANDS, ("routing.route_pending",), 7)
    writing, measuring._PIPE.writing = measuring._PIPE.writing, None
    assert writing is not None
    os.close(writing)
    measures = WorkerMeasures()
    measures.take(counted())

    found = samples(page_of(registry_of(measures, of_process=False))().decode())
    assert found["fabroute_tasks_total[('outcome', 'success'), ('task', 'routing.route_pending')]"] == 3
    assert found["fabroute_task_seconds_count[('task', 'routing.route_pending')]"] == 3
    assert found["fabroute_task_seconds_sum[('task', 'routing.route_pending')]"] == pytest.approx(0.9)
    assert found["fabroute_relay_errands_total[('task', 'routing.route_pending')]"] == 7


def test_a_pipe_that_nobody_reads_holds_nobody_up(pipe: None) -> None:
    began = time.monotonic()
    for _ in range(20_000):
        count(TASKS, ("routing.route_pending", "success"))

    assert time.monotonic() - began < 10
    assert len(list(_of_full_pipe())) > 500


def _of_full_pipe() -> Iterator[tuple[Measure, tuple[str, ...], float]]:
    writing, measuring._PIPE.writing = measuring._PIPE.writing, None
    assert writing is not None
    os.close(writing)
    yield from counted()


def test_the_rest_of_a_line_whose_beginning_another_reader_had_is_left_out(pipe: None) -> None:
    assert measuring._PIPE.writing is not None
    os.write(measuring._PIPE.writing, b'"routing.route_pending"], 1]\n{"x": 1}\n["no_such", [], 1]\n')
    count(TASKS, ("a", "success"))
    count(TASKS, ("a" * 5000, "success"))  # no name is as long

    assert [(measure.name, labels) for measure, labels, _ in _of_full_pipe()] == [("fabroute_tasks", ("a", "success"))]


def test_without_a_pipe_nothing_is_counted() -> None:
    assert measuring.is_counting() is False
    count(TASKS, ("a", "success"))


@pytest.mark.parametrize(
    ("header", "allowed"),
    [
        (None, False),
        ("", False),
        ("Bearer secret", True),
        ("bearer secret", False),
        ("Bearer secret2", False),
        ("ä", False),
    ],
)
def test_only_the_token_itself_opens_metrics(header: str | None, allowed: bool) -> None:
    assert is_allowed(header, token="secret") is allowed
