"""People sign in and out: a cookie that scripts can't read, and a token that other sites can't."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Now, WriteSession
from fabroute.api.errors import InternalError, TemporarilyUnavailable, ValidationFailed
from fabroute.api.people.callers import CSRF_HEADER, CsrfTokenInvalid, PeopleOnly, people_of, signed_in
from fabroute.api.people.desk import Credentials, LetIn
from fabroute.api.people.hashing import SignInBusy
from fabroute.api.people.visitors import visitor_of
from fabroute.api.schemas.people import AcceptInvitationIn, SignedInOut, SignInIn, signed_in_out
from fabroute.identity.service.people import sessions, signing_in
from fabroute.identity.service.people.emails import InvalidEmail
from fabroute.identity.service.people.passwords import PasswordUnacceptable
from fabroute.identity.service.people.second_factor import SecondFactorNeeded, SecondFactorRefused
from fabroute.identity.service.people.sessions import OpenSession
from fabroute.identity.service.people.throttle import TooManyAttempts

router = APIRouter(prefix="/v1", tags=["sign-in"], route_class=ContractRoute)

SignedIn = Annotated[OpenSession, Depends(signed_in)]
PUBLIC: docs.Extra = {"security": []}
SESSION: docs.Extra = {"security": [{"Session": []}]}
CSRF = SESSION | docs.header(CSRF_HEADER, "`csrf_token` of GET /v1/session.", required=True)
_AT_THE_DOOR = (ValidationFailed, InternalError, TemporarilyUnavailable, SignInBusy)


@router.post(
    "/sign-in",
    responses=docs.problems_without_key(
        *_AT_THE_DOOR,
        InvalidEmail,
        TooManyAttempts,
        signing_in.SignInRefused,
        signing_in.SeveralAccounts,
        SecondFactorNeeded,
        SecondFactorRefused,
        *BODY_PROBLEMS,
    ),
    openapi_extra=PUBLIC | docs.request_body(SignInIn),
)
def sign_in(
    request: Request,
    response: Response,
    asked: Annotated[SignInIn, Depends(json_body(SignInIn))],
    now: Now,
) -> SignedInOut:
    """Sign in with e-mail address and password, and a code where there is a second factor.

    The answer sets the session's cookie; what the browser was signed in as before is over. A wrong address and a wrong
    password are refused alike. After too many attempts others are still let in from browsers they used before.
    """
    credentials = Credentials(
        email=asked.email, password=asked.password, code=asked.code, organisation_id=asked.organisation_id
    )
    room = people_of(request)
    done = room.desk.sign_in(credentials, visitor=visitor_of(request, room.cookies), now=now)
    return _welcome(request, response, done)


@router.post(
    "/invitations/accept",
    responses=docs.problems_without_key(
        *_AT_THE_DOOR, signing_in.InvitationInvalid, PasswordUnacceptable, *BODY_PROBLEMS
    ),
    openapi_extra=PUBLIC | docs.request_body(AcceptInvitationIn),
)
def accept_invitation(
    request: Request,
    response: Response,
    asked: Annotated[AcceptInvitationIn, Depends(json_body(AcceptInvitationIn))],
    now: Now,
) -> SignedInOut:
    """Join by the link that somebody sent you, with a password of your own; you are signed in. A link works once."""
    room = people_of(request)
    visitor = visitor_of(request, room.cookies)
    done = room.desk.accept(token=asked.token, password=asked.password, visitor=visitor, now=now)
    return _welcome(request, response, done)


@router.get("/session", responses=docs.problems(PeopleOnly), openapi_extra=SESSION)
def read_session(opened: SignedIn) -> SignedInOut:
    """Read who is signed in, what they may do, and the token for requests that change something."""
    return signed_in_out(opened)


@router.delete(
    "/session",
    status_code=204,
    responses=docs.problems(PeopleOnly, CsrfTokenInvalid),
    openapi_extra=CSRF,
)
def sign_out(request: Request, response: Response, opened: SignedIn, session: WriteSession, now: Now) -> None:
    """Sign out here. Other browsers stay signed in: GET /v1/me/sessions lists them."""
    sessions.end_session_of(session, token=opened.token, now=now)
    room = people_of(request)
    room.sessions.forget(opened.token)
    room.cookies.take(response, "session")


def _welcome(request: Request, response: Response, done: LetIn) -> SignedInOut:
    cookies = people_of(request).cookies
    cookies.give(response, "session", done.opened.token)
    cookies.give(response, "device", done.device)
    response.headers["Cache-Control"] = "no-store"
    return signed_in_out(done.opened)
