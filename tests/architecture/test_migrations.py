"""Migrations leave the version before them working: what is only taken away later (CONTRIBUTING.md, Migrations)."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fabroute import migrations

VERSIONS = Path(migrations.__file__).parent / "versions"
FIRST_HELD = "20261123_0013"
"""Those before it were made before anything was released."""
EXCEPTIONS: Mapping[str, str] = {
    "20261123_0015 renames something": "policies of row-level security: no code names them, PostgreSQL sorts by name",
    "20261123_0019 drops something": "a function that nothing but its policy calls, which has another one by then",
}
"""What a migration may do all the same, as ``test_each_migration_…`` names it, and why."""

_FORBIDDEN_CALLS: Mapping[str, str] = {
    "drop_table": "drops a table",
    "drop_column": "drops a column",
    "rename_table": "renames a table",
    "create_unique_constraint": "forbids what was allowed",
    "create_check_constraint": "forbids what was allowed",
    "create_foreign_key": "forbids what was allowed",
    "create_exclude_constraint": "forbids what was allowed",
}
_FORBIDDEN_WORDS: Mapping[str, str] = {
    r"\bDROP\s+(TABLE|COLUMN|VIEW|TYPE|SEQUENCE|FUNCTION)\b": "drops something",
    r"\bRENAME\b": "renames something",
    r"\bSET\s+NOT\s+NULL\b": "forbids what was allowed",
    r"\bADD\s+CONSTRAINT\b": "forbids what was allowed",
    r"\bTRUNCATE\b(?!,| ON)": "empties a table",
    r"\bALTER\s+COLUMN\s+\w+\s+(SET\s+DATA\s+)?TYPE\b": "changes a type",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A migration as its file says."""

    revision: str
    down_revision: str | None
    serves: str | None
    tree: ast.Module

    def function(self, name: str) -> ast.FunctionDef:
        return next(it for it in self.tree.body if isinstance(it, ast.FunctionDef) and it.name == name)


def read(text: str) -> Migration:
    tree = ast.parse(text)
    said = dict(_assigned(tree))
    return Migration(
        revision=str(said["revision"]), down_revision=said["down_revision"], serves=said.get("serves"), tree=tree
    )


def _assigned(tree: ast.Module) -> Iterator[tuple[str, str | None]]:
    """The names of a file that are a text or nothing."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            value = node.value.value
            yield from ((ast.unparse(it), value if isinstance(value, str) else None) for it in node.targets)


def all_of_them() -> list[Migration]:
    return [read(path.read_text(encoding="utf8")) for path in sorted(VERSIONS.glob("*.py"))]


def held() -> list[Migration]:
    return [it for it in all_of_them() if it.revision >= FIRST_HELD]


def breaks(migration: Migration) -> list[str]:
    """What a migration does on the way up with which the version before it may not work any more."""
    found = []
    for node in _reached(migration, migration.function("upgrade")):
        found += _of_call(node) if isinstance(node, ast.Call) else []
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += [words for pattern, words in _FORBIDDEN_WORDS.items() if re.search(pattern, node.value, re.I)]
    return [f"{migration.revision} {words}" for words in found]


def _reached(migration: Migration, function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Everything in a function, in the functions of the file that it calls, and in the texts that it names."""
    waiting, seen = [function.name], set()
    bodies = {it.name: it for it in migration.tree.body if isinstance(it, ast.FunctionDef)}
    texts = {
        target.id: it.value
        for it in migration.tree.body
        if isinstance(it, ast.Assign)
        for target in it.targets
        if isinstance(target, ast.Name)
    }
    while waiting:
        name = waiting.pop()
        root = bodies.get(name) or texts.get(name)
        if root is None or name in seen:
            continue
        seen.add(name)
        for node in ast.walk(root):
            yield node
            if isinstance(node, ast.Name):
                waiting.append(node.id)


