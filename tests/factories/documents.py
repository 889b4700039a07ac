"""The OpenAPI document as it is committed: ``test_openapi`` sees to it that it is what the code says."""

import json
from functools import cache
from pathlib import Path
from typing import Any

_COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"
_SCHEMAS = "#/components/schemas/"


@cache
def rendered() -> str:
    """Return the document's text."""
    return _COMMITTED.read_text(encoding="utf-8")


def document() -> Any:
    """Return the document as it is served."""
    return json.loads(rendered())


def whole_document() -> Any:
    """Return the document as a client reads it: whatever an operation refers to stands there, but for schemas."""
    return whole(document())


def whole(document: Any) -> Any:
    """Return a document of which the paths and webhooks refer to nothing but schemas."""

    def read(node: Any) -> Any:
        if isinstance(node, list):
            return [read(it) for it in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref", _SCHEMAS)
        return read(_at(document, reference)) if not reference.startswith(_SCHEMAS) else _each(node, read)

    return {name: read(it) if name in ("paths", "webhooks") else it for name, it in document.items()}


def _each(node: dict[str, Any], read: Any) -> dict[str, Any]:
    return {name: read(it) for name, it in node.items()}


def _at(document: Any, reference: str) -> Any:
    """Return what a JSON pointer within the document leads to."""
    found = document
    for name in reference.removeprefix("#/").split("/"):
        found = found[name.replace("~1", "/").replace("~0", "~")]
    return found
