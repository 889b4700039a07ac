"""The commands of the quickstarts are run as they stand, against a real server: what a stranger copies works."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fabroute.api.handbook.quickstarts import NAMES, quickstarts
from fabroute.integrations.sandbox_parts import PARTS
from tests.factories.api import Api
from tests.factories.api_jobs import a_job_world, token_of
from tests.factories.forwarding import a_port_to
from tests.factories.network import a_node
from tests.factories.orders import given_owner
from tests.factories.organisations import BUREAU
from tests.factories.routable import given_routable_network

SECONDS = 60


def run(name: str, language: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Run all code of a quickstart in a language, as one program, and return what it printed."""
    code = "\n".join(quickstarts()[name].commands(language))
    program = ["bash", "-euo", "pipefail", "-c", code] if language == "bash" else [sys.executable, "-c", code]
    known = {"PATH": os.environ["PATH"], "HOME": str(folder), **environment}
    done = subprocess.run(
        program, cwd=folder, env=known, capture_output=True, encoding="utf-8", timeout=SECONDS, check=False
    )
    assert done.returncode == 0, f"{name} in {language}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("name", ["shop", "maintenance"])
def test_a_buyer_integrates_by_the_book(api: Api, name: str, tmp_path: Path) -> None:
    owner = given_owner(api.engine, name="Newcomer", part_no="RL-0003")
    given_routable_network(api.engine, nodes=(a_node(),), today=datetime.now(UTC).date())
    with a_port_to(api.socket) as url:
        environment = {"FABROUTE_URL": url, "FABROUTE_API_KEY": owner.token}
        printed = {language: run(name, language, tmp_path, environment) for language in ("bash", "python")}
    orders = api.client.get("/v1/orders", headers={"Authorization": f"Bearer {owner.token}"}).json()["data"]

    assert [order["state"] for order in orders] == ["routed", "routed"]
    if name == "shop":
        assert printed["bash"] == "304\n"
        assert printed["python"] == f"{orders[0]['id']} routed\n"
    else:
        assert printed["bash"] == "routed\n"
        assert printed["python"] == "RL-0003 routed\n1 decision\n"


def test_a_bureau_integrates_by_the_book(api: Api, tmp_path: Path) -> None:
    with a_job_world(api) as world, a_port_to(api.socket) as url:
        token = token_of(api.engine, BUREAU, "bureau")
        environment = {"FABROUTE_URL": url, "FABROUTE_API_KEY": token, "NODE": "N101"}
        shell = run("bureau", "bash", tmp_path, environment)
        python = run("bureau", "python", tmp_path, environment)
        job = world.bureau.get(world.job).json()
        prints = world.bureau.get(f"{world.job}/prints").json()["data"]

    assert (shell, python) == ("", "no job: ask again\n")
    assert (job["state"], [(it["number"], it["result"]) for it in prints]) == (
        "in_production",
        [(1, "good"), (2, "good"), (3, "good")],
    )
    assert (tmp_path / "part.3mf").read_bytes() == world.content


@pytest.mark.parametrize("name", ["shop", "maintenance"])
def test_the_parts_that_are_promised_in_a_sandbox_are_there(name: str) -> None:
    named = set(re.findall(r"\b[A-Z]{2}-\d{4}\b", quickstarts()[name].text))

    assert named == {"RL-0003"}
    assert named <= set(PARTS)


@pytest.mark.parametrize("name", NAMES)
def test_a_quickstart_is_short_and_says_what_it_is_for(name: str) -> None:
    found = quickstarts()[name]
    words = found.text.split()

    assert len(found.title) < 40
    assert 40 < len(found.lead) < 160
    assert len(words) < 900
    assert len(found.commands("bash")) >= 4
    assert len(found.commands("python")) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_quickstart_runs_twice_with_the_curl_of_years_ago_and_the_names_of_the_commands(name: str) -> None:
    code = "\n".join((*quickstarts()[name].commands("bash"), *quickstarts()[name].commands("python")))
    posted = re.findall(r'/v1/(?:orders|quotes|nodes/\$NODE/claims)" -H "Idempotency-Key: ([^"]+)"', code)

    assert "--json" not in code  # needs curl 7.82
    assert set(re.findall(r"FABROUTE_\w*KEY", code)) == {"FABROUTE_API_KEY"}
    assert posted
    assert {key for key in posted if "$" not in key} == set()
