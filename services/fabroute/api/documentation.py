"""Words and schemas for the OpenAPI document that the code alone doesn't give."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from fabroute.api.callers.wrong_keys import TooManyWrongKeys
from fabroute.api.errors import InternalError, TemporarilyUnavailable, ValidationFailed
from fabroute.api.problems import MEDIA_TYPE
from fabroute.identity.rules import MissingScope, Unauthenticated
from fabroute.identity.service.credentials import OrganisationSuspended
from fabroute.kernel.errors import DomainError

Responses = dict[int | str, dict[str, Any]]
Extra = dict[str, Any]

EVERYWHERE: tuple[type[DomainError], ...] = (
    Unauthenticated,
    MissingScope,
    OrganisationSuspended,
    ValidationFailed,
    TooManyWrongKeys,
    InternalError,
    TemporarilyUnavailable,
)
"""What is possible wherever a credential is needed."""
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_HEADERS: Mapping[int, Mapping[str, object]] = {
    401: {"WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string"}}},
    409: _RETRY_AFTER,
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}
_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}


def problems(*kinds: type[DomainError]) -> Responses:
    """Return the error responses of an operation that needs an API key: what is possible everywhere, and ``kinds``."""
    return problems_without_key(*EVERYWHERE, *kinds)


def problems_without_key(*kinds: type[DomainError]) -> Responses:
    """Return the error responses of ``kinds``, each code with its meaning."""
    by_status: dict[int, dict[str, str]] = {}
    for kind in kinds:
        meaning = (kind.__doc__ or "").strip().splitlines()[0]
        by_status.setdefault(kind.status, {})[kind.code] = meaning
    return {status: _response(status, by_status[status]) for status in sorted(by_status)}


def request_body(model: type[BaseModel]) -> Extra:
    """Return the description of a JSON body that is read by ``json_body``."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def header(
    name: str, description: str, *, required: bool = False, maximum: int | None = None, pattern: str | None = None
) -> Extra:
    """Return the description of a request header that is read from the request itself."""
    schema: dict[str, object] = {"type": "string"} | ({} if maximum is None else {"minLength": 1, "maxLength": maximum})
    schema |= {} if pattern is None else {"pattern": pattern}
    parameter = {"name": name, "in": "header", "required": required, "description": description, "schema": schema}
    return {"parameters": [parameter]}


VISIBLE_ASCII = "^[ -~]*$"
IDEMPOTENCY_KEY = header(
    "Idempotency-Key",
    "Yours to choose, e.g. a UUID; the same for every repetition of this request. A repetition gets the first answer, "
    "byte for byte, for 30 days.",
    required=True,
    maximum=255,
    pattern=VISIBLE_ASCII,
)
IF_NONE_MATCH = header("If-None-Match", "The ETag of your last answer: 304 if nothing changed since.")
IF_MATCH = header(
    "If-Match",
    "The ETag of GET: 412 if somebody changed it since. `*` changes it whatever it is now.",
    required=True,
    pattern=r'^(\*|(W/)?"v[1-9]\d{0,8}(-[0-9a-f]{24})?")$',
)
ETAG = {"ETag": {"description": "Names this very state.", "schema": {"type": "string"}}}
NOT_MODIFIED: Responses = {304: {"description": "Nothing changed since the answer with that ETag.", "headers": ETAG}}
NEXT_PAGE: Responses = {
    200: {"headers": {"Link": {"description": 'The next page, rel="next".', "schema": {"type": "string"}}}}
}
TAGGED: Responses = {200: {"headers": ETAG}}
CREATED: Responses = {
    201: {"headers": {"Location": {"description": "Where it is read.", "schema": {"type": "string"}}}}
}
CREATED_ORDER: Responses = {
    201: {
        "description": "The order is stored and will be routed, whatever happens to this process.",
        "headers": {
            "Location": {"description": "Where the order is read.", "schema": {"type": "string"}},
            "Idempotency-Replayed": {
                "description": "`true` when this is the stored answer to an earlier request: the order as it was then.",
                "schema": {"type": "string"},
            },
        },
    }
}


def _response(status: int, meanings: Mapping[str, str]) -> dict[str, Any]:
    words = "\n".join(f"- `{code}`: {meaning}" for code, meaning in sorted(meanings.items()))
    headers = _HEADERS.get(status)
    return {"description": words, "content": _PROBLEM} | ({"headers": headers} if headers else {})
