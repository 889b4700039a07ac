"""Parts of the digital inventory: added, found, changed, with other numbers and the places where they are installed."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlmodel import Session
from starlette.exceptions import HTTPException

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.caching import conditional, require_match
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Caller,
    Filter,
    Identifier,
    InventoryReader,
    InventoryWriter,
    Now,
    PageQuery,
    ReadSession,
    WriteSession,
    work_of,
)
from fabroute.api.pages import listing
from fabroute.api.problems import methods_at
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.parts import (
    AliasIn,
    InstallationIn,
    InstallationOut,
    PartChangeIn,
    PartIn,
    PartOut,
    installation_out,
    new_alias,
    new_installation,
    new_part,
    part_change,
    part_out,
)
from fabroute.api.schemas.revisions import RevisionDetailOut, RevisionIn, new_revision, revision_detail_out
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory

router = APIRouter(prefix="/v1", tags=["parts"], route_class=ContractRoute)
PartNumber = Annotated[str, Path(pattern=r"^[^\x00-\x1f\x7f]{1,120}$", description="Its own number, or another one.")]
Words = Annotated[
    str | None,
    Query(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$", description="In the part number, name or another number."),
]
Version = Annotated[int | None, Depends(require_match)]


def get_part_number(request: Request, caller: Caller, part_no: PartNumber) -> str:
    """Return a part number out of a path, which may hold slashes.

    A path that names something of a part, such as ``…/aliases``, is a part number only where there is such a part.
    """
    if "/" in part_no and request.method not in methods_at(request):
        with work_of(request, caller) as session:
            _require_part(session, caller, part_no)
    return part_no


def _require_part(session: Session, caller: Principal, part_no: str) -> None:
    try:
        inventory.get_part(session, organisation_id=caller.organisation_id, part_no=part_no)
    except inventory.UnknownPart as error:
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED) from error


WholePath = Annotated[str, Depends(get_part_number)]


@router.post(
    "/parts",
    status_code=201,
    responses=docs.CREATED
    | docs.problems(inventory.PartExists, inventory.NumberTaken, inventory.InvalidPart, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(PartIn),
)
def add_part(
    response: Response,
    caller: InventoryWriter,
    asked: Annotated[PartIn, Depends(json_body(PartIn))],
    session: WriteSession,
    now: Now,
) -> PartOut:
    """Add a part to your digital inventory. It can be ordered once one of its revisions is released."""
    part = new_part(caller.organisation_id, asked)
    made = inventory.create_part(session, part=part, actor=caller.key_id, now=now)
    response.headers["Location"] = f"/v1/parts/{quote(made.part_no, safe='')}"
    return part_out(made)


@router.get("/parts", responses=docs.NEXT_PAGE | docs.problems())
def list_parts(
    request: Request,
    response: Response,
    caller: InventoryReader,
    session: ReadSession,
    page: PageQuery,
    q: Words = None,
    asset: Filter = None,
    position: Filter = None,
) -> Listing[PartOut]:
    """List your parts with their revisions, in the order of part numbers: all, or those that words or a place find."""
    query = inventory.PartQuery(text=q or "", asset=asset, position=position, cursor=page.cursor, limit=page.limit)
    found = inventory.search_parts(session, organisation_id=caller.organisation_id, query=query)
    return listing(request, response, found, part_out)


@router.post(
    "/parts/{part_no:path}/revisions",
    status_code=201,
    responses=docs.CREATED
    | docs.problems(inventory.UnknownPart, inventory.RevisionExists, inventory.InvalidRevision, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(RevisionIn),
)
def add_revision(
    response: Response,
    caller: InventoryWriter,
    part_no: PartNumber,
    asked: Annotated[RevisionIn, Depends(json_body(RevisionIn))],
    session: WriteSession,
    now: Now,
) -> RevisionDetailOut:
    """Add a draft revision to a part. Upload its print file next; then it is approved and released."""
    part = inventory.get_part(session, organisation_id=caller.organisation_id, part_no=part_no)
    wanted = new_revision(part.part_id, asked)
    made = inventory.create_revision(session, revision=wanted, actor=caller.key_id, now=now)
    response.headers["Location"] = f"/v1/revisions/{made.revision_id}"
    return revision_detail_out(made)


@router.post(
    "/parts/{part_no:path}/aliases",
    responses=docs.problems(inventory.UnknownPart, inventory.NumberTaken, inventory.InvalidPart, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(AliasIn),
)
def add_alias(
    caller: InventoryWriter,
    part_no: PartNumber,
    asked: Annotated[AliasIn, Depends(json_body(AliasIn))],
    session: WriteSession,
    now: Now,
) -> PartOut:
    """Give a part another number, by which it is found and ordered from then on. The same again changes nothing."""
    owner, alias = caller.organisation_id, new_alias(asked)
    part = inventory.get_part(session, organisation_id=owner, part_no=part_no)
    changed = inventory.add_alias(
        session, organisation_id=owner, part_no=part.part_no, alias=alias, actor=caller.key_id, now=now
    )
    return part_out(changed)


@router.delete(
    "/parts/{part_no:path}/aliases/{number:path}",
    status_code=204,
    responses=docs.problems(inventory.UnknownPart, inventory.UnknownAlias),
)
def remove_alias(
    caller: InventoryWriter, part_no: PartNumber, number: PartNumber, session: WriteSession, now: Now
) -> None:
    """Take another number from a part: nothing is found by it any more."""
    inventory.remove_alias(
        session, organisation_id=caller.organisation_id, part_no=part_no, number=number, actor=caller.key_id, now=now
    )


@router.post(
    "/parts/{part_no:path}/installations",
    responses=docs.problems(inventory.UnknownPart, inventory.InvalidPart, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(InstallationIn),
)
def install_part(
    caller: InventoryWriter,
    part_no: PartNumber,
    asked: Annotated[InstallationIn, Depends(json_body(InstallationIn))],
    session: WriteSession,
    now: Now,
) -> InstallationOut:
    """Note where a part is installed. The same asset and position again take the new quantity and note."""
    place = inventory.install_part(
        session,
        organisation_id=caller.organisation_id,
        part_no=part_no,
        installation=new_installation(asked),
        actor=caller.key_id,
        now=now,
    )
    return installation_out(place)


@router.delete(
    "/parts/{part_no:path}/installations/{installation_id}",
    status_code=204,
    responses=docs.problems(inventory.UnknownPart, inventory.UnknownInstallation),
)
def remove_installation(
    caller: InventoryWriter, part_no: PartNumber, installation_id: Identifier, session: WriteSession, now: Now
) -> None:
    """Note that a part is not installed there any more."""
    inventory.remove_installation(
        session,
        organisation_id=caller.organisation_id,
        part_no=part_no,
        installation_id=installation_id,
        actor=caller.key_id,
        now=now,
    )


@router.get(
    "/parts/{part_no:path}",
    response_model=PartOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(inventory.UnknownPart),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_part(request: Request, caller: InventoryReader, part_no: WholePath, session: ReadSession) -> Response:
    """Read a part with its revisions. Its ETag is what a change has to send in If-Match."""
    return _part(request, session, caller, part_no)


@router.patch(
    "/parts/{part_no:path}",
    response_model=PartOut,
    responses=docs.TAGGED
    | docs.problems(
        inventory.UnknownPart,
        inventory.StaleVersion,
        inventory.InvalidPart,
        errors.PreconditionRequired,
        errors.UnknownTag,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.IF_MATCH | docs.request_body(PartChangeIn),
)
def change_part(
    request: Request,
    caller: InventoryWriter,
    part_no: WholePath,
    version: Version,
    asked: Annotated[PartChangeIn, Depends(json_body(PartChangeIn))],
    session: WriteSession,
    now: Now,
) -> Response:
    """Change names and figures of a part. Its number stays; another number is an alias."""
    owner = caller.organisation_id
    present = inventory.get_part(session, organisation_id=owner, part_no=part_no)
    change = part_change(asked, version=version or present.version)
    inventory.change_part(
        session, organisation_id=owner, part_no=present.part_no, change=change, actor=caller.key_id, now=now
    )
    return _part(request, session, caller, present.part_no)


def _part(request: Request, session: Session, caller: Principal, part_no: str) -> Response:
    found = inventory.get_part(session, organisation_id=caller.organisation_id, part_no=part_no)
    return conditional(request, part_out(found), version=found.version)
