"""The whole product, running: embedded servers, reference network, API process, worker and relay processes."""

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabroute.cli.client import ApiClient
from fabroute.cli.stack import Stack, running_stack
from fabroute.integrations.object_storage import open_print_file_store
from fabroute.integrations.reference import reference_folder
from fabroute.integrations.reference.files import read_files
from fabroute.integrations.reference.print_files import PrintFileMaker
from fabroute.integrations.reference.tables import Problems
from fabroute.integrations.validation.sandbox import LimitedValidator


def _quiet(what: str, done: int, total: int) -> None:
    """Take progress without showing it."""


@pytest.fixture(scope="session")
def drawn_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the reference print files were drawn: once for all processes of a test run."""
    root = tmp_path_factory.getbasetemp()
    home = (root.parent if "popen-gw" in root.name else root) / "drawn"
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            draft = home.with_suffix(".draft")
            draft.mkdir()
            store = open_print_file_store((draft / ".fabroute" / "print-files").as_uri())
            files = read_files(reference_folder(), Problems())
            with LimitedValidator() as validator:
                made = PrintFileMaker(store, validator=validator).make_all(files.parts, progress=_quiet)
            assert len(made) == 32
            draft.rename(home)
    return home


@pytest.fixture
def workplace(drawn_home: Path, tmp_path: Path) -> Path:
    """A folder, with a space in its name, whose demo finds the print files drawn."""
    folder = tmp_path / "a folder with spaces"
    shutil.copytree(drawn_home, folder)
    return folder


@pytest.fixture(scope="session")
def stack(drawn_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running installation on the reference network, one for all tests of this process that ask for it."""
    folder = tmp_path_factory.mktemp("installation")
    shutil.copytree(drawn_home, folder, dirs_exist_ok=True)
    with contextlib.chdir(folder), running_stack(keep=False, step=_quiet) as running:
        yield running


@pytest.fixture
def owner(stack: Stack) -> Iterator[ApiClient]:
    """A client with the key of the parts' owner."""
    with ApiClient(url=stack.url, key=stack.owner_key) as client:
        yield client


@pytest.fixture
def operator(stack: Stack) -> Iterator[ApiClient]:
    """A client with the operator's key."""
    with ApiClient(url=stack.url, key=stack.operator_key) as client:
        yield client
