"""An S3 that keeps its objects in memory: one bucket, one key pair, signatures checked (AWS Signature Version 4)."""

import hashlib
import hmac
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

ACCESS_KEY_ID = "a-key-id"
SECRET_ACCESS_KEY = "a-secret-key"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>[^,]+), ?SignedHeaders=(?P<names>[^,]+),"
    r" ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(slots=True)
class ObjectServer:
    """Where it listens, and what was put there."""

    bucket: str
    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)


@contextmanager
def object_server(*, bucket: str = "parts") -> Iterator[ObjectServer]:
    """Yield an S3 with one empty bucket."""
    state = ObjectServer(bucket=bucket)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: ObjectServer
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if key := self._key():
            if key in self.state.objects and self.headers.get("If-None-Match") == "*":
                return self._answer(412)
            self.state.objects[key] = content
            self._answer(200, headers={"ETag": '"1"'})

    def do_GET(self) -> None:
        if key := self._key():
            content = self.state.objects.get(key)
            self._answer(404 if content is None else 200, content or b"", headers={"ETag": '"1"'})

    def _key(self) -> str | None:
        """Return which object is meant; answer with a refusal where the caller may not know."""
        if not _is_signed(self.command, self.path, self.headers.items()):
            self._answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
            return None
        bucket, _, key = urlsplit(self.path).path.lstrip("/").partition("/")
        if bucket != self.state.bucket:
            self._answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
            return None
        return key

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **_DATED, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


_DATED = {"Last-Modified": "Mon, 23 Nov 2026 00:00:00 GMT"}


def _is_signed(method: str, path: str, headers: list[tuple[str, str]]) -> bool:
    named = {name.lower(): value.strip() for name, value in headers}
    found = _AUTHORIZATION.fullmatch(named.get("authorization", ""))
    if found is None or found["key"] != ACCESS_KEY_ID:
        return False
    parts = urlsplit(path)
    lines = [f"{name}:{named[name]}\n" for name in found["names"].split(";")]
    canonical = [method, parts.path, parts.query, "".join(lines), found["names"], named["x-amz-content-sha256"]]
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    told = "\n".join(["AWS4-HMAC-SHA256", named["x-amz-date"], found["scope"], digest])
    key = f"AWS4{SECRET_ACCESS_KEY}".encode()
    for part in found["scope"].split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(hmac.new(key, told.encode(), hashlib.sha256).hexdigest(), found["signature"])
