import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, make_token
from fabroute.identity.service import grants
from tests.factories.api import Api
from tests.factories.credentials import Keyed, acts_on, given_keyed
from tests.factories.databases import in_transaction, rows
from tests.factories.problems import Refusal, messages_of, problem_of, refusal_of

SCOPES = ["orders:read", "inventory:read"]
THEN = datetime.fromisoformat("2027-03-01T08:00:00+00:00")


@pytest.fixture
def owner(standing_api: Api) -> Keyed:
    return given_keyed(standing_api.engine)


@pytest.fixture
def operator(standing_api: Api) -> Keyed:
    return given_keyed(standing_api.engine, kind="operator")


def made(api: Api, by: Keyed, **body: object) -> Any:
    """What comes back for a new key."""
    with api.as_(by.token) as client:
        response = client.post("/v1/api-keys", json={"name": "ERP", "scopes": SCOPES} | body)
    assert response.status_code == 201, response.text
    return response.json()


def status_with(api: Api, token: str, path: str = "/v1/orders") -> int:
    with api.as_(token) as client:
        return client.get(path).status_code


def test_a_key_is_made_with_its_token_which_opens_what_its_scopes_say_and_is_never_shown_again(
    standing_api: Api, owner: Keyed
) -> None:
    with standing_api.as_(owner.token) as client, time_machine.travel(THEN, tick=False):
        response = client.post("/v1/api-keys", json={"name": " ERP ", "scopes": SCOPES})
        key = response.json()
        read = client.get(response.headers["Location"])
        listed = client.get("/v1/api-keys").json()["data"]

    token = key.pop("token")
    assert (response.status_code, response.headers["Cache-Control"]) == (201, "no-store")
    assert response.headers["Location"] == f"/v1/api-keys/{key['id']}"
    assert key == read.json() == listed[0]
    assert key == {
        "id": key["id"],
        "organisation_id": owner.organisation_id,
        "name": "ERP",
        "scopes": ["inventory:read", "orders:read"],
        "state": "live",
        "created_at": "2027-03-01T08:00:00Z",
        "created_by": owner.key_id,
        "expires_at": None,
        "last_used_at": None,
        "revoked_at": None,
        "replaced_by": None,
    }
    assert token.startswith(f"fr_test_{key['id'].removeprefix('key_')}_")
    assert (status_with(standing_api, token), status_with(standing_api, token, "/v1/nodes")) == (200, 403)
    assert acts_on(standing_api.engine, "api_key", key["id"]) == [("api_key.issued", owner.key_id)]


def test_nobody_gives_a_scope_that_his_own_key_has_not(standing_api: Api, owner: Keyed) -> None:
    narrow = given_keyed(
        standing_api.engine, organisation_id=owner.organisation_id, scopes=["keys:write", "orders:read"]
    )
    with standing_api.as_(narrow.token) as client:
        refused = client.post("/v1/api-keys", json={"name": "x", "scopes": ["orders:read", "orders:write"]})
        wider = client.post(f"/v1/api-keys/{owner.key_id}/rotation", json={})

    assert refusal_of(refused) == refusal_of(wider) == Refusal(status=403, code="scope_not_held")
    assert problem_of(refused)["detail"].startswith("your own key hasn't orders:write: leave that out")
    assert made(standing_api, narrow, scopes=["orders:read"])["scopes"] == ["orders:read"]


def test_the_operator_gives_others_what_they_need_and_itself_what_it_has(standing_api: Api, owner: Keyed) -> None:
    narrow = given_keyed(standing_api.engine, kind="operator", scopes=["keys:write", "keys:read"])
    for_owner = made(standing_api, narrow, organisation_id=owner.organisation_id, scopes=["inventory:release"])
    with standing_api.as_(narrow.token) as client:
        for_itself = client.post("/v1/api-keys", json={"name": "x", "scopes": ["inventory:release"]})
        nobody = client.post("/v1/api-keys", json={"name": "x", "scopes": SCOPES, "organisation_id": "org_none"})

    assert (for_owner["organisation_id"], for_owner["created_by"]) == (owner.organisation_id, narrow.key_id)
    assert refusal_of(for_itself) == Refusal(status=403, code="scope_not_held")
    assert refusal_of(nobody) == Refusal(status=404, code="unknown_organisation")


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"scopes": ["orders:all"]}, "/scopes/0", "must be 'orders:read', "),
        ({"scopes": []}, "/scopes", "must hold at least 1 of them"),
        ({"name": " "}, "/name", "must not be empty"),
        ({"name": "a\nb"}, "/name", "must not hold control characters"),
        ({"expires_at": "2027-01-01T00:00:00"}, "/expires_at", "needs an offset from UTC"),
        ({"secret": "mine"}, "/secret", "is no field of this object"),
    ],
)
def test_a_field_that_can_not_be_taken_is_named(
    standing_api: Api, owner: Keyed, change: dict[str, object], pointer: str, words: str
) -> None:
    with standing_api.as_(owner.token) as client:
        refused = client.post("/v1/api-keys", json={"name": "ERP", "scopes": SCOPES} | change)

    assert refusal_of(refused) == Refusal(status=422, code="validation_failed", pointers=(pointer,))
    assert messages_of(refused)[0].startswith(words)


