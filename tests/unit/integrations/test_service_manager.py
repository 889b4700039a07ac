import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabroute.integrations.service_manager import READY, STALE_SECONDS, SignsOfLife, is_fresh, sign_seconds, tell


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "n"))
        listener.settimeout(0.2)
        yield listener


def test_systemd_is_told_where_it_listens_and_nobody_where_it_does_not(tmp_path: Path, listener: socket.socket) -> None:
    tell(READY, environment={"NOTIFY_SOCKET": str(tmp_path / "n")})
    tell(READY, environment={})
    tell(READY, environment={"NOTIFY_SOCKET": str(tmp_path / "nobody")})

    assert listener.recv(64) == b"READY=1"
    with pytest.raises(TimeoutError):
        listener.recv(64)


def test_an_abstract_socket_is_told_too() -> None:
    name = f"fabroute-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name}")
        tell(READY, environment={"NOTIFY_SOCKET": f"@{name}"})
        assert listener.recv(64) == b"READY=1"


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, 10.0),
        ({"WATCHDOG_USEC": "60000000"}, 10.0),
        ({"WATCHDOG_USEC": "3000000"}, 1.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, 10.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 1.0),
    ],
)
def test_signs_are_given_three_times_as_often_as_they_are_waited_for(
    environment: dict[str, str], seconds: float
) -> None:
    assert sign_seconds(environment=environment) == seconds


def test_a_sign_of_life_is_a_file_that_was_touched_lately_and_is_not_touched_too_often(tmp_path: Path) -> None:
    file = tmp_path / "alive"
    signs = SignsOfLife(file)
    assert not is_fresh(file, now=time.time())

    signs.give()

    touched = file.stat().st_mtime
    assert is_fresh(file, now=touched + STALE_SECONDS - 1)
    assert not is_fresh(file, now=touched + STALE_SECONDS + 1)
    file.unlink()
    signs.give()
    assert not file.exists()


def test_a_file_that_can_not_be_touched_ends_nothing(tmp_path: Path) -> None:
    SignsOfLife(tmp_path / "nowhere" / "alive").give()

    assert list(tmp_path.iterdir()) == []


def test_who_has_ended_gives_no_sign_of_life_however_lately_it_gave_one(tmp_path: Path) -> None:
    signs = SignsOfLife(tmp_path / "alive")
    signs.give()

    signs.end()
    signs.end()

    assert list(tmp_path.iterdir()) == []
