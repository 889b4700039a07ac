"""A span for every request, in the trace that its client names or in one of its own. Only where spans are sent."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fabroute.api.measuring.measured import template_of
from fabroute.api.middleware import header
from fabroute.telemetry.tracing import span

_UNTRACED = frozenset({"/healthz", "/readyz", "/metrics"})
_SERVER_ERROR = 500


class Traced:
    """Stands inside of the gate: what is refused there makes no span."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in _UNTRACED:
            await self._app(scope, receive, send)
            return
        named = header(scope, b"traceparent")
        parent = None if named is None else named.decode("latin-1")
        with span(scope["method"], kind="server", parent=parent, facts=_facts(scope)) as serving:

            async def send_noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    serving.note(**{"http.response.status_code": message["status"]})
                    if message["status"] >= _SERVER_ERROR:
                        serving.fail(f"answered {message['status']}")
                await send(message)

            try:
                await self._app(scope, receive, send_noting)
            finally:
                template = template_of(scope)
                serving.rename(f"{scope['method']} {template}")
                serving.note(**{"http.route": template})


def _facts(scope: Scope) -> dict[str, str]:
    return {"http.request.method": scope["method"], "request_id": scope["state"]["request_id"]}
