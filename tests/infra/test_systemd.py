"""The units for one plain server: held to the code, verified by systemd, and run."""

import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from fabroute.kernel.time import utc_now
from fabroute_embedded.redis import RedisServer
from fabroute_workers.app import EXIT_MISCONFIGURED, QUEUES
from fabroute_workers.lifeline import lifeline
from fabroute_workers.supervisor import STOP_SECONDS
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import given_orders, given_owner, make_order
from tests.factories.processes import PATIENCE_SECONDS, end, plain_environment, wait_until
from tests.factories.routable import given_routable_network
from tests.workers.conftest import broker  # noqa: F401

from .commands import SETTINGS, accepts, work_of
from .manifests import INFRA
from .units import GROUPS, SERVICES, SYSTEMD, Server, commands_of, heard, notify_socket, program, read_unit, variables

INSTANCES = {"fabroute-api@": "8000", "fabroute-worker@": "routing"}
EXPOSURE = 15
"""In tenths, as systemd-analyze counts; 12 of 100 was found."""


@pytest.mark.parametrize("name", SERVICES)
def test_every_unit_is_locked_down_and_its_secrets_are_credentials(name: str) -> None:
    unit = read_unit(name)

    assert (unit.one("User"), unit.one("Group"), unit.one("StateDirectory")) == ("fabroute",) * 3
    assert unit.one("CapabilityBoundingSet") == unit.one("AmbientCapabilities") == ""
    assert unit.one("ProtectSystem") == "strict"
    for directive in (
        "NoNewPrivileges",
        "ProtectHome",
        "PrivateTmp",
        "PrivateDevices",
        "PrivateUsers",
        "RestrictNamespaces",
    ):
        assert unit.one(directive) == "yes"
    assert unit.one("MemoryDenyWriteExecute") == "yes"
    assert unit.all("SystemCallFilter") == ("@system-service", "~@privileged")
    assert unit.one("Environment") == "FABROUTE_SECRETS_DIR=%d"
    owner = "fabroute_migration_database_url:/etc/fabroute/fabroute_migration_database_url"
    assert unit.one("LoadCredential") == (owner if name == "fabroute-migrate" else "secrets:/etc/fabroute/secrets")


def test_whoever_serves_or_works_is_watched_and_started_again_but_not_where_settings_are_wrong() -> None:
    for name in SERVICES[1:]:
        unit = read_unit(name)
        assert (unit.one("Type"), unit.one("Restart"), unit.one("WatchdogSec")) == ("notify", "always", "60")
        assert unit.one("RestartPreventExitStatus") == str(EXIT_MISCONFIGURED)
        assert unit.one("Requires", section="Unit") == "fabroute-migrate.service"
        assert "fabroute-migrate.service" in unit.one("After", section="Unit").split()
    for name in ("fabroute-worker@", "fabroute-relay"):
        assert int(read_unit(name).one("TimeoutStopSec")) > STOP_SECONDS
        assert read_unit(name).one("KillMode") == "mixed"
    assert read_unit("fabroute-worker@").one("OOMPolicy") == "continue"


def test_every_command_and_setting_exists_and_every_queue_has_its_group() -> None:
    for name in SERVICES:
        for command in commands_of(read_unit(name), instance=INSTANCES.get(name, "")):
            accepts(command)
    assert [command[0] for command in commands_of(read_unit("fabroute-migrate"))] == ["keys", "people", "migrate"]
    worked = [work_of(commands_of(read_unit("fabroute-worker@"), instance=group)[0]) for group in GROUPS]
    assert sorted(queue for found in worked for queue in found.queues) == sorted(QUEUES)
    assert {path.stem for path in (SYSTEMD / "groups").iterdir()} == set(GROUPS)
    files = [SYSTEMD / "fabroute.env", *(SYSTEMD / "groups").iterdir()]
    named = {variable for path in files for variable in variables(path)} - {"KIND", "QUEUES", "CONCURRENCY"}
    assert named - SETTINGS == set()


def test_the_secrets_that_are_named_are_settings() -> None:
    text = (SYSTEMD / "fabroute.env").read_text(encoding="utf-8")
    named = [name for line in text.splitlines() if line.startswith("#   ") for name in line[1:].split()]

    assert {name.upper() for name in named} - SETTINGS == set()
    assert len(named) == 5


def test_the_pages_call_each_secret_as_its_file_is_called() -> None:
    page = (INFRA / "running.md").read_text(encoding="utf-8")
    made = re.findall(r"> (/etc/fabroute/\S+)", page)

    assert made == [
        "/etc/fabroute/secrets/fabroute_database_url",
        "/etc/fabroute/secrets/fabroute_broker_url",
        "/etc/fabroute/fabroute_migration_database_url",
    ]
    assert {Path(path).name.upper() for path in made} - SETTINGS == set()
    assert read_unit("fabroute-migrate").one("LoadCredential").partition(":")[2] == made[2]


