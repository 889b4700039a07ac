"""``GET /metrics`` on an address of its own, for Prometheus alone: on a port that the world doesn't reach."""

import hmac
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from fabroute.kernel.errors import DomainError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PATIENCE_SECONDS = 10.0


class MetricsAddressTaken(DomainError):
    """Metrics can't be served where they are to be."""

    code = "metrics_address_taken"
    status = 500


Page = Callable[[], bytes]
"""Makes the text of one path."""


def registry_of(*collectors: Collector, of_process: bool = True) -> CollectorRegistry:
    """Return a registry with these collectors, and what the system says of this process."""
    registry = CollectorRegistry(auto_describe=False)
    if of_process:
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
    for collector in collectors:
        registry.register(collector)
    return registry


def page_of(registry: CollectorRegistry) -> Page:
    """Return what makes the text of a registry."""
    return lambda: generate_latest(registry)


def is_allowed(authorization: str | None, *, token: str) -> bool:
    """Return whether a header holds the token, in a time that tells nothing of it."""
    return hmac.compare_digest((authorization or "").encode(), f"Bearer {token}".encode())


class MetricsServer:
    """Serves pages from a thread of its own until it is closed; each request in another one."""

    def __init__(self, pages: Mapping[str, Page], *, host: str, port: int) -> None:
        handler = type("Handler", (_Handler,), {"pages": dict(pages)})
        try:
            self._server = ThreadingHTTPServer((host, port), handler)
        except OSError as error:
            raise MetricsAddressTaken(
                f"metrics can't be served on {host}:{port} ({error.strerror}): give another port, or leave it out"
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on: the one that was given, or for 0 a free one."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def close(self) -> None:
        """End it."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def serve_forever(self) -> None:
        """Serve from the calling thread, until it is interrupted."""
        self._server.serve_forever()


class _Handler(BaseHTTPRequestHandler):
    pages: ClassVar[Mapping[str, Page]] = {}
    timeout = _PATIENCE_SECONDS
    server_version, sys_version = "fabroute", ""

    def do_GET(self) -> None:
        """Answer one request."""
        page = self.pages.get(self.path.partition("?")[0])
        if page is None:
            self._answer(HTTPStatus.NOT_FOUND, f"there are {', '.join(self.pages)}\n".encode())
        else:
            self._answer(HTTPStatus.OK, page())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: scrapes are no news."""

    def _answer(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
