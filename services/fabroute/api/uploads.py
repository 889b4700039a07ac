"""Files from clients: streamed to a temporary file while they are hashed, never held in memory, never kept in part."""

import asyncio
import base64
import binascii
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from fabroute.api.bodies import require_plain
from fabroute.api.errors import (
    BodyTooLarge,
    ContentDigestInvalid,
    ContentDigestMismatch,
    EmptyUpload,
    FileNameInvalid,
    UnsupportedMediaType,
    UploadInterrupted,
    UploadsBusy,
    UploadTooSlow,
)
from fabroute.api.lengths import declared_length

DEFAULT_MEDIA_TYPE = "application/octet-stream"
LONGEST_FILE_NAME = 200

_PIECE_BYTES = 2**20
_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([^:]*):", re.IGNORECASE)
_ANY_DIGEST = re.compile(r"\s*[a-z0-9*_.-]+=:[A-Za-z0-9+/=]*:\s*(?:,\s*[a-z0-9*_.-]+=:[A-Za-z0-9+/=]*:\s*)*")
_WRAPPED = "application/x-www-form-urlencoded"
"""What curl calls any body of which nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFile:
    """A file that came in whole, and what the client says about it. It is gone once the request is answered."""

    path: Path
    sha256: str
    size_bytes: int
    file_name: str
    """Without folders; empty where the client named none."""
    media_type: str

    def head(self, size_bytes: int) -> bytes:
        """Return how it begins."""
        with self.path.open("rb") as file:
            return file.read(size_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRules:
    """What is taken at one place."""

    maximum_bytes: int
    refused_media_types: re.Pattern[str]
    """Of files that can't be meant, in lower case."""
    piece_seconds: float = 60.0
    """A mebibyte that takes longer ends the upload: a client that drips would hold its place for ever."""


class UploadSlots:
    """How many uploads one process takes at a time. Used from its event loop only."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a place inside the block; ``UploadsBusy`` if none is free."""
        if self._taken >= self._places:
            raise UploadsBusy(f"{self._places} uploads are coming in already: send this one again in a few seconds")
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


@asynccontextmanager
async def received_file(request: Request, *, slots: UploadSlots, rules: UploadRules) -> AsyncIterator[ReceivedFile]:
    """Yield the request's body as a file, deleted when the block ends, however it ends.

    What the headers tell is checked before a byte is read. Raises ``UnsupportedMediaType``, ``BodyTooLarge``,
    ``FileNameInvalid``, ``ContentDigestInvalid``, ``UploadsBusy``; then ``BodyTooLarge``, ``UploadTooSlow``,
    ``UploadInterrupted``, ``EmptyUpload`` and ``ContentDigestMismatch``.
    """
    require_plain(request)
    media_type, file_name = media_type_of(request, refused=rules.refused_media_types), file_name_of(request)
    wanted = _content_digest(request)
    _require_declared_within(request, rules.maximum_bytes)
    with slots.one(), TemporaryDirectory(prefix="fabroute-upload-") as folder:
        path = Path(folder) / "content"
        sha256, size_bytes = await _write(request, path, rules)
        if wanted is not None and wanted != bytes.fromhex(sha256):
            raise ContentDigestMismatch(
                f"Content-Digest is of another content: what came in has the SHA-256 {sha256}. Send the file again"
            )
        yield ReceivedFile(path=path, sha256=sha256, size_bytes=size_bytes, file_name=file_name, media_type=media_type)


def media_type_of(request: Request, *, refused: re.Pattern[str]) -> str:
    """Return the media type of the body, in lower case; ``UnsupportedMediaType`` for one that can't be meant."""
    declared = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if refused.fullmatch(declared):
        raise UnsupportedMediaType(
            f"{declared} is no file of this kind: send the file's own bytes as the body, with the Content-Type "
            f"of the file or {DEFAULT_MEDIA_TYPE}"
        )
    return DEFAULT_MEDIA_TYPE if declared in ("", _WRAPPED) else declared[:100]


def file_name_of(request: Request) -> str:
    """Return the name from the query's ``name`` or from Content-Disposition, without folders; empty without one."""
    name = request.query_params.get("name")
    if name is None:
        header = Message()
        header["Content-Disposition"] = request.headers.get("Content-Disposition", "")
        name = header.get_filename("")
    name = re.split(r"[/\\]", name)[-1].strip()
    if len(name) > LONGEST_FILE_NAME or not name.isprintable():
        raise FileNameInvalid(f"name the file with up to {LONGEST_FILE_NAME} printable characters")
    return name


def _content_digest(request: Request) -> bytes | None:
    header = request.headers.get("Content-Digest")
    if header is None:
        return None
    found = _DIGEST.search(header)
    if found is None and _ANY_DIGEST.fullmatch(header):
        return None  # of an algorithm that nobody here computes: RFC 9530 lets it be ignored
    try:
        digest = base64.b64decode(found[1] if found else "", validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != hashlib.sha256().digest_size:
        raise ContentDigestInvalid("write the header as Content-Digest: sha-256=:<the digest in base64>: (RFC 9530)")
    return digest


def _require_declared_within(request: Request, limit: int) -> None:
    declared = declared_length(request.headers.get("Content-Length", "0").encode("latin-1"))
    if declared is not None and declared > limit:
        raise _too_large(limit)


async def _write(request: Request, path: Path, rules: UploadRules) -> tuple[str, int]:
    digest, length = hashlib.sha256(), 0
    with path.open("wb") as file:
        async for piece in _pieces(request, rules.piece_seconds):
            length += len(piece)
            if length > rules.maximum_bytes:
                raise _too_large(rules.maximum_bytes)
            await run_in_threadpool(file.write, piece)
            await run_in_threadpool(digest.update, piece)
    if not length:
        raise EmptyUpload("the body is empty: send the file's own bytes as the body")
    return digest.hexdigest(), length


async def _pieces(request: Request, seconds: float) -> AsyncIterator[bytes]:
    stream = request.stream()
    while True:
        piece = bytearray()
        try:
            async with asyncio.timeout(seconds):
                while len(piece) < _PIECE_BYTES and (chunk := await anext(stream, None)) is not None:
                    piece += chunk
        except TimeoutError as error:
            raise UploadTooSlow("the upload came to a halt: nothing was kept, send the file again") from error
        except ClientDisconnect as error:
            raise UploadInterrupted("the connection was closed before the whole file was sent") from error
        if not piece:
            return
        yield bytes(piece)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"the file is larger than {limit:,} bytes, the most that this installation takes")
