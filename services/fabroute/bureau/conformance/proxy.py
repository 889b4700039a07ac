"""A recording proxy before fabroute: plain HTTP on this machine, one thread a connection."""

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

import httpx

from fabroute.bureau.conformance.exchanges import Exchange
from fabroute.bureau.conformance.faults import Reply, problem_reply

_SECONDS = 90.0
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "host", "content-length", "expect"}
)
"""RFC 9110 7.6.1, and what is set anew."""
_PLAIN = {"accept-encoding": "identity"}


class Disturbance(Protocol):
    """What may happen to a request, as ``FaultScript`` decides it."""

    def before(self, request: Exchange) -> Reply | None:
        """Return an answer in fabroute's place."""
        ...

    def delay(self, request: Exchange) -> float:
        """Return seconds to wait before anything is done."""
        ...

    def after(self, request: Exchange, reply: Reply) -> Reply:
        """Return what the client gets."""
        ...


class Recorder:
    """Keeps every exchange, in the order in which they began."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._began = clock()
        self._clock = clock
        self._numbers = 0
        self._log: list[Exchange] = []
        self._lock = threading.Lock()

    def seconds(self) -> float:
        """Return the seconds since the recording began."""
        return self._clock() - self._began

    def number(self) -> int:
        """Return the next request's number."""
        with self._lock:
            self._numbers += 1
            return self._numbers

    def keep(self, exchange: Exchange) -> None:
        """Keep an exchange that is over."""
        with self._lock:
            self._log.append(exchange)

    def log(self) -> tuple[Exchange, ...]:
        """Return what was kept, oldest request first."""
        with self._lock:
            return tuple(sorted(self._log, key=lambda it: it.number))


class Relay:
    """Takes one request through to fabroute and back, past what the script has in mind for it."""

    def __init__(
        self,
        *,
        forward: Callable[[Exchange], Reply],
        script: Disturbance,
        recorder: Recorder,
        on_exchange: Callable[[Exchange], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._forward, self._script, self._recorder = forward, script, recorder
        self._on_exchange, self._sleep = on_exchange, sleep

    def take(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        listens: Callable[[], bool] = lambda: True,
    ) -> Reply:
        """Return what the client is answered; it is recorded before, so whoever has an answer finds it.

        A client that does not listen any more is answered nothing: it can't be judged by what it never got.
        """
        request = self._request(method, target, headers, body)
        slow = self._script.delay(request)
        self._sleep(slow)
        reply = self._script.before(request) or self._script.after(request, self._forward(request))
        if not listens():
            reply = Reply(status=0, fault=reply.fault)
        fault = "slow" if slow and not reply.fault else reply.fault
        is_json = "json" in {name.lower(): value for name, value in reply.headers.items()}.get("content-type", "")
        exchange = replace(
            request,
            ended=self._recorder.seconds(),
            status=reply.status,
            answer_headers={name.lower(): value for name, value in reply.headers.items()},
            answer=reply.body if is_json else b"",
            fault=fault,
        )
        self._recorder.keep(exchange)
        self._on_exchange(exchange)
        return reply

    def _request(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Exchange:
        began = self._recorder.seconds()
        return Exchange(
            number=self._recorder.number(),
            started=began,
            ended=began,
            method=method,
            target=target,
            headers=headers,
            body=body,
            status=0,
            answer_headers={},
            answer=b"",
        )


@contextmanager
def serving_proxy(
    *,
    upstream: str,
    script: Disturbance,
    recorder: Recorder,
    port: int = 0,
    on_exchange: Callable[[Exchange], None] = lambda _: None,
    transport: httpx.BaseTransport | None = None,
) -> Iterator[str]:
    """Yield the URL of a proxy to ``upstream`` on this machine, for as long as the block runs."""
    tls = upstream.startswith("https")  # without it, certificates need not be loaded
    with httpx.Client(base_url=upstream, timeout=_SECONDS, transport=transport, verify=tls) as http:
        forward = _Forwarding(http)

        class Handler(_Handler):
            """Knows this proxy's relay."""

            relay = Relay(forward=forward, script=script, recorder=recorder, on_exchange=on_exchange)

        server = _Server(("127.0.0.1", port), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()


class _Forwarding:
    """Sends requests on as they are, but for what belongs to one connection."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def __call__(self, request: Exchange) -> Reply:
        sent = {name: value for name, value in request.headers.items() if name not in _HOP_BY_HOP}
        try:
            answer = self._http.request(request.method, request.target, headers=sent | _PLAIN, content=request.body)
        except httpx.TransportError:
            return problem_reply(502, "fabroute_unreachable", "")
        kept = {name: value for name, value in answer.headers.items() if name not in _HOP_BY_HOP}
        return Reply(status=answer.status_code, headers=kept, body=answer.content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of what went wrong with a request; but a client that went away is no news."""
        if not isinstance(sys.exception(), (BrokenPipeError, ConnectionResetError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    relay: Relay

    def _handle(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.relay.take(self.command, self.path, headers, self._body(headers), listens=self._client_listens)
        if reply.status == 0:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status not in (204, 304):
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: the exchanges are told elsewhere."""

    def _client_listens(self) -> bool:
        """Tell whether the client is still there; the connection of one that was killed has ended."""
        try:
            coming: bytes = self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        return coming != b""

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        return self.rfile.read(int(headers.get("content-length") or 0))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().partition(b";")[0].strip() or b"0", 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            """Read over the trailers."""
