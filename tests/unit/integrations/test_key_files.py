"""Who may read a key: its owner, and where root owns it, the group that it is given to."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from fabroute.integrations.key_files import read_key_file
from fabroute.integrations.sign_in.secret_key import _KIND as KIND
from fabroute.integrations.sign_in.secret_key import SecretKeyUnusable

NOBODY = 65534


def a_key(tmp_path: Path, *, mode: int) -> Path:
    path = tmp_path / "key"
    path.write_bytes(b"a key")
    path.chmod(mode)
    return path


@pytest.fixture
def a_folder_for_all() -> Iterator[Path]:
    """A folder that everybody may look into; ``tmp_path`` lies in one that is its user's alone."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_of_ones_own_is_read(tmp_path: Path, mode: int) -> None:
    assert read_key_file(a_key(tmp_path, mode=mode), kind=KIND) == b"a key"


@pytest.mark.parametrize("mode", [0o640, 0o440, 0o604, 0o620])
def test_a_key_of_ones_own_that_others_may_reach_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SecretKeyUnusable, match=f"others may read the secret key at .* \\(mode {mode:o}\\): chmod 600"):
        read_key_file(a_key(tmp_path, mode=mode), kind=KIND)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to a group and be somebody else")
@pytest.mark.parametrize(("mode", "taken"), [(0o440, True), (0o640, True), (0o444, False), (0o660, False)])
def test_roots_key_may_be_read_by_the_group_that_it_is_given_to(a_folder_for_all: Path, mode: int, taken: bool) -> None:
    path = a_key(a_folder_for_all, mode=mode)
    os.chown(path, 0, NOBODY)
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        if taken:
            assert read_key_file(path, kind=KIND) == b"a key"
        else:
            with pytest.raises(SecretKeyUnusable):
                read_key_file(path, kind=KIND)
    finally:
        os.seteuid(0)
        os.setegid(0)
