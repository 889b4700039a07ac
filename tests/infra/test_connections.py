"""How many connections of PostgreSQL an installation may take, held to how many its server allows."""

from collections.abc import Iterable
from pathlib import Path

from fabroute.monitoring.alarms import CONNECTION_SHARE
from fabroute.settings import Settings
from fabroute_workers.app import FILE_QUEUES

from .commands import Work, work_of
from .manifests import INFRA, KUBERNETES, Manifest, built, containers_of, load, name_of, of_kind
from .units import GROUPS, SYSTEMD, commands_of, read_unit, variables

BESIDE_THE_POOLS = 8
"""Of an API process: its writers, bells and listeners; tests/api/test_connections.py counts them."""
OF_A_CHILD = 4
"""Of a worker's child: its task, who renews the lease of a scope, and a run in a process apart with the same two."""
OF_A_RELAY = 4
BY_HAND = 12
"""The migration, a backup, the doctor, and whoever looks."""
OF_POSTGRESQL = 100
"""What it allows unless it is told otherwise."""


def of_an_api(connections: str | int | None) -> int:
    pool = int(connections or Settings.model_fields["database_pool_connections"].default)
    return 2 * pool + BESIDE_THE_POOLS


def of_work(works: Iterable[Work]) -> int:
    return sum(of_one(found) for found in works)


def of_one(found: Work) -> int:
    children = 0
    if found.queues - set(FILE_QUEUES):
        children += found.concurrency
    if found.queues & set(FILE_QUEUES):
        children += 1
    return children * OF_A_CHILD + (OF_A_RELAY if "relay" in found.programs else 0)


def most_pods(manifests: list[Manifest], name: str) -> int:
    """As many as an autoscaler may start, or are said, and one more while a new version comes."""
    scaled = {
        it["spec"]["scaleTargetRef"]["name"]: it["spec"].get("maxReplicas") or it["spec"]["maxReplicaCount"]
        for it in of_kind(manifests, "HorizontalPodAutoscaler", "ScaledObject")
    }
    (own,) = [it for it in of_kind(manifests, "Deployment") if name_of(it) == name]
    return int(scaled.get(name) or own["spec"]["replicas"]) + 1


def of_pods(overlay: str) -> int:
    manifests = built(overlay)
    (told,) = of_kind(manifests, "ConfigMap")
    api = of_an_api(told["data"].get("FABROUTE_DATABASE_POOL_CONNECTIONS"))
    commands = {
        name_of(it): containers_of(it)[0]["args"]
        for it in of_kind(manifests, "Deployment")
        if containers_of(it)[0]["image"].startswith("fabroute:")
    }
    return BY_HAND + sum(
        most_pods(manifests, name) * (api if command[0] == "serve" else of_one(work_of(command)))
        for name, command in commands.items()
    )


def test_all_pods_that_may_be_started_have_a_connection_in_cloudnativepg() -> None:
    cluster = load(KUBERNETES / "components" / "cloudnativepg" / "cluster.yaml")
    most = int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])

    assert of_pods("production") == 512
    assert of_pods("production") <= CONNECTION_SHARE * most


def test_the_small_overlay_says_how_many_a_managed_server_needs() -> None:
    page = (INFRA / "running.md").read_text(encoding="utf-8")

    assert of_pods("small") == 244
    assert f"`small` takes up to {of_pods('small')} connections" in page


def test_all_containers_of_compose_have_a_connection() -> None:
    services = load(INFRA / "compose.yaml")["services"]
    (most,) = [word.partition("=")[2] for word in services["postgres"]["command"] if word.startswith("max_connections")]
    works = [work_of(it["command"]) for it in services.values() if "build" in it and it["command"][0] == "work"]
    given = services["api"]["environment"].get("FABROUTE_DATABASE_POOL_CONNECTIONS")

    assert BY_HAND + of_an_api(given) + of_work(works) <= CONNECTION_SHARE * int(most)


def test_all_units_of_a_plain_server_have_a_connection_of_a_postgresql_as_it_is_installed() -> None:
    given = variables(Path(SYSTEMD / "fabroute.env"))["FABROUTE_DATABASE_POOL_CONNECTIONS"]
    works = [work_of(commands_of(read_unit("fabroute-worker@"), instance=group)[0]) for group in GROUPS]
    works += [work_of(commands_of(read_unit("fabroute-relay"))[0])]

    assert BY_HAND + of_an_api(given) + of_work(works) == 84
    assert CONNECTION_SHARE * OF_POSTGRESQL == 85
