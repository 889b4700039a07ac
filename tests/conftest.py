"""Fixtures for tests that need real servers; nothing is started for those that don't ask."""

import gc
import logging
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
import structlog
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from fabroute import migrations
from fabroute_embedded import EmbeddedServers, embedded_servers
from tests.fakes.one_dialect import compile_once

os.environ.pop("COLUMNS", None)  # of whoever runs the tests; what a test reads off tables is as wide as in a pipe

compile_once()

# Whoever runs the tests in the background ignores it, and so would every program that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

gc.disable()  # until all is imported and collected: what stays need not be gone through

_GARBAGE_THRESHOLDS = (50_000, 20, 50)
_BESIDE_SLOW_ONES = 2 / 3
_TOGETHER = ("tests/architecture/",)
"""Parses all there is."""
_TEMPLATE = "template_migrated"
_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files that hold slow tests over the first two thirds of the others.

    Slow tests mostly wait for processes that they have started: side by side they leave processors idle, and at the end
    the others would wait for the last of them. Whatever opens a browser is marked so.
    """
    for item in items:
        if {"browser", "visit"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    files = list(dict.fromkeys(item.path for item in items))
    turns = _in_turns([it for it in files if it in slow], [it for it in files if it not in slow])
    items.sort(key=lambda item: turns[item.path])


def _in_turns(slow: Sequence[Path], others: Sequence[Path]) -> Mapping[Path, float]:
    """Return when each file's turn comes."""
    every = _BESIDE_SLOW_ONES * len(others) / max(1, len(slow))
    return {path: number for number, path in enumerate(others)} | {
        path: number * every - 0.5 for number, path in enumerate(slow)
    }


def pytest_collection_finish() -> None:
    """Collect garbage from here on, of what comes now alone: thousands of tests and modules stay as they are."""
    gc.freeze()
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Share out whole files, and whole folders of which every file needs the same long preparation.

    A file's tests stay together, in their order: some go on where the one before stopped.
    """
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = _shared_out_with
    return scheduler


def _shared_out_with(test: str) -> str:
    """Return the folder or the file whose tests one process runs."""
    file = test.partition("::")[0]
    return next((folder for folder in _TOGETHER if file.startswith(folder)), file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One test's own database with the present schema and nothing in it."""

    url: str
    """As ``app_rw``, which requests and tasks use."""
    migration_url: str
    """As the owner of the tables."""


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Take away what a command, run in this process, set up for its logs: the next test has none."""
    root, of_events = logging.getLogger(), structlog.get_config()
    handlers, level = set(root.handlers), root.level
    yield
    structlog.configure(**of_events)
    for handler in root.handlers[:]:
        if type(handler) is logging.StreamHandler and handler not in handlers:
            root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="session")
def servers() -> Iterator[EmbeddedServers]:
    """PostgreSQL and Redis of this test process, started when the first test asks."""
    with embedded_servers(durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def migrated_template(servers: EmbeddedServers) -> str:
    """The name of a database that every migration ran on once; ``database`` copies it."""
    urls = servers.postgres.create_database(_TEMPLATE)
    migrations.upgrade(urls.migration_url)
    return _TEMPLATE


@pytest.fixture
def database(servers: EmbeddedServers, migrated_template: str) -> Iterator[Database]:
    """A fresh database with the present schema, dropped after the test together with its connections."""
    name = f"test_{next(_numbers)}"
    urls = servers.postgres.create_database(name, template=migrated_template)
    yield Database(url=urls.url, migration_url=urls.migration_url)
    servers.postgres.drop_database(name)


@pytest.fixture
def empty_database(servers: EmbeddedServers) -> Iterator[Database]:
    """A fresh database without any table, for tests of the migrations."""
    name = f"test_{next(_numbers)}"
    urls = servers.postgres.create_database(name)
    yield Database(url=urls.url, migration_url=urls.migration_url)
    servers.postgres.drop_database(name)


@pytest.fixture
def broker_url(servers: EmbeddedServers) -> str:
    """The URL of an empty Redis, as Celery takes it."""
    servers.redis.flush()
    return servers.redis.url
