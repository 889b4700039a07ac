"""Dashboards and alerts stand on figures that exist, and say what to do."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from fabroute.api.measuring.measures import API_GAUGES, API_MEASURES
from fabroute.cli.app import COMMANDS
from fabroute.monitoring.alarms import ALARMS
from fabroute.monitoring.exposing import GAUGES
from fabroute.telemetry import version
from fabroute.telemetry.measures import Measure
from fabroute_workers.measuring import WORKER_MEASURES

HERE = Path(__file__).parents[2] / "infra" / "observability"
ALERTS = HERE / "alerts.yml"
DASHBOARDS = sorted((HERE / "dashboards").glob("*.json"))
_OF_THE_SCRAPE = {"job", "instance"}
_OF_PROCESSES = {"process_cpu_seconds_total": set[str](), "process_resident_memory_bytes": set[str]()}
_OF_PROMETHEUS = {"up": set[str]()}


def of_measure(measure: Measure) -> Iterator[tuple[str, set[str]]]:
    """The names under which a measure is exported, each with its labels."""
    labels = set(measure.labels)
    if measure.bounds is None:
        yield f"{measure.name}_total", labels
    else:
        yield f"{measure.name}_bucket", labels | {"le"}
        yield from ((f"{measure.name}_{end}", labels) for end in ("sum", "count"))


def exported() -> Mapping[str, set[str]]:
    """Every metric that the code exports, with its labels."""
    found = {f"fabroute_{gauge.name}": set(gauge.labels) for gauge in GAUGES}
    for measure in (*API_MEASURES, *WORKER_MEASURES.values()):
        found |= dict(of_measure(measure))
    found |= {name: {"pool"} if "pool" in name else set() for name in API_GAUGES}
    return found | {version.NAME: {"program", "version"}} | _OF_PROCESSES | _OF_PROMETHEUS


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in DASHBOARDS:
        yield from ((path.stem, panel) for panel in json.loads(path.read_text(encoding="utf-8"))["panels"])


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression, and where it stands."""
    yield from ((rule["alert"], rule["expr"]) for rule in rules())
    for board, panel in panels():
        for target in panel["targets"]:
            yield f"{board}: {panel['title']}", target["expr"].replace("$__rate_interval", "5m")


def selectors(node: object) -> Iterator[promql.VectorSelector]:
    """What an expression reads."""
    if isinstance(node, promql.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "param", "vector_selector"):
        inner = getattr(node, name, None)
        if inner is not None and not isinstance(inner, str):
            yield from selectors(inner)
    for inner in getattr(node, "args", None) or ():
        yield from selectors(inner)


def read_by(expression: str) -> list[tuple[str, list[str]]]:
    """The metrics that an expression reads, each with the labels that it asks for."""
    found = selectors(promql.parse(expression))
    return [(str(it.name), [matcher.name for matcher in it.matchers.matchers]) for it in found]


def test_every_expression_reads_metrics_that_the_code_exports() -> None:
    known = exported()
    unknown = [(place, name) for place, text in expressions() for name, _ in read_by(text) if name not in known]

    assert unknown == []
    assert len(list(expressions())) > 70
    assert read_by('max by (x) (rate(no_such_total{a="b"}[5m])) / 2 > 0') == [("no_such_total", ["a"])]


def test_every_expression_asks_for_labels_that_its_metric_has() -> None:
    known = exported()
    wrong = [
        (place, name, label)
        for place, text in expressions()
        for name, labels in read_by(text)
        for label in labels
        if label not in known[name] | _OF_THE_SCRAPE | {"__name__"}
    ]
    assert wrong == []


def test_groupings_and_legends_name_labels_that_the_metric_has() -> None:
    known = exported()
    for place, text in expressions():
        has = set().union(*(known[name] for name, _ in read_by(text))) | _OF_THE_SCRAPE
        grouped = {name.strip() for names in re.findall(r"by \(([^)]*)\)", text) for name in names.split(",")}
        assert grouped <= has, place
    for board, panel in panels():
        for target in panel["targets"]:
            read = read_by(target["expr"].replace("$__rate_interval", "5m"))
            has = set().union(*(known[name] for name, _ in read))
            shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert shown <= has | _OF_THE_SCRAPE, (board, panel["title"])


def test_every_figure_that_is_exported_is_looked_at_somewhere() -> None:
    read = {name for _, text in expressions() for name, _ in read_by(text)}
    bases = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in read} | read
    unseen = {name for name in exported() if re.sub(r"_(total|bucket|sum|count)$", "", name) not in bases}
    assert unseen == {"fabroute_due_lines"}  # by which workers are scaled


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    page = (HERE / "alerts.md").read_text(encoding="utf-8")
    for rule in rules():
        notes, name = rule["annotations"], rule["alert"]
        assert set(notes) == {"summary", "meaning", "action", "runbook"}, name
        assert all(len(notes[it]) > 30 for it in ("meaning", "action")), name
        assert rule["labels"]["severity"] in ("page", "ticket"), name
        assert notes["runbook"] == f"infra/observability/alerts.md#{name.lower()}"
        assert f"\n## {name}\n" in page
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def test_what_status_tells_is_an_alert_of_the_same_name_weight_and_advice() -> None:
    by_name = {rule["alert"]: rule for rule in rules()}
    for alarm in ALARMS:
        rule = by_name[alarm.name]
        assert (rule["labels"]["severity"], rule["annotations"]["action"]) == (alarm.severity, alarm.action)


def test_commands_that_alerts_name_exist() -> None:
    named = {
        name for rule in rules() for name in re.findall(r"\bfabroute ([a-z]+)", " ".join(rule["annotations"].values()))
    }
    assert named <= set(COMMANDS)
    assert {"work", "status", "doctor"} <= named


def test_the_files_are_those_that_build_writes() -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "build.py"), "--check"],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=_with_path(),
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_one_that_grafana_imports(path: Path) -> None:
    board = json.loads(path.read_text(encoding="utf-8"))
    places = [(it["gridPos"]["x"], it["gridPos"]["y"]) for it in board["panels"]]

    assert board["uid"] == f"fabroute-{path.stem}"
    assert [it["id"] for it in board["panels"]] == list(range(1, len(board["panels"]) + 1))
    assert len(set(places)) == len(places)
    assert all(it["gridPos"]["x"] + it["gridPos"]["w"] <= 24 for it in board["panels"])
    assert [it["name"] for it in board["templating"]["list"]] == ["datasource"]
    assert {it["type"] for it in board["panels"]} <= {"timeseries", "stat", "bargauge"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize(
    "check", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")], ids=" ".join
)
def test_promtool_finds_nothing_wrong(check: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *check], cwd=HERE, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _with_path() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(path for path in sys.path if path), "PATH": "/usr/bin:/bin"}
