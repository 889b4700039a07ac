"""Proof of parts on paper and screen: the passport of each part, for whoever holds it, and certificates as PDF."""

import base64
import hashlib
import json
from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from fabroute.api import documentation as docs
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Identifier, JobsReader, PublicSession, ReadSession, get_resources
from fabroute.api.errors import InternalError, TemporarilyUnavailable, ValidationFailed
from fabroute.api.papers import PAPER, look_of, paper
from fabroute.api.passport_links import passport_urls
from fabroute.api.schemas.passports import PassportOut, passport_out
from fabroute.integrations.paper.conformity import render_certificate
from fabroute.inventory.ports import PrintFileDamaged, PrintFileMissing, PrintFileStoreDown
from fabroute.production.service.conformity import UnknownPassport, find_passport
from fabroute.production.service.conformity.certificates import UnknownConformityCertificate, get_certificate
from fabroute.production.service.shipping import brands

router = APIRouter(prefix="/v1", tags=["passports"], route_class=ContractRoute)

Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{16,100}$", description="As the code on the part says.")]
_PAGE: docs.Responses = {
    200: {
        "description": "The part: a page for people who ask for `text/html`.",
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
}
_QUIET = {
    "Cache-Control": "no-cache",
    "Vary": "Accept",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


@router.get(
    "/passports/{token}",
    response_model=PassportOut,
    responses=_PAGE
    | docs.problems_without_key(UnknownPassport, ValidationFailed, InternalError, TemporarilyUnavailable),
    openapi_extra={"security": []},
)
def get_passport(request: Request, token: Token, session: PublicSession) -> Response:
    """Read what a part is, how it was made and what was found. No key is needed: the token is all there is to know.

    JSON, or a page where the request accepts `text/html`. A recalled or scrapped part says so first.
    """
    wants_page = "text/html" in request.headers.get("Accept", "")
    try:
        found = passport_out(find_passport(session, token=token))
    except UnknownPassport:
        if not wants_page:
            raise
        return _page(None, status=404)
    if wants_page:
        return _page(found, status=200)
    return Response(found.model_dump_json(), media_type="application/json", headers=_QUIET)


@router.get(
    "/conformity-certificates/{certificate_id}.pdf",
    response_class=Response,
    responses=PAPER
    | docs.NOT_MODIFIED
    | docs.problems(UnknownConformityCertificate, PrintFileMissing, PrintFileDamaged, PrintFileStoreDown),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_certificate_paper(
    request: Request, certificate_id: Identifier, caller: JobsReader, session: ReadSession
) -> Response:
    """Print a certificate of conformity in the owner's brand; it all comes from the signed statement.

    A withdrawn one says so at its top. Its code leads to the passport of its first part, each serial to its own.
    """
    certificate = get_certificate(session, principal=caller, certificate_id=certificate_id)
    passports = passport_urls(request, session, job_id=certificate.job_id)
    public_url = get_resources(request).settings.public_url.rstrip("/")
    named = [
        passports[part["number"]] for part in json.loads(certificate.statement)["parts"] if part["number"] in passports
    ]
    check_url = named[0] if named else f"{public_url}/v1/conformity-certificates/{certificate_id}"
    brand = brands.get_brand(session, organisation_id=certificate.organisation_id)
    content = render_certificate(certificate, look_of(request, brand), check_url=check_url, passports=passports)
    return paper(request, content, file_name=f"conformity-{certificate_id}")


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(loader=PackageLoader("fabroute.api"), autoescape=True, trim_blocks=True)


@lru_cache(maxsize=1)
def _style() -> tuple[Markup, str]:
    """Return the page's style, and the policy under which a browser takes it and nothing else."""
    loader = _templates().loader
    style = "" if loader is None else loader.get_source(_templates(), "passport.css")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return Markup(style), f"{policy}; frame-ancestors 'none'"


def _page(found: PassportOut | None, *, status: int) -> Response:
    style, policy = _style()
    content = _templates().get_template("passport.html").render(it=found, style=style)
    headers = _QUIET | {"Content-Security-Policy": policy}
    return Response(content, status_code=status, media_type="text/html", headers=headers)
