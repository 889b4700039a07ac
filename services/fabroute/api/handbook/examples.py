"""An example of what a schema of the OpenAPI document describes."""

from collections.abc import Mapping
from typing import Any

_DEEPEST = 5
_REFERENCE = "$ref"
_BY_FORMAT: Mapping[str, object] = {
    "date": "2026-12-01",
    "date-time": "2026-12-01T09:30:00Z",
    "binary": "…",
    "uri": "https://example.com/",
    "email": "ann@example.com",
}
_BY_TYPE: Mapping[str, object] = {"boolean": True, "null": None}
_BY_NAME: Mapping[str, object] = {
    "amount_minor": 1130,
    "city": "Hamburg",
    "country": "DE",
    "currency": "EUR",
    "part": "RL-0001",
    "part_no": "RL-0001",
    "revision": "A",
    "hs_code": "8413.91",
    "material": "PA12-MJF",
    "node_id": "N101",
    "machine_id": "N101-A",
    "packaging": "standard",
    "sector": "rail",
}
"""Fields that mean the same everywhere."""


def resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema itself where it is only referred to."""
    while _REFERENCE in schema:
        schema = schemas.get(schema[_REFERENCE].rpartition("/")[2], {})
    return schema


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], *, name: str = "", depth: int = 0) -> Any:
    """Return what a schema describes: its own example where it has one, else something of its form."""
    schema = resolved(schema, schemas)
    for word in ("example", "const", "default"):
        if schema.get(word) is not None:
            return schema[word]
    if schema.get("examples"):
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return example_of(_first(schema[word]), schemas, name=name, depth=depth)
    return _of_type(schema, schemas, name, depth)


def _first(choices: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    return next((choice for choice in choices if choice.get("type") != "null"), choices[0])


def _of_type(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str, depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, schemas, depth)
    if kind == "array":
        return [] if depth >= _DEEPEST else [example_of(schema.get("items", {}), schemas, name=name, depth=depth + 1)]
    if name in _BY_NAME and kind in ("string", "integer"):
        return _BY_NAME[name]
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1, 1)
    return _BY_TYPE.get(str(kind), _BY_FORMAT.get(schema.get("format", ""), _word(name)))


def _object(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if depth >= _DEEPEST:
        return {}
    return {
        name: example_of(inner, schemas, name=name, depth=depth + 1)
        for name, inner in schema.get("properties", {}).items()
    }


def _word(name: str) -> str:
    """Return a plain word for a string of which no more is known."""
    return f"{name.removesuffix('_id')[:3]}_01jz3v8c5h9m2n4p6q8r0s2t4v" if name.endswith("id") else name or "…"
