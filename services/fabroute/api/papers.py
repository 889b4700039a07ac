"""PDFs as answers: made for each request, the same bytes for the same record."""

import hashlib

from fastapi import Request, Response

from fabroute.api import documentation as docs
from fabroute.api.caching import has_already
from fabroute.api.dependencies import get_resources
from fabroute.integrations.paper.sheet import Look
from fabroute.production.service.shipping.brands import BrandView

MEDIA_TYPE = "application/pdf"
PAPER: docs.Responses = {
    200: {
        "description": "The paper.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        "headers": docs.ETAG,
    }
}


def look_of(request: Request, brand: BrandView) -> Look:
    """Return how the papers of a brand look, with its logo out of the store."""
    resources = get_resources(request)
    return Look(
        name=brand.name,
        accent=brand.accent_colour,
        logo=None if brand.logo is None else resources.store.get(brand.logo.sha256),
        contact=brand.contact,
        more_letters=resources.settings.paper_font_file,
    )


def paper(request: Request, content: bytes, *, file_name: str) -> Response:
    """Return a PDF that a browser shows, or 304 where the client has it."""
    headers = {
        "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'inline; filename="{file_name}.pdf"',
        "X-Content-Type-Options": "nosniff",
    }
    if has_already(request, headers["ETag"]):
        return Response(status_code=304, headers={name: headers[name] for name in ("ETag", "Cache-Control")})
    return Response(content, media_type=MEDIA_TYPE, headers=headers)
