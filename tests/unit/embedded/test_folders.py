import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fabroute_embedded.accounts import Account, server_account
from fabroute_embedded.errors import EmbeddedServerError
from fabroute_embedded.folders import create_runtime_folder, prepare_server_folder, socket_path

OWNER_THAT_IS_KILLED = """
import os, signal
from fabroute_embedded.folders import create_runtime_folder
print(create_runtime_folder().path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def folder_of_a_killed_owner() -> Path:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", OWNER_THAT_IS_KILLED],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=environment,
    )
    assert done.returncode == -9, done.stderr
    return Path(done.stdout.strip())


def test_a_runtime_folder_is_private_short_and_gone_after_deletion() -> None:
    runtime = create_runtime_folder()
    assert mode_of(runtime.path) == 0o700
    assert runtime.path.stat().st_uid == server_account().uid
    assert len(str(runtime.path / "postgres" / ".s.PGSQL.5432")) <= 103

    (runtime.path / "data").mkdir()
    runtime.delete()
    runtime.delete()
    assert not runtime.path.exists()


def test_the_folder_of_a_killed_owner_is_swept_by_the_next_one() -> None:
    abandoned = folder_of_a_killed_owner()
    assert abandoned.exists()

    runtime = create_runtime_folder()
    assert not abandoned.exists()
    assert runtime.path.exists()
    runtime.delete()


def test_the_folder_of_a_living_owner_and_a_kept_one_are_not_swept() -> None:
    held = create_runtime_folder()
    kept = create_runtime_folder(keep=True)
    probe = "from fabroute_embedded.folders import create_runtime_folder; create_runtime_folder().delete()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", probe], check=True, env=environment)
    assert held.path.exists()
    assert kept.path.exists()
    held.delete()
    kept.delete()
    assert not held.path.exists()
    assert not kept.path.exists()


def test_a_released_folder_stays() -> None:
    runtime = create_runtime_folder(keep=True)
    runtime.release()
    assert runtime.path.exists()
    runtime.delete()
    assert not runtime.path.exists()


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="this system has no memory file system")
def test_a_folder_in_memory_lies_there_if_there_is_room() -> None:
    status = os.statvfs("/dev/shm")
    roomy = status.f_bavail * status.f_frsize >= 1 << 30 and not status.f_flag & os.ST_NOEXEC
    runtime = create_runtime_folder(in_memory=True)
    assert runtime.path.is_relative_to("/dev/shm") is roomy
    assert mode_of(runtime.path) == 0o700
    runtime.delete()


def test_a_server_folder_is_made_private(open_folder: Path) -> None:
    folder = prepare_server_folder(open_folder / "postgres", server_account())
    assert mode_of(folder) == 0o700
    assert folder.stat().st_uid == server_account().uid
    assert prepare_server_folder(folder, server_account()) == folder


def test_a_folder_that_others_can_look_into_is_refused(open_folder: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="is open to others: give the server a folder of its own") as refusal:
        prepare_server_folder(open_folder, server_account())
    assert str(open_folder) in str(refusal.value)
    assert mode_of(open_folder) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")
def test_a_folder_that_the_servers_account_cannot_reach_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(EmbeddedServerError, match="choose a folder below /tmp") as refusal:
        prepare_server_folder(tmp_path / "postgres", Account(uid=54321, gid=54321))
    assert "54321" in str(refusal.value)


def test_a_socket_path_is_measured_in_bytes() -> None:
    longest = Path("/" + "a" * 97)
    assert socket_path(longest, "sock") == longest / "sock"
    for too_long in (Path("/" + "a" * 98), Path("/" + "ä" * 50)):
        with pytest.raises(EmbeddedServerError, match="too long for a Unix socket"):
            socket_path(too_long, "sock")


def test_a_temporary_folder_with_a_long_name_is_passed_over(open_folder: Path) -> None:
    deep = open_folder / ("d" * 90)
    deep.mkdir(mode=0o755)
    probe = "from fabroute_embedded.folders import create_runtime_folder as c; r = c(); print(r.path); r.delete()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(deep)}
    done = subprocess.run(
        [sys.executable, "-c", probe], check=True, env=environment, capture_output=True, encoding="utf-8"
    )
    assert Path(done.stdout.strip()).parent == Path("/tmp")
    assert list(deep.iterdir()) == []
