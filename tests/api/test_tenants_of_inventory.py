"""Every operation on parts, revisions, files, licences and tables, asked by everyone: an inventory is its owner's."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, OrganisationKind, Scope
from fabroute.identity.service import create_organisation, issue_api_key
from fabroute.inventory.service import ValidationLimits, validate_submissions
from fabroute.kernel.time import utc_now
from tests.api.test_tenants import TAGS_OF_INVENTORY
from tests.factories.api import Api
from tests.factories.databases import in_transaction, rows
from tests.factories.documents import document
from tests.factories.orders import given_owner, given_revision
from tests.factories.organisations import NOW
from tests.fakes.print_file_validator import FakeValidator

READ: Scope = "inventory:read"
WRITE: Scope = "inventory:write"
RELEASE: Scope = "inventory:release"
NETWORK: Scope = "network:write"
ITS_OWNER = frozenset({"owner"})
ITS_OWNER_AND_THE_OPERATOR = frozenset({"owner", "operator"})
EVERYONE = ("stranger", "bureau", "operator", "owner")
"""In the order in which they ask: who may do it comes last."""
ALL = frozenset(EVERYONE)

EXPECTED: Mapping[str, tuple[Scope, frozenset[str]]] = {
    "POST /v1/parts": (WRITE, ALL),
    "GET /v1/parts": (READ, ALL),
    "GET /v1/parts/{part_no}": (READ, ITS_OWNER),
    "PATCH /v1/parts/{part_no}": (WRITE, ITS_OWNER),
    "POST /v1/parts/{part_no}/aliases": (WRITE, ITS_OWNER),
    "DELETE /v1/parts/{part_no}/aliases/{number}": (WRITE, ITS_OWNER),
    "POST /v1/parts/{part_no}/installations": (WRITE, ITS_OWNER),
    "DELETE /v1/parts/{part_no}/installations/{installation_id}": (WRITE, ITS_OWNER),
    "POST /v1/parts/{part_no}/revisions": (WRITE, ITS_OWNER),
    "GET /v1/revisions/{revision_id}": (READ, ITS_OWNER),
    "PATCH /v1/revisions/{revision_id}": (WRITE, ITS_OWNER),
    "GET /v1/revisions/{revision_id}/history": (READ, ITS_OWNER),
    "POST /v1/revisions/{revision_id}/approval": (RELEASE, ITS_OWNER),
    "POST /v1/revisions/{revision_id}/release": (RELEASE, ITS_OWNER),
    "POST /v1/revisions/{revision_id}/withdrawal": (RELEASE, ITS_OWNER_AND_THE_OPERATOR),
    "POST /v1/revisions/{revision_id}/hold": (RELEASE, ITS_OWNER_AND_THE_OPERATOR),
    "POST /v1/revisions/{revision_id}/release-hold": (RELEASE, ITS_OWNER_AND_THE_OPERATOR),
    "GET /v1/signing-key": (READ, ALL),
    "PUT /v1/revisions/{revision_id}/print-file": (WRITE, ITS_OWNER),
    "GET /v1/revisions/{revision_id}/print-file": (READ, ITS_OWNER),
    "GET /v1/revisions/{revision_id}/validation": (READ, ITS_OWNER),
    "GET /v1/revisions/{revision_id}/similar": (READ, ITS_OWNER),
    "GET /v1/revisions/{revision_id}/preview.png": (READ, ITS_OWNER),
    "GET /v1/revisions/{revision_id}/preview.glb": (READ, ITS_OWNER),
    "PUT /v1/revisions/{revision_id}/documents/{name}": (WRITE, ITS_OWNER),
    "GET /v1/revisions/{revision_id}/documents/{name}": (READ, ITS_OWNER),
    "DELETE /v1/revisions/{revision_id}/documents/{name}": (WRITE, ITS_OWNER),
    "POST /v1/revisions/{revision_id}/licences": (RELEASE, ITS_OWNER),
    "GET /v1/revisions/{revision_id}/licences": (READ, ITS_OWNER),
    "POST /v1/licences/{licence_id}/revocation": (RELEASE, ITS_OWNER),
    "POST /v1/imports/parts": (WRITE, ALL),
    "POST /v1/imports/revisions": (WRITE, ALL),
    "POST /v1/imports/certificates": (NETWORK, ALL),
    "GET /v1/exports/parts": (READ, ALL),
    "GET /v1/exports/revisions": (READ, ALL),
    "GET /v1/exports/certificates": ("network:read", ALL),
}
"""The scope that it takes, and who may. A new operation has to be entered here before its document is accepted."""

REASON = {"reason": "asked by everyone"}
BODIES: Mapping[str, Any] = {
    "parts": {"part_no": "NEW-1", "name": "x", "sector": "rail", "hs_code": "8607.19"},
    "{part_no}": {"note": "asked"},
    "aliases": {"kind": "old", "number": "OLD-1"},
    "installations": {"asset": "pump P-17"},
    "revisions": {"revision": "Z", "process_materials": ["MJF:PA12-MJF"]},
    "{revision_id}": {"packaging": "esd"},
    "licences": {"prints": 1},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """The ids of things of an owner, and clients of everyone; ``without`` lacks one scope each."""

    api: Api
    ids: Mapping[str, str]
    gone: Mapping[str, str]
    """Those that may be deleted."""
    clients: Mapping[str, httpx.Client]
    without: Mapping[Scope, httpx.Client]


@pytest.fixture(scope="module")
def things(standing_api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Things]:
    """A part with other numbers, places, a validated revision with its file, documents and a licence."""
    api = standing_api
    ids = given_things(api, tmp_path_factory.mktemp("validation"))
    gone = ids | {"number": "OLD-2", "name": "gone.pdf", "installation_id": ids.pop("gone_installation_id")}
    tokens = {
        "owner": api.owner.token,
        "stranger": given_owner(api.engine, name="Stranger", part_no="ST-1").token,
        "bureau": token_of(api, "org_b", "bureau"),
        "operator": token_of(api, "org_o", "operator"),
    }
    with ExitStack() as opened:
        clients = {who: opened.enter_context(api.as_(token)) for who, token in tokens.items()}
        clients["nobody"] = opened.enter_context(api.as_(None))
        without = {
            scope: opened.enter_context(api.as_(owners_token_without(api, scope)))
            for scope in {scope for scope, _ in EXPECTED.values()}
        }
        yield Things(api=api, ids=ids, gone=gone, clients=clients, without=without)


def given_things(api: Api, folder: Path) -> dict[str, str]:
    revision_id = given_revision(api.engine, part_id=api.owner.part_id, revision="B", state="draft")
    here = f"/v1/revisions/{revision_id}"
    api.client.put(f"{here}/print-file", content=b"a file")
    validate_submissions(
        api.engine,
        store=api.resources.store,
        validator=FakeValidator(),
        workspace_root=folder,
        limits=ValidationLimits(),
        now=utc_now(),
    )
    for name in ("plan.pdf", "gone.pdf"):
        api.client.put(f"{here}/documents/{name}", content=b"%PDF", headers={"Content-Type": "application/pdf"})
    for number in ("OLD-1", "OLD-2"):
        api.client.post("/v1/parts/RL-0001/aliases", json={"kind": "old", "number": number})
    places = [api.client.post("/v1/parts/RL-0001/installations", json={"asset": it}).json()["id"] for it in "ab"]
    return {
        "part_no": "RL-0001",
        "revision_id": revision_id,
        "number": "OLD-1",
        "installation_id": places[0],
        "gone_installation_id": places[1],
        "name": "plan.pdf",
        "licence_id": api.client.post(f"{here}/licences", json={"prints": 3}).json()["id"],
    }


def token_of(api: Api, organisation_id: str, kind: OrganisationKind) -> str:
    with unit_of_work(api.engine) as session:
        create_organisation(session, name=kind, kind=kind, now=NOW, organisation_id=organisation_id)
        return issue_api_key(session, organisation_id=organisation_id, name="t", scopes=ALL_SCOPES, now=NOW).token


def owners_token_without(api: Api, scope: Scope) -> str:
    organisation_id, scopes = api.owner.organisation_id, ALL_SCOPES - {scope}
    with unit_of_work(api.engine) as session:
        return issue_api_key(session, organisation_id=organisation_id, name="n", scopes=scopes, now=NOW).token


def ask(things: Things, client: httpx.Client, operation: str) -> httpx.Response:
    """Do ``operation`` on the owner's things."""
    method, path = operation.split(" ")
    url, last = path.format(**(things.gone if method == "DELETE" else things.ids)), path.rpartition("/")[2]
    if method == "PUT":
        return client.put(url, content=b"a file" if last == "print-file" else b"%PDF")
    if "/imports/" in path:
        return client.post(url, content=b"part_no\n", headers={"Content-Type": "text/csv"})
    body = BODIES.get(last, REASON) if method in ("POST", "PATCH") else None
    return client.request(method, url, json=body, headers={"If-Match": "*"})


