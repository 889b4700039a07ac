import os
import pwd
from pathlib import Path

import pytest

from fabroute_embedded.accounts import Account, account_under, can_reach, give_to, server_account
from fabroute_embedded.errors import EmbeddedServerError

AS_ROOT = os.geteuid() == 0
STRANGER = Account(uid=54321, gid=54321)


def test_servers_run_as_ourselves_or_as_nobody_when_we_are_root() -> None:
    account = server_account()
    nobody = pwd.getpwnam("nobody")
    expected = (nobody.pw_uid, nobody.pw_gid) if AS_ROOT else (os.geteuid(), os.getegid())
    assert (account.uid, account.gid) == expected
    assert account.uid != 0


def test_an_ordinary_user_runs_servers_and_root_lets_somebody_else() -> None:
    root = Account(uid=0, gid=0)
    assert account_under(STRANGER) == STRANGER
    assert account_under(root).uid == pwd.getpwnam("nobody").pw_uid
    with pytest.raises(EmbeddedServerError, match="there is no user 'noone': run as an ordinary user"):
        account_under(root, instead_of_root="noone")


def test_we_reach_what_we_may_read(tmp_path: Path) -> None:
    ourselves = Account(uid=os.geteuid(), gid=os.getegid())
    assert can_reach(tmp_path, ourselves)
    assert not can_reach(tmp_path / "missing", ourselves)


def test_a_stranger_reaches_a_file_only_through_open_folders(open_folder: Path) -> None:
    file = open_folder / "inner" / "program"
    file.parent.mkdir(mode=0o755)
    file.touch(mode=0o755)
    assert can_reach(file, STRANGER)

    file.parent.chmod(0o700)
    assert not can_reach(file, STRANGER)

    file.parent.chmod(0o711)
    assert can_reach(file, STRANGER)

    file.chmod(0o700)
    assert not can_reach(file, STRANGER)


def test_a_member_of_the_group_reaches_what_the_group_may_read(open_folder: Path) -> None:
    file = open_folder / "program"
    file.touch()
    file.chmod(0o640)
    assert can_reach(file, Account(uid=54321, gid=file.stat().st_gid))
    assert not can_reach(file, STRANGER)


def test_a_folder_of_ours_stays_ours(tmp_path: Path) -> None:
    give_to(Account(uid=os.geteuid(), gid=os.getegid()), tmp_path)
    assert tmp_path.stat().st_uid == os.geteuid()
    assert tmp_path.stat().st_gid == os.getegid()


@pytest.mark.skipif(not AS_ROOT, reason="only root can give files away")
def test_root_gives_a_folder_away_with_all_that_it_holds(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").touch()
    (tmp_path / "link").symlink_to("/etc/hostname")
    give_to(STRANGER, tmp_path)
    owners = {path.lstat().st_uid for path in [tmp_path, *tmp_path.rglob("*")]}
    assert owners == {54321}
    assert Path("/etc/hostname").stat().st_uid == 0
