"""The OpenAPI document as pages show it: tags, operations, fields, answers, problems."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fabroute.api.contract.document import codes_of
from fabroute.api.contract.sharing import expanded
from fabroute.api.handbook.examples import example_of, resolved

_METHODS = ("get", "post", "put", "patch", "delete")
_DEEPEST = 4
_EVERYWHERE = frozenset({"X-Request-Id", "RateLimit", "RateLimit-Policy", "Idempotent-Replayed"})
"""Headers of every answer, told once on the first page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A parameter, or a field of a body, with the fields in it."""

    name: str
    kind: str
    required: bool
    words: str
    place: str = ""
    inner: tuple["Field", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer of an operation that is no problem."""

    status: str
    words: str
    media_types: tuple[str, ...]
    headers: tuple[str, ...]
    fields: tuple[Field, ...]
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A way in which an operation may be refused."""

    status: str
    code: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be asked of the API."""

    id: str
    method: str
    path: str
    summary: str
    words: str
    tag: str
    is_deprecated: bool
    is_open: bool
    """Whether it needs no key."""
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    media_types: tuple[str, ...]
    command: str
    answers: tuple[Answer, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """Operations that belong together."""

    name: str
    slug: str
    words: str
    operations: tuple[Operation, ...]


class Reference:
    """The document as pages show it, read once."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = expanded(document)
        self._schemas: Mapping[str, Any] = document["components"]["schemas"]
        self.version: str = document["info"]["version"]

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """All operations, in the order of the document."""
        return tuple(self._operations())

    @cached_property
    def tags(self) -> tuple[Tag, ...]:
        """All tags that have operations."""
        found = [
            Tag(
                name=tag["name"],
                slug=slug_of(tag["name"]),
                words=tag["description"],
                operations=tuple(it for it in self.operations if it.tag == tag["name"]),
            )
            for tag in self._document["tags"]
        ]
        return tuple(tag for tag in found if tag.operations)

    def tag(self, slug: str) -> Tag | None:
        """Return a tag by its slug."""
        return next((tag for tag in self.tags if tag.slug == slug), None)

    def _operations(self) -> Iterator[Operation]:
        for path, methods in self._document["paths"].items():
            for method in _METHODS:
                if method in methods:
                    yield self._operation(method.upper(), path, methods[method])

    def _operation(self, method: str, path: str, it: Mapping[str, Any]) -> Operation:
        body = it.get("requestBody", {}).get("content", {})
        return Operation(
            id=it["operationId"],
            method=method,
            path=path,
            summary=it["summary"],
            words=it.get("description", ""),
            tag=it["tags"][0],
            is_deprecated=it.get("deprecated", False),
            is_open=it.get("security") == [],
            parameters=tuple(map(self._parameter, it.get("parameters", ()))),
            body=self._fields(body.get("application/json", {}).get("schema", {})),
            media_types=tuple(body),
            command=self._command(method, path, it, body),
            answers=tuple(self._answers(it["responses"])),
            problems=tuple(_problems(it)),
        )

    def _parameter(self, it: Mapping[str, Any]) -> Field:
        schema = it.get("schema", {})
        return Field(
            name=it["name"],
            kind=self._kind(schema),
            required=it.get("required", False),
            words=it.get("description") or schema.get("description", ""),
            place=it["in"],
        )

    def _answers(self, answers: Mapping[str, Any]) -> Iterator[Answer]:
        for status, it in answers.items():
            if status >= "400":
                continue
            content = it.get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            yield Answer(
                status=status,
                words=it.get("description", "").removeprefix("Successful Response"),
                media_types=tuple(content),
                headers=tuple(name for name in it.get("headers", ()) if name not in _EVERYWHERE),
                fields=self._fields(schema),
                example=_json(example_of(schema, self._schemas)) if schema else "",
            )

    def _fields(self, schema: Mapping[str, Any], depth: int = 0) -> tuple[Field, ...]:
        schema = self._inside(schema)
        required = schema.get("required", ())
        return tuple(
            Field(
                name=name,
                kind=self._kind(inner),
                required=name in required,
                words=inner.get("description") or resolved(inner, self._schemas).get("description", ""),
                inner=self._fields(inner, depth + 1) if depth < _DEEPEST else (),
            )
            for name, inner in schema.get("properties", {}).items()
        )

    def _inside(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the object that a schema is, is a list of, or may be."""
        schema = resolved(schema, self._schemas)
        for word in ("anyOf", "oneOf"):
            for choice in schema.get(word, ()):
                found = self._inside(choice)
                if "properties" in found:
                    return found
        return self._inside(schema["items"]) if "items" in schema else schema

    def _kind(self, schema: Mapping[str, Any]) -> str:
        """Return what a value is, in words."""
        found = resolved(schema, self._schemas)
        choices = found.get("anyOf") or found.get("oneOf")
        if choices:
            return " or ".join(dict.fromkeys(self._kind(choice) for choice in choices))
        if "enum" in found:
            return " · ".join(map(str, found["enum"]))
        if "const" in found:
            return str(found["const"])
        if found.get("type") == "array":
            return f"list of {self._kind(found.get('items', {}))}"
        return str(found.get("format") or found.get("type") or "anything") + _bounds(found)

    def _command(self, method: str, path: str, it: Mapping[str, Any], body: Mapping[str, Any]) -> str:
        lines = [f'curl{"" if method == "GET" else f" -X {method}"} "$FABROUTE_URL{_filled(path)}"']
        if it.get("security") != []:
            lines.append('-H "Authorization: Bearer $FABROUTE_API_KEY"')
        for parameter in it.get("parameters", ()):
            if parameter["name"] == "Idempotency-Key":
                lines.append('-H "Idempotency-Key: $(uuidgen)"')
            elif parameter["name"] == "If-Match":
                lines.append("-H 'If-Match: \"v1-…\"'")
        lines += self._sent(body)
        return " \\\n  ".join(lines)

    def _sent(self, body: Mapping[str, Any]) -> Iterator[str]:
        if "application/json" in body and "text/csv" not in body:
            example = _json(self._short(body["application/json"].get("schema", {})))
            yield "-H 'Content-Type: application/json'"
            yield f"-d '{example}'"
        elif body:
            yield f'-H "Content-Type: {next(iter(body))}"'
            yield "--data-binary @file"

    def _short(self, schema: Mapping[str, Any]) -> Any:
        """Return an example with the fields that must be there, or with the first where none must."""
        found = example_of(schema, self._schemas)
        if not isinstance(found, dict):
            return found
        required = resolved(schema, self._schemas).get("required") or list(found)[:1]
        return {name: value for name, value in found.items() if name in required}


def slug_of(name: str) -> str:
    """Return the name of a tag as it stands in an address."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _problems(it: Mapping[str, Any]) -> Iterator[Problem]:
    meanings = codes_of(dict(it))
    for status, answer in it["responses"].items():
        for code in codes_of({"responses": {status: answer}}):
            yield Problem(status=status, code=code, meaning=meanings[code])


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f", {low:,} to {high:,}"
    if "maxLength" in schema:
        return f", up to {schema['maxLength']:,} characters"
    return "" if low is None else f", from {low:,}"


def _filled(path: str) -> str:
    return re.sub(r"\{(\w+?)(:path)?\}", lambda found: f"${found[1].upper()}", path)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def by_code(operations: Sequence[Operation]) -> Mapping[str, tuple[Operation, ...]]:
    """Return by code the operations that may be refused with it."""
    found: dict[str, list[Operation]] = {}
    for operation in operations:
        for problem in operation.problems:
            found.setdefault(problem.code, []).append(operation)
    return {code: tuple(found[code]) for code in sorted(found)}
