import base64
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
import time_machine

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, make_token
from fabroute.identity.service.oauth import purge_tokens
from tests.factories.api import Api
from tests.factories.credentials import Keyed, acts_on, given_keyed
from tests.factories.databases import in_transaction, rows
from tests.factories.problems import Refusal, problem_of, refusal_of

SCOPES = ["inventory:read", "orders:read"]
GRANT = {"grant_type": "client_credentials"}
THEN = datetime.fromisoformat("2027-03-01T08:00:00+00:00")


@pytest.fixture
def owner(standing_api: Api) -> Keyed:
    return given_keyed(standing_api.engine)


def a_client(api: Api, owner: Keyed, **body: object) -> Any:
    """A client with its secret."""
    with api.as_(owner.token) as client:
        response = client.post("/v1/oauth-clients", json={"name": "CMMS", "scopes": SCOPES} | body)
    assert response.status_code == 201, response.text
    return response.json()


def ask(api: Api, form: dict[str, str], *, auth: tuple[str, str] | None = None, path: str = "token") -> httpx.Response:
    """Send a form to the token endpoint, or another one of OAuth."""
    with api.as_(None) as client:
        basic = httpx.Auth() if auth is None else httpx.BasicAuth(*auth)
        return client.post(f"/v1/oauth/{path}", data=form, auth=basic)


def a_token(api: Api, client: Any, **form: str) -> str:
    """An access token of a client."""
    response = ask(api, GRANT | form, auth=(client["client_id"], client["client_secret"]))
    assert response.status_code == 200, response.text
    return str(response.json()["access_token"])


def status_with(api: Api, token: str, path: str = "/v1/orders") -> int:
    with api.as_(token) as client:
        return client.get(path).status_code


def refused(response: httpx.Response) -> tuple[int, str]:
    """Status and error, after a look at everything that RFC 6749, 5.2 says of such an answer."""
    body = response.json()
    assert set(body) == {"error", "error_description"}
    assert response.headers["Content-Type"] == "application/json"
    assert (response.headers["Cache-Control"], response.headers["Pragma"]) == ("no-store", "no-cache")
    assert ("WWW-Authenticate" in response.headers) == (response.status_code == 401)
    assert set(body["error_description"]) <= set(map(chr, range(0x20, 0x7F))) - {'"', "\\"}
    return response.status_code, body["error"]


def test_a_client_is_made_with_a_secret_that_is_never_shown_again(standing_api: Api, owner: Keyed) -> None:
    with standing_api.as_(owner.token) as client, time_machine.travel(THEN, tick=False):
        response = client.post("/v1/oauth-clients", json={"name": "CMMS", "scopes": SCOPES})
        made = response.json()
        read = client.get(response.headers["Location"]).json()
        listed = client.get("/v1/oauth-clients", params={"revoked": False}).json()["data"]

    secret = made.pop("client_secret")
    assert (response.status_code, response.headers["Cache-Control"]) == (201, "no-store")
    assert secret.startswith(f"frs_test_{made['client_id'].removeprefix('client_')}_")
    assert made == read == listed[0]
    assert made == {
        "client_id": made["client_id"],
        "organisation_id": owner.organisation_id,
        "name": "CMMS",
        "scopes": SCOPES,
        "created_at": "2027-03-01T08:00:00Z",
        "created_by": owner.key_id,
        "last_used_at": None,
        "previous_secret_until": None,
        "revoked_at": None,
    }
    assert status_with(standing_api, secret) == 401  # a secret is no token


def test_a_token_is_fetched_with_basic_or_in_the_form_and_works_like_a_key_for_an_hour(
    standing_api: Api, owner: Keyed
) -> None:
    client = a_client(standing_api, owner)
    pair = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    with time_machine.travel(THEN, tick=False) as clock:
        by_form = ask(standing_api, GRANT | pair)
        by_basic = ask(standing_api, GRANT, auth=(pair["client_id"], pair["client_secret"]))
        token = by_basic.json()["access_token"]
        opens = [status_with(standing_api, token, path) for path in ("/v1/orders", "/v1/nodes")]
        clock.move_to(THEN + timedelta(minutes=59, seconds=59))
        last = status_with(standing_api, token)
        clock.move_to(THEN + timedelta(hours=1))
        over = status_with(standing_api, token)

    for answer in (by_form, by_basic):
        assert (answer.status_code, answer.headers["Cache-Control"], answer.headers["Pragma"]) == (
            200,
            "no-store",
            "no-cache",
        )
        assert answer.json() | {"access_token": "…"} == {
            "access_token": "…",
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": "inventory:read orders:read",
        }
    assert token.startswith("frt_test_")
    assert (opens, last, over) == ([200, 403], 200, 401)


