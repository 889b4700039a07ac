"""Lots, recalls and scores, asked for by everyone: nobody sees what is someone else's; and what each answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, OrganisationKind
from fabroute.identity.service import create_organisation, issue_api_key
from fabroute.kernel.time import utc_now
from tests.api.test_tenants import TAGS_OF_LOTS
from tests.factories.api import Api
from tests.factories.databases import in_transaction, rows
from tests.factories.documents import document
from tests.factories.network import save_a_network
from tests.factories.orders import given_owner
from tests.factories.organisations import BUREAU, NOW
from tests.factories.production import given_routed_lines

STORE: Mapping[str, int] = {"owner": 403, "stranger": 403, "bureau": 200, "rival": 403, "operator": 200, "nobody": 401}
ITS_LOT: Mapping[str, int] = {**STORE, "owner": 404, "stranger": 404, "rival": 404}
SEEN: Mapping[str, int] = {**STORE, "owner": 200, "stranger": 200}
EXPECTED: Mapping[str, Mapping[str, int]] = {
    "POST /v1/nodes/{node_id}/lots": {**STORE, "bureau": 201, "operator": 201},
    "GET /v1/nodes/{node_id}/lots": STORE,
    "GET /v1/lots/{lot_id}": ITS_LOT,
    "GET /v1/lots/{lot_id}/movements": ITS_LOT,
    "PATCH /v1/lots/{lot_id}": ITS_LOT,
    "POST /v1/lots/{lot_id}/stocktakes": ITS_LOT,
    "POST /v1/lots/{lot_id}/refreshes": ITS_LOT,
    "POST /v1/recalls": {**ITS_LOT, "nobody": 401},
    "GET /v1/recalls": dict.fromkeys(STORE, 200) | {"nobody": 401},
    "GET /v1/recalls/{recall_id}": {**ITS_LOT, "owner": 200},
    "GET /v1/nodes/{node_id}/scores": SEEN,
    "GET /v1/nodes/{node_id}/scores/jobs": SEEN,
}
"""What each gets who has every scope. A new operation has to be entered here before its document is accepted."""

BODIES: Mapping[str, Any] = {
    "POST /v1/nodes/{node_id}/lots": {"material": "PA12-MJF", "grams": 5, "expires_on": "2099-01-01"},
    "PATCH /v1/lots/{lot_id}": {"state": "available", "reason": "asked by everyone"},
    "POST /v1/lots/{lot_id}/stocktakes": {"counted_grams": 9_000},
    "POST /v1/lots/{lot_id}/refreshes": {"fresh_grams": 5},
    "POST /v1/recalls": {"lot_id": "lot_1", "reason": "asked by everyone"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A job at a node whose other lot was recalled, and clients of everyone."""

    clients: Mapping[str, httpx.Client]
    ids: Mapping[str, str]


@pytest.fixture(scope="module")
def world(standing_api: Api) -> Iterator[World]:
    api = standing_api
    in_transaction(api.engine, save_a_network)
    tokens = {
        "owner": api.owner.token,
        "stranger": given_owner(api.engine, name="Stranger", part_no="ST-1").token,
        "bureau": token_of(api, BUREAU, "bureau"),
        "rival": token_of(api, "org_rival", "bureau"),
        "operator": token_of(api, "org_operator", "operator"),
        "nobody": None,
    }
    clients = {who: api.as_(token) for who, token in tokens.items()}
    api.place(key="the order")
    given_routed_lines(api.engine)
    recall = clients["operator"].post("/v1/recalls", json={"lot_id": "lot_1", "reason": "contaminated"}).json()
    assert [job["outcome"] for job in recall["jobs"]] == ["rerouted"]
    added = clients["bureau"].post("/v1/nodes/N101/lots", json=BODIES["POST /v1/nodes/{node_id}/lots"])
    yield World(clients=clients, ids={"node_id": "N101", "lot_id": added.json()["id"], "recall_id": recall["id"]})
    for client in clients.values():
        client.close()


def token_of(api: Api, organisation_id: str, kind: OrganisationKind) -> str:
    with unit_of_work(api.engine) as session:
        create_organisation(session, name=kind, kind=kind, now=NOW, organisation_id=organisation_id)
        return issue_api_key(session, organisation_id=organisation_id, name="t", scopes=ALL_SCOPES, now=NOW).token


