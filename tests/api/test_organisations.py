import time
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine

from fabroute.database import unit_of_work
from fabroute.identity.service import organisation_name
from tests.conftest import Database
from tests.factories.api import Api, served_api
from tests.factories.credentials import Keyed, acts_on, given_keyed
from tests.factories.problems import Refusal, problem_of, refusal_of

THEN = datetime.fromisoformat("2027-03-01T08:00:00+00:00")
ANY = {"If-Match": "*"}
SUSPENDED = Refusal(status=403, code="organisation_suspended")


@pytest.fixture
def operator(standing_api: Api) -> Keyed:
    return given_keyed(standing_api.engine, kind="operator")


@pytest.fixture
def owner(standing_api: Api) -> Keyed:
    return given_keyed(standing_api.engine)


def change(api: Api, by: Keyed, organisation_id: str, etag: str = "*", **body: object) -> httpx.Response:
    """What comes back for a change of an organisation."""
    with api.as_(by.token) as client:
        return client.patch(f"/v1/organisations/{organisation_id}", json=body, headers={"If-Match": etag})


def get(api: Api, token: str, path: str) -> httpx.Response:
    """What comes back for a question."""
    with api.as_(token) as client:
        return client.get(path)


def test_the_operator_adds_an_organisation_whose_first_key_then_reads_it(standing_api: Api, operator: Keyed) -> None:
    with standing_api.as_(operator.token) as client, time_machine.travel(THEN, tick=False):
        response = client.post("/v1/organisations", json={"name": " Druckwerk Süd ", "kind": "bureau"})
        added: Any = response.json()
        key = client.post(
            "/v1/api-keys", json={"name": "first", "scopes": ["jobs:read"], "organisation_id": added["id"]}
        ).json()
        own = get(standing_api, key["token"], "/v1/organisation").json()
        read = client.get(response.headers["Location"]).json()
        found = client.get("/v1/organisations", params={"kind": "bureau", "suspended": False, "limit": 200}).json()

    assert response.status_code == 201
    assert added == own == read
    assert added == {
        "id": added["id"],
        "name": "Druckwerk Süd",
        "kind": "bureau",
        "created_at": "2027-03-01T08:00:00Z",
        "suspended_at": None,
        "suspension_reason": "",
    }
    assert added in found["data"]
    assert {it["kind"] for it in found["data"]} == {"bureau"}
    assert acts_on(standing_api.engine, "organisation", added["id"]) == [("organisation.created", operator.key_id)]


def test_organisations_are_the_operator_s_and_each_reads_its_own(standing_api: Api, owner: Keyed) -> None:
    other = given_keyed(standing_api.engine, kind="bureau", scopes=["jobs:read"])
    path = f"/v1/organisations/{other.organisation_id}"
    with standing_api.as_(owner.token) as client:
        refused = [
            client.get("/v1/organisations"),
            client.get(path),
            client.post("/v1/organisations", json={"name": "x", "kind": "owner"}),
            client.patch(path, json={"suspended": True}, headers=ANY),
        ]
    assert [refusal_of(it) for it in refused] == [Refusal(status=403, code="operator_only")] * 4
    assert get(standing_api, other.token, "/v1/organisation").json()["id"] == other.organisation_id
    assert get(standing_api, owner.token, "/v1/organisation").json()["kind"] == "owner"


def test_an_operator_s_key_needs_the_scope_too(standing_api: Api, owner: Keyed) -> None:
    reader = given_keyed(standing_api.engine, kind="operator", scopes=["keys:read"])
    changed = change(standing_api, reader, owner.organisation_id, name="x")
    listed = get(standing_api, reader.token, "/v1/organisations")

    assert refusal_of(changed) == Refusal(status=403, code="missing_scope")
    assert listed.status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "x", "kind": "operator"}, "/kind"),
        ({"kind": "owner"}, "/name"),
        ({"name": "x" * 121, "kind": "owner"}, "/name"),
        ({"name": "x", "kind": "owner", "id": "org_mine"}, "/id"),
    ],
)
def test_what_can_not_be_an_organisation_is_named(
    standing_api: Api, operator: Keyed, body: dict[str, str], pointer: str
) -> None:
    with standing_api.as_(operator.token) as client:
        refused = client.post("/v1/organisations", json=body)
    assert refusal_of(refused) == Refusal(status=422, code="validation_failed", pointers=(pointer,))


