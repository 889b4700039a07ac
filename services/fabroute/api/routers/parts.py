"""Parts of the digital inventory."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.caching import conditional
from fabroute.api.dependencies import InventoryReader, PageQuery, ReadSession
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.parts import PartOut, part_out
from fabroute.inventory import service as inventory

router = APIRouter(prefix="/v1", tags=["parts"])
PartNumber = Annotated[str, Path(pattern=r"^[^\x00-\x1f\x7f]{1,120}$")]


@router.get("/parts", responses=docs.NEXT_PAGE | docs.problems())
def list_parts(
    request: Request, response: Response, caller: InventoryReader, session: ReadSession, page: PageQuery
) -> Listing[PartOut]:
    """List your parts with their revisions, in the order of part numbers."""
    found = inventory.list_parts(session, organisation_id=caller.organisation_id, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, part_out)


@router.get(
    "/parts/{part_no:path}",
    response_model=PartOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(inventory.UnknownPart),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_part(request: Request, part_no: PartNumber, caller: InventoryReader, session: ReadSession) -> Response:
    """Read a part with its revisions."""
    found = inventory.get_part(session, organisation_id=caller.organisation_id, part_no=part_no)
    return conditional(request, part_out(found))
