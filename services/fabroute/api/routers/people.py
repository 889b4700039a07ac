"""People of an organisation: invited by a link, listed, changed, disabled, removed."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.caching import conditional, require_match
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Identifier,
    Now,
    PageQuery,
    PeopleReader,
    PeopleWriter,
    ReadSession,
    WriteSession,
    get_resources,
)
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.people import (
    PersonChangeIn,
    PersonIn,
    PersonInvitedOut,
    PersonOut,
    invited_out,
    new_person,
    person_change,
    person_out,
)
from fabroute.identity.service import UnknownOrganisation
from fabroute.identity.service.people import members
from fabroute.identity.service.people.emails import InvalidEmail
from fabroute.identity.service.people.powers import LastAdmin, RoleNotHeld, UnknownRole
from fabroute.identity.service.people.views import UnknownPerson

router = APIRouter(prefix="/v1", tags=["people"], route_class=ContractRoute)

_OF_OTHERS = Annotated[
    str | None,
    Query(max_length=100, pattern=r"^[A-Za-z0-9_.:-]+$", description="For the operator: another organisation."),
]


@router.post(
    "/people",
    status_code=201,
    responses=docs.CREATED
    | docs.problems(InvalidEmail, UnknownRole, RoleNotHeld, members.AlreadyMember, UnknownOrganisation, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(PersonIn),
)
def invite_person(
    request: Request,
    response: Response,
    caller: PeopleWriter,
    asked: Annotated[PersonIn, Depends(json_body(PersonIn))],
    session: WriteSession,
    now: Now,
) -> PersonInvitedOut:
    """Invite somebody into your organisation. The link is shown once, here: send it to them, fabroute mails nothing.

    You can't give a role that may do more than you. The operator may invite into any organisation.
    """
    invited = members.invite_person(
        session, asked=new_person(asked), caller=caller, valid_for=_valid_for(request), now=now
    )
    response.headers["Location"] = f"/v1/people/{invited.person.person_id}"
    return invited_out(invited, public_url=get_resources(request).settings.public_url)


@router.get("/people", responses=docs.NEXT_PAGE | docs.problems(UnknownOrganisation))
def list_people(
    request: Request,
    response: Response,
    caller: PeopleReader,
    session: ReadSession,
    page: PageQuery,
    organisation_id: _OF_OTHERS = None,
) -> Listing[PersonOut]:
    """List the people of your organisation, the first invited first; those who were removed are not among them."""
    found = members.list_people(
        session, caller=caller, organisation_id=organisation_id, cursor=page.cursor, limit=page.limit
    )
    return listing(request, response, found, person_out)


@router.get(
    "/people/{person_id}",
    response_model=PersonOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(UnknownPerson),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_person(request: Request, person_id: Identifier, caller: PeopleReader, session: ReadSession) -> Response:
    """Read a person of your organisation. The ETag is what a change has to send in If-Match."""
    found = members.get_person(session, person_id=person_id, caller=caller)
    return conditional(request, person_out(found), version=found.version)


@router.patch(
    "/people/{person_id}",
    response_model=PersonOut,
    responses=docs.TAGGED
    | docs.problems(
        UnknownPerson,
        UnknownRole,
        RoleNotHeld,
        LastAdmin,
        members.StalePerson,
        errors.PreconditionRequired,
        errors.UnknownTag,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.IF_MATCH | docs.request_body(PersonChangeIn),
)
def change_person(
    request: Request,
    person_id: Identifier,
    caller: PeopleWriter,
    version: Annotated[int | None, Depends(require_match)],
    asked: Annotated[PersonChangeIn, Depends(json_body(PersonChangeIn))],
    session: WriteSession,
    now: Now,
) -> Response:
    """Change a person's name or role, or disable or enable them; it counts within a second, wherever they are.

    The last admin who has joined stays one.
    """
    change = person_change(asked, version=version)
    found = members.change_person(session, person_id=person_id, change=change, caller=caller, now=now)
    return conditional(request, person_out(found), version=found.version)


@router.delete(
    "/people/{person_id}",
    status_code=204,
    responses=docs.problems(UnknownPerson, RoleNotHeld, LastAdmin),
)
def remove_person(person_id: Identifier, caller: PeopleWriter, session: WriteSession, now: Now) -> None:
    """Remove a person: their name, address and all they sign in with are forgotten. The audit log keeps their id."""
    members.remove_person(session, person_id=person_id, caller=caller, now=now)


@router.post(
    "/people/{person_id}/invitation",
    status_code=201,
    responses=docs.problems(UnknownPerson, RoleNotHeld),
)
def renew_invitation(
    request: Request, person_id: Identifier, caller: PeopleWriter, session: WriteSession, now: Now
) -> PersonInvitedOut:
    """Make a new link for who lost theirs, or can't sign in any more.

    What they signed in with until now is void: link, password, second factor, provider. They are signed out.
    """
    invited = members.renew_invitation(
        session, person_id=person_id, caller=caller, valid_for=_valid_for(request), now=now
    )
    return invited_out(invited, public_url=get_resources(request).settings.public_url)


def _valid_for(request: Request) -> timedelta:
    return timedelta(days=get_resources(request).settings.invitation_days)
