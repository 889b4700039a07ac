"""ETags of single things: an answer that the client has already is 304."""

import hashlib

from fastapi import Request, Response

_DIGITS = 24


def names_tag(condition: str, etag: str) -> bool:
    """Tell whether an ``If-None-Match`` names an ETag, by the weak comparison of RFC 9110."""
    tags = [tag.strip().removeprefix("W/") for tag in condition.split(",")]
    return bool(etag) and (etag.removeprefix("W/") in tags or tags == ["*"])


def tag_of(content: bytes) -> str:
    """Return the strong ETag of some bytes."""
    return f'"{hashlib.sha256(content).hexdigest()[:_DIGITS]}"'


def tagged(request: Request, response: Response) -> Response:
    """Return an answer with the ETag of its bytes, or 304 where the client has these very bytes."""
    is_whole = response.status_code == 200 and "ETag" not in response.headers
    if not (is_whole and _is_json(response) and _may_be_kept(response)):
        return response
    etag = tag_of(bytes(response.body))
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if names_tag(request.headers.get("If-None-Match", ""), etag):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response


def _is_json(response: Response) -> bool:
    return response.headers.get("Content-Type", "") == "application/json" and hasattr(response, "body")


def _may_be_kept(response: Response) -> bool:
    """Tell whether an endpoint lets anybody keep its answer: one that signs somebody in is for that moment alone."""
    return "no-store" not in response.headers.get("Cache-Control", "")
