"""The commands of infra/running.md that make a database do so, on a real server: it can be migrated and worked on."""

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabroute import migrations
from fabroute.database.starting import require_fit_database, require_migratable_database
from fabroute_embedded import EmbeddedServers
from fabroute_embedded.wheels import postgres_tools_folder
from tests.factories.databases import engine_for
from tests.factories.processes import plain_environment

ROOT = Path(__file__).parents[3]
NAME = "first_fabroute"


@pytest.fixture
def made(servers: EmbeddedServers) -> Iterator[str]:
    """Run the commands of the page, and yield the name of the database that they made."""
    page = (ROOT / "infra" / "running.md").read_text(encoding="utf-8")
    lines = [line.strip() for line in page.splitlines() if line.startswith(("      createdb ", "      psql "))]
    assert [line.split()[0] for line in lines] == ["createdb", "psql", "psql"]
    folder = servers.postgres.urls(NAME).url.partition("host=")[2]
    for line in lines:
        _run([NAME if word == "fabroute" else word for word in shlex.split(line)], folder=folder)
    yield NAME
    servers.postgres.drop_database(NAME)


def _run(command: list[str], *, folder: str) -> None:
    where = {"PGHOST": folder, "PGUSER": "postgres"}
    done = subprocess.run(
        [str(postgres_tools_folder() / command[0]), *command[1:]],
        env=plain_environment() | where,
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, "ERROR" in done.stderr) == (0, False), done.stderr


def test_a_database_that_is_made_by_the_page_can_be_migrated_and_worked_on(servers: EmbeddedServers, made: str) -> None:
    urls = servers.postgres.urls(made)
    with engine_for(urls.migration_url) as owner:
        require_migratable_database(owner)
    migrations.upgrade(urls.migration_url)

    with engine_for(urls.url) as engine:
        assert require_fit_database(engine, strict=True) == []
