"""The table of threats names tests and commands that are there."""

import ast
import re

import pytest

from .sources import PROJECT

TABLE = (PROJECT / "infra" / "reliability.md").read_text(encoding="utf-8")
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
TESTS = sorted(set(re.findall(r"`(tests/[\w/.]+(?:::\w+)?)`", TABLE)))
COMMANDS = sorted(set(re.findall(r"`make ([\w-]+)`", TABLE)) - {"test"})


@pytest.mark.parametrize("named", TESTS)
def test_a_test_that_is_named_is_there(named: str) -> None:
    path, _, name = named.partition("::")
    assert (PROJECT / path).exists()
    if name:
        tree = ast.parse((PROJECT / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_named_is_one_of_make(command: str) -> None:
    assert re.search(rf"^{command}:", MAKEFILE, flags=re.MULTILINE)


def test_every_threat_has_a_test_and_a_figure() -> None:
    rows = [row.split(" | ") for row in TABLE.splitlines() if row.startswith("| ")][1:]
    assert [row[0] for row in rows if len(row) != 4 or "`" not in row[2] or len(row[3].strip(" |")) < 5] == []
    assert len(rows) == 26
