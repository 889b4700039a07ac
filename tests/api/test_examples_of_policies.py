"""The examples of policies, shadow runs, replays, decisions and readiness: the API takes and answers them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from fabroute.kernel.time import utc_now
from tests.conftest import Database
from tests.factories.api import Api, an_order, served_api
from tests.factories.api_policies import NODES, THAT_DAY, given_nodes, given_run, work
from tests.factories.databases import in_transaction, rows
from tests.factories.orders import Owner
from tests.factories.readiness import given_readiness
from tests.factories.routable import given_routable_network

EXAMPLES = Path(__file__).parents[2] / "openapi" / "examples"
POLICY_ANSWERS = (
    "PolicyOut.half_each.json",
    "PolicyCostsOut.half_each.json",
    "DecisionRecordOut.capped.json",
    "ReplayOut.waiting.json",
    "ReplayOut.same.json",
    "ShadowRunOut.waiting.json",
    "ShadowRunDetailOut.done.json",
)
READINESS_ANSWERS = ("AskedReportOut.asked.json", "ReadinessOut.second_source.json")
REQUESTS = ("PolicyIn.half_each.json", "ShadowRunIn.without_cap.json")
_STAYS = ("node_id", "machine_id", "lot_id")
_VARIES = ("id", "created_by", "as_of", "asked_at", "later_at", "versions_then", "versions_now")


@pytest.fixture
def api(database: Database, owner_in_template: Owner) -> Iterator[Api]:
    """The API with an owner, on no network yet."""
    with served_api(database.url, owner=owner_in_template) as served:
        yield served


def load(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text(encoding="utf8"))


def plain(value: Any) -> Any:
    """Return an answer without what is another at every time: ids, hashes and the instants at which it was made."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name: type(item).__name__ if _varies(name) else plain(item) for name, item in value.items()}


def _varies(name: str) -> bool:
    return name not in _STAYS and (name in _VARIES or name.endswith(("_id", "_sha256", "finished_at", "created_at")))


def told(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


def policy_story(api: Api) -> dict[str, Any]:
    """State a cap, have two orders decided under it, ask what it cost, for a replay, and how it were without it."""
    given_nodes(api)
    seen = {"PolicyOut.half_each.json": told(api.client.post("/v1/routing-policies", json=load(REQUESTS[0])))}
    given_run(api, api.owner, api.owner)
    seen["PolicyCostsOut.half_each.json"] = told(api.client.get("/v1/routing-policies/costs", params=THAT_DAY))
    capped = "SELECT id FROM routing_decisions WHERE node_id = 'N102'"
    ((decision_id,),) = in_transaction(api.engine, lambda session: rows(session, capped))
    seen["DecisionRecordOut.capped.json"] = told(api.client.get(f"/v1/decisions/{decision_id}"))
    replay = api.client.post(f"/v1/decisions/{decision_id}/replay")
    shadow = api.client.post("/v1/shadow-runs", json=load(REQUESTS[1]))
    work(api)
    return seen | {
        "ReplayOut.waiting.json": told(replay),
        "ReplayOut.same.json": told(api.client.get(replay.headers["Location"])),
        "ShadowRunOut.waiting.json": told(shadow),
        "ShadowRunDetailOut.done.json": told(api.client.get(shadow.headers["Location"])),
    }


def readiness_story(api: Api) -> dict[str, Any]:
    """Ask how ready the network is, of whose nodes one has lost its certificate."""
    given_routable_network(api.engine, nodes=NODES, today=utc_now().date())
    lost = "DELETE FROM certificates WHERE node_id <> 'N101' RETURNING 1"
    assert len(in_transaction(api.engine, lambda session: rows(session, lost))) == 2
    assert api.place(an_order(lines=[{"part": "RL-0001", "quantity": 3}])).status_code == 201
    asked = told(api.client.post("/v1/readiness"))
    given_readiness(api)
    return dict(zip(READINESS_ANSWERS, (asked, told(api.client.get("/v1/readiness"))), strict=True))


def test_the_examples_of_policies_are_what_the_api_takes_and_answers(api: Api) -> None:
    answers = policy_story(api)

    assert {name: plain(answer) for name, answer in answers.items()} == {name: plain(load(name)) for name in answers}
    assert set(answers) == set(POLICY_ANSWERS)


def test_the_examples_of_readiness_are_what_the_api_answers(api: Api) -> None:
    answers = readiness_story(api)

    assert {name: plain(answer) for name, answer in answers.items()} == {name: plain(load(name)) for name in answers}
    assert set(answers) == set(READINESS_ANSWERS)


@pytest.mark.parametrize("name", [*REQUESTS, *POLICY_ANSWERS, *READINESS_ANSWERS])
def test_every_example_of_the_story_is_there(name: str) -> None:
    assert load(name)
    assert (EXAMPLES / name).read_text(encoding="utf8").endswith("}\n")
