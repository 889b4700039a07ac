"""What every request gets: an id that the answer, the log and the problem name, and an end in good order."""

import asyncio
import re
from contextlib import suppress
from itertools import count

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fabroute.api.contract.deprecation import tell_deprecation
from fabroute.api.contract.limits import limits_told
from fabroute.api.lengths import declared_length
from fabroute.kernel.ids import new_id
from fabroute.telemetry.binding import bind_ids

_SHORT_BYTES = 2**16
"""A body of that length lies in the server's buffer when it is answered: the connection can stay open."""
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 2**24
_ACCEPTED = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


class _RequestIds:
    """Ids for the requests of a process: its own, and a number."""

    def __init__(self) -> None:
        self._process = new_id("req")
        self._numbers = count(1)

    def next(self) -> bytes:
        """Return another id."""
        return f"{self._process}_{next(self._numbers)}".encode()


_IDS = _RequestIds()


def give_request_id(scope: Scope) -> bytes:
    """Return the id of a request: the client's ``X-Request-Id`` if that is a plain word, else one of ours."""
    state: dict[str, str] = scope.setdefault("state", {})
    if "request_id" in state:
        return state["request_id"].encode()
    offered = header(scope, b"x-request-id")
    given = _IDS.next() if offered is None or not _ACCEPTED.fullmatch(offered) else offered
    state["request_id"] = given.decode()
    return given


class RequestId:
    """Gives every request its id; the answer tells it, with the limits of who asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = give_request_id(scope)
        bind_ids(request_id=given.decode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", given), *limits_told(scope)]
                tell_deprecation(scope, message)
            await send(message)

        await self._app(scope, receive, send_with_id)


class EarlyAnswers:
    """Ends the connection in good order where a long body is answered before all of it was read.

    Closed at once, the connection would be reset under a client that still sends, and the answer with it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and may_be_long(scope):
            exchange = _Exchange(receive, send)
            receive, send = exchange.receive, exchange.send
        await self._app(scope, receive, send)


class _Exchange:
    """One request and its answer: knows whether the body was read to its end."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._unread, self._closing = True, False

    async def receive(self) -> Message:
        message = await self._receive()
        self._unread = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._closing = self._unread
            if self._closing:
                MutableHeaders(scope=message)["Connection"] = "close"
        elif self._closing and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body"}
        await self._send(message)

    async def _linger(self) -> None:
        left = _LINGER_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while self._unread and left > 0:
                    left -= len((await self.receive()).get("body", b""))


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return the first header of a request with a name, in small letters: quicker than by ``Headers``."""
    for found, value in scope["headers"]:
        if found == name:
            return bytes(value)
    return None


def may_be_long(scope: Scope) -> bool:
    """Return whether a request's body may be more than what lies in the server's buffer when it is served."""
    length = declared_length(header(scope, b"content-length") or b"0")
    if length is None or length > _SHORT_BYTES:
        return True
    return header(scope, b"transfer-encoding") is not None
