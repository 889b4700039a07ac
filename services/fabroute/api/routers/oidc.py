"""People sign in at an OpenID provider: away to it, and back with a code."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from fabroute.api import documentation as docs
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Now
from fabroute.api.errors import InternalError, TemporarilyUnavailable, ValidationFailed
from fabroute.api.people.callers import people_of
from fabroute.api.people.openid import OpenIdNotConfigured
from fabroute.api.people.visitors import visitor_of
from fabroute.api.routers.sign_in import PUBLIC
from fabroute.api.schemas.people import SignedInOut, signed_in_out
from fabroute.identity.ports import ProviderDown, ProviderRefused
from fabroute.identity.service.people.linking import NotInvited, SeveralInvitations

router = APIRouter(prefix="/v1/oidc", tags=["sign-in"], route_class=ContractRoute)

_ALWAYS = (ValidationFailed, InternalError, TemporarilyUnavailable, OpenIdNotConfigured, ProviderDown)
_TOLD = ("code", "state", "iss", "error")
_TO_PROVIDER: docs.Responses = {303: {"description": "To the provider."}}
_BACK: docs.Responses = {303: {"description": "To the page that was asked for at the start."}}
_UNREAD = ("error_description", "error_uri", "session_state", "scope", "authuser", "prompt", "hd", "client_info")
"""What some providers send as well."""
_CALLBACK: docs.Extra = PUBLIC | {
    "parameters": [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": "From the provider." if name in _TOLD else "From some providers; it is not read.",
            "schema": {"type": "string"},
        }
        for name in (*_TOLD, *_UNREAD)
    ]
}
Invitation = Annotated[
    str | None, Query(min_length=1, max_length=200, description="The token of the link that somebody joins by.")
]
ReturnTo = Annotated[
    str,
    Query(
        max_length=200,
        pattern=r"^$|^/(?:[A-Za-z0-9_.~-][A-Za-z0-9_.~/-]*)?$",
        description="A path of this installation to go to afterwards. Without it, the callback answers with JSON.",
    ),
]


@router.get(
    "/start",
    status_code=303,
    response_class=Response,
    responses=_TO_PROVIDER | docs.problems_without_key(*_ALWAYS),
    openapi_extra=PUBLIC,
)
def start_openid(request: Request, now: Now, invitation: Invitation = None, return_to: ReturnTo = "") -> Response:
    """Go to the OpenID provider of this installation to sign in there (authorization code flow with PKCE)."""
    room = people_of(request)
    departure = room.openid.start(invitation=invitation, return_to=return_to, now=now)
    response = RedirectResponse(departure.url, status_code=303, headers={"Cache-Control": "no-store"})
    room.cookies.give(response, "oidc", departure.cookie)
    return response


@router.get(
    "/callback",
    response_model=SignedInOut,
    responses=_BACK | docs.problems_without_key(*_ALWAYS, ProviderRefused, NotInvited, SeveralInvitations),
    openapi_extra=_CALLBACK,
)
def finish_openid(request: Request, now: Now) -> Response:
    """Come back from the OpenID provider. The first time, somebody must have invited the address that it vouches for.

    Afterwards the person is known by the provider's own name for them, whatever their address becomes.
    """
    room = people_of(request)
    arrival = room.openid.finish(
        told=dict(request.query_params),
        cookie=room.cookies.read(request, "oidc"),
        visitor=visitor_of(request, room.cookies),
        now=now,
    )
    headers = {"Cache-Control": "no-store"}
    response: Response = (
        RedirectResponse(arrival.return_to, status_code=303, headers=headers)
        if arrival.return_to
        else Response(signed_in_out(arrival.opened).model_dump_json(), media_type="application/json", headers=headers)
    )
    room.cookies.give(response, "session", arrival.opened.token)
    room.cookies.take(response, "oidc")
    return response
