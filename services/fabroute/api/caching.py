"""ETags: a read that changed nothing is answered with 304, a write on something changed with 412."""

import hashlib
import re

from fastapi import Request, Response
from pydantic import BaseModel

from fabroute.api.errors import PreconditionRequired

_VERSION = re.compile(r'(?:W/)?"v(\d{1,9})[-"]')


def conditional(request: Request, answer: BaseModel, *, version: int | None = None) -> Response:
    """Return ``answer`` with a strong ETag, or 304 where the client has these very bytes.

    ``version`` is what ``If-Match`` of a later change is checked against.
    """
    content = answer.model_dump_json().encode()
    digest = hashlib.sha256(content).hexdigest()[:24]
    etag = f'"{digest}"' if version is None else f'"v{version}-{digest}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if _names(request.headers.get("If-None-Match", ""), etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def require_match(request: Request) -> int:
    """Return the version in ``If-Match``, 0 for a tag never given out; ``PreconditionRequired`` without the header."""
    condition = request.headers.get("If-Match")
    if condition is None:
        raise PreconditionRequired("send If-Match with the ETag of GET, so that nobody's change is overwritten unseen")
    found = _VERSION.match(condition.strip())
    return int(found[1]) if found else 0


def _names(condition: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in condition.split(",")]
    return etag in tags or tags == ["*"]
