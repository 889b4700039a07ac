"""What workers and relay count. Each process writes into one pipe; a process of its own reads it and tells Prometheus.

So nothing is lost when a child dies, no files pile up, and whoever counts waits for nobody: where the pipe is full, or
nobody reads it, a count is left out. Without ``FABROUTE_WORKER_METRICS_PORT`` there is no pipe, and nothing is done.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fabroute.telemetry.measures import LONG_SECONDS, Measure

TASKS = Measure(
    name="fabroute_tasks",
    help="Tasks by what became of them: success, failure, lost (its process died), out_of_time (it was ended).",
    labels=("task", "outcome"),
)
TASK_SECONDS = Measure(name="fabroute_task_seconds", help="How long tasks took.", labels=("task",), bounds=LONG_SECONDS)
RUN_SECONDS = Measure(
    name="fabroute_routing_run_seconds",
    help="How long it took to route the lines that were claimed together.",
    labels=("scope",),
    bounds=LONG_SECONDS,
)
RUN_LINES = Measure(
    name="fabroute_routing_lines", help="Lines that were claimed, by what became of them.", labels=("scope", "outcome")
)
TURNS = Measure(name="fabroute_relay_turn_seconds", help="How long the relay's turns took.", bounds=LONG_SECONDS)
ERRANDS = Measure(name="fabroute_relay_errands", help="Tasks that the relay sent.", labels=("task",))
OUTAGES = Measure(name="fabroute_relay_outages", help="Turns that failed, by the server.", labels=("server",))
DEATHS = Measure(name="fabroute_worker_deaths", help="Programs that died and were started again.", labels=("program",))

WORKER_MEASURES: Mapping[str, Measure] = {
    it.name: it for it in (TASKS, TASK_SECONDS, RUN_SECONDS, RUN_LINES, TURNS, ERRANDS, OUTAGES, DEATHS)
}
_MOST_BYTES = 4096
"""Of a line: so much is written in one piece, whoever else writes (``PIPE_BUF``)."""
_READ_BYTES = 65_536


@dataclass(slots=True)
class _Pipe:
    """The pipe of this process and of all that are forked from it."""

    reading: int | None = None
    writing: int | None = None


_PIPE = _Pipe()


def open_pipe() -> None:
    """Make the pipe, before anything is forked that counts."""
    if _PIPE.writing is None:
        _PIPE.reading, _PIPE.writing = os.pipe()
        os.set_blocking(_PIPE.writing, False)


def is_counting() -> bool:
    """Return whether somebody is there to read what is counted."""
    return _PIPE.writing is not None


def count(measure: Measure, labels: tuple[str, ...] = (), value: float = 1) -> None:
    """Count something, once or so often; of a distribution, something of that size."""
    if _PIPE.writing is None:
        return
    line = json.dumps((measure.name, labels, value)).encode() + b"\n"
    if len(line) > _MOST_BYTES:
        return
    try:
        os.write(_PIPE.writing, line)
    except BlockingIOError:  # nobody reads: to count is worth no waiting
        return


def counted() -> Iterator[tuple[Measure, tuple[str, ...], float]]:
    """Yield what is counted, for ever; what can't be read is left out."""
    assert _PIPE.reading is not None, "open_pipe comes first"
    rest = b""
    while piece := os.read(_PIPE.reading, _READ_BYTES):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            found = _parsed(line)
            if found is not None:
                yield found


def _parsed(line: bytes) -> tuple[Measure, tuple[str, ...], float] | None:
    """Return what a line says, ``None`` for the end of one whose beginning another reader had."""
    try:
        name, labels, value = json.loads(line)
        return WORKER_MEASURES[name], tuple(map(str, labels)), float(value)
    except (ValueError, KeyError, TypeError):
        return None
