import re
import tomllib
from pathlib import Path

from .sources import PROJECT, text_files

MACHINE_PATH = re.compile(r"(?<![\w.:~-])/(?:work|root|home|Users)/\w")
REGISTRY = re.compile(
    "pypi" + r"\.org|python" + r"hosted\.org|registry\.npm" + r"js|--(?:extra-)?index" + "-url (?:http|file)"
)
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^\s;]+)")


def pins(file_name: str) -> dict[str, set[str]]:
    """The pinned versions by package; numpy may have one for each Python."""
    found: dict[str, set[str]] = {}
    for line in (PROJECT / file_name).read_text(encoding="utf-8").splitlines():
        if match := PIN.match(line):
            found.setdefault(match["name"], set()).add(match["version"])
    return found


def blocks(file_name: str) -> list[str]:
    """Each requirement with its continuation lines, without comments."""
    text = (PROJECT / file_name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return "\n".join(lines).replace("\\\n", " ").splitlines()


def normalised(requirement: str) -> str:
    """The package's name as pins write it: ``psycopg[binary]>=3.3`` is ``psycopg``."""
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    assert [name for name, text in text_files().items() if MACHINE_PATH.search(text)] == []
    assert MACHINE_PATH.search("see /" + "home/ada/fabroute")
    assert not MACHINE_PATH.search("GET /v1/orders")


def test_no_file_names_a_package_registry() -> None:
    assert [name for name, text in text_files().items() if REGISTRY.search(text)] == []
    assert REGISTRY.search("--index" + "-url https://an.index.example.com")
    assert len(text_files()) > 100


def test_every_pin_has_hashes() -> None:
    for file_name in ("requirements.txt", "requirements-dev.txt"):
        requirements = blocks(file_name)
        assert [line for line in requirements if not PIN.match(line)] == []
        assert [line for line in requirements if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", line)] == []
        assert len(requirements) > 50


def test_the_pins_cover_what_the_project_asks_for() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    runtime = {normalised(line) for line in [*project["dependencies"], *extras["embedded"]]}
    development = runtime | {normalised(line) for line in extras["dev"]}
    assert runtime - set(pins("requirements.txt")) == set()
    assert development - set(pins("requirements-dev.txt")) == set()


def test_both_requirement_files_pin_the_same_versions() -> None:
    runtime, development = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name: versions for name, versions in runtime.items() if development.get(name) != versions} == {}
    assert "pytest" in development
    assert "pytest" not in runtime


def test_every_folder_of_tests_is_a_package() -> None:
    folders: set[Path] = {path.parent for path in (PROJECT / "tests").rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []
    assert len(folders) > 10


def test_the_check_of_a_clean_checkout_can_be_run() -> None:
    script = PROJECT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")


def test_every_make_target_is_listed_by_help() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    targets = set(phony[1].split()) - {"help"}
    assert {target for target in targets if f'"make {target} ' not in makefile} == set()
    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()
