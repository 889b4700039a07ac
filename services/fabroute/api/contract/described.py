"""What the route class adds to the description of an endpoint, which then need not say it."""

from collections.abc import Mapping
from typing import Any

from fastapi.routing import APIRoute

from fabroute.api import documentation as docs
from fabroute.api.contract.locations import LOCATIONS
from fabroute.api.contract.waiting import PARAMETER

_KEY = docs.header(
    "Idempotency-Key",
    "Yours to choose, e.g. a UUID. A repetition of this request with the same key gets the first answer, byte for "
    "byte, for 30 days, and nothing is done again. Errors are not kept: what was refused may be tried again.",
    maximum=255,
    pattern=docs.VISIBLE_ASCII,
)


def describe(route: APIRoute, *, is_tagged: bool, is_keyed: bool, waits: bool) -> None:
    """Add to a route's description: ETag and 304 of a single thing, where what was created is, keys, ``wait``."""
    parameters: list[Mapping[str, Any]] = []
    if is_tagged:
        parameters += docs.IF_NONE_MATCH["parameters"]
        headers = route.responses.get(200, {}).get("headers", {}) | docs.ETAG
        route.responses = {
            **route.responses,
            200: {**route.responses.get(200, {}), "headers": headers},
            304: route.responses.get(304, docs.NOT_MODIFIED[304]),
        }
    if route.name in LOCATIONS and route.methods == {"POST"}:
        for status in {201, 202} & {route.status_code}:
            answer = route.responses.get(status, {})
            headers = answer.get("headers", {}) | docs.CREATED[201]["headers"]
            route.responses = {**route.responses, status: {**answer, "headers": headers}}
    if is_keyed:
        parameters += _KEY["parameters"]
    if waits:
        parameters.append(PARAMETER)
    stated = (route.openapi_extra or {}).get("parameters", [])
    names = {parameter["name"] for parameter in stated}
    added = [parameter for parameter in parameters if parameter["name"] not in names]
    if added:
        route.openapi_extra = {**(route.openapi_extra or {}), "parameters": [*stated, *added]}
