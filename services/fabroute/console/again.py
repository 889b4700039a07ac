"""A page once more, inside of another request: with what was typed into its form, and what was wrong with it."""

from urllib.parse import urlsplit

from fastapi import Request, Response
from starlette.types import Message, Scope

from fabroute.console.typed import Typed

_OF_THE_FORM = frozenset({b"content-type", b"content-length", b"idempotency-key", b"x-csrf-token", b"cookie"})
_OF_THE_ROUTE = ("route", "endpoint", "path_params", "router", "fastapi_inner_astack", "fastapi_function_astack")
_OF_THE_REQUEST = ("form", "attempt", "typed")
_OK = 200


async def page_again(
    request: Request, typed: Typed, *, status: int, cookies: dict[str, str] | None = None
) -> Response | None:
    """Return the page that a form stands on, filled in; ``None`` where that page can't be shown.

    ``cookies`` replace those of the request: somebody who has just signed in.
    """
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    await request.app.router(_scope(request, typed, cookies or {}), _nothing, send)
    start = next((it for it in messages if it["type"] == "http.response.start"), None)
    if start is None or start["status"] != _OK:
        return None
    body = b"".join(it.get("body", b"") for it in messages if it["type"] == "http.response.body")
    response = Response(body, status_code=status)
    response.raw_headers = [(name, value) for name, value in start["headers"]]
    return response


def _scope(request: Request, typed: Typed, cookies: dict[str, str]) -> Scope:
    parts = urlsplit(typed.page)
    kept = {name: value for name, value in request.scope.items() if name not in _OF_THE_ROUTE}
    state = {name: value for name, value in request.scope["state"].items() if name not in _OF_THE_REQUEST}
    headers = [(name, value) for name, value in request.scope["headers"] if name not in _OF_THE_FORM]
    jar = "; ".join(f"{name}={value}" for name, value in (request.cookies | cookies).items())
    return kept | {
        "method": "GET",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [*headers, (b"cookie", jar.encode("latin-1", "replace"))],
        "state": state | {"typed": typed},
    }


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
