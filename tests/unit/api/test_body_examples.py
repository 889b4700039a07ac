"""Every JSON body of the document has an example, and the body's own model takes it."""

from collections.abc import Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from pydantic import BaseModel, Field

from fabroute.api.app import build_app
from fabroute.api.examples import example_body


class Inner(BaseModel):
    count: int = Field(ge=3)
    share: float = Field(ge=0.25, lt=1)


class Outer(BaseModel):
    inner: Inner
    names: list[str] = Field(min_length=2)
    day: str = Field(json_schema_extra={"format": "date"})
    shown: str | None = Field(default=None, examples=["as it is shown"])
    hidden: str | None = None


class Choosy(BaseModel):
    code: str = Field(pattern="^[0-9]{4}$")


@pytest.fixture(scope="module")
def document() -> Any:
    return build_app(None).openapi()


def json_bodies(document: Any) -> Iterator[tuple[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            if "$ref" in schema:
                yield f"{method.upper()} {path}", schema["$ref"].rpartition("/")[2]


def test_every_json_body_has_an_example_that_its_schema_allows(document: Any) -> None:
    schemas, bodies = document["components"]["schemas"], dict(json_bodies(document))
    missing = [name for name, schema in bodies.items() if None in schemas[schema].get("examples", [None])]
    assert missing == []
    assert {"POST /v1/orders", "POST /v1/parts", "PATCH /v1/nodes/{node_id}"} <= set(bodies)
    for name in sorted(set(bodies.values())):
        whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        problems = [it.message for it in OAS31Validator(whole).iter_errors(schemas[name]["examples"][0])]
        assert problems == [], name


def test_every_operation_has_a_name_a_summary_a_description_and_a_tag(document: Any) -> None:
    operations = [it for path in document["paths"].values() for it in path.values()]
    names = [it["operationId"] for it in operations]
    assert [it["operationId"] for it in operations if not it.get("summary") or not it.get("tags")] == []
    assert [it["operationId"] for it in operations if not it.get("description")] == []
    assert [name for name in names if not name.replace("_", "").isalpha() or name != name.lower()] == []
    assert len(names) == len(set(names))


def test_an_example_holds_what_is_needed_and_what_is_shown() -> None:
    made = example_body(Outer, schemas_of(Outer))
    assert made == {
        "inner": {"count": 3, "share": 0.25},
        "names": ["text", "text"],
        "day": "2030-06-15",
        "shown": "as it is shown",
    }
    assert example_body(Choosy, schemas_of(Choosy)) is None


def schemas_of(model: type[BaseModel]) -> dict[str, Any]:
    told = model.model_json_schema()
    inner: dict[str, Any] = told.pop("$defs", {})
    return inner | {model.__name__: told}
