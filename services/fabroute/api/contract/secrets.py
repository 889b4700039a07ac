"""Which answers hold a secret, by the names of their fields."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import TypeAdapter

SECRET_FIELDS = frozenset(
    {
        "access_token",
        "client_secret",
        "csrf_token",
        "password",
        "provisioning_uri",
        "recovery_codes",
        "refresh_token",
        "secret",
        "secrets",
        "token",
        "totp_secret",
    }
)
"""Fields whose content opens something, wherever they stand in an answer."""


@cache
def holds_secret(model: Any) -> bool:
    """Return whether an answer of this model has a field that opens something."""
    if model is None:
        return False
    return not SECRET_FIELDS.isdisjoint(_field_names(TypeAdapter(model).json_schema(mode="serialization")))


def _field_names(schema: object) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _field_names(item)
    elif isinstance(schema, dict):
        yield from schema.get("properties", ())
        for inner in schema.values():
            yield from _field_names(inner)
