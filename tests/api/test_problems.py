import gzip
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from fabroute.api.app import build_app
from fabroute.api.dependencies import PublicSession, WriteSession
from fabroute.api.resources import make_resources
from fabroute.identity.service import AuditedRefusal, AuditRecord, read_audit, record_audit
from fabroute.settings import Settings
from tests.conftest import Database
from tests.factories.api import Api, client_on, served, served_api
from tests.factories.databases import allow_connections, engine_for, in_transaction, refuse_connections, rows
from tests.factories.orders import given_owner
from tests.factories.organisations import NOW
from tests.factories.problems import Refusal, problem_of, refusal_of


def test_a_path_where_nothing_is_says_so(standing_api: Api) -> None:
    for path in ("/", "/v1", "/v1/order", "/v1/orders/", "/doc", "/v1/orders/a%00b", "/v1/orders/" + "x" * 101):
        assert refusal_of(standing_api.client.get(path)) == Refusal(status=404, code="not_found")
    detail = problem_of(standing_api.client.get("/"))["detail"]

    assert detail == "there is nothing at /: the handbook is at /docs, the description at /openapi.json"


def test_a_method_that_a_path_does_not_take_names_those_it_takes(standing_api: Api) -> None:
    for path, allowed in (("/v1/orders", "GET, POST"), ("/v1/nodes/N1", "GET, PATCH"), ("/healthz", "GET")):
        response = standing_api.client.delete(path)
        assert refusal_of(response) == Refusal(status=405, code="method_not_allowed")
        assert response.headers["Allow"] == allowed


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "state=lost", "cursor=%25", "cursor=AAAA", "batch=", "batch=a%00b"]
)
def test_a_query_parameter_that_can_not_be_taken_is_named(standing_api: Api, query: str) -> None:
    response = standing_api.client.get(f"/v1/orders?{query}")

    assert refusal_of(response) == Refusal(status=422, code="validation_failed", pointers=("",))
    assert f"parameter {query.partition('=')[0]}: " in problem_of(response)["detail"]


def test_a_request_keeps_the_id_it_came_with_and_else_gets_one(standing_api: Api) -> None:
    given = standing_api.client.get("/v1/nix", headers={"X-Request-Id": "trace-7:a.b_c"})
    strange = standing_api.client.get("/v1/nix", headers={"X-Request-Id": "a b"})
    long = standing_api.client.get("/healthz", headers={"X-Request-Id": "x" * 129})

    assert problem_of(given)["request_id"] == "trace-7:a.b_c"
    assert problem_of(strange)["request_id"].startswith("req_")
    assert long.headers["X-Request-Id"].startswith("req_")
    assert strange.headers["X-Request-Id"] != long.headers["X-Request-Id"]


@pytest.mark.parametrize(("path", "media_type"), [("/v1/parts", "application/json"), ("/v1/imports/parts", "text/csv")])
def test_a_compressed_body_is_refused(standing_api: Api, path: str, media_type: str) -> None:
    headers = {"Content-Type": media_type, "Content-Encoding": "gzip"}
    response = standing_api.client.post(path, content=gzip.compress(b"{}"), headers=headers)

    assert refusal_of(response) == Refusal(status=415, code="unsupported_media_type")
    assert "send the plain bytes" in problem_of(response)["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "logged"),
    [
        ("GET", "/v1/orders/ord_1", 404, "unknown_order", "/v1/orders/{order_id}"),
        ("GET", "/v1/orders?limit=hidden", 422, "validation_failed", "/v1/orders"),
        ("GET", "/v1/orders?hidden=1", 422, "validation_failed", "/v1/orders"),
        ("GET", "/v1/print-files/hidden", 404, "not_found", "/v1/print-files/{token}"),
        ("DELETE", "/v1/orders?hidden=1", 405, "method_not_allowed", "/v1/orders"),
        ("GET", "/nowhere?hidden=1", 404, "not_found", "/nowhere"),
        ("GET", "/" + "x" * 300, 404, "not_found", "/…"),
        ("GET", "/v1/print-file/hidden-token_7/print", 404, "not_found", "/v1/…/…/print"),
    ],
)
def test_a_refused_request_is_found_in_the_log_by_its_id(
    standing_api: Api, method: str, path: str, status: int, code: str, logged: str
) -> None:
    with capture_logs() as log:
        response = standing_api.client.request(method, path, headers={"X-Request-Id": "find-me"})

    (entry,) = log
    assert entry == {
        "event": "request refused",
        "log_level": "info",
        "request_id": "find-me",
        "method": method,
        "path": logged,
        "status": status,
        "code": code,
    }
    assert refusal_of(response).code == code


