import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fabroute_embedded import launcher
from fabroute_embedded.accounts import Account
from fabroute_embedded.errors import EmbeddedServerError
from fabroute_embedded.processes import (
    ServerCommand,
    ServerProcess,
    log_tail,
    plain_environment,
    start_process,
    stop_pid,
)

OURSELVES = Account(uid=os.geteuid(), gid=os.getegid())


def shell_command(script: str, *, folder: Path) -> ServerCommand:
    return ServerCommand(
        name="sleeper",
        program=["/bin/sh", "-c", script],
        folder=folder,
        log_path=folder / "sleeper.log",
        account=OURSELVES,
        stop_signal=signal.SIGTERM,
        death_signal=signal.SIGKILL,
        environment={"PATH": os.defpath, "GREETING": "good morning"},
    )


def sleeper(*, folder: Path, on_term: str | None = None) -> ServerProcess:
    """A process that sleeps, and does ``on_term`` when it is asked to stop; what it will do then is settled."""
    trap = "" if on_term is None else f"trap '{on_term}' TERM; "
    process = start_process(
        shell_command(f"{trap}touch begun; while :; do sleep 0.05; done", folder=folder), keep=False
    )
    process.wait_until_ready((folder / "begun").exists)
    return process


def test_a_process_runs_in_its_folder_with_the_environment_it_was_given_and_logs(tmp_path: Path) -> None:
    process = start_process(shell_command("pwd; env; echo trouble >&2", folder=tmp_path), keep=False)
    assert process.child.wait() == 0
    log = (tmp_path / "sleeper.log").read_text(encoding="utf-8").splitlines()
    assert log[0] == str(tmp_path)
    assert "GREETING=good morning" in log
    assert not [line for line in log if line.startswith("HOME=")]
    assert log[-1] == "trouble"


def test_a_process_has_a_session_of_its_own_so_that_ctrl_c_passes_it_by(tmp_path: Path) -> None:
    process = sleeper(folder=tmp_path)
    assert os.getsid(process.pid) == process.pid
    assert os.getsid(0) != process.pid
    process.stop()


def test_stopping_asks_first_and_is_harmless_when_repeated(tmp_path: Path) -> None:
    process = sleeper(folder=tmp_path, on_term="echo bye; exit 0")
    assert process.is_running()
    process.stop()
    process.stop()
    assert not process.is_running()
    assert process.child.returncode == 0
    assert (tmp_path / "sleeper.log").read_text(encoding="utf-8") == "bye\n"


def test_a_process_that_does_not_listen_is_killed_after_a_while(tmp_path: Path) -> None:
    process = sleeper(folder=tmp_path, on_term="")
    before = time.monotonic()
    process.stop(within_s=0.3)
    assert process.child.returncode == -signal.SIGKILL
    assert time.monotonic() - before >= 0.3


def test_a_process_that_ends_before_it_is_ready_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    process = start_process(shell_command("echo 'no room left'; exit 3", folder=tmp_path), keep=False)
    with pytest.raises(EmbeddedServerError) as failure:
        process.wait_until_ready(lambda: False)
    assert "the sleeper ended with exit code 3 before it was ready" in str(failure.value)
    assert f"The end of {tmp_path}/sleeper.log:\n    no room left" in str(failure.value)


def test_a_process_that_is_not_ready_in_time_is_reported(tmp_path: Path) -> None:
    process = sleeper(folder=tmp_path)
    with pytest.raises(EmbeddedServerError, match=r"the sleeper was not ready within 0\.2 s"):
        process.wait_until_ready(lambda: False, within_s=0.2)
    assert process.is_running()
    process.stop()


def test_only_the_main_thread_may_start_a_process_that_dies_with_its_owner(tmp_path: Path) -> None:
    refusals: list[str] = []

    def start() -> None:
        try:
            start_process(shell_command("exit 0", folder=tmp_path), keep=False)
        except EmbeddedServerError as error:
            refusals.append(str(error))
        start_process(shell_command("touch kept", folder=tmp_path), keep=True).child.wait()

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert refusals == ["start embedded servers in the main thread: they end with the thread that starts them"]
    assert (tmp_path / "kept").exists()


def test_the_log_tail_is_short_and_takes_any_bytes(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    assert log_tail(log) == f"It left no log at {log}."
    log.write_bytes(b"".join(b"line %d \xff\n" % number for number in range(30)))
    lines = log_tail(log).splitlines()
    assert len(lines) == 21
    assert lines[1] == "    line 10 \N{REPLACEMENT CHARACTER}"
    assert lines[-1] == "    line 29 \N{REPLACEMENT CHARACTER}"


def test_the_plain_environment_holds_no_secrets() -> None:
    environment = plain_environment()
    assert environment["LC_ALL"] == "C"
    assert set(environment) <= {"PATH", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR"}


def test_a_server_of_another_process_is_stopped_by_its_id(tmp_path: Path) -> None:
    process = sleeper(folder=tmp_path, on_term="exit 7")
    parent = threading.Thread(target=process.child.wait)
    parent.start()
    stop_pid(process.pid, stop_signal=signal.SIGTERM)
    parent.join()
    assert process.child.returncode == 7
    stop_pid(process.pid, stop_signal=signal.SIGTERM)


def test_a_stopped_server_that_its_parent_has_not_asked_after_counts_as_gone(tmp_path: Path) -> None:
    process = sleeper(folder=tmp_path)
    before = time.monotonic()
    stop_pid(process.pid, stop_signal=signal.SIGTERM, within_s=60)
    assert time.monotonic() - before < 60
    assert process.child.wait(1) == -signal.SIGTERM


def test_a_deaf_server_of_another_process_is_killed_by_its_id(tmp_path: Path) -> None:
    process = sleeper(folder=tmp_path, on_term="")
    stop_pid(process.pid, stop_signal=signal.SIGTERM, within_s=0.2)
    assert process.child.wait(1) == -signal.SIGKILL
    assert not process.is_running()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its owner's death")
def test_a_server_whose_owner_is_already_dead_does_not_begin() -> None:
    arguments = ["1", str(int(signal.SIGTERM)), str(OURSELVES.uid), str(OURSELVES.gid), "/bin/echo", "begun"]
    done = subprocess.run(
        [sys.executable, "-I", "-S", launcher.__file__, *arguments], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "the owner died before its server began" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_launcher_leaves_no_privileges() -> None:
    arguments = ["0", "0", "54321", "54322", "/usr/bin/id"]
    done = subprocess.run(
        [sys.executable, "-I", "-S", launcher.__file__, *arguments], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == "uid=54321 gid=54322 groups=54322"
    assert done.stderr == ""