def test_every_operation_has_its_row() -> None:
    told = document()
    found = [
        f"{method.upper()} {path}"
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
        if operation["tags"][0] in TAGS_OF_INVENTORY
    ]
    assert sorted(found) == sorted(EXPECTED)
    assert len(found) == 36


@pytest.mark.parametrize("operation", sorted(EXPECTED))
def test_an_inventory_is_its_owners(things: Things, operation: str) -> None:
    statuses = {who: ask(things, things.clients[who], operation).status_code for who in EVERYONE}

    assert {who for who, status in statuses.items() if status != 404} == EXPECTED[operation][1]
    assert max(statuses.values()) < 500
    assert not {401, 403} & set(statuses.values())


@pytest.mark.parametrize("operation", sorted(EXPECTED))
def test_every_operation_takes_its_scope_and_a_key(things: Things, operation: str) -> None:
    scope = EXPECTED[operation][0]
    narrow, nobody = ask(things, things.without[scope], operation), ask(things, things.clients["nobody"], operation)

    assert (narrow.status_code, narrow.json()["code"]) == (403, "missing_scope")
    assert scope in narrow.json()["detail"]
    assert (nobody.status_code, nobody.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("path", ["/v1/parts", "/v1/exports/parts", "/v1/exports/revisions?format=json"])
def test_no_list_shows_a_part_to_someone_else(things: Things, path: str) -> None:
    for who in ("stranger", "bureau", "operator"):
        assert "RL-0001" not in things.clients[who].get(path).text
    assert "RL-0001" in things.clients["owner"].get(path).text


def test_what_others_were_refused_left_no_trace(things: Things) -> None:
    by_others = (
        "SELECT count(*) FROM audit_entries WHERE organisation_id = :owner AND actor IN "
        "(SELECT id FROM api_keys WHERE organisation_id NOT IN (:owner, 'org_o'))"
    )
    found = in_transaction(
        things.api.engine, lambda session: rows(session, by_others, owner=things.api.owner.organisation_id)
    )
    assert found == [(0,)]
    assert things.clients["owner"].get("/v1/parts/RL-0001").json()["part_no"] == "RL-0001"
