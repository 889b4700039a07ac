"""A person's own account: where they are signed in, their password, their second factor."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Identifier, Now, PageQuery, ReadSession, WriteSession
from fabroute.api.pages import listing, window
from fabroute.api.people.callers import CsrfTokenInvalid, PeopleOnly, people_of
from fabroute.api.people.hashing import SignInBusy
from fabroute.api.people.visitors import visitor_of
from fabroute.api.routers.sign_in import CSRF, SESSION, SignedIn
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.people import (
    PasswordChangeIn,
    PasswordIn,
    RecoveryCodesOut,
    SessionOut,
    SignedInOut,
    TotpConfirmationIn,
    TotpOut,
    session_out,
    signed_in_out,
    totp_out,
)
from fabroute.identity.service.people import second_factor, sessions, signing_in
from fabroute.identity.service.people.passwords import PasswordUnacceptable
from fabroute.identity.service.people.sessions import SessionView
from fabroute.identity.service.people.throttle import TooManyAttempts

router = APIRouter(prefix="/v1/me", tags=["sign-in"], route_class=ContractRoute)

_MINE = (PeopleOnly, CsrfTokenInvalid)
_AGAIN = (signing_in.WrongPassword, second_factor.NoPassword, TooManyAttempts, SignInBusy, *BODY_PROBLEMS)
"""What can be wrong where the password is asked again."""


def get_confirmed(
    request: Request, opened: SignedIn, asked: Annotated[PasswordIn, Depends(json_body(PasswordIn))], now: Now
) -> str:
    """Return the id of somebody who has sent their password along, once it was compared."""
    room = people_of(request)
    visitor = visitor_of(request, room.cookies)
    account = room.desk.confirm_password(opened=opened, password=asked.password, visitor=visitor, now=now)
    return account.person.person_id


Confirmed = Annotated[str, Depends(get_confirmed)]


@router.get("/sessions", responses=docs.NEXT_PAGE | docs.problems(PeopleOnly), openapi_extra=SESSION)
def list_my_sessions(
    request: Request, response: Response, opened: SignedIn, session: ReadSession, page: PageQuery, now: Now
) -> Listing[SessionOut]:
    """List where you are signed in, the first first."""
    found = sessions.list_sessions(session, person_id=opened.person.person_id, now=now)
    own = window(reversed(found), page, key=_session_id)
    return listing(request, response, own, lambda it: session_out(it, current=opened.session.session_id))


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    responses=docs.problems(*_MINE, sessions.UnknownSession),
    openapi_extra=CSRF,
)
def end_my_session(session_id: Identifier, opened: SignedIn, session: WriteSession, now: Now) -> None:
    """Sign out of one of your browsers, e.g. of a laptop that was lost; it is felt there within a second."""
    sessions.end_session(session, person_id=opened.person.person_id, session_id=session_id, now=now)


@router.post(
    "/password",
    responses=docs.problems(*_MINE, *_AGAIN, PasswordUnacceptable),
    openapi_extra=CSRF | docs.request_body(PasswordChangeIn),
)
def change_my_password(
    request: Request,
    response: Response,
    opened: SignedIn,
    asked: Annotated[PasswordChangeIn, Depends(json_body(PasswordChangeIn))],
    now: Now,
) -> SignedInOut:
    """Choose another password. You get a new session here, with a new token; everywhere else you are signed out."""
    room = people_of(request)
    done = room.desk.change_password(
        opened=opened,
        present=asked.present_password,
        new=asked.new_password,
        visitor=visitor_of(request, room.cookies),
        now=now,
    )
    room.cookies.give(response, "session", done.token)
    return signed_in_out(done)


@router.post(
    "/totp",
    status_code=201,
    responses=docs.problems(*_MINE, *_AGAIN, second_factor.SecondFactorIsOn),
    openapi_extra=CSRF | docs.request_body(PasswordIn),
)
def start_my_second_factor(request: Request, person_id: Confirmed, session: WriteSession) -> TotpOut:
    """Begin to set up a second factor: the secret for your authenticator app. It counts once a code confirms it."""
    started = second_factor.start_second_factor(session, person_id=person_id, sealer=people_of(request).sealer)
    return totp_out(started)


@router.post(
    "/totp/confirmation",
    responses=docs.problems(
        *_MINE,
        second_factor.SecondFactorIsOn,
        second_factor.SecondFactorIsOff,
        second_factor.SecondFactorRefused,
        *BODY_PROBLEMS,
    ),
    openapi_extra=CSRF | docs.request_body(TotpConfirmationIn),
)
def confirm_my_second_factor(
    request: Request,
    opened: SignedIn,
    asked: Annotated[TotpConfirmationIn, Depends(json_body(TotpConfirmationIn))],
    session: WriteSession,
    now: Now,
) -> RecoveryCodesOut:
    """Turn the second factor on with the first code that your app shows, and get ten recovery codes. Keep them."""
    codes = second_factor.confirm_second_factor(
        session, person_id=opened.person.person_id, code=asked.code, sealer=people_of(request).sealer, now=now
    )
    return RecoveryCodesOut(recovery_codes=list(codes))


@router.post(
    "/totp/removal",
    status_code=204,
    responses=docs.problems(*_MINE, *_AGAIN, second_factor.SecondFactorIsOff),
    openapi_extra=CSRF | docs.request_body(PasswordIn),
)
def remove_my_second_factor(person_id: Confirmed, session: WriteSession, now: Now) -> None:
    """Turn your second factor off; recovery codes are void."""
    second_factor.remove_second_factor(session, person_id=person_id, now=now)


@router.post(
    "/recovery-codes",
    responses=docs.problems(*_MINE, *_AGAIN, second_factor.SecondFactorIsOff),
    openapi_extra=CSRF | docs.request_body(PasswordIn),
)
def renew_my_recovery_codes(person_id: Confirmed, session: WriteSession, now: Now) -> RecoveryCodesOut:
    """Get ten new recovery codes; those you had are void."""
    return RecoveryCodesOut(
        recovery_codes=list(second_factor.renew_recovery_codes(session, person_id=person_id, now=now))
    )


def _session_id(found: SessionView) -> str:
    return found.session_id
