"""The document as pages show it: fields, kinds, commands, answers, problems."""

from typing import Any

import pytest

from fabroute.api.contract.document import codes_of, complete
from fabroute.api.handbook.problems import problem_pages
from fabroute.api.handbook.reference import Field, Reference, by_code, slug_of

SCHEMAS: dict[str, Any] = {
    "ThingIn": {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "maxLength": 20, "description": "What it is called."},
            "count": {"type": "integer", "minimum": 1, "maximum": 9000},
            "inner": {"anyOf": [{"$ref": "#/components/schemas/Inner"}, {"type": "null"}]},
        },
    },
    "Inner": {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "days": {"type": "integer", "minimum": 0}},
    },
    "Things": {
        "type": "object",
        "properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}}},
    },
}
REFUSED = {
    "401": {"description": "- `unauthenticated`: No API key, or one that opens nothing."},
    "422": {"description": "- `too_small`: It is too small.\n- `validation_failed`: Fields can't be taken."},
}


def a_document() -> dict[str, Any]:
    """Return a document with two operations."""
    listing = {
        "operationId": "list_things",
        "summary": "List Things",
        "description": "List them. All of them.",
        "tags": ["my things"],
        "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 200}}],
        "responses": {"200": {"description": "Successful Response", **_json("Things")}, **REFUSED},
    }
    adding = {
        "operationId": "add_thing",
        "summary": "Add Thing",
        "tags": ["my things"],
        "deprecated": True,
        "parameters": [{"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}],
        "requestBody": _json("ThingIn"),
        "responses": {"201": {"description": "Made.", "headers": {"Location": {}}}, **REFUSED},
    }
    sending = {
        "operationId": "send_table",
        "summary": "Send Table",
        "tags": ["my things"],
        "security": [],
        "requestBody": {"content": {"text/csv": {"schema": {"type": "string"}}}},
        "responses": {"204": {"description": ""}},
    }
    return {
        "info": {"version": "1.2.3"},
        "tags": [{"name": "my things", "description": "Mine."}, {"name": "empty", "description": "Nothing."}],
        "paths": {"/v1/things": {"get": listing, "post": adding}, "/v1/nodes/{node_id}/table": {"put": sending}},
        "components": {"schemas": SCHEMAS},
    }


def _json(name: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


@pytest.fixture
def reference() -> Reference:
    return Reference(a_document())


def test_operations_stand_under_their_tags_and_empty_tags_nowhere(reference: Reference) -> None:
    (tag,) = reference.tags

    assert (tag.name, tag.slug, tag.words) == ("my things", "my-things", "Mine.")
    assert [(it.method, it.path) for it in tag.operations] == [
        ("GET", "/v1/things"),
        ("POST", "/v1/things"),
        ("PUT", "/v1/nodes/{node_id}/table"),
    ]
    assert (reference.tag("my-things"), reference.tag("empty"), reference.version) == (tag, None, "1.2.3")


def test_fields_say_what_they_take_and_what_is_in_them(reference: Reference) -> None:
    adding = reference.operations[1]
    inner = (
        Field(name="kind", kind="a · b", required=False, words=""),
        Field(name="days", kind="integer, from 0", required=False, words=""),
    )

    assert adding.body == (
        Field(name="name", kind="string, up to 20 characters", required=True, words="What it is called."),
        Field(name="count", kind="integer, 1 to 9,000", required=False, words=""),
        Field(name="inner", kind="object or null", required=False, words="", inner=inner),
    )
    assert reference.operations[0].answers[0].fields == (
        Field(name="data", kind="list of object", required=False, words="", inner=inner),
    )


def test_commands_can_be_copied(reference: Reference) -> None:
    listing, adding, sending = (it.command for it in reference.operations)

    assert listing == 'curl "$FABROUTE_URL/v1/things" \\\n  -H "Authorization: Bearer $FABROUTE_API_KEY"'
    assert adding == (
        'curl -X POST "$FABROUTE_URL/v1/things" \\\n  -H "Authorization: Bearer $FABROUTE_API_KEY" \\\n'
        "  -H \"Idempotency-Key: $(uuidgen)\" \\\n  -H 'Content-Type: application/json' \\\n"
        '  -d \'{\n  "name": "name"\n}\''
    )
    assert sending == (
        'curl -X PUT "$FABROUTE_URL/v1/nodes/$NODE_ID/table" \\\n  -H "Content-Type: text/csv" \\\n'
        "  --data-binary @file"
    )


def test_answers_and_problems_are_told_apart(reference: Reference) -> None:
    listing, adding, sending = reference.operations

    assert [(it.status, it.words, it.headers) for it in adding.answers] == [("201", "Made.", ("Location",))]
    assert [(it.status, it.code) for it in listing.problems] == [
        ("401", "unauthenticated"),
        ("422", "too_small"),
        ("422", "validation_failed"),
    ]
    assert (listing.answers[0].words, sending.problems) == ("", ())
    assert [it.is_open for it in (listing, sending)] == [False, True]
    assert [it.is_deprecated for it in (listing, adding)] == [False, True]


def test_a_code_knows_its_operations_and_what_to_do(reference: Reference) -> None:
    listing, adding, _ = reference.operations
    pages = problem_pages(reference.operations)

    assert by_code(reference.operations)["too_small"] == (listing, adding)
    assert list(pages) == ["method_not_allowed", "not_found", "too_small", "unauthenticated", "validation_failed"]
    assert (pages["too_small"].status, pages["too_small"].meaning) == (422, "It is too small.")
    assert pages["too_small"].advice.startswith("The request was understood")
    assert pages["validation_failed"].advice.startswith("Each of `errors[]` names a field")
    assert (pages["not_found"].operations, pages["not_found"].meaning) == ((), "There is nothing at this path.")


def test_the_contract_is_added_to_every_operation_that_has_a_caller() -> None:
    document = a_document()
    complete(document)
    listing, adding = document["paths"]["/v1/things"]["get"], document["paths"]["/v1/things"]["post"]
    sending = document["paths"]["/v1/nodes/{node_id}/table"]["put"]

    assert set(codes_of(listing)) == {
        "unauthenticated",
        "too_small",
        "validation_failed",
        "rate_limited",
        "too_busy",
    }
    assert set(codes_of(adding)) - set(codes_of(listing)) == {
        "idempotency_key_invalid",
        "idempotency_key_in_flight",
        "idempotency_key_reused",
        "idempotency_answer_sealed",
    }
    assert set(listing["responses"]["200"]["headers"]) == {"X-Request-Id", "RateLimit", "RateLimit-Policy"}
    assert {"Location", "Idempotent-Replayed"} <= set(adding["responses"]["201"]["headers"])
    assert (set(sending["responses"]["204"]["headers"]), set(codes_of(sending))) == ({"X-Request-Id"}, {"too_busy"})
    assert list(adding["responses"]) == ["201", "400", "401", "409", "422", "429"]


@pytest.mark.parametrize(
    ("name", "slug"), [("print files", "print-files"), ("imports & exports", "imports-exports"), ("Orders", "orders")]
)
def test_names_of_tags_stand_in_addresses(name: str, slug: str) -> None:
    assert slug_of(name) == slug
    assert slug_of(slug) == slug