def test_what_a_client_does_is_told_of_the_client(standing_api: Api, owner: Keyed) -> None:
    client = a_client(standing_api, owner, scopes=["keys:write", "orders:read"])
    token = a_token(standing_api, client)
    with standing_api.as_(token) as program:
        key = program.post("/v1/api-keys", json={"name": "x", "scopes": ["orders:read"]}).json()

    assert key["created_by"] == client["client_id"]
    assert acts_on(standing_api.engine, "oauth_client", client["client_id"]) == [
        ("oauth_client.created", owner.key_id),
        ("access_token.issued", client["client_id"]),
    ]


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        ({}, (400, "invalid_request")),
        ({"grant_type": ""}, (400, "invalid_request")),
        ({"grant_type": "password", "username": "a", "password": "b"}, (400, "unsupported_grant_type")),
        ({"grant_type": "authorization_code", "code": "x"}, (400, "unsupported_grant_type")),
        (GRANT | {"scope": "orders:write"}, (400, "invalid_scope")),
        (GRANT | {"scope": "orders:read  inventory:read"}, (400, "invalid_scope")),
        (GRANT | {"scope": 'orders:"read"'}, (400, "invalid_scope")),
        (GRANT | {"scope": "orders:lesen ä"}, (400, "invalid_scope")),
        (GRANT | {"client_secret": "again"}, (400, "invalid_request")),
        (GRANT | {"client_id": "client_other"}, (400, "invalid_request")),
        (GRANT | {"scope": "", "something": "else"}, (200, "")),
        (GRANT | {"scope": "orders:read"}, (200, "")),
    ],
)
def test_the_error_table_of_the_token_endpoint(
    standing_api: Api, owner: Keyed, form: dict[str, str], answer: tuple[int, str]
) -> None:
    client = a_client(standing_api, owner)
    response = ask(standing_api, form, auth=(client["client_id"], client["client_secret"]))

    if answer[0] == 200:
        wanted = form["scope"] or "inventory:read orders:read"
        assert (response.status_code, response.json()["scope"]) == (200, wanted)
    else:
        assert refused(response) == answer


@pytest.mark.parametrize(
    ("content", "media_type", "error"),
    [
        (b"grant_type=client_credentials&grant_type=client_credentials", None, "invalid_request"),
        (b"grant_type=client_credentials&scope=%ff", None, "invalid_request"),
        ("grant_type=ä".encode(), None, "invalid_request"),
        (b"&".join(b"a%d=1" % number for number in range(60)), None, "invalid_request"),
        (b'{"grant_type": "client_credentials"}', "application/json", "invalid_request"),
        (b"grant_type=client_credentials", "text/plain", "invalid_request"),
        (b"", None, "invalid_request"),
    ],
)
def test_what_is_no_form_of_single_fields_is_an_invalid_request(
    standing_api: Api, content: bytes, media_type: str | None, error: str
) -> None:
    with standing_api.as_(None) as client:
        headers = {"Content-Type": media_type or "application/x-www-form-urlencoded"}
        assert refused(client.post("/v1/oauth/token", content=content, headers=headers)) == (400, error)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic /w==",
        basic("client_only"),
        basic(":secret"),
        basic("client_a:%ff"),
        basic("client_none:frs_test_none_x"),
        basic("client%00a:x"),
        "Bearer fr_test_1_2",
        "Digest username=a",
    ],
)
def test_credentials_that_open_nothing_are_an_invalid_client(standing_api: Api, header: str) -> None:
    with standing_api.as_(None, Authorization=header) as client:
        assert refused(client.post("/v1/oauth/token", data=GRANT)) == (401, "invalid_client")


def test_a_client_that_says_nothing_of_itself_is_an_invalid_client(standing_api: Api) -> None:
    for form in (GRANT, GRANT | {"client_id": "client_a"}, GRANT | {"client_secret": "x"}):
        response = ask(standing_api, form)
        assert refused(response) == (401, "invalid_client")
        assert response.headers["WWW-Authenticate"] == 'Basic realm="fabroute", charset="UTF-8"'


def test_basic_credentials_are_written_as_in_a_form(standing_api: Api, owner: Keyed) -> None:
    client = a_client(standing_api, owner)
    escaped = "".join(f"%{ord(letter):02x}" for letter in client["client_id"])
    with standing_api.as_(None, Authorization=basic(f"{escaped}:{quote_plus(client['client_secret'])}")) as program:
        assert program.post("/v1/oauth/token", data=GRANT).status_code == 200


def test_credentials_in_the_address_are_refused_and_too_long_a_form_too(standing_api: Api) -> None:
    with standing_api.as_(None) as client:
        in_query = client.post("/v1/oauth/token", params={"client_secret": "x"}, data=GRANT)
        long = client.post("/v1/oauth/token", data=GRANT | {"scope": "x" * 20_000})

    assert refusal_of(in_query) == Refusal(status=422, code="validation_failed", pointers=("",))
    assert refusal_of(long) == Refusal(status=413, code="body_too_large")


