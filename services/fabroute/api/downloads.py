"""Files out of the store: nothing of one leaves before all of it has been checked against its SHA-256."""

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from fabroute.api.caching import has_already
from fabroute.inventory.ports import PrintFileStore

_IN_MEMORY_BYTES = 2**20
_PIECE_BYTES = 2**18
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file in the store: its address, and the name and media type that it is sent under."""

    sha256: str
    file_name: str
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent beside those that every file has."""


def send_file(store: PrintFileStore, file: StoredFile) -> Response:
    """Return a streamed answer with the file, its ETag and its digest. It waits for the store: call it in a thread.

    Raises ``PrintFileMissing``, ``PrintFileDamaged`` or ``PrintFileStoreDown`` before anything is sent.
    """
    with ExitStack() as opened:
        content = opened.enter_context(SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES))
        length = store.fetch(file.sha256, content)
        opened.pop_all()
    headers = file_headers(file) | {"Content-Length": str(length)}
    return StreamingResponse(_pieces(content), media_type=file.media_type, headers=headers)


def send_file_if_new(request: Request, store: PrintFileStore, file: StoredFile) -> Response:
    """Return the file as ``send_file`` does, or 304 where the client has it; then the store is not asked."""
    headers = file_headers(file)
    if has_already(request, headers["ETag"]):
        return Response(status_code=304, headers={name: headers[name] for name in ("ETag", "Cache-Control")})
    return send_file(store, file)


def file_headers(file: StoredFile) -> dict[str, str]:
    """Return the headers that say what a file is: ETag and Content-Digest (RFC 9530) are its SHA-256."""
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    return {
        "ETag": f'"{file.sha256}"',
        "Content-Digest": f"sha-256=:{digest}:",
        "Content-Disposition": disposition(file.file_name),
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    } | dict(file.headers)


def disposition(file_name: str) -> str:
    """Return a Content-Disposition that saves a file under its name, and no browser shows (RFC 6266).

    Old clients read the plain name, which has nothing in it that a shell, a path or a header could stumble over.
    """
    plain = _UNSAFE.sub("_", file_name).strip("._") or "file"
    exact = quote(file_name.replace("/", "_").replace("\\", "_"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    with content:
        content.seek(0)
        while piece := content.read(_PIECE_BYTES):
            yield piece
