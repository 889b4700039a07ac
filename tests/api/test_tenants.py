"""Orders, quotes, nodes and advice, asked for by everyone; ``tests.api.matrix`` asks for every operation there is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import pytest

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, OrganisationKind
from fabroute.identity.service import create_organisation, issue_api_key, revoke_api_key
from fabroute.kernel.time import utc_now
from fabroute.logistics.rules import Mode
from fabroute.logistics.service import LogisticsData, NewCarbonFactor, save_logistics
from tests.factories.api import Api, an_order
from tests.factories.api_advice import worked_example
from tests.factories.databases import in_transaction, rows
from tests.factories.decisions import given_decisions_of_jobs
from tests.factories.network import save_a_network
from tests.factories.orders import given_owner
from tests.factories.organisations import BUREAU, NOW
from tests.factories.production import given_routed_lines
from tests.factories.readiness import given_readiness

Who = Literal["owner", "stranger", "bureau", "rival", "operator", "revoked", "nobody"]
OWNER_ONLY: Mapping[Who, int] = {"owner": 200, "stranger": 404, "bureau": 404, "rival": 404, "operator": 404}
EVERYONE: Mapping[Who, int] = dict.fromkeys(("owner", "stranger", "bureau", "rival", "operator"), 200)
NODE_ONLY: Mapping[Who, int] = {"owner": 403, "stranger": 403, "bureau": 200, "rival": 403, "operator": 200}
OWNER_S_PART: Mapping[Who, int] = {"owner": 200, "stranger": 422, "bureau": 422, "rival": 422, "operator": 422}
OPERATOR_ONLY: Mapping[Who, int] = {**dict.fromkeys(EVERYONE, 403), "operator": 200}
OWNERS_ALONE: Mapping[Who, int] = {**OWNER_ONLY, "bureau": 403, "rival": 403}
"""Of what would tell a bureau what other nodes charge."""
A_DAY: dict[str, object] = {"valid_from": "2000-01-01", "valid_to": "2000-01-01", "source": "test"}
A_TARIFF: dict[str, object] = {
    "carrier": "x",
    "zone": "Z1",
    "service": "express",
    "mode": "van",
    "fuel_fraction": 0,
    "surcharge_eur": 0,
}
DATED_TABLES: Mapping[str, dict[str, object]] = {
    "carrier-tariffs": A_TARIFF | {"base_eur": 1, "per_kg_eur": 1, "transit": ["1:1000"]},
    "duty-rules": {"rule_id": "x", "territory": "*", "consignment": "b2b", "fixed_eur": 0, "fraction": 0},
    "carbon-factors": {"mode": "van", "g_per_tonne_km": 100, "valid_from": "2010-01-01", "valid_to": "2099-12-31"},
    "grid-intensities": {"country": "DE", "g_per_kwh": 1},
    "exchange-rates": {"currency": "USD", "per_eur": 1},
}
"""One row of each, for a day long ago; the carbon factor is there already."""

EXPECTED: Mapping[str, Mapping[Who, int]] = {
    "POST /v1/orders": {"owner": 201, "stranger": 422, "bureau": 422, "rival": 422, "operator": 422},
    "GET /v1/orders": EVERYONE,
    "GET /v1/readiness": OWNERS_ALONE,
    "POST /v1/readiness": {**dict.fromkeys(EVERYONE, 202), "bureau": 403, "rival": 403},
    "GET /v1/planning-scopes": OPERATOR_ONLY,
    "GET /v1/orders/{order_id}": OWNER_ONLY,
    "POST /v1/orders/{order_id}/cancel": OWNER_ONLY,
    "GET /v1/orders/{order_id}/decision": OWNER_ONLY,
    "GET /v1/decisions/{decision_id}": {**OWNERS_ALONE, "operator": 200},
    "GET /v1/order-statistics": EVERYONE,
    "POST /v1/quotes": {"owner": 201, "stranger": 422, "bureau": 422, "rival": 422, "operator": 422},
    "GET /v1/quotes": EVERYONE,
    "GET /v1/quotes/{quote_id}": OWNER_ONLY,
    "GET /v1/nodes": EVERYONE,
    "GET /v1/nodes/{node_id}": EVERYONE,
    "PATCH /v1/nodes/{node_id}": NODE_ONLY,
    "POST /v1/nodes/{node_id}/rates": {**NODE_ONLY, "bureau": 201, "operator": 201},
    "GET /v1/nodes/{node_id}/rates": NODE_ONLY,
    "POST /v1/estimates": OWNER_S_PART,
    "GET /v1/constants": EVERYONE,
    "POST /v1/advice/method": {**OWNER_S_PART, "bureau": 403, "rival": 403},
    "POST /v1/advice/mass-production": {**OWNER_S_PART, "bureau": 403, "rival": 403},
    "POST /v1/advice/pathways": EVERYONE,
    "POST /v1/advice/viability": EVERYONE,
    "POST /v1/advice/screenings": {**dict.fromkeys(EVERYONE, 202), "bureau": 403, "rival": 403},
    "GET /v1/advice/screenings": {**EVERYONE, "bureau": 403, "rival": 403},
    "GET /v1/advice/screenings/{screening_id}": OWNERS_ALONE,
    "GET /v1/advice/screenings/{screening_id}/rows": OWNERS_ALONE,
    "GET /v1/advice/screenings/{screening_id}/result": OWNERS_ALONE,
    "DELETE /v1/advice/screenings/{screening_id}": {**OWNERS_ALONE, "owner": 204},
    "GET /v1/routing-runs": OPERATOR_ONLY,
    **{f"GET /v1/{name}": EVERYONE for name in DATED_TABLES},
    **{f"GET /v1/exports/{name}": EVERYONE for name in DATED_TABLES},
    **{f"POST /v1/imports/{name}": OPERATOR_ONLY for name in DATED_TABLES},
}
"""What each gets who has every scope."""

TAGS_OF_JOBS = ("certificates", "first articles", "jobs")
"""What ``test_tenants_of_jobs`` asks for."""

TAGS_OF_INVENTORY = ("parts", "revisions", "print files", "licences", "imports and exports")
"""What ``test_tenants_of_inventory`` asks for."""

TAGS_OF_LOTS = ("material lots", "recalls", "scores")
"""What ``test_tenants_of_lots`` asks for."""

TAGS_OF_POLICIES = ("policies",)
"""What ``test_tenants_of_policies`` asks for."""

TAGS_OF_PRODUCTION = ("builds", "shipments", "passports", "brands", "rerouting")
OUTAGES = (
    "PATCH /v1/machines/{machine_id}",
    "POST /v1/machines/{machine_id}/capacity",
    "POST /v1/nodes/{node_id}/closure",
)
"""What ``test_tenants_of_production`` asks for: those, and what is done on jobs until they are shipped."""

RATE = {
    "code": "labour_hour",
    "amount": {"amount_minor": 4600, "currency": "EUR"},
    "valid_from": "2026-01-01",
    "source": "asked by everyone",
}

A_QUESTION = {"part": "RL-0001", "ship_to": {"city": "Hamburg", "country": "DE"}}

A_SPARE_PART_LIST = [{"part_no": "RL-0001", "demand": 10, "unit_price": 20.0}]

LISTS = ("/v1/orders", "/v1/quotes", "/v1/parts", "/v1/nodes/N101/jobs", "/v1/advice/screenings")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """An order that is routed to a node, and clients of everyone who might ask for it."""

    api: Api
    order_id: str
    decision_id: str
    quote_id: str
    screening_id: str
    clients: Mapping[Who, httpx.Client]


def token_of(api: Api, organisation_id: str, kind: OrganisationKind) -> str:
    with unit_of_work(api.engine) as session:
        create_organisation(session, name=kind, kind=kind, now=NOW, organisation_id=organisation_id)
        return issue_api_key(session, organisation_id=organisation_id, name="t", scopes=ALL_SCOPES, now=NOW).token


def revoked_token(api: Api) -> str:
    organisation_id = api.owner.organisation_id
    with unit_of_work(api.engine) as session:
        key = issue_api_key(session, organisation_id=organisation_id, name="old", scopes=ALL_SCOPES, now=NOW)
        revoke_api_key(session, key_id=key.key_id, now=utc_now())
    return key.token


@pytest.fixture(scope="module")
def world(standing_api: Api) -> Iterator[World]:
    in_transaction(standing_api.engine, save_a_network)
    factors = tuple(NewCarbonFactor(mode=mode, g_per_tonne_km=100, source="test") for mode in Mode)
    with unit_of_work(standing_api.engine) as session:
        save_logistics(session, data=LogisticsData(carbon_factors=factors))
    order_id = standing_api.place(key="the order").json()["id"]
    given_routed_lines(standing_api.engine)
    given_decisions_of_jobs(standing_api.engine)
    ((decision_id,),) = in_transaction(
        standing_api.engine, lambda session: rows(session, "SELECT id FROM routing_decisions")
    )
    tokens: dict[Who, str | None] = {
        "owner": standing_api.owner.token,
        "stranger": given_owner(standing_api.engine, name="Stranger", part_no="ST-1").token,
        "bureau": token_of(standing_api, BUREAU, "bureau"),
        "rival": token_of(standing_api, "org_rival", "bureau"),
        "operator": token_of(standing_api, "org_operator", "operator"),
        "revoked": revoked_token(standing_api),
        "nobody": None,
    }
    clients = {who: standing_api.as_(token) for who, token in tokens.items()}
    given_readiness(standing_api)
    quote_id = clients["owner"].post("/v1/quotes", json=A_QUESTION).json()["id"]
    ids = {"order_id": order_id, "quote_id": quote_id, "screening_id": a_screening(clients["owner"])}
    yield World(api=standing_api, clients=clients, decision_id=str(decision_id), **ids)
    for client in clients.values():
        client.close()


def a_screening(client: httpx.Client) -> str:
    """Ask for a screening and return its id."""
    return str(client.post("/v1/advice/screenings?name=RL-0001", json=A_SPARE_PART_LIST).json()["id"])


def ask(world: World, who: Who, operation: str) -> httpx.Response:
    """Do ``operation`` as ``who``, on the owner's things and on the bureau's node."""
    client, (method, path) = world.clients[who], operation.split(" ")
    # What is removed is made for it: the others need theirs.
    screening_id = a_screening(world.clients["owner"]) if method == "DELETE" else world.screening_id
    ids = {
        "order_id": world.order_id,
        "decision_id": world.decision_id,
        "quote_id": world.quote_id,
        "screening_id": screening_id,
    }
    url = path.format(**ids, part_no="RL-0001", node_id="N101")
    node = world.clients["operator"].get("/v1/nodes/N101")
    bodies: Mapping[str, Any] = {
        "POST /v1/orders": an_order(),
        "POST /v1/quotes": A_QUESTION,
        "PATCH /v1/nodes/{node_id}": {"status": node.json()["status"], "reason": f"asked by {who}"},
        "POST /v1/nodes/{node_id}/rates": RATE,
        "POST /v1/estimates": {"part": "RL-0001"},
        "POST /v1/advice/method": worked_example(120, part="RL-0001"),
        "POST /v1/advice/mass-production": {"part": "RL-0001"},
        "POST /v1/advice/pathways": {"quantity": 10},
        "POST /v1/advice/viability": {"fast_response": True},
        "POST /v1/advice/screenings": A_SPARE_PART_LIST,
        **{f"POST /v1/imports/{name}": [A_DAY | row] for name, row in DATED_TABLES.items()},
    }
    headers = {"Idempotency-Key": f"asked by {who}: {operation}", "If-Match": node.headers["ETag"]}
    return client.request(method, url, json=bodies.get(operation), headers=headers)


@pytest.mark.parametrize("operation", sorted(EXPECTED))
def test_everyone_gets_what_is_theirs(world: World, operation: str) -> None:
    answers = {who: ask(world, who, operation).status_code for who in EXPECTED[operation]}
    assert answers == EXPECTED[operation]


@pytest.mark.parametrize("operation", sorted(EXPECTED))
@pytest.mark.parametrize("who", ["revoked", "nobody"])
def test_without_a_live_key_nobody_gets_anything(world: World, who: Who, operation: str) -> None:
    answer = ask(world, who, operation)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert world.order_id not in answer.text


@pytest.mark.parametrize("path", LISTS)
def test_no_list_shows_an_order_or_a_part_to_someone_else(world: World, path: str) -> None:
    for who in ("stranger", "rival"):
        answer = world.clients[who].get(path)
        assert world.order_id not in answer.text
        assert "RL-0001" not in answer.text
    assert "RL-0001" in world.clients["owner"].get(path).text


@pytest.mark.parametrize("who", ["bureau", "rival"])
def test_no_bureau_learns_from_advice_what_others_charge(world: World, who: Who) -> None:
    advice = [operation for operation in EXPECTED if "/advice/" in operation and EXPECTED[operation]["bureau"] == 403]
    answers = {operation: ask(world, who, operation) for operation in advice}

    assert {answer.json()["code"] for answer in answers.values()} == {"owners_only"}
    assert len(answers) == 8
    assert all("N101" not in answer.text for answer in answers.values())
    stated = world.clients[who].post("/v1/advice/method", json=worked_example(120))
    assert (stated.status_code, stated.json()["printed"]["printer"]) == (200, None)


@pytest.mark.parametrize("who", ["stranger", "operator"])
def test_a_screening_of_someone_else_is_as_if_it_were_not_there(world: World, who: Who) -> None:
    path = f"/v1/advice/screenings/{world.screening_id}"
    answers = [world.clients[who].request(method, path) for method in ("GET", "DELETE")]
    never = world.clients[who].get("/v1/advice/screenings/scr_never")

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "unknown_screening")] * 2
    assert answers[0].json()["detail"].replace(world.screening_id, "scr_never") == never.json()["detail"]
    assert world.clients["owner"].get(path).json()["rows"] == len(A_SPARE_PART_LIST)


@pytest.mark.parametrize("operation", ["POST /v1/advice/method", "POST /v1/advice/mass-production"])
def test_advice_does_not_tell_that_someone_else_has_a_part(world: World, operation: str) -> None:
    codes = {who: ask(world, who, operation).json()["code"] for who in ("stranger", "operator")}

    assert set(codes.values()) == {"unknown_part"}
    assert ask(world, "owner", operation).json()["part"] == "RL-0001"


def test_refused_changes_changed_nothing(world: World) -> None:
    for who in ("stranger", "rival", "revoked", "nobody"):
        for operation in ("POST /v1/orders/{order_id}/cancel", "PATCH /v1/nodes/{node_id}"):
            assert ask(world, who, operation).status_code in (401, 403, 404)
    audited = "SELECT DISTINCT actor FROM audit_entries WHERE action IN ('node.status_set', 'order.cancelled')"
    actors = {row[0] for row in in_transaction(world.api.engine, lambda session: rows(session, audited))}

    assert actors <= set(keys_of(world, "owner", "bureau", "operator"))


def keys_of(world: World, *allowed: Who) -> list[object]:
    organisations = {"owner": world.api.owner.organisation_id, "bureau": BUREAU, "operator": "org_operator"}
    wanted = ", ".join(f"'{organisations[who]}'" for who in allowed)
    sql = f"SELECT id FROM api_keys WHERE organisation_id IN ({wanted})"
    return [row[0] for row in in_transaction(world.api.engine, lambda session: rows(session, sql))]
