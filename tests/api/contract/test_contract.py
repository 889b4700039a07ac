"""What every operation owes its clients, read from the OpenAPI: a new endpoint that forgets it is named here.

Whoever adds an operation with a reason of its own adds it to an exception below, with that reason.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import compile_path

from fabroute.api.app import _ROUTERS
from fabroute.api.contract.document import codes_of
from fabroute.api.contract.locations import LOCATIONS, UNPLACED
from fabroute.api.contract.routes import OWN_WAY, ContractRoute, calls_of, gives_secret, is_answered_once
from fabroute.api.contract.secrets import SECRET_FIELDS
from fabroute.api.contract.waiting import WAITING
from fabroute.api.dependencies import get_principal, get_session, get_telling_session
from tests.factories.api import Api
from tests.factories.documents import whole_document

Operations = Mapping[str, dict[str, Any]]

WITHOUT_KEY = {
    "accept_invitation": "an invitation is accepted once; who accepts it has no key yet",
    "change_my_password": "the old password is needed, and is none any more after the first time",
    "issue_access_token": "RFC 6749 says what it answers; a token that was not heard of expires by itself",
    "revoke_access_token": "RFC 7009 makes it harmless to repeat",
    "sign_in": "a session that was not heard of expires by itself",
}
"""POSTs that take no Idempotency-Key, and why."""
WITHOUT_MATCH = {
    "put_certificate_evidence": "it takes one file, once: a second other one is refused",
    "put_document": "what is put is the whole document, under its name; its ETag is its SHA-256",
    "put_first_article_evidence": "it takes one file, once: a second other one is refused",
    "put_job_evidence": "what is put is the whole file, under its name; its ETag is its SHA-256",
    "put_print_file": "what is put is the whole file; a newer one replaces it while it is validated, and says so",
    "set_logo": "what is put is the whole picture",
    "set_lot_state": "material must be blocked at once, whatever else of the lot was changed meanwhile",
}
"""PUTs and PATCHes without If-Match, and why."""
WITHOUT_TAG = {
    "download_screening": "a table that is streamed while it is read",
    "fetch_print_file": "a ticket that is used up by its first use",
    "start_openid": "it leads elsewhere, to somewhere else each time",
    "finish_openid": "it leads elsewhere, once",
}
"""GETs of single things without ETag, and why; beside these, exports are streamed while they are read."""
SILENT = {"get_authorization_server", "is_alive"}
"""Operations that can't refuse anything."""

CHECKS = frozenset({"check", "get_operator"})
"""The names of the dependencies that look at what the caller may do."""


@pytest.fixture(scope="module")
def document() -> Any:
    return whole_document()


