"""Folders for tests about who can reach what."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may pass through, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="reachable-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