def test_the_migration_waits_for_its_server_and_is_run_again_but_not_where_settings_are_wrong() -> None:
    unit = read_unit("fabroute-migrate")

    assert commands_of(unit)[-1] == ["migrate", "--wait"]
    assert (unit.one("TimeoutStartSec"), unit.one("Restart")) == ("infinity", "on-failure")
    assert unit.one("RestartPreventExitStatus") == str(EXIT_MISCONFIGURED)


def test_the_target_wants_all_of_it() -> None:
    wanted = read_unit("fabroute.target").one("Wants", section="Unit").split()

    assert wanted == [
        "fabroute-api@8000.service",
        *(f"fabroute-worker@{group}.service" for group in GROUPS),
        "fabroute-relay.service",
    ]
    assert {read_unit(name).one("PartOf", section="Unit") for name in SERVICES[1:]} == {"fabroute.target"}


def test_the_memory_of_a_group_is_enough_for_all_its_children() -> None:
    limit = int(read_unit("fabroute-worker@").one("MemoryMax").removesuffix("G")) * 1024
    for group in GROUPS:
        values = variables(SYSTEMD / "groups" / f"{group}.env")
        assert limit >= int(values["CONCURRENCY"]) * int(values.get("FABROUTE_WORKER_MEMORY_MIB", 2048)) + 256