def test_two_secrets_open_until_the_overlap_is_over(standing_api: Api, owner: Keyed) -> None:
    with time_machine.travel(THEN, tick=False) as clock:
        client = a_client(standing_api, owner)
        with standing_api.as_(owner.token) as keeper:
            response = keeper.post(f"/v1/oauth-clients/{client['client_id']}/secret", json={"overlap_seconds": 60})
        rotated = response.json()
        secrets = (client["client_secret"], rotated["client_secret"])
        both = [ask(standing_api, GRANT, auth=(client["client_id"], it)).status_code for it in secrets]
        clock.move_to(THEN + timedelta(seconds=60))
        one = [ask(standing_api, GRANT, auth=(client["client_id"], it)).status_code for it in secrets]
        with standing_api.as_(owner.token) as keeper:
            keeper.post(f"/v1/oauth-clients/{client['client_id']}/secret", json={"overlap_seconds": 0})
        none = [ask(standing_api, GRANT, auth=(client["client_id"], it)).status_code for it in secrets]

    assert (response.status_code, rotated["previous_secret_until"]) == (201, "2027-03-01T08:01:00Z")
    assert (both, one, none) == ([200, 200], [401, 200], [401, 401])
    assert [it[0] for it in acts_on(standing_api.engine, "oauth_client", client["client_id"])] == [
        "oauth_client.created",
        "oauth_client.secret_rotated",
        *["access_token.issued"] * 3,
        "oauth_client.secret_rotated",
    ]


def test_a_revoked_client_takes_its_tokens_along_and_gets_no_new_secret(standing_api: Api, owner: Keyed) -> None:
    client = a_client(standing_api, owner)
    path = f"/v1/oauth-clients/{client['client_id']}"
    with time_machine.travel(THEN, tick=False) as clock, standing_api.as_(owner.token) as keeper:
        token = a_token(standing_api, client)
        before = status_with(standing_api, token)
        first, second = keeper.delete(path), keeper.delete(path)
        again = keeper.post(f"{path}/secret", json={})
        revoked = keeper.get("/v1/oauth-clients", params={"revoked": True}).json()["data"]
        asked = ask(standing_api, GRANT, auth=(client["client_id"], client["client_secret"]))
        clock.move_to(THEN + timedelta(seconds=1))
        after = status_with(standing_api, token)

    assert (before, after) == (200, 401)
    assert first.json() == second.json() == revoked[0]
    assert first.json()["revoked_at"] == "2027-03-01T08:00:00Z"
    assert refused(asked) == (401, "invalid_client")
    assert refusal_of(again) == Refusal(status=409, code="oauth_client_revoked")


def test_a_token_is_given_back_by_its_own_client_only_and_as_often_as_it_likes(standing_api: Api, owner: Keyed) -> None:
    mine, other = a_client(standing_api, owner), a_client(standing_api, owner)
    auth = (mine["client_id"], mine["client_secret"])
    with time_machine.travel(THEN, tick=False) as clock:
        token = a_token(standing_api, mine)
        foreign = ask(standing_api, {"token": token}, auth=(other["client_id"], other["client_secret"]), path="revoke")
        still = status_with(standing_api, token)
        hint = {"token": token, "token_type_hint": "refresh_token"}
        given_back = [ask(standing_api, hint, auth=auth, path="revoke") for _ in range(2)]
        clock.move_to(THEN + timedelta(seconds=1))
        after = status_with(standing_api, token)

    assert refused(foreign) == (400, "invalid_grant")
    assert [(it.status_code, it.content) for it in given_back] == [(200, b"")] * 2
    assert (still, after) == (200, 401)
    assert [it[0] for it in acts_on(standing_api.engine, "oauth_client", mine["client_id"])] == [
        "oauth_client.created",
        "access_token.issued",
        "access_token.revoked",
    ]


def test_what_is_no_token_needs_no_end_but_a_client_has_to_ask(standing_api: Api, owner: Keyed) -> None:
    client = a_client(standing_api, owner)
    auth = (client["client_id"], client["client_secret"])
    strange = ("x", "frt_test_a%00b", owner.token, make_token(environment="test", key_id="tok_none"))
    answers = [ask(standing_api, {"token": token}, auth=auth, path="revoke").status_code for token in strange]

    assert answers == [200] * 4
    assert status_with(standing_api, owner.token) == 200
    assert refused(ask(standing_api, {}, auth=auth, path="revoke")) == (400, "invalid_request")
    assert refused(ask(standing_api, {"token": "x"}, path="revoke")) == (401, "invalid_client")