@pytest.fixture(scope="module")
def operations(document: Any) -> Operations:
    return {
        operation["operationId"]: operation | {"method": method, "path": path}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


@pytest.fixture(scope="module")
def routes() -> list[APIRoute]:
    return [route for module in _ROUTERS for route in module.router.routes if isinstance(route, APIRoute)]


def of(operations: Operations, *methods: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from ((name, it) for name, it in operations.items() if it["method"] in methods)


def parameters(operation: dict[str, Any]) -> dict[str, Any]:
    return {parameter["name"]: parameter for parameter in operation.get("parameters", ())}


def headers(operation: dict[str, Any], status: str = "200") -> set[str]:
    return set(operation["responses"].get(status, {}).get("headers", {}))


def is_list(document: Any, operation: dict[str, Any]) -> bool:
    answer = operation["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
    schema = document["components"]["schemas"].get(answer.get("$ref", "").rpartition("/")[2], {})
    return {"data", "has_more", "next_cursor"} <= set(schema.get("properties", ()))


def test_every_operation_documents_its_problems(operations: Operations) -> None:
    silent = {name for name, operation in operations.items() if not codes_of(operation)}
    unlimited = {
        name
        for name, operation in operations.items()
        if "unauthenticated" in codes_of(operation) and "rate_limited" not in codes_of(operation)
    }

    assert silent - SILENT == set()
    assert unlimited == set()
    assert {meaning for operation in operations.values() for meaning in codes_of(operation).values()}.isdisjoint({""})


def test_every_list_has_pages(document: Any, operations: Operations) -> None:
    lists = {name: it for name, it in of(operations, "get") if is_list(document, it)}
    unpaged = {name for name, it in lists.items() if not {"limit", "cursor"} <= set(parameters(it))}
    unlinked = {name for name, it in lists.items() if "Link" not in headers(it)}

    assert (unpaged, unlinked) == (set(), set())
    assert {"list_orders", "list_parts", "list_quotes"} <= set(lists)
    assert {parameters(it)["limit"]["schema"]["maximum"] for it in lists.values()} == {200}


def test_every_single_thing_has_an_etag_and_is_not_sent_twice(document: Any, operations: Operations) -> None:
    single = {
        name: it
        for name, it in of(operations, "get")
        if it["path"].startswith("/v1") and not is_list(document, it) and not it["path"].startswith("/v1/exports/")
    }
    untagged = {name for name, it in single.items() if "ETag" not in headers(it)}
    always_sent = {name for name, it in single.items() if "304" not in it["responses"]}
    unasked = {name for name, it in single.items() if "If-None-Match" not in parameters(it)}

    assert untagged - set(WITHOUT_TAG) == set()
    assert always_sent - set(WITHOUT_TAG) == set()
    assert unasked - set(WITHOUT_TAG) == set()


def test_every_change_needs_the_version_that_was_seen(operations: Operations) -> None:
    changes = dict(of(operations, "put", "patch"))
    blind = {name for name, it in changes.items() if not parameters(it).get("If-Match", {}).get("required")}
    unchecked = {
        name for name, it in changes.items() if not {"precondition_required", "unknown_tag"} <= set(codes_of(it))
    }

    assert blind == set(WITHOUT_MATCH) & set(changes)
    assert unchecked - set(WITHOUT_MATCH) == set()
    assert all("412" in it["responses"] for name, it in changes.items() if name not in WITHOUT_MATCH)


def test_every_post_takes_an_idempotency_key(operations: Operations) -> None:
    posts = dict(of(operations, "post"))
    keyless = {name for name, it in posts.items() if "Idempotency-Key" not in parameters(it)}
    required = {name for name, it in posts.items() if parameters(it).get("Idempotency-Key", {}).get("required")}
    of_keys = {"idempotency_key_invalid", "idempotency_key_in_flight", "idempotency_key_reused"}
    uncoded = {name for name, it in posts.items() if name not in keyless and not of_keys <= set(codes_of(it))}

    assert keyless - set(WITHOUT_KEY) == set()
    assert required == OWN_WAY
    assert uncoded == set()


def test_whatever_is_created_tells_where_it_is(operations: Operations) -> None:
    created = {name: it for name, it in of(operations, "post") if {"201", "202"} & set(it["responses"])}
    unplaced = {name for name, it in created.items() if not {"Location"} & (headers(it, "201") | headers(it, "202"))}
    readable = [compile_path(it["path"])[0] for _, it in of(operations, "get")]
    unreadable = {template for template in LOCATIONS.values() if not any(path.match(template) for path in readable)}

    assert unplaced - set(UNPLACED) == set()
    assert set(LOCATIONS) - set(created) == set()
    assert unreadable == set()


def test_what_can_be_waited_for_says_so(operations: Operations) -> None:
    waiting = {name for name, it in of(operations, "get") if "wait" in parameters(it)}

    assert set(WAITING) - waiting == set()
    assert all(parameters(operations[name])["wait"]["schema"]["maximum"] == 25 for name in waiting)


def test_every_route_is_under_the_contract(routes: list[APIRoute]) -> None:
    assert {route.name for route in routes if not isinstance(route, ContractRoute)} == set()
    assert len(routes) > 150


def test_a_stored_answer_is_looked_for_after_the_caller_was_checked(routes: list[APIRoute]) -> None:
    sessions = {get_session, get_telling_session}
    for route in filter(is_answered_once, routes):
        calls = list(calls_of(route.dependant))
        checks = [
            number for number, call in enumerate(calls) if getattr(call, "__name__", "") in ("check", "get_operator")
        ]
        held = [number for number, call in enumerate(calls) if call in sessions]
        assert get_principal in calls, route.name
        assert len({calls[number] for number in held}) <= 1, f"{route.name} has two sessions: which keeps its answer?"
        assert not held or not checks or checks[0] < held[0], f"{route.name}: ask for the caller before the session"


def test_answers_with_secrets_are_sealed(routes: list[APIRoute], operations: Operations) -> None:
    sealed = {route.name for route in routes if is_answered_once(route) and gives_secret(route)}

    assert {"create_api_key", "rotate_api_key", "issue_file_ticket"} <= sealed
    assert sealed <= set(operations)
    assert {"token", "secret", "access_token"} <= SECRET_FIELDS


@pytest.mark.parametrize("path", ["/v1/parts", "/v1/parts/NO", "/v1/nothing", "/healthz"])
def test_every_answer_has_the_id_of_its_request(standing_api: Api, path: str) -> None:
    ours, yours = standing_api.client.get(path), standing_api.client.get(path, headers={"X-Request-Id": "mine-1"})

    assert ours.headers["X-Request-Id"].startswith("req_")
    assert yours.headers["X-Request-Id"] == "mine-1"
