"""ETags: a read that changed nothing is answered with 304, a write on something changed with 412."""

import hashlib
import re

from fastapi import Request, Response
from pydantic import BaseModel

from fabroute.api.contract.etags import names_tag
from fabroute.api.errors import PreconditionRequired, UnknownTag

_VERSION = re.compile(r'(?:W/)?"v([1-9]\d{0,8})[-"]')


def conditional(request: Request, answer: BaseModel, *, version: int | None = None) -> Response:
    """Return ``answer`` with a strong ETag, or 304 where the client has these very bytes.

    ``version`` is what ``If-Match`` of a later change is checked against.
    """
    content = answer.model_dump_json().encode()
    digest = hashlib.sha256(content).hexdigest()[:24]
    etag = f'"{digest}"' if version is None else f'"v{version}-{digest}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if has_already(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def has_already(request: Request, etag: str) -> bool:
    """Tell whether the client says, by ``If-None-Match``, that it has what ``etag`` names."""
    return names_tag(request.headers.get("If-None-Match", ""), etag)


def require_match(request: Request) -> int | None:
    """Return the version in ``If-Match``, ``None`` for ``*``, which any version matches (RFC 9110, 13.1.1).

    Raises ``PreconditionRequired`` without the header, and ``UnknownTag`` for a tag that was never given out.
    """
    condition = request.headers.get("If-Match")
    if condition is None:
        raise PreconditionRequired("send If-Match with the ETag of GET, so that nobody's change is overwritten unseen")
    if condition.strip() == "*":
        return None
    found = _VERSION.match(condition.strip())
    if found is None:
        raise UnknownTag("If-Match names no ETag of ours: send the one that GET gives, as it is and with its quotes")
    return int(found[1])
