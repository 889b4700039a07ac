"""Pages over the wire: compressed where nobody gains by their length."""

import gzip

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LEAST_BYTES = 1_000
_LEVEL = 5
_PROGRAMS = "/v1/"
"""Their answers are short, and many."""
_FOREIGN = frozenset({"cross-site", "same-site"})


class CompressedPages:
    """Compresses pages for browsers that take them so.

    Files keep their bytes and length, and so do pages that another site asks for: it can slip text into the address and
    watch how long the answer is (BREACH, 2013).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if (
            scope["type"] == "http"
            and not scope["path"].startswith(_PROGRAMS)
            and _may_be_compressed(Headers(scope=scope))
        ):
            send = _Compressed(send).send
        await self._app(scope, receive, send)


def _may_be_compressed(headers: Headers) -> bool:
    return "gzip" in headers.get("Accept-Encoding", "") and headers.get("Sec-Fetch-Site", "") not in _FOREIGN


class _Compressed:
    """Holds the head of a page back until its body is there, whole; anything else goes through as it comes."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._head: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self._head = message
            return
        head, self._head = self._head, None
        if head is not None:
            message = await _compress(head, message)
            await self._send(head)
        await self._send(message)


def _is_page(head: Message) -> bool:
    headers = Headers(raw=head["headers"])
    return headers.get("Content-Type", "").startswith("text/html") and "Content-Encoding" not in headers


async def _compress(head: Message, message: Message) -> Message:
    """Return the body of a page, compressed where it comes in one piece and is not short; the head says so."""
    headers = MutableHeaders(raw=head["headers"])
    headers.add_vary_header("Accept-Encoding")
    body: bytes = message.get("body", b"")
    if message.get("more_body", False) or len(body) < _LEAST_BYTES:
        return message
    packed = await run_in_threadpool(gzip.compress, body, _LEVEL, mtime=0)
    headers["Content-Encoding"], headers["Content-Length"] = "gzip", str(len(packed))
    return {**message, "body": packed}