def test_clients_follow_the_rules_of_keys(standing_api: Api, owner: Keyed) -> None:
    narrow = given_keyed(
        standing_api.engine, organisation_id=owner.organisation_id, scopes=["keys:write", "orders:read"]
    )
    plain = given_keyed(
        standing_api.engine, organisation_id=owner.organisation_id, scopes=ALL_SCOPES - {"keys:read", "keys:write"}
    )
    stranger = given_keyed(standing_api.engine)
    client = a_client(standing_api, owner)
    path, body = f"/v1/oauth-clients/{client['client_id']}", {"name": "x", "scopes": SCOPES}
    with standing_api.as_(narrow.token) as caller:
        too_much = [caller.post("/v1/oauth-clients", json=body), caller.post(f"{path}/secret", json={})]
    with standing_api.as_(plain.token) as caller:
        closed = [caller.post("/v1/oauth-clients", json=body), caller.get("/v1/oauth-clients"), caller.delete(path)]
    with standing_api.as_(stranger.token) as caller:
        foreign = [caller.get(path), caller.delete(path), caller.post(f"{path}/secret", json={})]
        elsewhere = caller.post("/v1/oauth-clients", json=body | {"organisation_id": owner.organisation_id})

    assert [refusal_of(it) for it in too_much] == [Refusal(status=403, code="scope_not_held")] * 2
    assert [refusal_of(it) for it in closed] == [Refusal(status=403, code="missing_scope")] * 3
    assert [refusal_of(it) for it in foreign] == [Refusal(status=404, code="unknown_oauth_client")] * 3
    assert refusal_of(elsewhere) == Refusal(status=404, code="unknown_organisation")
    assert problem_of(foreign[0])["detail"].endswith("GET /v1/oauth-clients")


def test_the_operator_sees_the_clients_of_all_and_makes_them_for_others(standing_api: Api, owner: Keyed) -> None:
    operator = given_keyed(standing_api.engine, kind="operator", scopes=["keys:read", "keys:write"])
    its_own = a_client(standing_api, operator, scopes=["keys:read"])
    made = a_client(standing_api, operator, organisation_id=owner.organisation_id, scopes=["inventory:release"])
    with standing_api.as_(operator.token) as client:
        whose = {"organisation_id": owner.organisation_id}
        of_one = client.get("/v1/oauth-clients", params=whose).json()["data"]
        everybody = client.get("/v1/oauth-clients", params={"limit": 200}).json()["data"]

    assert (made["organisation_id"], made["scopes"]) == (owner.organisation_id, ["inventory:release"])
    assert [it["client_id"] for it in of_one] == [made["client_id"]]
    assert {made["client_id"], its_own["client_id"]} <= {it["client_id"] for it in everybody}


def test_a_client_s_last_use_is_that_of_its_tokens(standing_api: Api, owner: Keyed) -> None:
    with time_machine.travel(THEN, tick=False) as clock:
        client = a_client(standing_api, owner)
        token = a_token(standing_api, client)
        clock.move_to(THEN + timedelta(minutes=5))
        status_with(standing_api, token)
        standing_api.resources.last_uses.write()
        with standing_api.as_(owner.token) as keeper:
            read = keeper.get(f"/v1/oauth-clients/{client['client_id']}").json()

    assert read["last_used_at"] == "2027-03-01T08:05:00Z"


def test_tokens_are_removed_a_day_after_their_end(standing_api: Api, owner: Keyed) -> None:
    count = "SELECT count(*) FROM access_tokens"
    in_transaction(standing_api.engine, lambda session: rows(session, "DELETE FROM access_tokens RETURNING 1"))
    with time_machine.travel(THEN, tick=False) as clock:
        client = a_client(standing_api, owner)
        a_token(standing_api, client)
        clock.move_to(THEN + timedelta(hours=1))
        a_token(standing_api, client)
    removed, left = [], []
    for hours in (25, 25.001, 26.001):
        with unit_of_work(standing_api.engine) as session:
            removed.append(purge_tokens(session, now=THEN + timedelta(hours=hours)))
            left.append(rows(session, count)[0][0])

    assert (removed, left) == ([0, 1, 1], [2, 1, 0])


def test_oauth_libraries_find_out_where_everything_is(standing_api: Api) -> None:
    with standing_api.as_(None) as client:
        response = client.get("/.well-known/oauth-authorization-server")
    metadata = response.json()

    assert (response.status_code, metadata["issuer"]) == (200, "http://127.0.0.1:8000")
    assert metadata | {"scopes_supported": []} == {
        "issuer": "http://127.0.0.1:8000",
        "token_endpoint": "http://127.0.0.1:8000/v1/oauth/token",
        "revocation_endpoint": "http://127.0.0.1:8000/v1/oauth/revoke",
        "scopes_supported": [],
        "response_types_supported": ["none"],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "service_documentation": "http://127.0.0.1:8000/docs",
    }
    assert set(metadata["scopes_supported"]) == ALL_SCOPES
