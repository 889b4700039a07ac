"""Counts every request by the template of its route: never by its path, which holds ids and whatever else is sent."""

import time
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fabroute.api.measuring.measures import ApiMeasures

TEMPLATE = "fabroute.template"
"""In a request's scope, where something else than a route answers it: the template of the route that it stands for."""
WAITED = "fabroute.waited"
"""In a request's scope: it waited for something to happen, so its time tells nothing of this process."""
BEGAN = "fabroute.began"
"""In a request's scope, where it began before it came here: when, by ``time.perf_counter``."""
UNMATCHED = "unmatched"
REFUSED = "refused"
_METHODS: Mapping[str, str] = {name: name for name in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")}
HUNG_UP = 499
"""Nobody was there any more to be answered."""


class Measured:
    """Stands around the gate: what is refused is counted, too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        resources = scope["app"].state.resources
        if scope["type"] != "http" or resources is None:
            await self._app(scope, receive, send)
            return
        began, status = scope.get(BEGAN) or time.perf_counter(), HUNG_UP

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        finally:
            _note(resources.measuring.measures, scope, status, time.perf_counter() - began)


def template_of(scope: Scope) -> str:
    """Return the template of the route that answered a request."""
    found = scope.get(TEMPLATE)
    if found is None:
        route = scope.get("route")
        found = UNMATCHED if route is None else route.path
    return str(found)


def note_request(measures: ApiMeasures, method: str, template: str, status: int, *, seconds: float | None) -> None:
    """Count a request that was answered; ``seconds`` is ``None`` where its time tells nothing."""
    measures.requests.add((method, template, str(status)))
    if seconds is not None:
        measures.seconds.add((method, template), seconds)


def _note(measures: ApiMeasures, scope: Scope, status: int, seconds: float) -> None:
    method = _METHODS.get(scope["method"], "other")
    note_request(measures, method, template_of(scope), status, seconds=None if WAITED in scope else seconds)
