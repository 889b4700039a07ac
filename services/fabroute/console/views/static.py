"""Styles and scripts."""

from fastapi import Request, Response

from fabroute.console.routes import console_router
from fabroute.console.security import STATIC_HEADERS
from fabroute.console.static_files import StaticFile, static_files

router = console_router()


@router.get("/static/{digest}/{name:path}")
async def get_static_file(request: Request, digest: str, name: str) -> Response:
    """Send a file whose content the URL names."""
    found = static_files().get(name)
    if found is None or found.digest != digest:
        return Response(status_code=404)
    return _sent(found, is_compressed="gzip" in request.headers.get("Accept-Encoding", ""))


def _sent(found: StaticFile, *, is_compressed: bool) -> Response:
    headers = {**STATIC_HEADERS, "Vary": "Accept-Encoding"} | ({"Content-Encoding": "gzip"} if is_compressed else {})
    content = found.compressed if is_compressed else found.content
    return Response(content, headers=headers, media_type=found.media_type)
