"""Writes ``alerts.yml``, the same for the operator of Prometheus, ``alerts.md`` and the dashboards.

With ``--check`` it only tells which are not up to date.

Run it after a change of a metric, an alert or a panel: ``PYTHONPATH=services python infra/observability/build.py``.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from alert_rules import Rule, rules
from boards import BOARDS

HERE = Path(__file__).parent
PROMETHEUS_RULE = HERE.parent / "kubernetes" / "components" / "monitoring" / "prometheus-rule.yaml"
_HEAD = "# Written by infra/observability/build.py: change alert_rules.py or fabroute.monitoring.alarms, and run it.\n"


def alert_file(found: list[Rule]) -> str:
    """Return the alerts as Prometheus reads them."""
    return _written(_groups(found))


def prometheus_rule(found: list[Rule]) -> str:
    """Return the same alerts as Prometheus's operator on Kubernetes reads them."""
    head = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": {"name": "fabroute"}}
    return _written(head | {"spec": _groups(found)})


def runbook(found: list[Rule]) -> str:
    """Return what each alert means and what to do, as a page."""
    parts = ["# Alerts\n\nWritten by `build.py`. `fabroute status` raises those marked with ¹ as well, in words.\n"]
    for rule in found:
        mark = "¹" if rule.is_told_by_status else ""
        parts.append(
            f"## {rule.name}\n\n{rule.severity}{mark}: `{rule.expr}`, for {rule.wait}.\n\n"
            f"**It means:** {rule.meaning}\n\n**What to do:** {_sentence(rule.action)}\n"
        )
    return "\n".join(parts)


def files() -> Iterator[tuple[Path, str]]:
    """Yield each file and what is to stand in it."""
    found = list(rules())
    yield HERE / "alerts.yml", alert_file(found)
    yield PROMETHEUS_RULE, prometheus_rule(found)
    yield HERE / "alerts.md", runbook(found)
    for board in BOARDS:
        text = json.dumps(board.as_json(), indent=1, ensure_ascii=False)
        yield HERE / "dashboards" / f"{board.name}.json", text + "\n"


def main() -> int:
    """Write the files, or tell which differ; return the exit code."""
    stale = [(path, text) for path, text in files() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path, text in stale:
        if "--check" in sys.argv:
            print(f"{path.name} is not up to date: run infra/observability/build.py")
            continue
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in sys.argv else 0


def _groups(found: list[Rule]) -> dict[str, object]:
    return {"groups": [{"name": "fabroute", "rules": [rule.as_yaml() for rule in found]}]}


def _written(document: dict[str, object]) -> str:
    return _HEAD + yaml.safe_dump(document, sort_keys=False, width=110, allow_unicode=True)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


if __name__ == "__main__":
    sys.exit(main())
