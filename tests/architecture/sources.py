"""The project's own files, read once for the tests about them."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
SOURCE_ROOTS = ("services", "workers", "infra/embedded")
_FOLDERS = (*SOURCE_ROOTS, "infra", "openapi", "tests", ".ci")
_BINARY_SUFFIXES = {".3mf", ".gz", ".ico", ".jpg", ".png", ".pyc", ".stl", ".ttf", ".woff2", ".zip"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One source file of the product."""

    path: Path
    name: str
    """As it is imported: ``fabroute.orders.service``."""
    text: str
    tree: ast.Module

    def nodes(self) -> tuple[ast.AST, ...]:
        """Everything in the file."""
        return _nodes(self)

    def functions(self) -> tuple[Function, ...]:
        """Every function, method and function in a function."""
        return _functions(self)

    def at(self, node: ast.stmt | ast.expr | ast.ExceptHandler) -> str:
        """The place of a node, for a list of offenders."""
        return f"{self.path.relative_to(PROJECT)}:{node.lineno}"


@cache
def _nodes(module: Module) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(module.tree))


@cache
def _functions(module: Module) -> tuple[Function, ...]:
    return tuple(node for node in _nodes(module) if isinstance(node, Function))


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the product, without the steps of the schema's history."""
    found = [
        _module(path, PROJECT / root)
        for root in SOURCE_ROOTS
        for path in sorted((PROJECT / root).rglob("*.py"))
        if "versions" not in path.parts
    ]
    assert len(found) > 50
    return tuple(found)


@cache
def text_files() -> dict[str, str]:
    """Every text file that belongs to the project, by its path from the project's folder."""
    at_the_top = (path for path in PROJECT.iterdir() if path.is_file())
    below = (path for folder in _FOLDERS for path in (PROJECT / folder).rglob("*") if path.is_file())
    return {
        path.relative_to(PROJECT).as_posix(): path.read_text(encoding="utf-8")
        for path in {*at_the_top, *below}
        if path.suffix not in _BINARY_SUFFIXES and not path.name.startswith((".coverage", ".env", ".git"))
    }


def code_lines(text: str) -> int:
    """Count the lines that are neither empty nor comments."""
    return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))


def _module(path: Path, root: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    dotted = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    return Module(path=path, name=dotted, text=text, tree=ast.parse(text))
