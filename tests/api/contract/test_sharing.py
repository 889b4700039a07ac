"""What repeats stands once in the document, and a client reads the same as if it stood everywhere."""

import json
from collections import Counter
from typing import Any

import pytest
from fastapi import FastAPI

from fabroute.api import description
from fabroute.api.app import build_app
from fabroute.api.contract.sharing import expanded, shared
from tests.factories.documents import document, rendered, whole, whole_document

REFUSED = "- `unauthenticated`: No API key, or one that opens nothing."
NO_NODE = "- `unknown_node`: There is no such node."
RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}


def an_operation(*, limit: int, answers: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "integer", "maximum": limit}
    return {"parameters": [{"name": "limit", "in": "query", "schema": schema}], "responses": answers}


def a_document() -> dict[str, Any]:
    """Return a document with operations that tell much alike."""
    refused, busy = {"401": {"description": REFUSED}}, {"description": "- `busy`: Later.", "headers": RETRY_AFTER}
    made, gone = {"description": "Made."}, {"description": "Gone.", "headers": RETRY_AFTER}
    return {
        "paths": {
            "/v1/a": {
                "get": an_operation(limit=200, answers={"201": made, **refused, "404": {"description": NO_NODE}})
            },
            "/v1/b": {"get": an_operation(limit=9, answers={"201": made, **refused, "404": {"description": NO_NODE}})},
            "/v1/c": {"get": an_operation(limit=200, answers={**refused, "429": busy, "default": gone})},
            "/v1/d": {"get": {"responses": {"429": {"description": "Something else."}}}},
        },
        "components": {"schemas": {}, "headers": {"X-Request-Id": {"description": "Yours."}}},
    }


@pytest.fixture(scope="module")
def served() -> Any:
    return document()


def test_a_client_reads_the_same_as_if_every_operation_told_all_of_its_own(served: Any) -> None:
    unshared = description.complete(FastAPI.openapi(build_app(None)))

    assert whole_document()["paths"] == whole(unshared)["paths"]
    assert whole_document()["webhooks"] == whole(unshared)["webhooks"]
    assert served["components"]["schemas"] == unshared["components"]["schemas"]
    assert len(rendered()) < 0.7 * len(json.dumps(unshared, indent=2, ensure_ascii=False))


def test_the_handbook_reads_what_a_client_reads(served: Any) -> None:
    assert expanded(served)["paths"] == whole_document()["paths"]
    assert expanded(served)["webhooks"] == whole_document()["webhooks"]


def test_no_problem_parameter_or_header_of_the_document_is_told_twice(served: Any) -> None:
    operations = [it for member in ("paths", "webhooks") for path in served[member].values() for it in path.values()]
    problems = [it for each in operations for status, it in each["responses"].items() if status >= "300"]
    told = problems + [it for each in operations for it in each.get("parameters", ())]
    told += [
        it for each in operations for answer in each["responses"].values() for it in answer.get("headers", {}).values()
    ]
    counted = Counter(json.dumps(it, sort_keys=True) for it in told if "$ref" not in it)

    assert {text for text, count in counted.items() if count > 1} == set()
    assert {"Problem.401", "Problem.403", "Problem.429", "Problem.500", "Problem.503"} <= set(
        served["components"]["responses"]
    )


def test_what_stands_once_stays_where_it_is_and_what_was_asked_for_too() -> None:
    found = shared(a_document())["paths"]

    assert found["/v1/a"]["get"]["responses"]["201"] == {"description": "Made."}
    assert found["/v1/b"]["get"]["parameters"][0]["schema"]["maximum"] == 9
    assert found["/v1/c"]["get"]["responses"]["429"]["description"] == "- `busy`: Later."
    assert found["/v1/d"] == a_document()["paths"]["/v1/d"]


def test_answers_are_named_by_status_and_by_the_codes_that_are_not_usual() -> None:
    found = shared(a_document())
    answers = found["components"]["responses"]

    assert answers == {"Problem.401": {"description": REFUSED}, "Problem.404.unknown_node": {"description": NO_NODE}}
    assert found["paths"]["/v1/b"]["get"]["responses"]["404"] == {
        "$ref": "#/components/responses/Problem.404.unknown_node"
    }
    assert found["components"]["headers"] == RETRY_AFTER | {"X-Request-Id": {"description": "Yours."}}
    assert found["paths"]["/v1/c"]["get"]["responses"]["default"]["headers"] == {
        "Retry-After": {"$ref": "#/components/headers/Retry-After"}
    }


def test_of_one_name_the_most_frequent_has_it_and_the_others_a_number() -> None:
    given = a_document()
    given["paths"]["/v1/e"] = given["paths"]["/v1/b"]
    given["paths"]["/v1/f"] = given["paths"]["/v1/c"]
    limits = shared(given)["components"]["parameters"]

    assert {name: it["schema"]["maximum"] for name, it in limits.items()} == {"limit": 200, "limit-2": 9}
    assert expanded(shared(given))["paths"] == given["paths"]


def test_the_document_that_is_given_stays_as_it_is() -> None:
    given = a_document()
    first = shared(given)

    assert given == a_document()
    assert shared(given) == first
    assert list(first) == ["paths", "components"]
