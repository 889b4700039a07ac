"""The manifests of both overlays, held to the code, to the rules of Kubernetes, and to one another."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from fabroute.monitoring import exposing
from fabroute_workers.app import QUEUES, REQUIRED_SETTINGS
from fabroute_workers.supervisor import STOP_SECONDS

from .commands import SETTINGS, accepts, work_of
from .manifests import (
    INFRA,
    KUBERNETES,
    OVERLAYS,
    PROJECT,
    Manifest,
    built,
    built_with,
    containers_of,
    documents,
    load,
    name_of,
    of_kind,
    pod_of,
)

SCALED_ELSEWHERE = {
    "production": {"fabroute-api", "fabroute-worker-routing", "fabroute-worker-files", "fabroute-worker-webhooks"}
}
_UNITS = {"Mi": 2**20, "Gi": 2**30}
_FOREIGN = (
    *("keda.sh/v1alpha1", "postgresql.cnpg.io/v1", "barmancloud.cnpg.io/v1", "rabbitmq.com/v1beta1"),
    "monitoring.coreos.com/v1",
)
"""Of operators: their schemas are not Kubernetes's own."""


@cache
def manifests(overlay: str) -> tuple[Manifest, ...]:
    return tuple(built(overlay))


def ours(overlay: str) -> list[Manifest]:
    """Return what runs our image."""
    return [
        item for item in manifests(overlay) if any(it["image"].startswith("fabroute:") for it in containers_of(item))
    ]


def workers(overlay: str) -> list[Manifest]:
    return [item for item in ours(overlay) if container_of(item)["args"][0] == "work"]


def container_of(manifest: Manifest) -> Manifest:
    (container,) = containers_of(manifest)
    return container


def size(text: str) -> int:
    return int(text[:-2]) * _UNITS[text[-2:]]


def labels_of(manifest: Manifest) -> Mapping[str, str]:
    pod = pod_of(manifest)
    assert pod is not None
    labels: Mapping[str, str] = pod["metadata"]["labels"]
    return labels


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    fits = all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())
    return fits and all(
        labels.get(it["key"]) in it["values"] for it in selector.get("matchExpressions", ()) if it["operator"] == "In"
    )


