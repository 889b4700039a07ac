"""What is installed is what was locked: each package by version and hash, from whatever registry has those bytes."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from infra.supply_chain.audit import Report, Vulnerability, judge, vulnerabilities_in
from tests.architecture.sources import PROJECT

FILES = ("requirements.txt", "requirements-dev.txt")
PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,_-]+\])?==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+))?")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
ELSEWHERE = re.compile(r"://|^\s*(-e|-f|-i|-r|--index|--extra-index|--find-links|--trusted)|git\+|\s@\s", re.MULTILINE)


def text(file: str) -> str:
    return (PROJECT / file).read_text(encoding="utf8")


def entries(content: str) -> list[str]:
    """Each requirement with its hashes on one line, without comments."""
    lines = [line for line in content.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return "\n".join(lines).replace("\\\n", " ").splitlines()


def pinned(content: str) -> dict[str, set[str]]:
    """The locked versions of each package: several where they differ by Python or platform."""
    found: dict[str, set[str]] = {}
    for it in filter(None, map(PIN.match, entries(content))):
        found.setdefault(it["name"], set()).add(it["version"])
    return found


def unlocked(content: str) -> list[str]:
    """The requirements that name no exact version, or no hash."""
    return [
        entry.split()[0]
        for entry in entries(content)
        if PIN.match(entry) is None or not HASH.search(entry) or re.sub(HASH, "", entry).count("--")
    ]


def declared() -> set[str]:
    """The names of everything that ``pyproject.toml`` asks for."""
    project: dict[str, Any] = tomllib.loads(text("pyproject.toml"))["project"]
    asked = [*project["dependencies"], *(it for extra in project["optional-dependencies"].values() for it in extra)]
    return {re.split(r"[\[<>=~! ;]", it)[0].lower() for it in asked}


@pytest.mark.parametrize("file", FILES)
def test_every_requirement_is_locked_by_version_and_hash(file: str) -> None:
    assert unlocked(text(file)) == []
    assert len(pinned(text(file))) >= 80


@pytest.mark.parametrize("file", FILES)
def test_no_registry_address_is_in_the_locked_files(file: str) -> None:
    assert ELSEWHERE.findall(text(file)) == []
    assert "#" not in "".join(entries(text(file)))


def test_development_has_the_same_versions_and_more_and_all_that_is_asked_for_is_locked() -> None:
    served, developed = pinned(text(FILES[0])), pinned(text(FILES[1]))

    assert {name: developed.get(name) for name in served} == served
    assert sorted(declared() - set(developed)) == []
    assert {"pip-audit", "cyclonedx-bom"} <= set(developed) - set(served)


def test_the_bill_of_materials_names_every_locked_package_with_its_versions_and_nothing_else(tmp_path: Path) -> None:
    recipe = re.search(r"cyclonedx_py (.+) -o build/sbom\.cdx\.json", text("Makefile"))
    assert recipe is not None
    command = [sys.executable, "-m", "cyclonedx_py", *recipe[1].split(), "-o", str(tmp_path / "sbom.json")]
    made = subprocess.run(command, cwd=PROJECT, capture_output=True, encoding="utf-8", check=False)
    assert made.returncode == 0, made.stderr

    found: dict[str, set[str]] = {}
    for component in json.loads((tmp_path / "sbom.json").read_text(encoding="utf8"))["components"]:
        found.setdefault(component["name"].lower().replace("_", "-"), set()).add(component["version"])

    assert found == pinned(text("requirements.txt"))


def test_the_checks_of_the_locked_files_can_fail() -> None:
    good = f"six==1.17.0 ; python_version < '4' \\\n    --hash=sha256:{'a' * 64}\n    # via x\n"

    assert (unlocked(good), pinned(good)) == ([], {"six": {"1.17.0"}})
    assert unlocked("six>=1.17.0") == ["six>=1.17.0"]
    assert unlocked("six==1.17.0") == ["six==1.17.0"]
    assert ELSEWHERE.findall("--index" + "-url https://an.index.example.com/them") != []
    assert ELSEWHERE.findall("six @ git+ssh://example.com/six") != []


REPORT: Report = {
    "dependencies": [
        {"name": "good", "version": "1.0", "vulns": []},
        {"name": "skipped", "skip_reason": "not on the index"},
        {"name": "bad", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1", "3.0"]}]},
        {"name": "hopeless", "version": "3.0", "vulns": [{"id": "PYSEC-2", "fix_versions": []}]},
    ],
    "fixes": [],
}


def judged(report: Report | None, **accepted: str) -> tuple[int, str]:
    told: list[str] = []
    return judge(report, tell=told.append, accepted=accepted), "\n".join(told)


def test_a_vulnerability_that_a_newer_version_mends_fails_the_check_and_says_what_to_do() -> None:
    code, told = judged(REPORT)

    assert code == 1
    assert "bad 2.0: PYSEC-1, mended in 2.1, 3.0" in told
    assert "hopeless 3.0: PYSEC-2, nothing mends it yet" in told
    assert "make lock UPGRADE=1" in told
    assert [it.package for it in vulnerabilities_in(REPORT)] == ["bad", "hopeless"]


def test_one_that_nothing_mends_or_that_is_accepted_is_only_told() -> None:
    hopeless = REPORT | {"dependencies": REPORT["dependencies"][3:]}

    assert judged(hopeless) == (0, "pip-audit: hopeless 3.0: PYSEC-2, nothing mends it yet")
    assert judged(REPORT, **{"PYSEC-1": "we never call it", "PYSEC-2": "nor this"})[0] == 0
    assert judged(REPORT | {"dependencies": REPORT["dependencies"][:2]}) == (
        0,
        "pip-audit: no known vulnerability in 1 of 2 locked packages",
    )


def test_without_a_network_nobody_fails_and_it_is_said_that_nobody_looked() -> None:
    nobody = (0, "pip-audit: the index does not answer, so nobody looked for known vulnerabilities (no failure)")

    assert judged(None) == nobody
    assert judged(REPORT | {"dependencies": REPORT["dependencies"][1:2]}) == nobody
    assert str(Vulnerability(package="a", version="1", id="X", fixed_in=())) == "a 1: X, nothing mends it yet"
