"""Folders for servers that a test starts itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fabroute_embedded.folders import create_runtime_folder


@pytest.fixture
def runtime_folder() -> Iterator[Path]:
    """A private folder, deleted after the test."""
    runtime = create_runtime_folder(in_memory=True)
    yield runtime.path
    runtime.delete()
