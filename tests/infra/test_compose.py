"""The services of compose.yaml, held to the code and to one another."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from fabroute_workers.app import QUEUES
from fabroute_workers.supervisor import STOP_SECONDS

from .commands import SETTINGS, accepts, work_of
from .manifests import INFRA, load

COMPOSE = INFRA / "compose.yaml"
FILE = load(COMPOSE)
SERVICES: Mapping[str, Any] = FILE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
WORKERS = {name: service for name, service in OURS.items() if service["command"][0] == "work"}
ONE_SHOT = {"migrate", "buckets", "own-volumes", "backup"}
_UNITS = {"m": 2**20, "g": 2**30}


def size(text: str) -> int:
    return int(text[:-1]) * _UNITS[text[-1]]


def secrets_of(service: Mapping[str, Any]) -> set[str]:
    return {entry if isinstance(entry, str) else entry["source"] for entry in service.get("secrets", ())}


def test_every_service_that_is_meant_is_there() -> None:
    assert set(OURS) == {
        *("migrate", "api", "relay", "backup"),
        *("worker-routing", "worker-jobs", "worker-files", "worker-webhooks"),
    }
    assert {name for name, service in SERVICES.items() if service.get("profiles")} == {
        *("rabbitmq", "prometheus", "grafana", "tempo", "backup"),
    }


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_locked_down_and_limited(name: str) -> None:
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] == 512
    assert set(limits) == {"cpus", "memory"}
    assert service["restart"] == ("on-failure" if name in ONE_SHOT else "unless-stopped")
    root = service["user"].partition(":")[0] == "0"
    assert root == (name == "own-volumes")
    assert not root or service["network_mode"] == "none"


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT - {"tempo"}))
def test_whatever_goes_on_is_asked_how_it_is(name: str) -> None:
    health = SERVICES[name]["healthcheck"]

    assert health["test"][0] in ("CMD", "CMD-SHELL")
    if name in OURS:
        assert health["test"] == ["CMD", "fabroute", "alive", "serve" if name == "api" else "work"]


@pytest.mark.parametrize("name", OURS)
def test_our_services_have_settings_and_commands_that_exist(name: str) -> None:
    service = OURS[name]

    assert set(service["environment"]) - SETTINGS == set()
    assert service["environment"]["FABROUTE_PROFILE"] == "production"
    assert [
        entry for entry in secrets_of(service) if entry.startswith("fabroute_") and entry.upper() not in SETTINGS
    ] == []
    accepts(service["command"])
    assert any("/tmp" in entry for entry in (*service.get("tmpfs", ()), *service.get("volumes", ())))


def test_every_queue_has_one_worker_and_one_service_is_the_relay() -> None:
    worked = [work_of(service["command"]) for service in WORKERS.values()]
    queues = [queue for found in worked for queue in found.queues]

    assert sorted(queues) == sorted(QUEUES)
    assert sorted(found.programs for found in worked if not found.queues) == [("relay",)]


@pytest.mark.parametrize("name", WORKERS)
def test_workers_have_the_time_to_end_and_memory_for_all_their_children(name: str) -> None:
    service, found = WORKERS[name], work_of(WORKERS[name]["command"])
    children = found.concurrency if "worker" in found.programs else 1
    allowed = int(service["environment"].get("FABROUTE_WORKER_MEMORY_MIB", 0)) * 2**20
    limit = size(service["deploy"]["resources"]["limits"]["memory"])

    assert int(service["stop_grace_period"].removesuffix("s")) > STOP_SECONDS
    assert (allowed > 0) == bool(found.queues)
    assert limit >= children * allowed + 2**28


def test_nobody_starts_before_the_tables_are_there_and_only_the_migration_owns_them() -> None:
    waiting = {name: OURS[name]["depends_on"] for name in ("api", *WORKERS)}

    assert {found["migrate"]["condition"] for found in waiting.values()} == {"service_completed_successfully"}
    assert OURS["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert [name for name in OURS if "fabroute_migration_database_url" in secrets_of(OURS[name])] == [
        "migrate",
        "backup",
    ]
    assert secrets_of(OURS["migrate"]) == {"fabroute_migration_database_url"}
    assert "fabroute_broker_url" not in secrets_of(OURS["api"])


def test_what_is_named_is_declared_and_what_is_declared_is_used() -> None:
    used = {entry for service in SERVICES.values() for entry in secrets_of(service)}
    volumes = [str(entry).partition(":")[0] for service in SERVICES.values() for entry in service.get("volumes", ())]
    networks = {entry for service in SERVICES.values() for entry in service.get("networks", ())}

    assert used == set(FILE["secrets"])
    assert {name for name in volumes if not name.startswith(".")} == set(FILE["volumes"])
    assert networks == set(FILE["networks"])
    assert FILE["networks"]["inside"] == {"internal": True}


def test_only_who_has_a_port_and_the_webhooks_can_reach_the_world_and_ports_are_this_machines() -> None:
    outside = {name for name, service in SERVICES.items() if "outside" in service.get("networks", ())}
    ports = {port for service in SERVICES.values() for port in service.get("ports", ())}

    assert outside == {"api", "worker-webhooks", "prometheus", "grafana"}
    assert outside - {"worker-webhooks"} == {name for name, service in SERVICES.items() if service.get("ports")}
    assert {port.partition(":")[0] for port in ports} == {"127.0.0.1"}
    assert "127.0.0.1:8000:8000" in ports


def test_redis_forgets_nothing_and_its_clients_find_what_the_settings_name() -> None:
    command = SERVICES["redis"]["command"]
    told = dict(zip(command[1::2], command[2::2], strict=True))
    shared = OURS["api"]["environment"]

    assert (told["--appendonly"], told["--maxmemory-policy"]) == ("yes", "noeviction")
    assert shared["FABROUTE_STORAGE_ENDPOINT"] == "http://objects:9000"
    buckets = "".join(SERVICES["buckets"]["command"])
    assert re.findall(r"mc mb .*here/(\S+)", buckets) == ["fabroute", "fabroute-audit"]
    assert [shared[f"FABROUTE_{name}_URL"].split("/")[2] for name in ("STORAGE", "AUDIT_ROOTS")] == [
        "fabroute",
        "fabroute-audit",
    ]


def test_files_that_are_mounted_are_there() -> None:
    mounted = [str(entry).split(":")[0] for service in SERVICES.values() for entry in service.get("volumes", ())]
    ours = [name for name in mounted if name.startswith("./")]

    assert len(ours) == 8
    assert [name for name in ours if not (INFRA / name).exists()] == []


def test_prometheus_asks_every_service_of_ours_where_it_tells() -> None:
    found = {
        (name, str(entry["port"]))
        for job in load(INFRA / "observability" / "prometheus.yaml")["scrape_configs"]
        for entry in job["dns_sd_configs"]
        for name in entry["names"]
    }
    ports = ("FABROUTE_METRICS_PORT", "FABROUTE_WORKER_METRICS_PORT")
    told = {
        (name, str(service["environment"][port]))
        for name, service in OURS.items()
        for port in ports
        if port in service["environment"]
    }

    assert found == told
    assert {name for name, _ in told} == {"api", *WORKERS}


def test_the_secrets_that_are_made_are_those_that_are_asked_for(tmp_path: Any) -> None:
    shutil.copy(INFRA / "compose-secrets.sh", tmp_path)
    for _ in range(2):
        subprocess.run(["sh", str(tmp_path / "compose-secrets.sh")], check=True, capture_output=True)
    made = {path.name: path for path in (tmp_path / "secrets").iterdir()}
    wanted = {entry["file"].removeprefix("./secrets/") for entry in FILE["secrets"].values()}

    assert wanted - set(made) == set()
    assert set(made) - wanted == {"redis_password", "rabbitmq_password"}
    password = made["redis_password"].read_text(encoding="utf-8")
    assert made["fabroute_broker_url"].read_text(encoding="utf-8") == f"redis://:{password}@redis:6379/0"
    assert made["redis.acl"].read_text(encoding="utf-8") == f"user default on >{password} ~* &* +@all\n"
    assert re.fullmatch("[0-9a-f]{48}", password)
    assert {oct(made[name].stat().st_mode)[-3:] for name in ("signing-key.pem", "secret-key")} == {"400"}
    assert oct((tmp_path / "secrets").stat().st_mode)[-3:] == "700"


def test_the_schema_of_compose_holds() -> None:
    schemas = pytest.importorskip("check_jsonschema", reason="pip install check-jsonschema")
    assert schemas is not None
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stdout == "ok -- validation done\n"


def test_docker_compose_itself_reads_it() -> None:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("apt-get install docker-compose")
    done = subprocess.run(
        [program, "--file", str(COMPOSE), "config", "--services"], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) | {"rabbitmq", "prometheus", "grafana", "tempo", "backup"} == set(SERVICES)
    assert json.dumps(sorted(OURS))
