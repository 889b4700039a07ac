"""An example for each body that the document names: what is needed, and what the fields themselves show."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

JsonSchema = Mapping[str, Any]
_OF_FORMAT: Mapping[str, str] = {
    "date": "2030-06-15",
    "date-time": "2030-06-15T12:00:00+02:00",
    "email": "ada@example.com",
    "uri": "https://example.com/hooks",
}
_DEEPEST = 8


def example_body(model: type[BaseModel], schemas: Mapping[str, JsonSchema]) -> Any | None:
    """Return a body that ``model`` takes, of its schema's examples and smallest values; ``None`` if it takes none."""
    made = _example(schemas[model.__name__], schemas, 0)
    try:
        model.model_validate_json(to_json(made))
    except ValidationError:
        return None
    return made


def _example(schema: JsonSchema, schemas: Mapping[str, JsonSchema], depth: int) -> Any:
    if "$ref" in schema:
        return _example(schemas[str(schema["$ref"]).rpartition("/")[2]], schemas, depth)
    for told in (schema.get("examples"), [schema["const"]] if "const" in schema else None, schema.get("enum")):
        if told:
            return told[0]
    kinds = [kind for kind in schema.get("anyOf", schema.get("oneOf", ())) if kind.get("type") != "null"]
    if kinds and depth < _DEEPEST:
        return _example(kinds[0], schemas, depth + 1)
    return _of_type(schema, schemas, depth)


def _of_type(schema: JsonSchema, schemas: Mapping[str, JsonSchema], depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, schemas, depth)
    if kind == "array":
        return [_example(schema.get("items", {}), schemas, depth + 1)] * max(1, int(schema.get("minItems", 1)))
    if kind in ("integer", "number"):
        return _number(schema)
    if kind == "boolean":
        return bool(schema.get("default", True))
    return _text(schema)


def _object(schema: JsonSchema, schemas: Mapping[str, JsonSchema], depth: int) -> dict[str, Any]:
    fields: Mapping[str, JsonSchema] = schema.get("properties", {})
    needed = set(schema.get("required", ()))
    shown = [name for name, field in fields.items() if name in needed or (depth == 0 and _shows(field))]
    return {name: _example(fields[name], schemas, depth + 1) for name in shown or list(fields)[:1]}


def _shows(field: JsonSchema) -> bool:
    return "examples" in field or any("examples" in kind for kind in field.get("anyOf", ()))


def _number(schema: JsonSchema) -> int | float:
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    lowest = least + 1 if "exclusiveMinimum" in schema or least == 0 else least
    most = schema.get("maximum", schema.get("exclusiveMaximum", lowest))
    value = lowest if lowest <= most else most
    return int(value) if schema.get("type") == "integer" else float(value)


def _text(schema: JsonSchema) -> str:
    told = _OF_FORMAT.get(str(schema.get("format")), str(schema.get("title", "text")).lower())
    least = int(schema.get("minLength", 0))
    return told if len(told) >= least else told.ljust(least, "x")
