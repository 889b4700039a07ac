"""Worker, relay and all that as processes of their own, tied to the test."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from fabroute_workers.lifeline import lifeline

PATIENCE_SECONDS = 120.0
"""For what happens by itself sooner or later; on a machine that is busy elsewhere a process takes a minute to start."""


@contextmanager
def a_process(
    *module: str, environment: Mapping[str, str], log: Path, stop_seconds: float = PATIENCE_SECONDS
) -> Iterator[subprocess.Popen[bytes]]:
    """Yield ``python -m <module>`` as a process group of its own; the whole group is gone afterwards."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            env=plain_environment() | dict(environment),
            stdout=output,
            stderr=output,
            process_group=0,
            preexec_fn=lifeline(signal.SIGKILL),
        )
    try:
        yield process
    finally:
        end(process, seconds=stop_seconds)


def run_module(*module: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run ``python -m <module>`` to its end and return what it said."""
    command = [sys.executable, "-m", *module]
    merged = plain_environment() | dict(environment)
    return subprocess.run(
        command, env=merged, capture_output=True, encoding="utf-8", timeout=PATIENCE_SECONDS, check=False
    )


def end(process: subprocess.Popen[bytes], *, seconds: float = PATIENCE_SECONDS) -> None:
    """End a process in good order, then whatever is left of its group by force."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    kill_tree(process)


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its whole group, as ``kill -9`` does."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def plain_environment() -> dict[str, str]:
    """Return this process's environment without any setting of fabroute, and with its import path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FABROUTE_", "PG"))}
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def wait_until(condition: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS, every: float = 0.05) -> bool:
    """Return whether ``condition`` came true within ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(every)
    return condition()


def children_of(pid: int) -> list[int]:
    """Return the process ids of a process's children, and theirs."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text(encoding="utf-8").split():
            found += [int(child), *children_of(int(child))]
    return found


def is_running(pid: int) -> bool:
    """Return whether a process runs; one that ended but was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
