"""Brands: whose name, colour and logo the papers of an owner's parts bear."""

import re
from collections.abc import AsyncIterator
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.caching import conditional, require_match
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import BuyerReader, BuyerWriter, Now, ReadSession, WriteSession, get_resources, work_of
from fabroute.api.downloads import StoredFile, send_file_if_new
from fabroute.api.evidence import FILE_PROBLEMS, UPLOAD, UPLOAD_PROBLEMS, file_of
from fabroute.api.schemas.brands import BrandIn, BrandOut, brand_out, new_brand, words_of
from fabroute.api.uploads import ReceivedFile, UploadRules, received_file
from fabroute.integrations.paper.logo import MEDIA_TYPE, MOST_BYTES, InvalidLogo, clean_logo
from fabroute.integrations.paper.sheet import unprintable_letters
from fabroute.inventory.ports import PrintFileStoreDown
from fabroute.production.service.shipping import brands

_log = structlog.get_logger(__name__)
router = APIRouter(prefix="/v1/brand", tags=["brands"], route_class=ContractRoute)

_RULES = UploadRules(
    maximum_bytes=MOST_BYTES,
    refused_media_types=re.compile(r"(?!(?:image/(?:png|jpeg)|application/octet-stream)\Z).+", re.DOTALL),
)


async def get_logo_file(request: Request) -> AsyncIterator[ReceivedFile]:
    """Yield the request's body as a file that is gone after the request."""
    async with received_file(request, slots=get_resources(request).uploads, rules=_RULES) as file:
        yield file


@router.get(
    "",
    response_model=BrandOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(errors.OwnersOnly),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_brand(request: Request, caller: BuyerReader, session: ReadSession) -> Response:
    """Read how the papers of your parts look. Its ETag is what a change has to send in If-Match."""
    brand = brands.get_brand(session, organisation_id=caller.organisation_id)
    return conditional(request, _out(request, brand), version=brand.version)


@router.put(
    "",
    response_model=BrandOut,
    responses=docs.TAGGED
    | docs.problems(
        errors.OwnersOnly,
        errors.PreconditionRequired,
        errors.UnknownTag,
        brands.InvalidBrand,
        brands.BrandChanged,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.IF_MATCH | docs.request_body(BrandIn),
)
def set_brand(
    request: Request,
    caller: BuyerWriter,
    version: Annotated[int | None, Depends(require_match)],
    asked: Annotated[BrandIn, Depends(json_body(BrandIn))],
    session: WriteSession,
    now: Now,
) -> Response:
    """State how the papers of your parts look, as a whole but for the logo. Papers of older shipments change, too."""
    brand = brands.set_brand(session, principal=caller, brand=new_brand(asked), expected_version=version, now=now)
    return conditional(request, _out(request, brand), version=brand.version)


@router.put(
    "/logo",
    responses=docs.problems(errors.OwnersOnly, InvalidLogo, PrintFileStoreDown, *UPLOAD_PROBLEMS),
    openapi_extra=UPLOAD,
)
def set_logo(
    request: Request,
    caller: BuyerWriter,
    file: Annotated[ReceivedFile, Depends(get_logo_file)],
    session: WriteSession,
    now: Now,
) -> BrandOut:
    """Send your logo: the bytes of a PNG or JPEG, up to 1 MiB and 4 million pixels. Only its pixels are kept."""
    sha256 = get_resources(request).store.put(clean_logo(file.path.read_bytes()))
    logo = brands.Logo(sha256=sha256, media_type=MEDIA_TYPE)
    return _out(request, brands.set_logo(session, principal=caller, logo=logo, now=now))


@router.delete("/logo", responses=docs.problems(errors.OwnersOnly))
def remove_logo(request: Request, caller: BuyerWriter, session: WriteSession, now: Now) -> BrandOut:
    """Go without a logo: papers then bear your name."""
    return _out(request, brands.set_logo(session, principal=caller, logo=None, now=now))


@router.get(
    "/logo",
    response_class=Response,
    responses=file_of(MEDIA_TYPE) | docs.NOT_MODIFIED | docs.problems(errors.OwnersOnly, brands.NoLogo, *FILE_PROBLEMS),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_logo(request: Request, caller: BuyerReader) -> Response:
    """Read your logo as it stands on papers: a PNG."""
    resources = get_resources(request)
    with work_of(request, caller) as session:
        logo = brands.get_brand(session, organisation_id=caller.organisation_id).logo
    if logo is None:
        raise brands.NoLogo("your brand has no logo: PUT /v1/brand/logo gives it one")
    stored = StoredFile(sha256=logo.sha256, file_name="logo.png", media_type=logo.media_type)
    return send_file_if_new(request, resources.store, stored)


def _out(request: Request, brand: brands.BrandView) -> BrandOut:
    font = get_resources(request).settings.paper_font_file
    unprintable = unprintable_letters(words_of(brand), more_letters=font)
    if unprintable:
        _log.warning("brand.unprintable_letters", organisation_id=brand.organisation_id, setting="paper_font_file")
    return brand_out(brand, unprintable=unprintable)
