"""Whatever is started: embedded servers are refused outside their profile, in a line that shows no password."""

from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from fabroute.api.__main__ import main as serve_api
from fabroute.cli.app import COMMANDS, app
from fabroute.cli.app import main as run_command
from fabroute.database import database_engine
from fabroute.settings import get_settings
from fabroute_workers.app import EXIT_MISCONFIGURED
from fabroute_workers.commands import relay_module, worker_module
from tests.factories.processes import run_module

PASSWORD = "zq-database-pa55word"
EMBEDDED = {
    "FABROUTE_PROFILE": "production",
    "FABROUTE_DATABASE_URL": f"postgresql://app_rw:{PASSWORD}@%2Ftmp%2Ffabroute-abc12345%2Fpostgres/fabroute",
    "FABROUTE_BROKER_URL": "redis+socket:///tmp/fabroute-abc12345/redis/redis.sock",
}
WORDS = "points at embedded servers, which are for the demo and the tests only"
OFFLINE = frozenset(
    {"demo", "inspect", "order", "quote", "accept", "part", "advise", "readiness", "export", "import", "screen"}
    | {"estimate", "constants", "policy", "shadow", "replay", "bureau", "bridge", "conformance", "builds", "ship"}
    | {"alive", "carriers", "scopes", "lots", "recall", "scores", "reroutes", "webhooks", "timeline", "openapi"}
)
"""Commands that speak to an API or to files first, or start servers of their own."""
ONLINE = {
    "serve": (),
    "work": (),
    "migrate": (),
    "sandbox": (),
    "seed": (),
    "people": ("list", "org_owner"),
    "keys": ("list", "org_owner"),
    "organisations": ("list",),
    "audit": ("verify",),
    "backup": ("nowhere",),
    "restore": ("nowhere",),
    "doctor": (),
    "status": (),
    "metrics": (),
}


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An environment whose servers are embedded ones, in production."""
    for name, value in EMBEDDED.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    database_engine.cache_clear()
    yield
    get_settings.cache_clear()
    database_engine.cache_clear()


@pytest.mark.parametrize("program", [("fabroute_workers",), tuple(relay_module()), tuple(worker_module(1))])
def test_workers_and_relay_refuse_embedded_servers(program: tuple[str, ...]) -> None:
    done = run_module(*program, environment=EMBEDDED)

    assert done.returncode == EXIT_MISCONFIGURED
    assert WORDS in done.stderr
    assert PASSWORD not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_the_api_refuses_embedded_servers(embedded: None, capsys: pytest.CaptureFixture[str]) -> None:
    code = serve_api(["--port", "1"])
    told = capsys.readouterr()

    assert code == EXIT_MISCONFIGURED
    assert WORDS in told.err
    assert PASSWORD not in told.err + told.out


@pytest.mark.parametrize("command", ONLINE)
def test_every_command_on_the_database_refuses_embedded_servers(
    embedded: None, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["fabroute", command, *ONLINE[command]])
    with pytest.raises(SystemExit) as end:
        run_command()
    told = capsys.readouterr()

    assert end.value.code == (EXIT_MISCONFIGURED if command in ("serve", "work", "migrate") else 1)
    assert WORDS in told.err
    assert PASSWORD not in told.err + told.out


def test_every_command_is_known_to_reach_the_database_or_not() -> None:
    assert set(ONLINE) | OFFLINE == set(COMMANDS)
    assert set(ONLINE) & OFFLINE == set()
    assert CliRunner().invoke(app, ["--help"]).exit_code == 0
