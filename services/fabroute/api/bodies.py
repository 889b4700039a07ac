"""Reads a JSON body into a model, and says of everything wrong with it where it stands and what may be there."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import ClientDisconnect

from fabroute.api.errors import BodyTooLarge, MalformedJson, UnsupportedMediaType, ValidationFailed
from fabroute.api.lengths import declared_length
from fabroute.kernel.errors import FieldProblem

Body = TypeVar("Body", bound=BaseModel)

_NUMBER = "must be a number with a point, such as 120.5"
_DATE = "must be a date, such as 2026-12-01"
_FORMS: Mapping[str, str] = {
    "^[A-Z]{3}$": "must be three capital letters, such as EUR",
    "^[A-Z]{2}$": "must be two capital letters, such as DE",
}
"""Patterns that can be told in words."""
_WORDS: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is no field of this object: leave it out",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge:,.15g}",
    "less_than_equal": "must be at most {le:,.15g}",
    "greater_than": "must be more than {gt:,.15g}",
    "less_than": "must be less than {lt:,.15g}",
    "enum": "must be {expected}",
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be true or false",
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "list_type": "must be a list, as in [1, 2]",
    "tuple_type": "must be a list, as in [1, 2]",
    "dict_type": "must be a JSON object",
    "string_pattern_mismatch": "must have the form {pattern}",
    "finite_number": "must be a finite number",
    "string_too_short": "must have at least {min_length} character(s)",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must hold at least {min_length} of them",
    "too_long": "must hold at most {max_length} of them",
    "int_type": "must be a whole number",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "timezone_aware": "needs an offset from UTC, as in 2026-06-15T12:00:00+02:00",
    "datetime_type": "must be a date and time with an offset, as in 2026-06-15T12:00:00+02:00",
    "datetime_parsing": "must be a date and time with an offset, as in 2026-06-15T12:00:00+02:00",
    "datetime_from_date_parsing": "must be a date and time with an offset, as in 2026-06-15T12:00:00+02:00",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
}
BODY_PROBLEMS = (MalformedJson, BodyTooLarge, UnsupportedMediaType)
"""What can be wrong with any JSON body, beside its fields."""
_OWN_CODES = frozenset({"quantity_out_of_range", "unsupported_currency", "unknown_country"})
"""Kinds of error that have a code of their own."""


def json_body(model: type[Body]) -> Callable[[Request], Awaitable[Body]]:
    """Return a dependency that reads the request's body as ``model``.

    It raises ``UnsupportedMediaType``, ``BodyTooLarge``, ``MalformedJson`` or ``ValidationFailed``.
    """

    async def read(request: Request) -> Body:
        return await read_json(request, model)

    return read


async def read_json(request: Request, model: type[Body]) -> Body:
    """Return the request's body as ``model``, as ``json_body`` does."""
    limit: int = request.app.state.resources.settings.max_body_bytes
    if "Content-Type" in request.headers:
        _require_json(request)
    content = await read_at_most(request, limit)
    if content:
        _require_json(request)
    return parse_body(model, content)


def parse_body(model: type[Body], content: bytes) -> Body:
    """Return ``content`` as ``model``; ``MalformedJson`` or ``ValidationFailed`` with every problem in it."""
    if not content:
        raise MalformedJson("a JSON body is missing: send one, with the header Content-Type: application/json")
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    if details[0]["type"] == "json_invalid":
        raise MalformedJson(f"the body is not JSON: {details[0]['ctx']['error']}")
    problems = field_problems(details)
    refusal = ValidationFailed(
        "; ".join(f"{item.pointer or 'the body'} {item.message}" for item in problems), problems=problems
    )
    kinds = {item["type"] for item in details}
    if len(kinds) == 1 and kinds <= _OWN_CODES:
        refusal.code = kinds.pop()
    raise refusal


def field_problems(details: Sequence[ErrorDetails]) -> tuple[FieldProblem, ...]:
    """Return what a model found wrong, with JSON pointers, in the words of this API."""
    names = {item["loc"][:-1]: problem_message(item) for item in details if _is_of_name(item["loc"])}
    wrong_names = tuple(FieldProblem(pointer=_pointer(at), message=f"is a name that {it}") for at, it in names.items())
    return wrong_names + tuple(
        FieldProblem(pointer=_pointer(item["loc"]), message=problem_message(item))
        for item in details
        if not any(item["loc"][:depth] in names for depth in range(1, len(item["loc"]) + 1))
    )


def _is_of_name(location: Sequence[int | str]) -> bool:
    """Tell whether what is wrong is the name of an entry; its value is looked at once the name is right."""
    return len(location) > 1 and location[-1] == "[key]"


def _require_json(request: Request) -> None:
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType("send the body as JSON, with the header Content-Type: application/json")


def require_plain(request: Request) -> None:
    """Raise ``UnsupportedMediaType`` for a body that says it is compressed: nobody here unpacks it."""
    if request.headers.get("Content-Encoding", "").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("send the plain bytes, without Content-Encoding: compressed bodies are not unpacked")


async def read_at_most(request: Request, limit: int) -> bytes:
    """Return the request's body; ``BodyTooLarge`` as soon as it is over ``limit`` bytes, declared or sent.

    ``UnsupportedMediaType`` for one that is compressed.
    """
    require_plain(request)
    declared = declared_length(request.headers.get("Content-Length", "0").encode("latin-1"))
    content = bytearray()
    if declared is None or declared <= limit:
        try:
            async for chunk in request.stream():
                content += chunk
                if len(content) > limit:
                    break
            else:
                return bytes(content)
        except ClientDisconnect as error:
            raise MalformedJson("the connection was closed before the whole body was sent") from error
    raise BodyTooLarge(f"the body is larger than {limit:,} bytes: send less")


def _pointer(location: Sequence[int | str]) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in location)


def problem_message(item: ErrorDetails) -> str:
    """Return what a model found wrong with a value in the words of this API; a kind without words keeps its own."""
    context = item.get("ctx", {})
    if (form := _FORMS.get(str(context.get("pattern")))) is not None:
        return form
    if item["type"] == "string_too_short" and context["min_length"] == 1:
        return "must not be empty"
    words = _WORDS.get(item["type"])
    return item["msg"] if words is None else words.format(**context)
