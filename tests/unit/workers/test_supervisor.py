"""The supervisor starts its children again when they die, and leaves none behind."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fabroute_workers.app import EXIT_MISCONFIGURED
from fabroute_workers.supervisor import Supervisor
from tests.factories.processes import PATIENCE_SECONDS, wait_until

NOTING_PID = """
import os, pathlib, sys, time

(pathlib.Path(sys.argv[1]) / str(os.getpid())).touch()
time.sleep(60)
"""


@pytest.fixture
def modules(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules can be imported; one of them leaves an empty file named as its process id, and sleeps."""
    folder = tmp_path_factory.mktemp("modules")
    monkeypatch.syspath_prepend(folder)
    (folder / "noting_pid.py").write_text(NOTING_PID, encoding="utf-8")
    return folder


def pids_in(folder: Path) -> list[int]:
    return [int(path.name) for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)]


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split(")")[-1].split()[0]
    except OSError:
        return False


def test_a_child_that_dies_is_started_again_and_all_end_together(modules: Path, tmp_path: Path) -> None:
    stop, codes = threading.Event(), []
    supervisor = Supervisor({"worker": ["noting_pid", str(tmp_path)]}, stop=stop)
    thread = threading.Thread(target=lambda: codes.append(supervisor.run()))
    thread.start()
    assert wait_until(lambda: len(pids_in(tmp_path)) == 1)
    os.kill(pids_in(tmp_path)[0], signal.SIGKILL)
    assert wait_until(lambda: len(pids_in(tmp_path)) == 2)
    stop.set()
    thread.join(PATIENCE_SECONDS)
    assert codes == [0]
    assert not any(is_running(pid) for pid in pids_in(tmp_path))


def test_a_misconfigured_child_ends_everything_with_its_code(modules: Path, tmp_path: Path) -> None:
    (modules / "refusing.py").write_text(f"raise SystemExit({EXIT_MISCONFIGURED})", encoding="utf-8")
    both = {"worker": ["noting_pid", str(tmp_path)], "relay": ["refusing"]}
    assert Supervisor(both, stop=threading.Event()).run() == EXIT_MISCONFIGURED
    assert not any(is_running(pid) for pid in pids_in(tmp_path))


def test_a_child_that_ignores_the_request_to_end_is_killed(modules: Path, tmp_path: Path) -> None:
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{NOTING_PID}"
    (modules / "deaf.py").write_text(deaf, encoding="utf-8")
    stop = threading.Event()
    supervisor = Supervisor({"worker": ["deaf", str(tmp_path)]}, stop=stop, stop_seconds=0.3)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    assert wait_until(lambda: len(pids_in(tmp_path)) == 1)
    stop.set()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert not is_running(pids_in(tmp_path)[0])


def test_a_child_is_called_by_its_module_and_ends_when_it_is_asked_to(modules: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=Supervisor({"worker": ["noting_pid", str(tmp_path)]}, stop=stop).run)
    thread.start()
    assert wait_until(lambda: len(pids_in(tmp_path)) == 1)
    child = pids_in(tmp_path)[0]
    assert Path(f"/proc/{child}/cmdline").read_bytes().rstrip(b"\0").decode() == (
        f"{sys.executable} -m noting_pid {tmp_path}"
    )
    os.kill(child, signal.SIGTERM)
    assert wait_until(lambda: not is_running(child))
    stop.set()
    thread.join(PATIENCE_SECONDS)


def test_children_die_with_a_supervisor_that_is_killed(modules: Path, tmp_path: Path) -> None:
    code = (
        "import threading; from fabroute_workers.supervisor import Supervisor;"
        f" Supervisor({{'worker': ['noting_pid', {str(tmp_path)!r}]}}, stop=threading.Event()).run()"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
    assert wait_until(lambda: len(pids_in(tmp_path)) == 1)
    child = pids_in(tmp_path)[0]
    assert is_running(child)
    supervisor.kill()
    supervisor.wait()
    assert wait_until(lambda: not is_running(child))
