import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from fabroute.api import errors
from fabroute.api.bodies import parse_body
from fabroute.api.openapi import render
from fabroute.api.schemas.orders import OrderRequest
from fabroute.kernel.errors import DomainError
from tests.factories.api import Api
from tests.factories.documents import document as served_document
from tests.factories.documents import rendered, whole_document
from tests.factories.orders import given_part, given_revision

FOLDER = Path(__file__).parents[2] / "openapi"
EXAMPLES = sorted((FOLDER / "examples").glob("*.json"))
WITHOUT_OPERATION = (errors.RouteNotFound, errors.MethodNotAllowed)


@pytest.fixture(scope="module")
def document() -> Any:
    return whole_document()


def operations(document: Any) -> Iterator[tuple[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def load(name: str) -> Any:
    return json.loads((FOLDER / "examples" / name).read_text(encoding="utf8"))


def test_the_committed_document_is_what_the_code_says() -> None:
    said = render()
    assert rendered() == said, "run `fabroute openapi`, read the difference, commit it"
    assert render() == said


def test_the_document_is_valid_openapi() -> None:
    document = served_document()
    validate(document)
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "fabroute"
    assert [server["url"] for server in document["servers"]] == ["/"]
    assert document["info"]["contact"]["name"] == "Whoever runs this installation"


def test_every_operation_says_what_it_does_under_a_name_of_its_own(document: Any) -> None:
    found = dict(operations(document))
    names = [operation["operationId"] for operation in found.values()]

    assert len(names) == len(set(names)) == 256
    for name, operation in found.items():
        assert operation["summary"], name
        assert len(operation["description"]) > 20, name
        assert operation["tags"], name


def test_every_schema_has_a_name_of_its_own_that_no_module_has_to_tell_apart(document: Any) -> None:
    names = set(document["components"]["schemas"])

    assert {name for name in names if "__" in name} == set()
    assert {
        "CrossoverZone",
        "Zone",
        "FigureOut",
        "OfferOut",
        "QuoteOfferOut",
        "ReasonOut",
        "ScreeningReasonOut",
    } <= names


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref" and isinstance(value, str))
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from references(child)


def test_whatever_the_document_refers_to_is_in_it_and_the_other_way_round() -> None:
    document = served_document()
    known = {f"#/components/{kind}/{name}" for kind, pieces in document["components"].items() for name in pieces}
    used = set(references(document))

    assert used - known == set()
    assert {name for name in known - used if "/schemas/" not in name and "/securitySchemes/" not in name} == set()
    assert {f"#/components/schemas/{name}In" for name in ("Decline", "CounterOffer", "BuildWithdrawal")} <= known


WITHOUT_CREDENTIAL = {"health", "passports", "oauth", "people", "sign-in", "documentation"}
"""Tags with operations that need nothing, or a secret of another kind than a key, a token or a session."""
PROBLEM_ONLY = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
OAUTH_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/OAuthErrorOut"}}}


def test_every_operation_that_needs_a_credential_lists_its_problems(document: Any) -> None:
    ways: list[dict[str, list[str]]] = [{"ApiKey": []}, {"OAuth2": []}, {"Session": []}]
    assert document["security"] == ways
    for name, operation in operations(document):
        problems = {status for status, answer in operation["responses"].items() if status >= "400"}
        if operation.get("security", ways) != ways and operation["security"] != [{"Session": []}]:
            assert set(operation["tags"]) <= WITHOUT_CREDENTIAL, name
        else:
            assert {"401", "403", "422", "500", "503"} <= problems, name
        for status in problems:
            is_of_oauth = operation["tags"] == ["oauth"] and "/oauth/" in name and status in ("400", "401")
            content = operation["responses"][status]["content"]
            assert content == (OAUTH_ERROR if is_of_oauth else PROBLEM_ONLY), name


def test_every_error_of_the_api_is_documented_where_it_can_happen(document: Any) -> None:
    words = json.dumps(document["paths"])
    mine = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DomainError)]
    expected = {kind.code for kind in mine if kind is not DomainError and kind not in WITHOUT_OPERATION}

    assert len(expected) >= 15
    assert {code for code in expected if f"`{code}`" not in words} == set()


def test_every_field_of_an_order_request_is_bounded_and_nothing_else_is_taken(document: Any) -> None:
    schemas = document["components"]["schemas"]

    assert schemas["OrderRequest"]["additionalProperties"] is False
    assert schemas["LineIn"]["properties"]["quantity"]["maximum"] == 100_000
    assert schemas["OrderRequest"]["properties"]["lines"]["maxItems"] == 20
    assert schemas["OrderRequest"]["required"] == ["ship_to", "lines"]


def test_every_file_is_described_under_the_media_type_that_it_is_sent_under(document: Any) -> None:
    by_type: dict[tuple[str, ...], set[str]] = {}
    for name, operation in operations(document):
        types = tuple(sorted(operation["responses"].get("200", {}).get("content", {})))
        if types and "application/json" not in types:
            by_type.setdefault(types, set()).add(name)

    assert by_type["model/3mf",] == {"GET /v1/print-files/{token}", "GET /v1/revisions/{revision_id}/print-file"}
    assert by_type["*/*", "application/octet-stream"] == {
        "GET /v1/certificates/{certificate_id}/evidence",
        "GET /v1/first-articles/{first_article_id}/evidence",
        "GET /v1/jobs/{job_id}/evidence/{name}",
        "GET /v1/revisions/{revision_id}/documents/{name}",
    }
    assert by_type["image/png",] == {"GET /v1/brand/logo", "GET /v1/revisions/{revision_id}/preview.png"}
    assert by_type["model/gltf-binary",] == {"GET /v1/revisions/{revision_id}/preview.glb"}
    assert len(by_type["application/pdf",]) == 3
    assert ("application/octet-stream",) not in by_type


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_what_its_schema_says(document: Any, path: Path) -> None:
    schema = {"$ref": f"#/components/schemas/{path.name.partition('.')[0]}", "components": document["components"]}
    example = load(path.name)

    problems = [error.message for error in OAS31Validator(schema).iter_errors(example)]

    assert problems == []
    assert set(example) >= set(document["components"]["schemas"][path.name.partition(".")[0]].get("required", ()))


def test_the_request_examples_are_taken_by_the_api() -> None:
    requests = [path for path in EXAMPLES if path.name.startswith("OrderRequest.")]
    parsed = [parse_body(OrderRequest, path.read_bytes()) for path in requests]

    assert len(parsed) >= 2
    assert {line.part for order in parsed for line in order.lines} == {"AP-0101", "MA-0303"}


def test_the_example_of_an_answer_is_what_the_api_answers(api: Api) -> None:
    expected = load("OrderOut.pending.json")
    for part_no in ("AP-0101", "MA-0303"):
        part_id = given_part(api.engine, organisation_id=api.owner.organisation_id, part_no=part_no)
        given_revision(api.engine, part_id=part_id, revision="A")
    with time_machine.travel(expected["placed_at"]):
        answer = api.place(load("OrderRequest.two_lines.json")).json()

    for order in (answer, expected):
        order["placed_at"] = order["updated_at"] = order["placed_at"][:16]
        for line in order["lines"]:
            line["id"] = line["id"].replace(order["id"].removeprefix("ord_"), "X")
        del order["id"]
    assert answer == expected
    assert answer["lines"][0]["id"] == "line_X_01"