def test_neither_keys_nor_queries_are_logged(standing_api: Api) -> None:
    with standing_api.as_("fr_test_secret_token") as stranger, capture_logs() as log:
        response = stranger.get("/v1/orders?reference=confidential")
        healthy = stranger.get("/healthz")

    assert (response.status_code, healthy.status_code) == (401, 200)
    assert [(entry["status"], entry["path"]) for entry in log] == [(401, "/v1/orders")]
    assert "secret" not in str(log)
    assert "confidential" not in str(log)


# ---------------------------------------------------------------- failures that are not the client's


def api_with_faults(url: str) -> FastAPI:
    """The API with two more routes, on the very dependency that all changes use."""
    app = build_app(make_resources(Settings(database_url=url, profile="embedded")))

    @app.post("/faults/commit")
    def fail_at_commit(session: WriteSession) -> dict[str, str]:
        session.connection().execute(text("INSERT INTO deferred_children VALUES (1)"))
        return {"status": "done"}

    @app.post("/faults/foreign-write")
    def write_for_another(session: WriteSession) -> None:
        session.connection().execute(text("INSERT INTO organisations VALUES ('org_2', 'Two', 'owner', now())"))

    @app.get("/faults/bug")
    def run_into_a_bug() -> dict[str, str]:
        raise LookupError("secret detail of the inside")

    return app


@pytest.fixture
def faulty(database: Database) -> Iterator[str]:
    tables = (
        "CREATE TABLE deferred_parents (id int PRIMARY KEY);"
        "CREATE TABLE deferred_children (id int REFERENCES deferred_parents DEFERRABLE INITIALLY DEFERRED);"
        "GRANT ALL ON deferred_parents, deferred_children TO app_rw"
    )
    with engine_for(database.migration_url) as owner:
        in_transaction(owner, lambda session: session.connection().exec_driver_sql(tables))
    with served(api_with_faults(database.url)) as socket:
        yield socket


def test_a_commit_that_fails_never_looks_like_success(faulty: str, database: Database) -> None:
    with engine_for(database.url) as engine:
        token = given_owner(engine).token
    with client_on(faulty, token, {}) as client, capture_logs() as log:
        response = client.post("/faults/commit")
    with engine_for(database.url) as engine:
        written = in_transaction(engine, lambda session: rows(session, "SELECT * FROM deferred_children"))

    assert refusal_of(response) == Refusal(status=500, code="internal_error")
    assert "deferred" not in response.text
    assert written == []
    assert [type(entry["exc_info"]) for entry in log] == [IntegrityError]


def test_what_row_level_security_refuses_to_write_is_nobody_elses_fault_but_no_500(
    faulty: str, database: Database
) -> None:
    with engine_for(database.url) as engine:
        token = given_owner(engine).token
    with client_on(faulty, token, {}) as client, capture_logs() as log:
        refused = client.post("/faults/foreign-write")
    with engine_for(database.url) as engine:
        written = in_transaction(
            engine, lambda session: rows(session, "SELECT id FROM organisations WHERE id = 'org_2'")
        )

    assert refusal_of(refused) == Refusal(status=403, code="foreign_tenant")
    assert "organisations" not in refused.text
    assert (written, [entry["event"] for entry in log]) == ([], ["write for another tenant refused"])


