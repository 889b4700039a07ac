"""Organisations: added, renamed and suspended by the operator; each reads its own."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.caching import conditional, require_match
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Caller,
    Identifier,
    KeysReader,
    KeysWriter,
    Now,
    PageQuery,
    ReadSession,
    WriteSession,
)
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.organisations import (
    OrganisationChangeIn,
    OrganisationIn,
    OrganisationOut,
    organisation_change,
    organisation_out,
)
from fabroute.identity.rules import OrganisationKind, Principal
from fabroute.identity.service import organisations
from fabroute.identity.service.organisations import OrganisationFilter

router = APIRouter(prefix="/v1", tags=["organisations"], route_class=ContractRoute)


def _operator(principal: Principal) -> Principal:
    if principal.kind != "operator":
        raise errors.OperatorOnly("organisations are the operator's: it takes a key of the operator")
    return principal


async def get_reading_operator(principal: KeysReader) -> Principal:
    """Return the caller if it is the operator and may read; ``OperatorOnly`` otherwise."""
    return _operator(principal)


async def get_writing_operator(principal: KeysWriter) -> Principal:
    """Return the caller if it is the operator and may write; ``OperatorOnly`` otherwise."""
    return _operator(principal)


ReadingOperator = Annotated[Principal, Depends(get_reading_operator)]
WritingOperator = Annotated[Principal, Depends(get_writing_operator)]


@router.post(
    "/organisations",
    status_code=201,
    responses=docs.CREATED | docs.problems(errors.OperatorOnly, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(OrganisationIn),
)
def add_organisation(
    response: Response,
    caller: WritingOperator,
    asked: Annotated[OrganisationIn, Depends(json_body(OrganisationIn))],
    session: WriteSession,
    now: Now,
) -> OrganisationOut:
    """Add an owner of parts or a bureau, as the operator. Its first key: `POST /v1/api-keys` with its id."""
    added = organisations.add_organisation(session, name=asked.name, kind=asked.kind, actor=caller.key_id, now=now)
    response.headers["Location"] = f"/v1/organisations/{added.organisation_id}"
    return organisation_out(added)


@router.get("/organisations", responses=docs.NEXT_PAGE | docs.problems(errors.OperatorOnly))
def list_organisations(
    request: Request,
    response: Response,
    _: ReadingOperator,
    session: ReadSession,
    page: PageQuery,
    kind: Annotated[OrganisationKind | None, Query(description="Only organisations of this kind.")] = None,
    suspended: Annotated[bool | None, Query(description="Only those that are suspended, or that are not.")] = None,
) -> Listing[OrganisationOut]:
    """List the organisations of this installation, the oldest first, as the operator."""
    wanted = OrganisationFilter(kind=kind, suspended=suspended)
    found = organisations.list_organisations(session, wanted=wanted, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, organisation_out)


@router.get(
    "/organisations/{organisation_id}",
    response_model=OrganisationOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(errors.OperatorOnly, organisations.UnknownOrganisation),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_organisation(
    request: Request, organisation_id: Identifier, _: ReadingOperator, session: ReadSession
) -> Response:
    """Read an organisation, as the operator; its own reads everybody with `GET /v1/organisation`."""
    found = organisations.get_organisation(session, organisation_id=organisation_id)
    return conditional(request, organisation_out(found), version=found.version)


@router.patch(
    "/organisations/{organisation_id}",
    response_model=OrganisationOut,
    responses=docs.TAGGED
    | docs.problems(
        errors.OperatorOnly,
        errors.PreconditionRequired,
        errors.UnknownTag,
        organisations.UnknownOrganisation,
        organisations.OrganisationChanged,
        organisations.OperatorNotSuspended,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.IF_MATCH | docs.request_body(OrganisationChangeIn),
)
def change_organisation(
    request: Request,
    organisation_id: Identifier,
    caller: WritingOperator,
    version: Annotated[int | None, Depends(require_match)],
    asked: Annotated[OrganisationChangeIn, Depends(json_body(OrganisationChangeIn))],
    session: WriteSession,
    now: Now,
) -> Response:
    """Rename, suspend or restore an organisation, as the operator.

    A suspended one is refused within a second, whatever it authenticates with; its open jobs stay as they are.
    """
    changed = organisations.change_organisation(
        session,
        organisation_id=organisation_id,
        change=organisation_change(asked, version=version),
        actor=caller.key_id,
        now=now,
    )
    return conditional(request, organisation_out(changed), version=changed.version)


@router.get("/organisation", responses=docs.problems())
def get_own_organisation(caller: Caller, session: ReadSession) -> OrganisationOut:
    """Read your own organisation: any good key will do."""
    return organisation_out(organisations.get_organisation(session, organisation_id=caller.organisation_id))
