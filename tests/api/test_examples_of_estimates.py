"""The examples of build times, rates and estimates: the API takes them and answers them, word for word."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.factories.api import Api
from tests.factories.api_jobs import JobWorld, a_job_world

EXAMPLES = Path(__file__).parents[2] / "openapi" / "examples"
VARIES = ("job_id", "finished_at", "reported_at", "stated_by", "stated_at")


@pytest.fixture
def world(api: Api) -> Iterator[JobWorld]:
    with a_job_world(api) as made:
        yield made


def load(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text(encoding="utf8"))


def plain(answer: Any) -> Any:
    """Return an answer without ids and instants, which are others at every time."""
    return {name: type(value).__name__ if name in VARIES else value for name, value in answer.items()}


def test_the_example_of_a_build_is_taken_and_answered(world: JobWorld) -> None:
    world.fetched_long_ago()
    answer = world.bureau.post(f"{world.job}/build-times", json=load("BuildTimeIn.full_bed.json"))

    assert answer.status_code == 201, answer.text
    assert plain(answer.json()) == plain(load("BuildTimeOut.full_bed.json"))


def test_the_example_of_a_rate_is_taken_and_answered(world: JobWorld) -> None:
    answer = world.bureau.post("/v1/nodes/N101/rates", json=load("RateIn.machine.json"))

    assert answer.status_code == 201, answer.text
    assert plain(answer.json()) == plain(load("RateOut.machine.json"))
    assert world.bureau.get("/v1/nodes/N101/rates").json()["data"] == [answer.json()]


def test_the_example_of_a_question_gets_an_estimate(world: JobWorld) -> None:
    asked = load("EstimateIn.ten.json")
    answer = world.owner.post("/v1/estimates", json=asked)

    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["part"], found["quantity"]) == (asked["part"], asked["quantity"])
    assert [it["node_id"] for it in found["estimates"]] == [asked["node_id"]]