def settings(overlay: str) -> Mapping[str, str]:
    (found,) = of_kind(manifests(overlay), "ConfigMap")
    data: Mapping[str, str] = found["data"]
    return data


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_workload_is_there_once(overlay: str) -> None:
    assert sorted(name_of(item) for item in ours(overlay)) == [
        "fabroute-api",
        "fabroute-migrate",
        "fabroute-relay",
        "fabroute-worker-files",
        "fabroute-worker-jobs",
        "fabroute-worker-routing",
        "fabroute-worker-webhooks",
    ]
    named = [(item["kind"], name_of(item)) for item in manifests(overlay)]
    assert len(named) == len(set(named))
    assert {item["metadata"]["namespace"] for item in manifests(overlay) if item["kind"] != "Namespace"} == {"fabroute"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_keeps_the_restricted_profile(overlay: str) -> None:
    (space,) = of_kind(manifests(overlay), "Namespace")
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for manifest in manifests(overlay):
        if (pod := pod_of(manifest)) is None:
            continue
        security = pod["spec"]["securityContext"]
        assert security["runAsNonRoot"] is True, name_of(manifest)
        assert security["runAsUser"] == security["fsGroup"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod["spec"])
        assert {next(iter(set(volume) - {"name"})) for volume in pod["spec"]["volumes"]} <= {
            "secret",
            "projected",
            "emptyDir",
        }
        for container in containers_of(manifest):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= set(container["resources"]["limits"])
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_setting_and_every_secret_that_is_named_exists(overlay: str) -> None:
    named = set(settings(overlay)) | {
        entry["name"] for item in ours(overlay) for entry in container_of(item).get("env", ())
    }
    examples = {name_of(item): set(item["stringData"]) for item in documents(KUBERNETES / "secrets.example.yaml")}
    keys = {name for secret in examples.values() for name in secret}

    assert named - SETTINGS == set()
    assert {name for name in keys if name.startswith("fabroute_") and name.upper() not in SETTINGS} == set()
    assert {f"/run/fabroute/secrets/{name}" for name in keys if not name.startswith("fabroute_")} == {
        settings(overlay)["FABROUTE_SIGNING_KEY_FILE"],
        settings(overlay)["FABROUTE_SECRET_KEY_FILE"],
    }
    assert {secret for item in ours(overlay) for secret in secrets_of(item)} == set(examples)


def secrets_of(manifest: Manifest) -> set[str]:
    pod = pod_of(manifest)
    assert pod is not None
    found: set[str] = set()
    for volume in pod["spec"]["volumes"]:
        found |= {volume["secret"]["secretName"]} if "secret" in volume else set()
        found |= {source["secret"]["name"] for source in volume.get("projected", {}).get("sources", ())}
    return found


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_who_signs_and_seals_gets_the_keys_and_only_the_migration_the_owner(overlay: str) -> None:
    holders = {
        secret: sorted(name_of(item) for item in ours(overlay) if secret in secrets_of(item))
        for secret in ("fabroute-keys", "fabroute-owner")
    }
    assert holders == {
        "fabroute-keys": ["fabroute-api", "fabroute-worker-jobs", "fabroute-worker-webhooks"],
        "fabroute-owner": ["fabroute-migrate"],
    }
    modes = [
        volume.get("secret", volume.get("projected", {}))["defaultMode"]
        for item in ours(overlay)
        for volume in (pod_of(item) or {})["spec"]["volumes"]
        if volume["name"] == "secrets"
    ]
    assert set(modes) == {0o440}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_queue_has_one_deployment_and_every_command_is_known(overlay: str) -> None:
    for manifest in ours(overlay):
        accepts(container_of(manifest)["args"])
    worked = [work_of(container_of(item)["args"]) for item in workers(overlay)]

    assert sorted(queue for found in worked for queue in found.queues) == sorted(QUEUES)
    assert [found.programs for found in worked if not found.queues] == [("relay",)]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_whoever_is_told_to_end_has_the_time_and_children_have_their_memory(overlay: str) -> None:
    assert float(str(REQUIRED_SETTINGS["task_time_limit"])) < STOP_SECONDS
    for manifest in workers(overlay):
        pod, found = pod_of(manifest), work_of(container_of(manifest)["args"])
        assert pod is not None
        given = {entry["name"]: entry["value"] for entry in container_of(manifest).get("env", ())}
        children = found.concurrency if "worker" in found.programs else 1
        allowed = int(given.get("FABROUTE_WORKER_MEMORY_MIB", 0)) * 2**20

        assert pod["spec"]["terminationGracePeriodSeconds"] > STOP_SECONDS
        assert (allowed > 0) == bool(found.queues)
        assert size(container_of(manifest)["resources"]["limits"]["memory"]) >= children * allowed + 2**28
    (api,) = [item for item in ours(overlay) if name_of(item) == "fabroute-api"]
    (pause,) = re.findall(r"\d+", str(container_of(api)["lifecycle"]["preStop"]["exec"]["command"]))
    assert (pod_of(api) or {})["spec"]["terminationGracePeriodSeconds"] > int(pause) + 15


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_ask_what_there_is_at_ports_that_are_open(overlay: str) -> None:
    paths = set(json.loads((PROJECT / "openapi" / "openapi.json").read_text(encoding="utf-8"))["paths"])
    for manifest in ours(overlay):
        container = container_of(manifest)
        open_ports = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
        probes = [container[name] for name in ("startupProbe", "livenessProbe", "readinessProbe") if name in container]
        assert bool(probes) == (name_of(manifest) != "fabroute-migrate")
        for probe in probes:
            if "httpGet" in probe:
                assert probe["httpGet"]["path"] in paths
                assert probe["httpGet"]["port"] in open_ports
            else:
                assert probe["exec"]["command"][0] == "fabroute"
                accepts(probe["exec"]["command"][1:])
        if "metrics" in open_ports:
            port = "FABROUTE_METRICS_PORT" if name_of(manifest) == "fabroute-api" else "FABROUTE_WORKER_METRICS_PORT"
            assert settings(overlay)[port] == str(open_ports["metrics"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_selectors_find_their_pods(overlay: str) -> None:
    running = [item for item in manifests(overlay) if pod_of(item) is not None]
    for manifest in of_kind(running, "Deployment", "StatefulSet"):
        assert [name_of(it) for it in running if selects(manifest["spec"]["selector"], labels_of(it))] == [
            name_of(manifest)
        ]
    for service in of_kind(manifests(overlay), "Service"):
        (behind,) = [it for it in running if selects({"matchLabels": service["spec"]["selector"]}, labels_of(it))]
        ports = {port["name"] for port in container_of(behind)["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    for budget in of_kind(manifests(overlay), "PodDisruptionBudget"):
        found = [name_of(it) for it in running if selects(budget["spec"]["selector"], labels_of(it))]
        assert found == [name_of(budget)]
    budgets = {name_of(budget) for budget in of_kind(manifests(overlay), "PodDisruptionBudget")}
    assert budgets == {name_of(item) for item in of_kind(ours(overlay), "Deployment")}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_deployment_has_a_number_or_something_that_sets_one(overlay: str) -> None:
    scaled = {
        item["spec"]["scaleTargetRef"]["name"]: item
        for item in of_kind(manifests(overlay), "HorizontalPodAutoscaler", "ScaledObject")
    }
    counted = {name_of(item) for item in of_kind(ours(overlay), "Deployment") if "replicas" in item["spec"]}

    assert set(scaled) == SCALED_ELSEWHERE.get(overlay, set())
    assert counted | set(scaled) == {name_of(item) for item in of_kind(ours(overlay), "Deployment")}
    assert counted & set(scaled) == set()


def test_workers_are_scaled_by_figures_that_are_told() -> None:
    names = {gauge.name for gauge in vars(exposing).values() if isinstance(gauge, exposing.Gauge)}
    queries = [
        trigger["metadata"]["query"]
        for item in of_kind(manifests("production"), "ScaledObject")
        for trigger in item["spec"]["triggers"]
        if trigger["type"] == "prometheus"
    ]
    asked = {name for query in queries for name in re.findall(r"fabroute_([a-z_]+)", query)}

    assert asked == {"due_lines", "webhook_deliveries"}
    assert asked - names == set()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_goes_in_or_out_but_what_is_needed(overlay: str) -> None:
    policies = {name_of(item): item["spec"] for item in of_kind(manifests(overlay), "NetworkPolicy")}
    pods = {name_of(item): labels_of(item) for item in ours(overlay)}

    def reach(policy: str) -> list[str]:
        return sorted(name for name, labels in pods.items() if selects(policies[policy]["podSelector"], labels))

    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    ringing = [
        policies[name]["podSelector"] for name in policies if "broker" in name or name in ("to-redis", "to-rabbitmq")
    ]
    assert ringing != []
    for selector in ringing:
        assert sorted(name for name, labels in pods.items() if selects(selector, labels)) == [
            "fabroute-relay",
            "fabroute-worker-files",
            "fabroute-worker-jobs",
            "fabroute-worker-routing",
            "fabroute-worker-webhooks",
        ]
    assert reach("webhooks-to-the-world") == ["fabroute-worker-webhooks"]
    assert reach("to-object-store") == ["fabroute-api", "fabroute-worker-files", "fabroute-worker-jobs"]
    assert reach("api-from-ingress") == ["fabroute-api"]
    database = next(name for name in ("to-postgresql", "to-managed-postgresql") if name in policies)
    assert reach(database) == sorted(pods)
    (port,) = policies["api-from-ingress"]["ingress"][0]["ports"]
    assert port == {"protocol": "TCP", "port": "http"}


def test_cloudnativepg_makes_the_same_rights_as_the_script_for_any_other_server() -> None:
    cluster = load(KUBERNETES / "components" / "cloudnativepg" / "cluster.yaml")
    script = " ".join((INFRA / "database" / "roles.sql").read_text(encoding="utf-8").split())
    steps: Sequence[str] = cluster["spec"]["bootstrap"]["initdb"]["postInitApplicationSQL"]

    assert len(steps) == 6
    assert [step for step in steps if step.replace(" ON DATABASE fabroute", " ON DATABASE %I") not in script] == []
    assert cluster["spec"]["bootstrap"]["initdb"]["owner"] == "fabroute_owner"
    assert cluster["spec"]["bootstrap"]["initdb"]["encoding"] == "UTF8"
    assert (cluster["spec"]["minSyncReplicas"], cluster["spec"]["instances"]) == (1, 3)


def test_the_database_is_backed_up_every_night_and_its_log_all_day_to_the_same_place() -> None:
    found = manifests("production")
    (cluster,) = [item for item in of_kind(found, "Cluster") if item["apiVersion"] == "postgresql.cnpg.io/v1"]
    (store,), (nightly,) = of_kind(found, "ObjectStore"), of_kind(found, "ScheduledBackup")
    (plugin,) = cluster["spec"]["plugins"]

    assert plugin["isWALArchiver"] is True
    assert plugin["parameters"] == {"barmanObjectName": name_of(store)}
    assert nightly["spec"]["cluster"] == {"name": name_of(cluster)}
    assert (nightly["spec"]["method"], nightly["spec"]["pluginConfiguration"]) == ("plugin", {"name": plugin["name"]})
    assert re.fullmatch(r"\d+ \d+ \d+ \* \* \*", nightly["spec"]["schedule"])
    assert store["spec"]["configuration"]["destinationPath"].startswith("s3://")


def test_the_operator_of_prometheus_gets_the_alerts_that_the_file_has() -> None:
    (rule,) = of_kind(manifests("production"), "PrometheusRule")

    assert rule["spec"] == load(INFRA / "observability" / "alerts.yml")
    assert len(rule["spec"]["groups"][0]["rules"]) > 20


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize(
    ("component", "policy", "settings_added", "who"),
    [
        ("tracing", "to-collector", {"FABROUTE_TRACING_URL"}, None),
        (
            "single-sign-on",
            "to-openid-provider",
            {"FABROUTE_OIDC_ISSUER", "FABROUTE_OIDC_CLIENT_ID"},
            ["fabroute-api"],
        ),
    ],
)
def test_who_asks_a_collector_or_an_openid_provider_may_reach_it(
    overlay: str, component: str, policy: str, settings_added: set[str], who: list[str] | None
) -> None:
    found = built_with(overlay, component)
    (spec,) = [item["spec"] for item in of_kind(found, "NetworkPolicy") if name_of(item) == policy]
    (told,) = of_kind(found, "ConfigMap")
    pods = {name_of(item): labels_of(item) for item in ours(overlay)}

    assert set(told["data"]) - set(settings(overlay)) == settings_added <= SETTINGS
    reached = sorted(name for name, labels in pods.items() if selects(spec["podSelector"], labels))
    assert reached == (who or sorted(pods))
    ports = {urlsplit(told["data"][name]).port or 443 for name in settings_added if name.endswith(("URL", "ISSUER"))}
    assert [{"protocol": "TCP", "port": port} for port in ports] == spec["egress"][0]["ports"]


@pytest.mark.parametrize("component", ["tracing", "single-sign-on"])
def test_kustomize_itself_adds_a_component(component: str, tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not here")
    place = {"overlay": KUBERNETES / "overlays" / "production", "component": KUBERNETES / "components" / component}
    own = {name: os.path.relpath(path, tmp_path.resolve()) for name, path in place.items()}
    kustomization = {"resources": [own["overlay"]], "components": [own["component"]], "namespace": "fabroute"}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    done = subprocess.run([kubectl, "kustomize", str(tmp_path)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    theirs = {(it["kind"], name_of(it)): it for it in yaml.safe_load_all(done.stdout)}
    ours_too = {(it["kind"], name_of(it)): it for it in built_with("production", component)}
    for item in ours_too.values():
        item["metadata"] |= {"namespace": "fabroute"} if item["kind"] != "Namespace" else {}
    assert theirs == ours_too


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_schemas_of_kubernetes_hold(overlay: str) -> None:
    kubernetes = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate")
    seen = 0
    for manifest in manifests(overlay):
        if manifest["apiVersion"] not in _FOREIGN:
            kubernetes.validate(manifest, "1.31", strict=True)
            seen += 1
    assert seen > 20


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_itself_makes_the_same(overlay: str) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not here")
    done = subprocess.run(
        [kubectl, "kustomize", str(KUBERNETES / "overlays" / overlay)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    theirs = {(it["kind"], name_of(it)): it for it in yaml.safe_load_all(done.stdout)}
    assert theirs == {(it["kind"], name_of(it)): it for it in manifests(overlay)}