def ask(world: World, who: str, operation: str) -> httpx.Response:
    method, path = operation.split(" ")
    query = "?figure=on_time" if path.endswith("/scores/jobs") else ""
    return world.clients[who].request(method, path.format(**world.ids) + query, json=BODIES.get(operation))


def test_every_operation_has_its_row() -> None:
    operations = [
        f"{method.upper()} {path}"
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        if operation["tags"][0] in TAGS_OF_LOTS
    ]
    assert sorted(operations) == sorted(EXPECTED)


@pytest.mark.parametrize("operation", sorted(EXPECTED))
def test_everyone_gets_what_is_theirs(world: World, operation: str) -> None:
    answers = {who: ask(world, who, operation).status_code for who in EXPECTED[operation]}
    assert answers == EXPECTED[operation]


def test_a_recall_shows_each_its_own(world: World) -> None:
    path = f"/v1/recalls/{world.ids['recall_id']}"
    seen = {who: world.clients[who].get(path).json() for who in ("owner", "bureau", "operator")}

    assert {who: len(recall["jobs"]) for who, recall in seen.items()} == {"owner": 1, "bureau": 1, "operator": 1}
    assert {who: len(recall["lots"]) for who, recall in seen.items()} == {"owner": 0, "bureau": 1, "operator": 1}
    assert [seen[who]["actor"] is None for who in ("owner", "bureau", "operator")] == [True, True, False]
    lists = {who: len(world.clients[who].get("/v1/recalls").json()["data"]) for who in ("owner", "stranger", "rival")}
    assert lists == {"owner": 1, "stranger": 0, "rival": 0}


def test_a_lot_tells_how_long_it_lasts_and_what_moved(world: World) -> None:
    bureau, lot_id = world.clients["bureau"], world.ids["lot_id"]
    lot = bureau.get(f"/v1/lots/{lot_id}").json()
    first = bureau.get(f"/v1/lots/{lot_id}/movements?limit=1")
    moved = first.json()["data"]

    assert (lot["node_id"], lot["reserved_grams"], lot["used_grams"], lot["runway_days"]) == ("N101", 0, 0, None)
    assert [(each["kind"], each["grams"]) for each in moved] == [("received", 5)]
    listed = bureau.get("/v1/nodes/N101/lots?state=blocked").json()["data"]
    assert [(each["id"], each["state_reason"]) for each in listed] == [("lot_1", "recalled: contaminated")]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/recalls", {"reason": "x"}, "invalid_recall"),
        ("/v1/recalls", {"supplier_lot": "L-0000", "reason": "x"}, "nothing_to_recall"),
        ("/v1/recalls", {"supplier_lot": "L-0000"}, "validation_failed"),
        ("/v1/lots/lot_9/stocktakes", {"counted_grams": 1}, "unknown_lot"),
        ("/v1/lots/lot_1/refreshes", {"fresh_grams": 1}, "lot_is_blocked"),
        ("/v1/lots/lot_1/refreshes", {"fresh_grams": 0}, "validation_failed"),
    ],
)
def test_what_can_not_be_done_says_so(world: World, path: str, body: dict[str, object], code: str) -> None:
    assert world.clients["operator"].post(path, json=body).json()["code"] == code


def test_scores_refuse_impossible_days(world: World) -> None:
    asked = world.clients["bureau"].get("/v1/nodes/N101/scores?from=2026-06-30&to=2026-06-01")

    assert (asked.status_code, asked.json()["code"]) == (422, "invalid_span")
    figures = world.clients["bureau"].get("/v1/nodes/N101/scores?from=2026-06-01&to=2026-06-30").json()
    assert (figures["first_day"], figures["last_day"]) == ("2026-06-01", "2026-06-30")


@pytest.mark.parametrize("timezone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_scores_end_today_where_the_node_is(world: World, standing_api: Api, timezone: str) -> None:
    """A day ahead of UTC for most of the day, or a day behind it."""
    with unit_of_work(standing_api.engine) as session:
        rows(session, "UPDATE nodes SET timezone = :it WHERE id = 'N101' RETURNING id", it=timezone)
    before = utc_now().astimezone(ZoneInfo(timezone)).date()
    figures = world.clients["bureau"].get("/v1/nodes/N101/scores").json()
    after = utc_now().astimezone(ZoneInfo(timezone)).date()
    assert before <= date.fromisoformat(figures["last_day"]) <= after
    assert date.fromisoformat(figures["last_day"]) - date.fromisoformat(figures["first_day"]) == timedelta(days=90)
