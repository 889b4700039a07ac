"""Workers and relay are seen while they run, also where they have nothing to do, and missed when they have gone."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from fabroute.kernel.time import utc_now
from fabroute.monitoring.alarms import raised_alarms
from fabroute.monitoring.reading import read_figures
from fabroute_workers.presence import program_of
from tests.conftest import Database
from tests.factories.databases import allow_connections, refuse_connections
from tests.factories.processes import a_process, wait_until

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]


def programs(engine: Engine) -> set[str]:
    found = read_figures(engine, now=utc_now()).programs
    assert found is not None
    return set(found.connections)


def alarms(engine: Engine) -> list[str]:
    return [alarm.name for alarm in raised_alarms(read_figures(engine, now=utc_now()))]


def test_idle_programs_are_seen_after_a_restart_of_the_server_too_and_missed_when_they_end(
    settings: dict[str, str], engine: Engine, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "log"
    with a_process("fabroute_workers", "--concurrency", "1", environment=settings, log=log):
        assert wait_until(lambda: programs(engine) == {"relay", "routing", "worker"}), log.read_text(encoding="utf-8")
        assert alarms(engine) == []
        refuse_connections(database.url)
        allow_connections(database.url)
        assert wait_until(lambda: programs(engine) == {"relay", "routing", "worker"}), log.read_text(encoding="utf-8")

    assert wait_until(lambda: alarms(engine) == ["FabrouteNoRelay", "FabrouteNobodyRoutes"])


@pytest.mark.parametrize(
    ("queues", "program"),
    [({"routing", "suspects"}, "routing"), ({"routing"}, "routing"), ({"identity", "network"}, "worker")],
)
def test_a_worker_is_called_by_what_it_takes(queues: set[str], program: str) -> None:
    assert program_of(frozenset(queues)) == program