@pytest.fixture
def analyzed(tmp_path: Path) -> Path:
    """The units as they would be installed, but with a program that is there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("apt-get install systemd")
    program = tmp_path / "fabroute"  # a path without spaces, wherever this project lies
    program.symlink_to(sys.executable)
    for path in SYSTEMD.glob("fabroute*.*"):
        text = path.read_text(encoding="utf-8").replace("/opt/fabroute/bin/fabroute", str(program))
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    return tmp_path


def test_systemd_finds_nothing_wrong_with_the_units(analyzed: Path) -> None:
    units = [str(path) for path in analyzed.iterdir() if path.suffix in (".service", ".target")]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "fabroute" in line]
    assert (ours, len(units)) == ([], 5)


def test_the_units_are_as_little_exposed_as_was_found(analyzed: Path) -> None:
    units = [str(path) for path in analyzed.glob("*.service")]
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", *units],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    levels = [float(level) for level in re.findall(r"Overall exposure level for \S+ (\d+\.\d)", done.stdout)]
    assert done.returncode == 0, done.stdout + done.stderr
    assert levels == [] or max(levels) <= EXPOSURE / 10


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def server(tmp_path: Path, empty_database: Database, broker: RedisServer) -> Server:  # noqa: F811
    """A plain server with its files in place and an empty database."""
    place = Server(folder=tmp_path)
    (tmp_path / "lib").mkdir()
    place.secret("secrets/fabroute_database_url", empty_database.url)
    place.secret("secrets/fabroute_broker_url", broker.url)
    place.secret("fabroute_migration_database_url", empty_database.migration_url)
    return place


def started(server: Server, name: str, *, instance: str = "", notify: str = "") -> "subprocess.Popen[bytes]":
    """Start a unit's program under its environment, in the profile that may use the test's servers."""
    unit = read_unit(name)
    (command,) = commands_of(unit, instance=instance)
    environment = server.environment(unit, instance=instance, notify=notify) | {"FABROUTE_PROFILE": "embedded"}
    with (server.folder / f"{name}{instance}.log").open("ab") as log:
        return subprocess.Popen(
            [*program(), *command],
            env=environment,
            cwd=server.folder / "lib",
            stdout=log,
            stderr=log,
            process_group=0,
            preexec_fn=lifeline(signal.SIGKILL),
        )


def migrated(server: Server) -> list[str]:
    """Run the migration's unit and return what its last command said."""
    unit = read_unit("fabroute-migrate")
    environment = server.environment(unit) | {"FABROUTE_PROFILE": "embedded"}
    for command in commands_of(unit):
        done = subprocess.run(
            [*program(), *command],
            env=environment,
            cwd=server.folder / "lib",
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def all_said(listener: socket.socket, told: list[str], *, word: str, times: int) -> bool:
    """Listen, keep what was told, and return whether a word was among it so many times."""
    told.extend(heard(listener))
    return told.count(word) >= times


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_the_units_run_takes_an_empty_database_to_routed_orders_and_ends_in_order(
    server: Server, empty_database: Database
) -> None:
    said = migrated(server)
    assert said[0].startswith("schema: empty → ")
    assert {path.name for path in (server.folder / "lib").iterdir()} == {"signing-key.pem", "secret-key"}
    with engine_for(empty_database.url) as engine:
        owner = given_owner(engine)
        given_routable_network(engine, today=utc_now().date())
        port = str(a_free_port())
        units = [("fabroute-api@", port), ("fabroute-worker@", "routing"), ("fabroute-relay", "")]
        with notify_socket(server.folder) as (path, listener):
            running = [started(server, name, instance=instance, notify=path) for name, instance in units]
            try:
                told: list[str] = []
                assert wait_until(lambda: all_said(listener, told, word="READY=1", times=len(units)), seconds=300)
                assert httpx.get(
                    f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE_SECONDS, trust_env=False
                ).json() == {"status": "ok"}
                given_orders(engine, *(make_order(owner, placed_at=utc_now()) for _ in range(5)))
                states = "SELECT state, count(*) FROM order_lines GROUP BY 1"
                assert wait_until(lambda: in_transaction(engine, lambda it: rows(it, states)) == [("routed", 5)])
                told.extend(heard(listener))
                assert told.count("WATCHDOG=1") >= len(units)
                for process in running:
                    process.terminate()
                codes = [process.wait(PATIENCE_SECONDS) for process in running]
                assert heard(listener).count("STOPPING=1") == len(units)
            finally:
                for process in running:
                    end(process, seconds=1)
    assert set(codes[1:]) == {0}
    assert codes[0] in (0, -signal.SIGTERM)


def by_hand(server: Server, *words: str, program: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the command of the plain server as root does, with a stand-in for ``systemd-run``."""
    environment = plain_environment() | {"FABROUTE_PROGRAM": program or str(server.installed()), "PROFILE": "embedded"}
    return subprocess.run(
        [str(SYSTEMD / "fabroute"), *words],
        env=environment | {"PATH": f"{server.stand_in()}:{environment['PATH']}"},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_SECONDS,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_any_command_is_run_by_hand_with_the_settings_and_secrets_of_the_units(server: Server) -> None:
    moved = by_hand(server, "migrate")
    looked, owned = by_hand(server, "doctor"), by_hand(server, "keys", "list")
    broken = by_hand(server, "order", "show", "ord_none")

    assert (moved.returncode, moved.stderr.splitlines()[:-1]) == (0, [])
    assert moved.stdout.startswith("schema: empty → ")
    assert (looked.returncode, looked.stdout.splitlines()[-1][-9:]) == (0, " 0 broken")
    assert owned.returncode == 0, owned.stderr
    assert broken.returncode != 0
    assert {path.name for path in (server.folder / "lib").iterdir()} == set()


def test_only_the_owners_commands_get_the_owners_password_and_words_are_passed_as_they_are(
    server: Server, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    told.write_text(
        '#!/bin/sh\nls "$FABROUTE_SECRETS_DIR" | tr "\\n" " "\nprintf "<%s>" "$@"\nexit 3\n', encoding="utf-8"
    )
    told.chmod(0o755)
    words = ("status", "two words", "$HOME", "${HOME}", "$$", "it's")
    said = by_hand(server, *words, program=str(told))
    owner = by_hand(server, "backup", "/var/backups", program=str(told))

    secrets = "secrets_fabroute_broker_url secrets_fabroute_database_url "
    assert said.stdout == secrets + "".join(f"<{word}>" for word in words)
    assert (said.returncode, said.stderr) == (3, "")
    assert owner.stdout == f"fabroute_migration_database_url {secrets}<backup></var/backups>"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_migration_waits_until_postgresql_answers(server: Server, empty_database: Database) -> None:
    unit = read_unit("fabroute-migrate")
    server.secret("fabroute_migration_database_url", "postgresql://fabroute_owner@127.0.0.1:1/fabroute")
    environment = server.environment(unit) | {"FABROUTE_PROFILE": "embedded"}
    credential = Path(environment["FABROUTE_SECRETS_DIR"]) / "fabroute_migration_database_url"
    command = [*program(), *commands_of(unit)[-1]]
    refused = subprocess.run(
        [*program(), "migrate"], env=environment, capture_output=True, timeout=PATIENCE_SECONDS, check=False
    )
    with subprocess.Popen(command, env=environment, cwd=server.folder, stderr=subprocess.PIPE) as waiting:
        try:
            assert waiting.stderr is not None
            first = waiting.stderr.readline().decode()
            assert waiting.poll() is None
        finally:
            waiting.kill()
    credential.write_text(empty_database.migration_url, encoding="utf-8")
    done = subprocess.run(command, env=environment, capture_output=True, timeout=PATIENCE_SECONDS, check=False)

    assert refused.returncode == 75
    assert first.startswith("fabroute: waiting: PostgreSQL does not answer")
    assert "FABROUTE_MIGRATION_DATABASE_URL" in first
    assert (done.returncode, done.stdout.decode().partition(" →")[0]) == (0, "schema: empty")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_can_not_start_says_so_with_the_code_that_systemd_goes_by(server: Server) -> None:
    migrated(server)
    server.secret("secrets/fabroute_broker_url", "redis+socket:///nowhere/redis.sock")
    relay = started(server, "fabroute-relay")
    server.secret("secrets/fabroute_broker_url", "smtp://nowhere")
    worker = started(server, "fabroute-worker@", instance="jobs")

    assert (relay.wait(PATIENCE_SECONDS), worker.wait(PATIENCE_SECONDS)) == (75, EXIT_MISCONFIGURED)
    assert "does not answer" in (server.folder / "fabroute-relay.log").read_text(encoding="utf-8")
    assert "FABROUTE_BROKER_URL begins with smtp://" in (server.folder / "fabroute-worker@jobs.log").read_text(
        encoding="utf-8"
    )
