"""HTTP/1.1 over a Unix socket with next to no computing: for clients that must not cost more than the server."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: status, headers by their small names, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return what the body holds."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One connection that stays open, for one request at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    token: str

    async def get(self, path: str, **headers: str) -> Reply:
        """Read something."""
        return await self._ask("GET", path, b"", headers)

    async def post(self, path: str, body: object, **headers: str) -> Reply:
        """Send something."""
        return await self._ask("POST", path, json.dumps(body).encode(), headers)

    def send(self, method: str, path: str, content: bytes, headers: Mapping[str, str]) -> None:
        """Send a request and don't wait for its answer."""
        lines = [f"{method} {path} HTTP/1.1", "Host: fabroute", f"Authorization: Bearer {self.token}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if content:
            lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        self.writer.write("\r\n".join((*lines, "", "")).encode() + content)

    async def answer(self) -> Reply:
        """Return the answer to what was sent."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {pair[0].lower(): pair[1] for pair in pairs}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Reply(status=int(head[0].split(" ")[1]), headers=headers, body=body)

    async def _ask(self, method: str, path: str, content: bytes, headers: Mapping[str, str]) -> Reply:
        self.send(method, path, content, headers)
        return await self.answer()


@asynccontextmanager
async def wire(socket: str, token: str) -> AsyncIterator[Wire]:
    """Yield a connection to the API on ``socket``."""
    reader, writer = await asyncio.open_unix_connection(socket)
    try:
        yield Wire(reader=reader, writer=writer, token=token)
    finally:
        writer.close()
