"""Print licences: the right to so many good prints of a revision, granted and revoked by its owner."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlmodel import Session

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Identifier,
    InventoryReader,
    InventoryReleaser,
    Now,
    PageQuery,
    ReadSession,
    WriteSession,
)
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.licences import LicenceIn, LicenceOut, licence_out, new_licence
from fabroute.api.schemas.revisions import ReasonIn
from fabroute.inventory import service as inventory
from fabroute.inventory.states import RevisionStateConflict
from fabroute.kernel.errors import FieldProblem
from fabroute.network import service as network

router = APIRouter(prefix="/v1", tags=["licences"], route_class=ContractRoute)


@router.post(
    "/revisions/{revision_id}/licences",
    status_code=201,
    responses=docs.problems(inventory.UnknownRevision, RevisionStateConflict, inventory.InvalidLicence, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(LicenceIn),
)
def grant_licence(
    caller: InventoryReleaser,
    revision_id: Identifier,
    asked: Annotated[LicenceIn, Depends(json_body(LicenceIn))],
    session: WriteSession,
    now: Now,
) -> LicenceOut:
    """Grant good prints of a revision. Every call grants anew: after a timeout, look at the list before you repeat."""
    licence = new_licence(revision_id, asked)
    _require_nodes(session, licence.node_ids)
    granted = inventory.grant_licence(
        session, organisation_id=caller.organisation_id, licence=licence, actor=caller.key_id, now=now
    )
    return licence_out(granted)


@router.get("/revisions/{revision_id}/licences", responses=docs.NEXT_PAGE | docs.problems(inventory.UnknownRevision))
def list_licences(
    request: Request,
    response: Response,
    revision_id: Identifier,
    caller: InventoryReader,
    session: ReadSession,
    page: PageQuery,
) -> Listing[LicenceOut]:
    """List the licences of a revision with what is printed, held and left of each, the oldest first."""
    owner = caller.organisation_id
    inventory.get_revision(session, organisation_id=owner, revision_id=revision_id)
    found = inventory.list_licences(
        session, organisation_id=owner, revision_id=revision_id, cursor=page.cursor, limit=page.limit
    )
    return listing(request, response, found, licence_out)


@router.post(
    "/licences/{licence_id}/revocation",
    responses=docs.problems(inventory.UnknownLicence, inventory.LicenceRevoked, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(ReasonIn),
)
def revoke_licence(
    caller: InventoryReleaser,
    licence_id: Identifier,
    asked: Annotated[ReasonIn, Depends(json_body(ReasonIn))],
    session: WriteSession,
    now: Now,
) -> LicenceOut:
    """Revoke a licence for good: nothing more is printed of it, not even what jobs hold."""
    ended = inventory.revoke_licence(
        session,
        organisation_id=caller.organisation_id,
        licence_id=licence_id,
        reason=asked.reason,
        actor=caller.key_id,
        now=now,
    )
    return licence_out(ended)


def _require_nodes(session: Session, node_ids: Sequence[str]) -> None:
    known = network.existing_nodes(session, node_ids=node_ids)
    problems = tuple(
        FieldProblem(pointer=f"/node_ids/{place}", message=f"there is no node {node_id}: GET /v1/nodes lists them")
        for place, node_id in enumerate(node_ids)
        if node_id not in known
    )
    if problems:
        raise inventory.InvalidLicence("; ".join(item.message for item in problems), problems=problems)
