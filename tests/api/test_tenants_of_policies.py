"""Policies, shadow runs and replays, asked for by everyone: nobody sees what is someone else's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.api.test_tenants import TAGS_OF_POLICIES
from tests.factories.api import Api
from tests.factories.api_policies import HALF_EACH, THAT_DAY, given_nodes, given_run, token_of
from tests.factories.databases import in_transaction, rows
from tests.factories.documents import document
from tests.factories.orders import given_owner

EXPECTED: Mapping[str, Mapping[str, int]] = {
    "POST /v1/routing-policies": {"owner": 200, "stranger": 201, "operator": 201, "bureau": 403, "nobody": 401},
    "GET /v1/routing-policies": {"owner": 200, "stranger": 200, "operator": 200, "bureau": 403, "nobody": 401},
    "GET /v1/routing-policies/costs": {"owner": 200, "stranger": 200, "operator": 200, "bureau": 403, "nobody": 401},
    "GET /v1/production-policy": {"owner": 200, "stranger": 200, "operator": 200, "bureau": 403, "nobody": 401},
    "PUT /v1/production-policy": {"owner": 428, "stranger": 428, "operator": 428, "bureau": 403, "nobody": 401},
    "POST /v1/shadow-runs": {"owner": 202, "stranger": 422, "operator": 202, "bureau": 403, "nobody": 401},
    "GET /v1/shadow-runs": {"owner": 200, "stranger": 200, "operator": 200, "bureau": 403, "nobody": 401},
    "GET /v1/shadow-runs/{shadow_run_id}": {
        "owner": 200, "stranger": 404, "operator": 404, "bureau": 403, "nobody": 401,
    },
    "POST /v1/decisions/{decision_id}/replay": {
        "owner": 202, "stranger": 404, "operator": 202, "bureau": 403, "nobody": 401,
    },
    "GET /v1/replays/{replay_id}": {"owner": 200, "stranger": 404, "operator": 404, "bureau": 403, "nobody": 401},
}  # fmt: skip
BODIES: Mapping[str, Any] = {
    "POST /v1/routing-policies": HALF_EACH,
    "PUT /v1/production-policy": {"counter_days": 2},
    "POST /v1/shadow-runs": THAT_DAY | {"policy": HALF_EACH},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """An owner with a policy, a decision, a shadow run and a replay, and clients of everyone."""

    clients: Mapping[str, httpx.Client]
    ids: Mapping[str, str]


@pytest.fixture(scope="module")
def world(standing_api: Api) -> Iterator[World]:
    api = standing_api
    given_nodes(api)
    given_run(api, api.owner)
    tokens = {
        "owner": api.owner.token,
        "stranger": given_owner(api.engine, name="Stranger", part_no="ST-1").token,
        "operator": token_of(api, "operator"),
        "bureau": token_of(api, "bureau"),
        "nobody": None,
    }
    clients = {who: api.as_(token) for who, token in tokens.items()}
    owner = clients["owner"]
    assert owner.post("/v1/routing-policies", json=HALF_EACH).status_code == 201
    ((decision_id,),) = in_transaction(api.engine, lambda session: rows(session, "SELECT id FROM routing_decisions"))
    ids = {
        "decision_id": str(decision_id),
        "shadow_run_id": owner.post("/v1/shadow-runs", json=BODIES["POST /v1/shadow-runs"]).json()["id"],
        "replay_id": owner.post(f"/v1/decisions/{decision_id}/replay").json()["id"],
    }
    yield World(clients=clients, ids=ids)
    for client in clients.values():
        client.close()


def operations() -> list[str]:
    told = document()
    return [
        f"{method.upper()} {path}"
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
        if operation["tags"][0] in TAGS_OF_POLICIES
    ]


def test_every_operation_has_its_row() -> None:
    assert sorted(operations()) == sorted(EXPECTED)
    assert len(EXPECTED) == 10


@pytest.mark.parametrize("operation", EXPECTED)
def test_everyone_gets_what_is_theirs(world: World, operation: str) -> None:
    method, path = operation.split(" ")
    answers = {
        who: client.request(method, path.format(**world.ids), json=BODIES.get(operation))
        for who, client in world.clients.items()
    }

    assert {who: answer.status_code for who, answer in answers.items()} == EXPECTED[operation]
    assert all("Traceback" not in answer.text for answer in answers.values())


@pytest.mark.parametrize("path", ["/v1/routing-policies", "/v1/shadow-runs"])
def test_no_list_shows_what_is_someone_elses(world: World, path: str) -> None:
    seen = {who: world.clients[who].get(path).json()["data"] for who in ("owner", "stranger")}
    own = {str(item.get("id", item["created_by"])) for item in seen["owner"]}

    assert own & {str(item.get("id", item["created_by"])) for item in seen["stranger"]} == set()
    assert len(seen["owner"]) >= 1


def test_costs_are_ones_own(world: World) -> None:
    found = {
        who: world.clients[who].get("/v1/routing-policies/costs", params=THAT_DAY).json()["rules"]
        for who in ("owner", "stranger")
    }

    assert found == {"owner": [], "stranger": []}
    assert world.clients["bureau"].get("/v1/routing-policies/costs").json()["code"] == "owners_only"
