"""Receives webhooks: checks who sent them, writes them down, answers at once. Work begins after the answer."""

import hashlib
import hmac
import json
import sqlite3
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fabroute.bridges.journal import Heard, Journal
from fabroute.kernel.errors import DomainError

MOST_BYTES = 2 * 1024 * 1024
_SHA256_BYTES = 32


class NotGenuine(DomainError):
    """A message that the foreign system did not sign, or that is another shop's."""

    code = "not_genuine"
    status = 401


class NotReadable(DomainError):
    """A message that is not what the foreign system sends."""

    code = "not_readable"
    status = 400


class TooLarge(DomainError):
    """A message that is larger than any order."""

    code = "too_large"
    status = 413


class Inbox(Protocol):
    """Knows what the messages of one foreign system look like."""

    def open(self, headers: Mapping[str, str], body: bytes) -> Heard | None:
        """Return what a message tells, ``None`` if nothing that matters. ``NotGenuine``, ``NotReadable``."""
        ...


def receiver(inbox: Inbox, journal: Journal, *, wake: Callable[[], None]) -> Starlette:
    """Return an ASGI application that takes messages at any path, and says that it lives at ``/healthz``."""

    async def take(request: Request) -> Response:
        try:
            heard = inbox.open(request.headers, await _body_of(request))
            if heard is not None and await run_in_threadpool(journal.hear, heard):
                wake()
        except DomainError as error:
            return JSONResponse({"code": error.code, "detail": error.message}, status_code=error.status)
        except sqlite3.OperationalError as error:
            return JSONResponse({"code": "journal", "detail": str(error)}, status_code=503)
        return JSONResponse({"ok": True})

    async def healthy(_request: Request) -> Response:
        return JSONResponse({"ok": True})

    return Starlette(
        routes=[Route("/healthz", healthy, methods=["GET"]), Route("/{path:path}", take, methods=["POST"])]
    )


def require_base64_signature(body: bytes, *, secret: str, signature: str) -> None:
    """Raise ``NotGenuine`` unless ``signature`` is the base64 of the HMAC-SHA256 of the raw body."""
    try:
        told = b64decode(signature, validate=True)
    except (NotBase64, ValueError):
        told = b""
    _require(body, secret, told)


def require_hex_signature(body: bytes, *, secret: str, signature: str) -> None:
    """Raise ``NotGenuine`` unless ``signature`` is ``sha256=`` and the hexadecimal HMAC-SHA256 of the raw body."""
    try:
        told = bytes.fromhex(signature.removeprefix("sha256="))
    except ValueError:
        told = b""
    _require(body, secret, told)


def json_object(body: bytes) -> dict[str, Any]:
    """Return the object in a body; ``NotReadable``."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotReadable("the body is no JSON") from error
    if not isinstance(told, dict):
        raise NotReadable("the body is no JSON object")
    return told


def required_id(told: Mapping[str, Any], name: str) -> str:
    """Return an id as text; ``NotReadable`` where it is none."""
    value = told.get(name)
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).strip():
        raise NotReadable(f"the body lacks its {name}")
    return str(value).strip()


def _require(body: bytes, secret: str, told: bytes) -> None:
    expected = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    if not secret or len(told) != _SHA256_BYTES or not hmac.compare_digest(expected, told):
        raise NotGenuine("the signature is not right: does the bridge know the shop's present secret?")


async def _body_of(request: Request) -> bytes:
    pieces, size = [], 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > MOST_BYTES:
                raise TooLarge(f"more than {MOST_BYTES} bytes are no order")
            pieces.append(piece)
    except ClientDisconnect as error:
        raise NotReadable("the body did not come whole") from error
    return b"".join(pieces)