def test_a_key_ends_when_it_was_said_to_and_never_before_now(standing_api: Api, owner: Keyed) -> None:
    with time_machine.travel(THEN, tick=False) as clock:
        key = made(standing_api, owner, expires_at="2027-03-01T09:30:00+01:00")
        with standing_api.as_(owner.token) as client:
            past = client.post("/v1/api-keys", json={"name": "x", "scopes": SCOPES, "expires_at": THEN.isoformat()})
            far = client.post(
                "/v1/api-keys", json={"name": "x", "scopes": SCOPES, "expires_at": "2037-03-01T08:00:00Z"}
            )
        before = status_with(standing_api, key["token"])
        clock.move_to(THEN + timedelta(minutes=29, seconds=59, milliseconds=900))
        last = status_with(standing_api, key["token"])
        clock.move_to(THEN + timedelta(minutes=30))  # within the second for which a good key is remembered
        after = status_with(standing_api, key["token"])
        with standing_api.as_(owner.token) as client:
            state = client.get(f"/v1/api-keys/{key['id']}").json()["state"]
            expired = client.get("/v1/api-keys", params={"state": "expired"}).json()["data"]

    assert (key["expires_at"], before, last, after, state) == ("2027-03-01T08:30:00Z", 200, 200, 401, "expired")
    assert [it["id"] for it in expired] == [key["id"]]
    for refused in (past, far):
        assert refusal_of(refused) == Refusal(status=422, code="invalid_expiry", pointers=("/expires_at",))


def test_a_rotated_key_works_beside_its_successor_until_the_overlap_is_over(standing_api: Api, owner: Keyed) -> None:
    with time_machine.travel(THEN, tick=False) as clock:
        old = made(standing_api, owner)
        with standing_api.as_(owner.token) as client:
            response = client.post(f"/v1/api-keys/{old['id']}/rotation", json={"overlap_seconds": 3600})
            new = response.json()
            rotated = client.get(f"/v1/api-keys/{old['id']}").json()
            again = client.post(f"/v1/api-keys/{old['id']}/rotation", json={})
        both = [status_with(standing_api, it["token"]) for it in (old, new)]
        clock.move_to(THEN + timedelta(hours=1))
        one = [status_with(standing_api, it["token"]) for it in (old, new)]

    assert (response.status_code, response.headers["Cache-Control"]) == (201, "no-store")
    assert response.headers["Location"] == f"/v1/api-keys/{new['id']}"
    assert (new["name"], new["scopes"], new["expires_at"]) == ("ERP", ["inventory:read", "orders:read"], None)
    assert (rotated["replaced_by"], rotated["expires_at"]) == (new["id"], "2027-03-01T09:00:00Z")
    assert (both, one) == ([200, 200], [401, 200])
    assert refusal_of(again) == Refusal(status=409, code="api_key_replaced")
    assert problem_of(again)["details"] == {"replaced_by": new["id"]}
    assert acts_on(standing_api.engine, "api_key", old["id"]) == [
        ("api_key.issued", owner.key_id),
        ("api_key.rotated", owner.key_id),
    ]


def test_without_a_word_the_overlap_is_a_day_and_the_new_key_lives_as_long_as_the_old_one(
    standing_api: Api, owner: Keyed
) -> None:
    with time_machine.travel(THEN, tick=False) as clock, standing_api.as_(owner.token) as client:
        old = made(standing_api, owner, expires_at=(THEN + timedelta(days=90)).isoformat())
        clock.move_to(THEN + timedelta(days=60))
        new = client.post(f"/v1/api-keys/{old['id']}/rotation", json={}).json()
        ended = client.get(f"/v1/api-keys/{old['id']}").json()["expires_at"]
        clock.move_to(THEN + timedelta(days=149, hours=12))
        late = client.post(f"/v1/api-keys/{new['id']}/rotation", json={"overlap_seconds": 604_800})
        capped = client.get(f"/v1/api-keys/{new['id']}").json()["expires_at"]

    assert (new["expires_at"], ended) == ("2027-07-29T08:00:00Z", "2027-05-01T08:00:00Z")
    assert (late.status_code, capped) == (201, "2027-07-29T08:00:00Z")  # an overlap makes no key live longer


