"""The operations of the OpenAPI document, as it is generated now."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.factories.documents import whole_document

_PARAMETER = re.compile(r"([^/]+)/\{(\w+)\}")
_CODE = re.compile(r"- `(\w+)`")
_METHODS = ("get", "put", "post", "patch", "delete", "head", "options", "trace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    path: str
    codes: Mapping[int, frozenset[str]]
    """Of problems, by status, as the document tells them."""

    @property
    def names(self) -> tuple[str, ...]:
        """The parts of the path that stand before its parameters: what is looked up in the ids of a side."""
        return tuple(name for name, _ in _PARAMETER.findall(self.path))

    def url(self, ids: Mapping[str, str]) -> str:
        """Return the path with the ids of a side; what is deleted is what was made for that."""

        def found(match: re.Match[str]) -> str:
            name = match[1]
            gone = f"gone.{name}" if self.method == "DELETE" else name
            return f"{name}/{ids.get(gone) or ids[name]}"

        return _PARAMETER.sub(found, self.path)


@cache
def operations() -> Mapping[str, Operation]:
    """Return every operation by its id. A document in which an id stands twice raises ``AssertionError``."""
    paths: Mapping[str, Mapping[str, Any]] = whole_document()["paths"]
    found = [
        Operation(id=it["operationId"], method=method.upper(), path=path, codes=_codes(it["responses"]))
        for path, methods in paths.items()
        for method, it in methods.items()
        if method in _METHODS
    ]
    by_id = {operation.id: operation for operation in found}
    assert len(by_id) == len(found)
    return by_id


def _codes(responses: Mapping[str, Mapping[str, Any]]) -> Mapping[int, frozenset[str]]:
    return {
        int(status): frozenset(_CODE.findall(it["description"]))
        for status, it in responses.items()
        if status != "default"
    }
