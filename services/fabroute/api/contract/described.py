"""What the route class adds to the description of an endpoint, which then need not say it."""

from collections.abc import Mapping
from typing import Any

from fastapi.routing import APIRoute

from fabroute.api import documentation as docs
from fabroute.api.contract.waiting import PARAMETER


def describe(route: APIRoute, *, is_tagged: bool, waits: bool) -> None:
    """Add to a route's description: the ETag of a single thing with its 304, and ``wait``."""
    parameters: list[Mapping[str, Any]] = []
    if is_tagged:
        parameters += docs.IF_NONE_MATCH["parameters"]
        headers = route.responses.get(200, {}).get("headers", {}) | docs.ETAG
        route.responses = {
            **route.responses,
            200: {**route.responses.get(200, {}), "headers": headers},
            304: route.responses.get(304, docs.NOT_MODIFIED[304]),
        }
    if waits:
        parameters.append(PARAMETER)
    stated = (route.openapi_extra or {}).get("parameters", [])
    names = {parameter["name"] for parameter in stated}
    added = [parameter for parameter in parameters if parameter["name"] not in names]
    if added:
        route.openapi_extra = {**(route.openapi_extra or {}), "parameters": [*stated, *added]}
