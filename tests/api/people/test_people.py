"""People of an organisation, over HTTP."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, ROLES, OrganisationKind
from fabroute.identity.service import create_organisation, issue_api_key
from fabroute.kernel.time import utc_now
from tests.api.test_keys_and_scopes import token_with
from tests.conftest import Database
from tests.factories.api import Api, served_api
from tests.factories.databases import rows
from tests.factories.people import PASSWORD, audited, given_invitation, given_person, signed_in
from tests.factories.problems import Refusal, messages_of, refusal_of


def given_organisation(api: Api, *, kind: OrganisationKind = "owner") -> tuple[str, str]:
    """Return another organisation and a key of it with every scope."""
    with unit_of_work(api.engine) as session:
        organisation_id = create_organisation(session, name="Another", kind=kind, now=utc_now())
        key = issue_api_key(session, organisation_id=organisation_id, name="k", scopes=ALL_SCOPES, now=utc_now())
    return organisation_id, key.token


def invite(client: httpx.Client, email: str, role: str = "viewer", **more: object) -> httpx.Response:
    return client.post("/v1/people", json={"email": email, "name": "Grace Hopper", "role": role} | more)


def patch(client: httpx.Client, person_id: str, **change: object) -> httpx.Response:
    return client.patch(f"/v1/people/{person_id}", json=change, headers={"If-Match": "*"})


def test_an_invitation_is_a_link_that_is_shown_once(standing_api: Api) -> None:
    made = invite(standing_api.client, " Grace@Example.com ", role="engineer")
    answer = made.json()
    person_id, token = answer["person"]["id"], answer["invitation"]["token"]
    read = standing_api.client.get(made.headers["Location"])
    with unit_of_work(standing_api.engine) as session:
        stored = rows(session, "SELECT to_jsonb(i)::text FROM invitations i WHERE person_id = :id", id=person_id)
        told = rows(session, "SELECT name, data::text FROM outbox_events WHERE subject_id = :id", id=person_id)

    assert made.status_code == 201
    assert (answer["person"]["email"], answer["person"]["state"]) == ("grace@example.com", "invited")
    assert answer["invitation"]["url"] == f"http://127.0.0.1:8000/join#{token}"
    assert token.startswith("inv_")
    assert len(token) == len("inv_") + 43
    assert (read.status_code, read.json()) == (200, answer["person"])
    assert token not in str(stored)
    assert told == [("person.invited", '{"role": "engineer"}')]
    assert audited(standing_api.engine, person_id) == [(standing_api.owner.key_id, "person.invited")]


def test_an_address_is_invited_once_into_an_organisation_however_it_is_written(standing_api: Api) -> None:
    _, other_key = given_organisation(standing_api)
    first = invite(standing_api.client, "twice@example.com")
    second = invite(standing_api.client, "TWICE@example.com")
    with standing_api.as_(other_key) as other:
        elsewhere = invite(other, "twice@example.com")

    assert (first.status_code, elsewhere.status_code) == (201, 201)
    assert refusal_of(second) == Refusal(status=409, code="already_member")
    assert first.json()["person"]["id"] != elsewhere.json()["person"]["id"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"email": "nobody"}, Refusal(status=422, code="invalid_email")),
        ({"email": ""}, Refusal(status=422, code="validation_failed", pointers=("/email",))),
        ({"role": "operator"}, Refusal(status=422, code="unknown_role", pointers=("/role",))),
        ({"role": "production"}, Refusal(status=422, code="unknown_role", pointers=("/role",))),
        ({"name": " "}, Refusal(status=422, code="validation_failed", pointers=("/name",))),
        ({"admin": True}, Refusal(status=422, code="validation_failed", pointers=("/admin",))),
        ({"organisation_id": "org_none"}, Refusal(status=404, code="unknown_organisation")),
    ],
)
def test_who_can_not_be_invited(standing_api: Api, change: dict[str, object], expected: Refusal) -> None:
    body = {"email": "new@example.com", "name": "Grace", "role": "viewer"} | change
    response = standing_api.client.post("/v1/people", json=body)

    assert refusal_of(response) == expected
    assert messages_of(response) or expected.pointers == ()


def test_roles_are_those_of_the_organisation_s_kind(standing_api: Api) -> None:
    bureau, bureau_key = given_organisation(standing_api, kind="bureau")
    with standing_api.as_(bureau_key) as client:
        made = invite(client, "printer@example.com", role="production")
        refused = invite(client, "buyer@example.com", role="buyer")
    with signed_in(
        standing_api, given_person(standing_api.engine, organisation_id=bureau, role="production")
    ) as person:
        shown = person.get("/v1/session").json()

    assert made.status_code == 201
    assert refusal_of(refused).code == "unknown_role"
    assert "admin, production, viewer" in refused.json()["detail"]
    assert shown["scopes"] == ["jobs:read", "jobs:write", "network:read", "network:write"]
    assert set(ROLES) == {"owner", "bureau", "operator"}


def test_nobody_gives_a_role_that_may_do_more_than_they_or_takes_one_over(standing_api: Api) -> None:
    admin = given_person(standing_api.engine, organisation_id=standing_api.owner.organisation_id)
    narrow = token_with(standing_api, "people:read", "people:write", "orders:read")
    expected = Refusal(status=403, code="role_not_held")
    with standing_api.as_(narrow) as client:
        assert refusal_of(invite(client, "accomplice@example.com", role="admin")) == expected
        assert refusal_of(patch(client, admin.person_id, name="Mine")) == expected
        assert refusal_of(client.post(f"/v1/people/{admin.person_id}/invitation")) == expected
        assert refusal_of(client.delete(f"/v1/people/{admin.person_id}")) == expected
        viewer = given_person(
            standing_api.engine, organisation_id=standing_api.owner.organisation_id, role="viewer"
        ).person_id
        assert refusal_of(patch(client, viewer, role="admin")) == expected

    assert standing_api.client.get(f"/v1/people/{admin.person_id}").json()["state"] == "active"


def test_only_the_operator_looks_into_other_organisations(standing_api: Api) -> None:
    with unit_of_work(standing_api.engine) as session:
        create_organisation(session, name="Operator", kind="operator", now=utc_now(), organisation_id="org_operator")
        key = issue_api_key(session, organisation_id="org_operator", name="k", scopes=ALL_SCOPES, now=utc_now())
    own, stranger_key = given_organisation(standing_api)
    person = given_person(standing_api.engine, organisation_id=standing_api.owner.organisation_id, role="viewer")
    path, whose = f"/v1/people/{person.person_id}", {"organisation_id": standing_api.owner.organisation_id}
    unknown = Refusal(status=404, code="unknown_person")
    with standing_api.as_(stranger_key) as stranger:
        assert refusal_of(stranger.get(path)) == unknown
        assert refusal_of(patch(stranger, person.person_id, name="X")) == unknown
        assert refusal_of(stranger.delete(path)) == unknown
        assert refusal_of(stranger.post(f"{path}/invitation")) == unknown
        assert refusal_of(stranger.get("/v1/people", params=whose)).code == "unknown_organisation"
        assert refusal_of(invite(stranger, "x@example.com", **whose)).code == "unknown_organisation"
        assert stranger.get("/v1/people").json()["data"] == []
    with standing_api.as_(key.token) as operator:
        assert operator.get(path).json()["id"] == person.person_id
        assert person.person_id in {it["id"] for it in operator.get("/v1/people", params=whose).json()["data"]}
        made = invite(operator, "first@example.com", role="admin", organisation_id=own)

    assert made.json()["person"]["organisation_id"] == own


def test_people_are_listed_page_by_page_without_those_who_were_removed(standing_api: Api) -> None:
    organisation_id, key = given_organisation(standing_api)
    made = [
        given_invitation(standing_api.engine, organisation_id=organisation_id, role="viewer").person.person_id
        for _ in range(3)
    ]
    with standing_api.as_(key) as client:
        assert client.delete(f"/v1/people/{made[1]}").status_code == 204
        first = client.get("/v1/people", params={"limit": 1})
        second = client.get(first.links["next"]["url"])
        gone = client.get(f"/v1/people/{made[1]}")

    pages = [first.json(), second.json()]
    assert [item["id"] for page in pages for item in page["data"]] == [made[0], made[2]]
    assert [page["has_more"] for page in pages] == [True, False]
    assert refusal_of(gone).code == "unknown_person"


def test_a_change_says_what_it_has_seen(standing_api: Api) -> None:
    person = given_person(standing_api.engine, organisation_id=standing_api.owner.organisation_id, role="viewer")
    path = f"/v1/people/{person.person_id}"
    tag = standing_api.client.get(path).headers["ETag"]
    changed = standing_api.client.patch(path, json={"name": "Grace"}, headers={"If-Match": tag})
    stale = standing_api.client.patch(path, json={"name": "Hopper"}, headers={"If-Match": tag})
    blind = standing_api.client.patch(path, json={"name": "Hopper"})
    same = patch(standing_api.client, person.person_id, name="Grace", disabled=False)

    assert (changed.status_code, changed.json()["name"]) == (200, "Grace")
    assert refusal_of(stale) == Refusal(status=412, code="stale_person")
    assert refusal_of(blind) == Refusal(status=428, code="precondition_required")
    assert same.headers["ETag"] == changed.headers["ETag"]
    assert standing_api.client.get(path, headers={"If-None-Match": changed.headers["ETag"]}).status_code == 304


def test_the_last_admin_who_has_joined_stays(standing_api: Api) -> None:
    organisation_id, key = given_organisation(standing_api)
    admin = given_person(standing_api.engine, organisation_id=organisation_id)
    given_invitation(standing_api.engine, organisation_id=organisation_id)  # has not joined: can't act
    last = Refusal(status=409, code="last_admin")
    with standing_api.as_(key) as client:
        assert refusal_of(patch(client, admin.person_id, role="viewer")) == last
        assert refusal_of(patch(client, admin.person_id, disabled=True)) == last
        assert refusal_of(client.delete(f"/v1/people/{admin.person_id}")) == last
        other = given_person(standing_api.engine, organisation_id=organisation_id)
        assert patch(client, other.person_id, disabled=True).status_code == 200
        assert refusal_of(client.delete(f"/v1/people/{admin.person_id}")) == last
        assert patch(client, other.person_id, disabled=False).status_code == 200
        assert client.delete(f"/v1/people/{admin.person_id}").status_code == 204
        assert refusal_of(client.delete(f"/v1/people/{other.person_id}")) == last

    assert audited(standing_api.engine, other.person_id)[-2:] == [
        (key_id_in(key), "person.disabled"),
        (key_id_in(key), "person.enabled"),
    ]


def key_id_in(token: str) -> str:
    return f"key_{token.rsplit('_', 2)[1]}"


def test_of_two_admins_who_remove_each_other_at_once_one_stays(standing_api: Api) -> None:
    for _ in range(5):
        organisation_id, key = given_organisation(standing_api)
        pair = [given_person(standing_api.engine, organisation_id=organisation_id).person_id for _ in range(2)]
        with standing_api.as_(key) as client, ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda it: client.delete(f"/v1/people/{it}").status_code, pair))
            left = [it["id"] for it in client.get("/v1/people").json()["data"]]

        assert sorted(answers) == [204, 409]
        assert len(left) == 1


def test_what_was_removed_leaves_nothing_but_an_id(standing_api: Api) -> None:
    person = given_person(
        standing_api.engine,
        organisation_id=standing_api.owner.organisation_id,
        email="forget.me@example.com",
        role="viewer",
    )
    with signed_in(standing_api, person) as browser:
        assert standing_api.client.delete(f"/v1/people/{person.person_id}").status_code == 204
        standing_api.resources.people.sessions._seen.clear()
        assert refusal_of(browser.get("/v1/session")) == Refusal(status=401, code="unauthenticated")
    again = invite(standing_api.client, "forget.me@example.com")
    with unit_of_work(standing_api.engine) as session:
        stored = rows(session, "SELECT email, name, password_hash FROM people WHERE id = :id", id=person.person_id)

    assert stored == [(None, "", None)]
    assert again.status_code == 201
    assert again.json()["person"]["id"] != person.person_id
    assert audited(standing_api.engine, person.person_id)[-1] == (standing_api.owner.key_id, "person.removed")


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"disabled": True}])
def test_a_role_that_changes_and_a_person_who_is_disabled_are_felt_within_a_second(
    database: Database, change: dict[str, object]
) -> None:
    with served_api(database.url, api_key_cache_seconds=0.3) as api:
        person = given_person(api.engine, organisation_id=api.owner.organisation_id, role="buyer")
        with signed_in(api, person) as browser:
            assert browser.get("/v1/orders").status_code == 200
            before = browser.post("/v1/quotes", json={})
            assert patch(api.client, person.person_id, **change).status_code == 200
            deadline = time.monotonic() + 1
            while (after := browser.post("/v1/quotes", json={})).status_code == 422 and time.monotonic() < deadline:
                time.sleep(0.02)

    assert refusal_of(before).code == "validation_failed"
    expected = (
        Refusal(status=401, code="unauthenticated")
        if change.get("disabled")
        else Refusal(status=403, code="missing_scope")
    )
    assert refusal_of(after) == expected


def test_a_new_link_makes_void_all_that_a_person_signed_in_with(standing_api: Api) -> None:
    person = given_person(standing_api.engine, organisation_id=standing_api.owner.organisation_id, role="viewer")
    with signed_in(standing_api, person) as browser, standing_api.as_(None) as visitor:
        first = standing_api.client.post(f"/v1/people/{person.person_id}/invitation").json()["invitation"]["token"]
        second = standing_api.client.post(f"/v1/people/{person.person_id}/invitation").json()["invitation"]["token"]
        standing_api.resources.people.sessions._seen.clear()
        assert refusal_of(browser.get("/v1/session")).status == 401
        signed_out = visitor.post("/v1/sign-in", json={"email": person.email, "password": PASSWORD})
        assert refusal_of(signed_out).code == "sign_in_refused"
        new = "another dwarf planet"
        assert refusal_of(accept(visitor, first, new)) == Refusal(status=410, code="invitation_invalid")
        joined = accept(visitor, second, new)
        assert joined.status_code == 200
        assert refusal_of(accept(visitor, second, new)) == Refusal(status=410, code="invitation_invalid")

    actions = [action for _, action in audited(standing_api.engine, person.person_id)]
    assert joined.json()["person"]["state"] == "active"
    assert actions[-5:] == [
        "person.reset",
        "person.reset",
        "person.sign_in_failed",
        "person.joined",
        "person.signed_in",
    ]


def accept(client: httpx.Client, token: str, password: str) -> httpx.Response:
    return client.post("/v1/invitations/accept", json={"token": token, "password": password})
