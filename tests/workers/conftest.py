"""Servers of a test's own, which it may freeze, kill and empty."""

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from fabroute_embedded.folders import create_runtime_folder
from fabroute_embedded.redis import RedisServer, start_redis
from tests.conftest import Database
from tests.factories.databases import engine_for


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine on the test's database, as requests and tasks have it."""
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture
def broker() -> Iterator[RedisServer]:
    """A Redis that no other test uses."""
    runtime = create_runtime_folder(in_memory=True)
    server = start_redis(runtime.path)
    yield server
    with contextlib.suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGCONT)
    server.stop()
    runtime.delete()


@pytest.fixture
def settings(database: Database, broker: RedisServer) -> dict[str, str]:
    """The environment of a process that works on the test's database, rung by the test's Redis."""
    return {
        "FABROUTE_PROFILE": "embedded",
        "FABROUTE_DATABASE_URL": database.url,
        "FABROUTE_BROKER_URL": broker.url,
    }
