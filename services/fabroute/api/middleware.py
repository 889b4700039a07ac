"""What every request gets: an id that the answer, the log and the problem name."""

import re
from itertools import count

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fabroute.kernel.ids import new_id

_ACCEPTED = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class RequestId:
    """Takes the client's ``X-Request-Id`` where it is a plain word, else makes one, and sends it back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._process = new_id("req")
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        offered = Headers(scope=scope).get("X-Request-Id", "")
        request_id = offered if _ACCEPTED.fullmatch(offered) else f"{self._process}_{next(self._numbers)}"
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        await self._app(scope, receive, send_with_id)
