import math

import httpx

from fabroute.identity.rules import make_token
from tests.conftest import Database
from tests.factories.api import Api, served_api
from tests.factories.credentials import given_keyed
from tests.factories.problems import Refusal, problem_of, refusal_of
from tests.factories.statements import statements_sent

WRONG = Refusal(status=401, code="unauthenticated")
TOO_MANY = Refusal(status=429, code="too_many_wrong_keys")
ATTACKER, CLIENT = "198.51.100.7", "203.0.113.9"


def get(api: Api, token: str, address: str) -> httpx.Response:
    """A request that a proxy hands on for a client."""
    with api.as_(token, **{"X-Forwarded-For": f"192.0.2.77, {address}"}) as client:
        return client.get("/v1/orders")


def guess(number: int) -> str:
    return make_token(environment="test", key_id=f"key_{number}")


def test_whoever_tries_many_keys_waits_without_a_query_and_nobody_else_does(database: Database) -> None:
    with served_api(database.url, wrong_keys_a_minute=3, trusted_proxies=1, api_key_cache_seconds=0) as api:
        newcomer = given_keyed(api.engine)
        used = get(api, api.owner.token, ATTACKER)
        tried = [get(api, guess(number), ATTACKER) for number in range(3)]
        with statements_sent(api.resources.engine) as queries:
            late = [get(api, guess(number), ATTACKER) for number in range(3, 20)]
            malformed = get(api, "fr_test_1_2", ATTACKER)
            fresh = get(api, newcomer.token, ATTACKER)
        asked = list(queries)
        in_use, elsewhere = get(api, api.owner.token, ATTACKER), get(api, newcomer.token, CLIENT)

    assert (used.status_code, [refusal_of(it) for it in tried]) == (200, [WRONG] * 3)
    assert {refusal_of(it) for it in [*late, malformed, fresh]} == {TOO_MANY}
    assert 19 <= int(late[0].headers["Retry-After"]) <= 20 == math.ceil(60 / 3)
    assert problem_of(late[0])["detail"].endswith("keys that were in use go on working")
    assert asked == []
    assert (in_use.status_code, elsewhere.status_code) == (200, 200)


def test_secrets_of_oauth_clients_are_counted_alike(database: Database) -> None:
    with served_api(database.url, wrong_keys_a_minute=2) as api:
        with api.as_(api.owner.token) as keeper:
            made = keeper.post("/v1/oauth-clients", json={"name": "x", "scopes": ["orders:read"]}).json()
        form = {"grant_type": "client_credentials", "client_id": made["client_id"]}
        with api.as_(None) as client:
            good = client.post("/v1/oauth/token", data=form | {"client_secret": made["client_secret"]})
            wrong = [client.post("/v1/oauth/token", data=form | {"client_secret": f"no {n}"}) for n in range(3)]
            still = client.post("/v1/oauth/token", data=form | {"client_secret": made["client_secret"]})

    assert (good.status_code, still.status_code) == (200, 200)
    assert [it.status_code for it in wrong] == [401, 401, 429]
    assert refusal_of(wrong[2]) == TOO_MANY


def test_a_key_that_was_revoked_is_a_wrong_key_from_then_on(database: Database) -> None:
    with served_api(database.url, wrong_keys_a_minute=1, api_key_cache_seconds=0) as api:
        key = given_keyed(api.engine, organisation_id=api.owner.organisation_id)
        with api.as_(key.token) as client:
            before = client.get("/v1/orders").status_code
            client.delete(f"/v1/api-keys/{key.key_id}")
            after = [refusal_of(client.get("/v1/orders")) for _ in range(2)]

    assert (before, after) == (200, [WRONG, TOO_MANY])