def test_a_key_is_rotated_at_once_where_it_leaked_and_not_after_its_end(standing_api: Api, owner: Keyed) -> None:
    with time_machine.travel(THEN, tick=False), standing_api.as_(owner.token) as client:
        leaked = made(standing_api, owner)
        new = client.post(f"/v1/api-keys/{leaked['id']}/rotation", json={"overlap_seconds": 0}).json()
        statuses = [status_with(standing_api, it["token"]) for it in (leaked, new)]
        client.delete(f"/v1/api-keys/{new['id']}")
        over = client.post(f"/v1/api-keys/{new['id']}/rotation", json={})
        too_long = client.post(f"/v1/api-keys/{owner.key_id}/rotation", json={"overlap_seconds": 604_801})

    assert statuses == [401, 200]
    assert refusal_of(over) == Refusal(status=409, code="api_key_over")
    assert problem_of(over)["detail"] == "this key is revoked: make a new one (POST /v1/api-keys)"
    assert refusal_of(too_long) == Refusal(status=422, code="validation_failed", pointers=("/overlap_seconds",))


def test_a_revoked_key_is_refused_stays_in_the_list_and_can_be_revoked_again(standing_api: Api, owner: Keyed) -> None:
    with time_machine.travel(THEN, tick=False) as clock, standing_api.as_(owner.token) as client:
        key = made(standing_api, owner)
        first = client.delete(f"/v1/api-keys/{key['id']}")
        clock.move_to(THEN + timedelta(seconds=2))
        second = client.delete(f"/v1/api-keys/{key['id']}")
        revoked = client.get("/v1/api-keys", params={"state": "revoked"}).json()["data"]
        refused = status_with(standing_api, key["token"])

    assert first.json() == second.json() == revoked[0]
    assert (first.status_code, first.json()["state"], first.json()["revoked_at"]) == (
        200,
        "revoked",
        "2027-03-01T08:00:00Z",
    )
    assert refused == 401
    assert [it[0] for it in acts_on(standing_api.engine, "api_key", key["id"])] == ["api_key.issued", "api_key.revoked"]


def test_expired_revoked_and_unknown_keys_are_refused_in_the_same_words(standing_api: Api, owner: Keyed) -> None:
    with time_machine.travel(THEN, tick=False) as clock:
        expired = made(standing_api, owner, expires_at=(THEN + timedelta(seconds=1)).isoformat())
        revoked = made(standing_api, owner)
        with standing_api.as_(owner.token) as client:
            client.delete(f"/v1/api-keys/{revoked['id']}")
        clock.move_to(THEN + timedelta(seconds=5))
        unknown = make_token(environment="test", key_id="key_none")
        problems = []
        for token in (expired["token"], revoked["token"], unknown):
            with standing_api.as_(token) as client:
                problems.append(problem_of(client.get("/v1/orders")))

    assert {(it["status"], it["code"], it["detail"]) for it in problems} == {
        (401, "unauthenticated", "this API key is unknown, expired or revoked: use a live one")
    }


def test_foreign_keys_are_not_there(standing_api: Api, owner: Keyed, operator: Keyed) -> None:
    stranger = given_keyed(standing_api.engine)
    unknown = Refusal(status=404, code="unknown_api_key")
    with standing_api.as_(stranger.token) as client:
        path = f"/v1/api-keys/{owner.key_id}"
        answers = [client.get(path), client.delete(path), client.post(f"{path}/rotation", json={})]
        of_owner = client.get("/v1/api-keys", params={"organisation_id": owner.organisation_id})
        mine = client.get("/v1/api-keys").json()["data"]
    with standing_api.as_(operator.token) as client:
        seen = client.get("/v1/api-keys", params={"organisation_id": owner.organisation_id}).json()["data"]
        alone = client.get(f"/v1/api-keys/{owner.key_id}")

    assert [refusal_of(it) for it in answers] == [unknown] * 3
    assert refusal_of(of_owner) == Refusal(status=404, code="unknown_organisation")
    assert [it["id"] for it in mine] == [stranger.key_id]
    assert [it["id"] for it in seen] == [owner.key_id] == [alone.json()["id"]]


