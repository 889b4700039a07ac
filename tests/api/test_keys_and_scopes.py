import time

import pytest

from fabroute.database import unit_of_work
from fabroute.identity.rules import Scope
from fabroute.identity.service import issue_api_key, revoke_api_key
from fabroute.kernel.time import utc_now
from tests.conftest import Database
from tests.factories.api import Api, an_order, served_api
from tests.factories.orders import given_owner
from tests.factories.problems import Refusal, refusal_of

UNAUTHENTICATED = Refusal(status=401, code="unauthenticated")
OPERATIONS: tuple[tuple[str, str, Scope], ...] = (
    ("POST", "/v1/orders", "orders:write"),
    ("GET", "/v1/orders", "orders:read"),
    ("GET", "/v1/orders/ord_1", "orders:read"),
    ("POST", "/v1/orders/ord_1/cancel", "orders:write"),
    ("GET", "/v1/orders/ord_1/decision", "orders:read"),
    ("GET", "/v1/order-statistics", "orders:read"),
    ("POST", "/v1/quotes", "orders:write"),
    ("GET", "/v1/quotes", "orders:read"),
    ("GET", "/v1/quotes/qte_1", "orders:read"),
    ("GET", "/v1/parts", "inventory:read"),
    ("GET", "/v1/parts/RL-0001", "inventory:read"),
    ("GET", "/v1/nodes", "network:read"),
    ("GET", "/v1/nodes/N101", "network:read"),
    ("PATCH", "/v1/nodes/N101", "network:write"),
    ("POST", "/v1/nodes/N101/lots", "network:write"),
    ("GET", "/v1/nodes/N101/jobs", "jobs:read"),
)


def token_with(api: Api, *scopes: str) -> str:
    with unit_of_work(api.engine) as session:
        key = issue_api_key(
            session, organisation_id=api.owner.organisation_id, name="narrow", scopes=scopes, now=utc_now()
        )
    return key.token


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
def test_every_operation_needs_a_key_with_its_scope(standing_api: Api, method: str, path: str, scope: Scope) -> None:
    others = [wanted for _, _, wanted in OPERATIONS if wanted != scope]
    with standing_api.as_(None) as nobody, standing_api.as_(token_with(standing_api, *others)) as narrow:
        without_key, without_scope = nobody.request(method, path), narrow.request(method, path)

    assert refusal_of(without_key) == UNAUTHENTICATED
    assert without_key.headers["WWW-Authenticate"] == 'Bearer realm="fabroute"'
    assert refusal_of(without_scope) == Refusal(status=403, code="missing_scope")
    assert scope in without_scope.json()["detail"]


@pytest.mark.parametrize("header", ["", "Bearer", "Basic YTpi", "Bearer sk_live_1", "Bearer fr_test_1_2", "fr"])
def test_a_header_that_is_no_key_of_fabroute_is_refused(standing_api: Api, header: str) -> None:
    with standing_api.as_(None, Authorization=header) as stranger:
        assert refusal_of(stranger.get("/v1/orders")) == UNAUTHENTICATED


def test_a_key_with_bytes_that_are_no_ascii_is_refused(standing_api: Api) -> None:
    response = standing_api.client.get("/v1/orders", headers=[(b"authorization", b"Bearer fr_test_\xff_\xfe")])
    assert refusal_of(response) == UNAUTHENTICATED


def test_the_word_bearer_is_read_in_any_case(standing_api: Api) -> None:
    with standing_api.as_(None, Authorization=f"bearer {standing_api.owner.token}") as client:
        assert client.get("/v1/orders").status_code == 200


def test_health_needs_no_key(standing_api: Api) -> None:
    with standing_api.as_(None) as nobody:
        assert nobody.get("/healthz").json() == {"status": "ok"}
        assert nobody.get("/readyz").json() == {"status": "ok"}


def test_a_revoked_key_is_refused_within_a_second(database: Database) -> None:
    with served_api(database.url, api_key_cache_seconds=0.2) as api:
        assert api.client.get("/v1/orders").status_code == 200
        with unit_of_work(api.engine) as session:
            revoke_api_key(session, key_id=api.owner.key_id, now=utc_now())
        deadline = time.monotonic() + 1
        while api.client.get("/v1/orders").status_code == 200 and time.monotonic() < deadline:
            time.sleep(0.02)

        assert refusal_of(api.client.get("/v1/orders")) == UNAUTHENTICATED
        assert refusal_of(api.place()) == UNAUTHENTICATED


def test_what_belongs_to_someone_else_is_as_unknown_as_what_is_not_there(standing_api: Api) -> None:
    stranger = given_owner(standing_api.engine, name="Stranger", part_no="ST-1")
    order_id = standing_api.place(an_order(), key="mine").json()["id"]
    with standing_api.as_(stranger.token) as client:
        for path in (f"/v1/orders/{order_id}", f"/v1/orders/{order_id}/decision", "/v1/orders/ord_none"):
            assert refusal_of(client.get(path)) == Refusal(status=404, code="unknown_order")
        assert refusal_of(client.post(f"/v1/orders/{order_id}/cancel")) == Refusal(status=404, code="unknown_order")
        assert refusal_of(client.get("/v1/parts/RL-0001")) == Refusal(status=404, code="unknown_part")
        assert client.get("/v1/orders").json()["data"] == []
        assert [part["part_no"] for part in client.get("/v1/parts").json()["data"]] == ["ST-1"]
        placed = client.post("/v1/orders", json=an_order(), headers={"Idempotency-Key": "mine"})
        assert refusal_of(placed) == Refusal(status=422, code="unknown_part", pointers=("/lines/0/part",))
    assert standing_api.client.get(f"/v1/orders/{order_id}").json()["state"] == "pending"
