"""What is refused at the gate: answered in microseconds, told in one line of the log a second."""

import json
import random
import time
from collections import Counter
from collections.abc import Callable

import structlog
from starlette.types import Scope, Send

from fabroute.kernel.errors import DomainError

_LONGEST_SECONDS = 30
_LOG_SECONDS = 1.0
_BODY = (
    '{"type":"urn:fabroute:problem:%s","title":"Too Many Requests","status":429,"code":"%s","detail":%s,'
    '"doc_url":"%s/docs/errors/%s","request_id":"%s","errors":[]}'
)
_logger = structlog.get_logger(__name__)


class TooBusy(DomainError):
    """More is asked just now than can be answered in time: nothing was done; Retry-After says when to go on.

    Each organisation has its share of every process, and waits only for its own requests: send fewer at once.
    """

    code = "too_busy"
    status = 429


class Pressure:
    """How much is refused beside what is served: the more, the later clients are asked to come back, and each at
    another time. One for all requests of a process; it belongs to the event loop's thread.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, pick: Callable[[int, int], int] = random.randint
    ) -> None:
        self._clock = clock
        self._pick = pick
        self._since = clock()
        self._served, self._refused = 0, Counter[str]()
        self._ratio = 0.0

    def note_served(self) -> None:
        """Count a request that got its turn."""
        self._served += 1

    def note_refused(self, code: str) -> None:
        """Count a refusal; once a second the log tells how many there were."""
        self._refused[code] += 1
        now = self._clock()
        if now - self._since < _LOG_SECONDS:
            return
        self._ratio = self._refused.total() / max(1, self._served)
        _logger.warning("requests refused at the gate", served=self._served, **self._refused)
        self._since, self._served = now, 0
        self._refused.clear()

    def retry_after(self) -> int:
        """Return in how many seconds a client shall come back, between 1 and what serves all who were refused."""
        return self._pick(1, min(_LONGEST_SECONDS, 2 + int(2 * self._ratio)))


async def send_refusal(error: DomainError, scope: Scope, send: Send, *, public_url: str) -> None:
    """Answer a 429 without details: to the byte what ``problem_response`` makes of it, for a third of the computing."""
    request_id: str = scope["state"]["request_id"]  # of plain letters, whoever chose it
    url, code, detail = public_url.rstrip("/"), error.code, json.dumps(error.message, ensure_ascii=False)
    body = (_BODY % (code, code, detail, url, code, request_id)).encode()
    headers = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    headers += [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/problem+json")]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
