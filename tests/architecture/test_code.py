import ast
from itertools import pairwise

from .sources import Function, Module, code_lines, modules

LONGEST_FUNCTION_LINES = 50
LONGEST_FILE_LINES = 500
MOST_COMMITS = 3
MOST_TYPE_IGNORES_PER_1000_LINES = 0.5
TOO_BROAD = {"Exception", "BaseException"}


def length(function: Function) -> int:
    """The function's lines from ``def`` to its end."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler catches what it can't know."""
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(ast.unparse(kind) in TOO_BROAD for kind in caught)


def broad_handlers(module: Module) -> list[str]:
    """The places of handlers that are too broad."""
    handlers = [node for node in module.nodes() if isinstance(node, ast.ExceptHandler)]
    return [module.at(handler) for handler in handlers if is_broad(handler)]


def imports_inside_functions(module: Module) -> list[str]:
    """The places of imports that a reader of the file's head does not see."""
    found, waiting = [], [(node, False) for node in ast.iter_child_nodes(module.tree)]
    while waiting:
        node, inside = waiting.pop()
        if inside and isinstance(node, ast.Import | ast.ImportFrom):
            found.append(module.at(node))
        inside = inside or isinstance(node, Function)
        waiting += [(child, inside) for child in ast.iter_child_nodes(node)]
    return found


def sample(text: str) -> Module:
    """A module made of ``text``, to prove that a check can fail."""
    real = modules()[0]
    return Module(path=real.path, name="sample", text=text, tree=ast.parse(text))


def test_no_function_imports() -> None:
    assert [place for module in modules() for place in imports_inside_functions(module)] == []
    assert len(imports_inside_functions(sample("def f() -> None:\n    import os\n"))) == 1


def test_no_handler_catches_everything() -> None:
    assert [place for module in modules() for place in broad_handlers(module)] == []
    for caught in ("", " Exception", " (ValueError, BaseException)"):
        assert len(broad_handlers(sample(f"try:\n    pass\nexcept{caught}:\n    pass\n"))) == 1
    assert broad_handlers(sample("try:\n    pass\nexcept (ValueError, OSError):\n    pass\n")) == []


def test_no_function_is_over_fifty_lines_and_half_of_them_are_within_eight() -> None:
    functions = [(module.at(node), length(node)) for module in modules() for node in module.functions()]
    assert [(place, lines) for place, lines in functions if lines > LONGEST_FUNCTION_LINES] == []
    ordered = sorted(lines for _, lines in functions)
    assert ordered[len(ordered) // 2] <= 8
    assert ordered[len(ordered) * 9 // 10] <= 30


def test_no_file_is_over_five_hundred_lines() -> None:
    lengths = {module.name: len(module.text.splitlines()) for module in modules()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE_LINES} == {}
    assert len(lengths) == len(modules())


def test_transactions_end_in_very_few_places() -> None:
    commits = [module.name for module in modules() for _ in range(module.text.count(".commit()"))]
    assert len(commits) <= MOST_COMMITS
    assert not [name for name in commits if name.endswith((".service", ".repository"))]


def test_types_are_complete_and_hardly_ever_ignored() -> None:
    untyped = [module.at(node) for module in modules() for node in module.functions() if node.returns is None]
    assert untyped == []
    ignores = sum(module.text.count("type: ignore") for module in modules())
    lines = sum(code_lines(module.text) for module in modules())
    assert ignores * 1000 / lines <= MOST_TYPE_IGNORES_PER_1000_LINES


def test_every_module_and_public_class_says_what_it_is_for() -> None:
    classes = [(module, node) for module in modules() for node in module.nodes() if isinstance(node, ast.ClassDef)]
    silent = [module.at(node) for module, node in classes if node.name[0] != "_" and not ast.get_docstring(node)]
    assert silent == []
    assert [module.name for module in modules() if not ast.get_docstring(module.tree)] == []


def test_modules_have_names_of_their_own() -> None:
    names = sorted(module.name for module in modules())
    assert [first for first, second in pairwise(names) if first == second] == []
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert [name for name in names if vague & set(name.split("."))] == []
