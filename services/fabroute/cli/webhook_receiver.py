"""A receiver of webhooks on this machine, for a terminal: it checks what comes, and tells."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fabroute.kernel.errors import DomainError
from fabroute.kernel.time import utc_now
from fabroute.webhooks.rules.messages import LARGEST_BODY_BYTES
from fabroute.webhooks.rules.verifying import BadSignature, require_usable, verify

Tell = Callable[[str], None]


class PortTaken(DomainError):
    """Something else listens there."""

    code = "port_taken"
    status = 409


def make_receiver(port: int, *, secret: str, tell: Tell) -> ThreadingHTTPServer:
    """Return a server on a port of this machine (0: a free one) that tells of each message, in one line.

    A good signature is answered with 204, a bad one with 400. Raises ``PortTaken``, ``UnusableSecret``.
    """

    require_usable(secret)

    class Handler(BaseHTTPRequestHandler):
        """Takes one message."""

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            size = int(length) if length.isdecimal() else 0
            body = self.rfile.read(min(size, LARGEST_BODY_BYTES))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                verify(secret, headers, body, now=utc_now())
            except BadSignature as error:
                tell(f"refused: {error.message}")
                self._answer(400)
                return
            tell(_line(body))
            self._answer(204)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: ``tell`` does."""

    try:
        return ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise PortTaken(f"port {port} can't be listened on ({error.strerror}): choose another with --port") from error


def _line(body: bytes) -> str:
    event = json.loads(body)
    return event_line(event)


def event_line(event: object) -> str:
    """Return an event in one line: when, what, about what, its facts."""
    if not isinstance(event, dict) or not isinstance(event.get("subject"), dict):
        return "a message that is no event"
    facts = event.get("data")
    known = {name: value for name, value in facts.items() if value is not None} if isinstance(facts, dict) else {}
    return (
        f"{event['timestamp']}  {event['type']:<28} {event['subject']['id']}  {json.dumps(known, ensure_ascii=False)}"
    )
