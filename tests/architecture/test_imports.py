import ast
import subprocess
import sys
import tomllib
from typing import Any

import pytest
from importlinter import cli

from .sources import PROJECT, Module, modules

CONTEXTS = (
    *("advice", "identity", "inventory", "logistics", "network"),
    *("orders", "production", "qualification", "routing", "sandbox", "webhooks"),
)
PRIVATE = ("repository", "models")


def contracts() -> dict[str, dict[str, Any]]:
    """Every import contract of the project by its id."""
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return {contract["id"]: contract for contract in settings["contracts"]}


def imported_names(module: Module) -> list[str]:
    """Every dotted name that a module imports, ``from a import b`` as ``a.b``."""
    plain = [name.name for node in module.nodes() if isinstance(node, ast.Import) for name in node.names]
    from_somewhere = [
        f"{node.module}.{name.name}"
        for node in module.nodes()
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    ]
    return plain + from_somewhere


def reaches_into(context: str, imported: str) -> bool:
    """Tell whether a name lies in a context's tables or queries."""
    return any(f"{imported}.".startswith(f"fabroute.{context}.{private}.") for private in PRIVATE)


def may_reach_into(context: str, importer: str) -> bool:
    """The context itself, and migrations, which compare tables with the schema."""
    return f"{importer}.".startswith((f"fabroute.{context}.", "fabroute.migrations."))


def test_every_import_contract_holds(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = cli.lint_imports(config_filename=str(PROJECT / "pyproject.toml"), no_cache=True)
    printed = capsys.readouterr().out
    assert exit_code == 0, printed
    assert " 0 broken" in printed


def test_contracts_have_no_exceptions_but_the_one_door_to_embedded_servers() -> None:
    excepted = {
        name: contract["ignore_imports"] for name, contract in contracts().items() if "ignore_imports" in contract
    }
    assert list(excepted) == ["embedded-owner"]
    assert all(line.startswith("fabroute.cli") for line in excepted["embedded-owner"])


def test_the_contexts_are_those_of_the_contracts_and_every_room_with_tables_of_its_own() -> None:
    named = [module.name.split(".") for module in modules()]
    with_models = {name[1] for name in named if name[2:] == ["models"]}

    assert contracts()["contexts"]["containers"] == [f"fabroute.{context}" for context in CONTEXTS]
    assert with_models == {*CONTEXTS, "outbox"} - {"sandbox"}


def test_tables_and_queries_are_private_to_their_context() -> None:
    trespasses = [
        f"{module.name} imports {imported}"
        for module in modules()
        for imported in imported_names(module)
        for context in CONTEXTS
        if reaches_into(context, imported) and not may_reach_into(context, module.name)
    ]
    assert trespasses == []
    assert reaches_into("orders", "fabroute.orders.models.Order")
    assert reaches_into("orders", "fabroute.orders.repository")
    assert not reaches_into("orders", "fabroute.orders.service.place_order")
    assert not may_reach_into("orders", "fabroute.production.service")


def test_imports_are_written_in_full() -> None:
    relative = [
        module.at(node)
        for module in modules()
        for node in module.nodes()
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    stars = [name for module in modules() for name in imported_names(module) if name.endswith(".*")]
    assert relative == []
    assert stars == []


def test_the_api_process_loads_no_solver() -> None:
    code = (
        "import sys, fabroute.api.app; "
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in ('ortools', 'celery')))"
    )

    shown = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, encoding="utf-8", check=True)

    assert shown.stdout.strip() == "[]"
    assert shown.stderr == ""
