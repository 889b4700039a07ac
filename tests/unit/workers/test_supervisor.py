"""The supervisor starts its children again when they die, and leaves none behind."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from fabroute_workers.app import EXIT_MISCONFIGURED
from fabroute_workers.supervisor import Supervisor
from tests.factories.processes import PATIENCE_SECONDS, wait_until

SLEEP = "import time; time.sleep(60)"


def noting_pid(folder: Path, *, then: str) -> list[str]:
    """A command that leaves an empty file named as its process id, then does something."""
    code = f"import os, pathlib; (pathlib.Path({str(folder)!r}) / str(os.getpid())).touch(); {then}"
    return [sys.executable, "-c", code]


def pids_in(folder: Path) -> list[int]:
    return [int(path.name) for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)]


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split(")")[-1].split()[0]
    except OSError:
        return False


def test_a_child_that_dies_is_started_again_and_all_end_together(tmp_path: Path) -> None:
    stop, codes = threading.Event(), []
    supervisor = Supervisor({"worker": noting_pid(tmp_path, then=SLEEP)}, stop=stop)
    thread = threading.Thread(target=lambda: codes.append(supervisor.run()))
    thread.start()
    assert wait_until(lambda: len(pids_in(tmp_path)) == 1)
    os.kill(pids_in(tmp_path)[0], signal.SIGKILL)
    assert wait_until(lambda: len(pids_in(tmp_path)) == 2)
    stop.set()
    thread.join(PATIENCE_SECONDS)
    assert codes == [0]
    assert not any(is_running(pid) for pid in pids_in(tmp_path))


def test_a_misconfigured_child_ends_everything_with_its_code(tmp_path: Path) -> None:
    refusing = [sys.executable, "-c", f"raise SystemExit({EXIT_MISCONFIGURED})"]
    commands = {"worker": noting_pid(tmp_path, then=SLEEP), "relay": refusing}
    assert Supervisor(commands, stop=threading.Event()).run() == EXIT_MISCONFIGURED
    assert not any(is_running(pid) for pid in pids_in(tmp_path))


def test_a_child_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    deaf = (
        f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({str(tmp_path / 'deaf')!r}, 'w'); {SLEEP}"
    )
    stop = threading.Event()
    supervisor = Supervisor({"worker": [sys.executable, "-c", deaf]}, stop=stop, stop_seconds=0.3)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    assert wait_until((tmp_path / "deaf").exists)
    stop.set()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def test_children_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    command = noting_pid(tmp_path, then=SLEEP)
    code = (
        "import threading; from fabroute_workers.supervisor import Supervisor;"
        f" Supervisor({{'worker': {command!r}}}, stop=threading.Event()).run()"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
    assert wait_until(lambda: len(pids_in(tmp_path)) == 1)
    child = pids_in(tmp_path)[0]
    assert is_running(child)
    supervisor.kill()
    supervisor.wait()
    assert wait_until(lambda: not is_running(child))