def test_a_change_needs_the_state_that_was_read(standing_api: Api, operator: Keyed, owner: Keyed) -> None:
    path = f"/v1/organisations/{owner.organisation_id}"
    with standing_api.as_(operator.token) as client:
        etag = client.get(path).headers["ETag"]
        unchanged = client.get(path, headers={"If-None-Match": etag})
        without = client.patch(path, json={"name": "x"})
    first = change(standing_api, operator, owner.organisation_id, etag, name="Nordbahn Neu")
    late = change(standing_api, operator, owner.organisation_id, etag, name="Nordbahn Alt")
    same = change(standing_api, operator, owner.organisation_id, first.headers["ETag"], name="Nordbahn Neu")
    nobody = change(standing_api, operator, "org_none", name="x")

    assert (unchanged.status_code, first.status_code, first.json()["name"]) == (304, 200, "Nordbahn Neu")
    assert refusal_of(without) == Refusal(status=428, code="precondition_required")
    assert refusal_of(late) == Refusal(status=412, code="stale_version")
    assert same.headers["ETag"] == first.headers["ETag"]
    assert refusal_of(nobody) == Refusal(status=404, code="unknown_organisation")
    assert acts_on(standing_api.engine, "organisation", owner.organisation_id) == [
        ("organisation.renamed", operator.key_id)
    ]
    with unit_of_work(standing_api.engine) as session:
        assert organisation_name(session, organisation_id=owner.organisation_id) == "Nordbahn Neu"


def test_a_suspended_organisation_is_told_so_whatever_it_authenticates_with_and_can_be_restored(
    standing_api: Api, operator: Keyed, owner: Keyed
) -> None:
    with standing_api.as_(owner.token) as client:
        program = client.post("/v1/oauth-clients", json={"name": "x", "scopes": ["orders:read"]}).json()
    pair = {"client_id": program["client_id"], "client_secret": program["client_secret"]}
    form = {"grant_type": "client_credentials"} | pair
    with standing_api.as_(None) as client, time_machine.travel(THEN, tick=False) as clock:
        token = client.post("/v1/oauth/token", data=form).json()["access_token"]
        clock.move_to(THEN + timedelta(seconds=2))
        suspended = change(standing_api, operator, owner.organisation_id, suspended=True, reason="unpaid")
        refused = [get(standing_api, it, "/v1/orders") for it in (owner.token, token)]
        asked = client.post("/v1/oauth/token", data=form)
        given_back = client.post("/v1/oauth/revoke", data=pair | {"token": token})
        again = change(standing_api, operator, owner.organisation_id, suspended=True, reason="other")
        restored = change(standing_api, operator, owner.organisation_id, suspended=False)
        works = [get(standing_api, owner.token, "/v1/orders").status_code]

    assert (suspended.json()["suspended_at"], suspended.json()["suspension_reason"]) == (
        "2027-03-01T08:00:02Z",
        "unpaid",
    )
    assert [refusal_of(it) for it in refused] == [SUSPENDED] * 2
    assert problem_of(refused[0])["detail"].endswith("ask the operator of this installation why")
    assert "unpaid" not in refused[0].text
    assert (asked.status_code, asked.json()["error"]) == (400, "unauthorized_client")
    assert given_back.status_code == 200
    assert again.json() == suspended.json()
    assert (restored.json()["suspended_at"], restored.json()["suspension_reason"], works) == (None, "", [200])
    assert acts_on(standing_api.engine, "organisation", owner.organisation_id) == [
        ("organisation.suspended", operator.key_id),
        ("organisation.restored", operator.key_id),
    ]


def test_the_operator_is_never_suspended(standing_api: Api, operator: Keyed) -> None:
    refused = change(standing_api, operator, operator.organisation_id, suspended=True)

    assert refusal_of(refused) == Refusal(status=409, code="operator_not_suspended")
    assert get(standing_api, operator.token, "/v1/organisation").json()["suspended_at"] is None


def test_a_key_that_is_in_use_is_refused_within_a_second_of_the_suspension(database: Database) -> None:
    with served_api(database.url, api_key_cache_seconds=0.2) as api:
        operator = given_keyed(api.engine, kind="operator")
        assert api.client.get("/v1/orders").status_code == 200
        change(api, operator, api.owner.organisation_id, suspended=True)
        deadline = time.monotonic() + 1
        while api.client.get("/v1/orders").status_code == 200 and time.monotonic() < deadline:
            time.sleep(0.02)

        assert refusal_of(api.client.get("/v1/orders")) == SUSPENDED
        assert refusal_of(api.place()) == SUSPENDED