def test_keys_need_scopes_of_their_own(standing_api: Api, owner: Keyed) -> None:
    others = ALL_SCOPES - {"keys:read", "keys:write"}
    plain = given_keyed(standing_api.engine, organisation_id=owner.organisation_id, scopes=others)
    with standing_api.as_(plain.token) as client:
        answers: list[httpx.Response] = [
            client.get("/v1/api-keys"),
            client.get(f"/v1/api-keys/{owner.key_id}"),
            client.post("/v1/api-keys", json={"name": "x", "scopes": SCOPES}),
            client.delete(f"/v1/api-keys/{owner.key_id}"),
        ]
    assert [refusal_of(it) for it in answers] == [Refusal(status=403, code="missing_scope")] * 4
    told = [re.findall(r"keys:\w+", problem_of(it)["detail"]) for it in answers]
    assert told == [["keys:read"], ["keys:read"], ["keys:write"], ["keys:write"]]


def test_the_list_has_pages_the_youngest_first(standing_api: Api, owner: Keyed) -> None:
    names = [made(standing_api, owner, name=f"key {number}")["name"] for number in range(3)]
    with standing_api.as_(owner.token) as client:
        first = client.get("/v1/api-keys", params={"limit": 2}).json()
        second = client.get("/v1/api-keys", params={"limit": 2, "cursor": first["next_cursor"]}).json()

    assert [it["name"] for it in first["data"] + second["data"]] == [*reversed(names), "test"]
    assert (first["has_more"], second["has_more"]) == (True, False)


def test_an_organisation_has_a_hundred_live_keys_at_most(standing_api: Api, owner: Keyed) -> None:
    sql = """
        INSERT INTO api_keys (id, organisation_id, name, secret_sha256, scopes, created_at)
        SELECT 'key_many' || n, :owner, 'x', 'x', '{}', now() FROM generate_series(1, :count) n RETURNING 1
    """
    values = {"owner": owner.organisation_id, "count": grants.MOST_LIVE - 1}
    in_transaction(standing_api.engine, lambda session: rows(session, sql, **values))
    with standing_api.as_(owner.token) as client:
        full = client.post("/v1/api-keys", json={"name": "x", "scopes": SCOPES})
        client.delete("/v1/api-keys/key_many1")
        fits = client.post("/v1/api-keys", json={"name": "x", "scopes": SCOPES})

    assert refusal_of(full) == Refusal(status=409, code="too_many_credentials")
    assert (problem_of(full)["detail"], fits.status_code) == (
        "there are 100 live API keys, the most that one organisation has: revoke some first",
        201,
    )


def test_the_last_use_is_noted_to_the_minute_and_off_the_path_of_the_request(standing_api: Api, owner: Keyed) -> None:
    with time_machine.travel(THEN, tick=False) as clock:
        key = made(standing_api, owner)
        used = []
        for second in (0, 30, 61):
            clock.move_to(THEN + timedelta(seconds=second))
            status_with(standing_api, key["token"])
            standing_api.resources.last_uses.write()
            with unit_of_work(standing_api.engine) as session:
                sql = "SELECT last_used_at FROM api_keys WHERE id = :id"
                used.append(rows(session, sql, id=key["id"])[0][0])

    assert used == [THEN, THEN, THEN + timedelta(seconds=61)]


def test_no_secret_stands_in_the_audit_log_or_beside_a_kept_answer(standing_api: Api, owner: Keyed) -> None:
    headers = {"Idempotency-Key": "one key, please"}
    with standing_api.as_(owner.token) as client:
        body = {"name": "ERP", "scopes": SCOPES}
        first = client.post("/v1/api-keys", json=body, headers=headers)
        again = client.post("/v1/api-keys", json=body, headers=headers)
    token = first.json()["token"]
    secret = token.rpartition("_")[2]
    with unit_of_work(standing_api.engine) as session:
        dump = rows(
            session,
            "SELECT to_jsonb(a)::text FROM audit_entries a UNION ALL SELECT to_jsonb(k)::text FROM api_keys k"
            " UNION ALL SELECT encode(body, 'escape') FROM idempotency_keys",
        )

    assert (first.status_code, again.json()) == (201, first.json())
    assert [row for row in dump if secret in str(row)] == []
    assert len(dump) > 3
