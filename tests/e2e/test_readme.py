"""The README's example is the one really returned, and its commands exist."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from fabroute.cli.app import COMMANDS
from fabroute.cli.stack import Stack

pytestmark = pytest.mark.timeout(600)

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf8")


def _example() -> tuple[dict[str, Any], dict[str, Any]]:
    request = re.search(r"-d '(\{.*?\})'\n```", README, flags=re.DOTALL)
    answer = re.search(r"```json\n(\{.*?\n\})\n```", README, flags=re.DOTALL)
    assert request is not None
    assert answer is not None
    return json.loads(request[1]), json.loads(answer[1])


def _without_what_differs(order: dict[str, Any]) -> dict[str, Any]:
    lines = [{key: value for key, value in line.items() if key != "id"} for line in order["lines"]]
    return {**order, "id": "", "placed_at": "", "updated_at": "", "lines": lines}


def test_the_example_order_gets_the_answer_in_the_readme(stack: Stack) -> None:
    body, told = _example()
    headers = {"Authorization": f"Bearer {stack.owner_key}", "Idempotency-Key": "po-4711"}

    answer = httpx.post(f"{stack.url}/v1/orders", json=body, headers=headers)

    assert answer.status_code == 201
    assert list(answer.json()) == list(told)
    assert _without_what_differs(answer.json()) == _without_what_differs(told)


def test_every_command_in_the_readme_exists() -> None:
    named = set(re.findall(r"^ *(?:`)?fabroute (\w+)", README, flags=re.MULTILINE))

    assert {"migrate", "seed", "keys", "serve", "work", "doctor", "import", "order"} <= named
    assert named <= set(COMMANDS)
    assert "make demo" in README
    assert "@@" not in README