def _of_call(call: ast.Call) -> list[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if name in _FORBIDDEN_CALLS:
        return [_FORBIDDEN_CALLS[name]]
    if name == "create_index" and _is(given.get("unique"), True):
        return ["forbids what was allowed"]
    if name == "alter_column" and (_is(given.get("nullable"), False) or {"new_column_name", "type_"} & set(given)):
        return ["changes a column"]
    if name == "add_column":
        return ["adds a column that the version before does not fill"] if _is_unfilled(call) else []
    return []


def _is_unfilled(call: ast.Call) -> bool:
    columns = [it for it in ast.walk(call) if isinstance(it, ast.Call) and ast.unparse(it.func) == "sa.Column"]
    given = {keyword.arg: keyword.value for column in columns for keyword in column.keywords}
    return _is(given.get("nullable"), False) and "server_default" not in given


def _is(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def sample(upgrade: str, *, extra: str = "") -> Migration:
    return read(f'revision = "b"\ndown_revision = "a"\n{extra}\ndef upgrade() -> None:\n    {upgrade}\n')


def test_each_migration_leaves_the_version_before_it_working() -> None:
    found = [words for migration in held() for words in breaks(migration)]

    assert sorted(set(found) - set(EXCEPTIONS)) == []
    assert sorted(set(EXCEPTIONS) - set(found)) == []
    assert all(len(reason) > 30 for reason in EXCEPTIONS.values())


def test_each_migration_says_whom_it_serves_and_has_a_way_back() -> None:
    for migration in held():
        back = migration.function("downgrade").body
        assert migration.serves is not None, f"{migration.revision} does not say whom it serves"
        assert migration.serves <= str(migration.down_revision), f"{migration.revision} does not serve the one before"
        assert not isinstance(back[0], ast.Pass | ast.Raise), f"{migration.revision} has no way back"
    assert [it.revision for it in all_of_them()][1:] == sorted(it.revision for it in all_of_them())[1:]


def test_migrations_follow_one_another_in_the_order_of_their_names() -> None:
    revisions = [it.revision for it in all_of_them()]

    assert [it.down_revision for it in all_of_them()] == [None, *revisions[:-1]]
    assert revisions == sorted(revisions)


def test_the_rule_finds_what_it_forbids() -> None:
    assert breaks(sample('op.drop_column("jobs", "note")')) == ["b drops a column"]
    assert breaks(sample('op.alter_column("jobs", "note", nullable=False)')) == ["b changes a column"]
    assert breaks(sample('op.alter_column("jobs", "note", new_column_name="remark")')) == ["b changes a column"]
    assert breaks(sample('op.create_index("i", "jobs", ["note"], unique=True)')) == ["b forbids what was allowed"]
    assert breaks(sample('op.execute("alter table jobs rename note to remark")')) == ["b renames something"]
    assert breaks(sample("op.execute(SQL)", extra='SQL = "DROP FUNCTION f"')) == ["b drops something"]
    assert breaks(sample("_more()", extra='def _more() -> None:\n    op.drop_table("jobs")')) == ["b drops a table"]
    unfilled = 'op.add_column("jobs", sa.Column("note", sa.String(), nullable=False))'
    assert breaks(sample(unfilled)) == ["b adds a column that the version before does not fill"]


def test_the_rule_lets_pass_what_only_adds() -> None:
    filled = 'op.add_column("jobs", sa.Column("note", sa.String(), nullable=False, server_default=""))'
    for harmless in (
        filled,
        'op.add_column("jobs", sa.Column("note", sa.String(), nullable=True))',
        'op.create_table("t", sa.Column("id", sa.String(), nullable=False))',
        'op.create_index("i", "jobs", ["note"])',
        'op.alter_column("jobs", "note", server_default="")',
        'op.execute("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON t FROM app_rw")',
        'op.execute("CREATE OR REPLACE FUNCTION f() RETURNS int")',
    ):
        assert breaks(sample(harmless)) == []