def test_a_bug_is_answered_without_its_inside_and_logged_with_it(faulty: str) -> None:
    with client_on(faulty, None, {}) as client, capture_logs() as log:
        response = client.get("/faults/bug", headers={"X-Request-Id": "find-me"})
        healthy = client.get("/healthz")

    assert refusal_of(response) == Refusal(status=500, code="internal_error")
    assert problem_of(response)["request_id"] == "find-me"
    assert "secret" not in response.text
    assert response.headers["Connection"] == "close"
    assert [(entry["log_level"], entry["request_id"], str(entry["exc_info"])) for entry in log] == [
        ("error", "find-me", "secret detail of the inside")
    ]
    assert healthy.status_code == 200


def test_while_the_database_is_away_requests_are_told_to_come_back_and_nothing_is_lost(database: Database) -> None:
    with served_api(database.url) as api:
        first = api.place(key="first")
        refuse_connections(database.url)

        placed, listed, ready = api.place(key="second"), api.client.get("/v1/orders"), api.client.get("/readyz")
        alive = api.client.get("/healthz")
        allow_connections(database.url)
        again, first_again = api.place(key="second"), api.place(key="first")

        assert refusal_of(placed) == refusal_of(listed) == Refusal(status=503, code="temporarily_unavailable")
        assert placed.headers["Retry-After"] == listed.headers["Retry-After"] == "2"
        assert refusal_of(ready) == Refusal(status=503, code="database_unreachable")
        assert "start it, or check FABROUTE_DATABASE_URL" in problem_of(ready)["detail"]
        assert alive.status_code == 200
        assert (again.status_code, first_again.content) == (201, first.content)
        assert in_transaction(api.engine, lambda session: rows(session, "SELECT count(*) FROM orders")) == [(2,)]


def test_a_database_without_the_schema_of_this_version_is_not_ready(empty_database: Database) -> None:
    app = build_app(make_resources(Settings(database_url=empty_database.url, profile="embedded")))
    with served(app) as socket, client_on(socket, None, {}) as client:
        response = client.get("/readyz")

    assert refusal_of(response) == Refusal(status=503, code="schema_not_current")
    assert problem_of(response)["detail"].endswith("run `fabroute migrate`")
    assert "revision none" in problem_of(response)["detail"]


class Seen(AuditedRefusal):
    """Refused, and to be remembered."""

    code = "seen"
    status = 409


def api_that_remembers(url: str) -> FastAPI:
    """The API with a route that does something, then refuses with an entry for the audit log."""
    app = build_app(make_resources(Settings(database_url=url, profile="embedded", storage_url="memory://")))

    @app.post("/faults/refusal")
    def refuse(session: PublicSession) -> None:
        done = an_entry("thing.done")
        record_audit(session, entry=done)
        raise Seen("not this time", entry=an_entry("thing.refused"))

    @app.get("/faults/refusal")
    def refuse_at_once() -> None:
        raise Seen("not this time", entry=an_entry("thing.refused"))

    return app


def an_entry(action: str) -> AuditRecord:
    return AuditRecord(
        organisation_id=None, occurred_at=NOW, actor="key_1", action=action, subject_type="thing", subject_id="t1"
    )


def test_a_refusal_for_the_record_is_on_the_audit_log_though_its_work_is_undone(database: Database) -> None:
    with served(api_that_remembers(database.url)) as socket, client_on(socket, None, {}) as client:
        refused = client.post("/faults/refusal")

    assert refusal_of(refused) == Refusal(status=409, code="seen")
    with engine_for(database.url) as engine:
        entries = in_transaction(engine, lambda session: read_audit(session, subject_type="thing", subject_id="t1"))
    assert [(entry.action, entry.actor, entry.occurred_at) for entry in entries] == [("thing.refused", "key_1", NOW)]


def test_a_refusal_that_can_not_be_recorded_is_no_answer(database: Database) -> None:
    with served(api_that_remembers(database.url)) as socket, client_on(socket, None, {}) as client:
        refuse_connections(database.url)
        refused = client.get("/faults/refusal")
        allow_connections(database.url)

    assert refusal_of(refused) == Refusal(status=503, code="temporarily_unavailable")
    assert refused.headers["Retry-After"] == "2"
