"""Callers that are people: known by their session's cookie, and by the CSRF token where they change something."""

import hmac

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from fabroute.api.people.room import PeopleRoom
from fabroute.identity.rules import Unauthenticated
from fabroute.identity.service.people.sessions import OpenSession
from fabroute.kernel.errors import DomainError
from fabroute.kernel.time import utc_now

CSRF_HEADER = "X-CSRF-Token"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class CsrfTokenInvalid(DomainError):
    """A cookie alone changes nothing: the request needs the session's CSRF token as well."""

    code = "csrf_token_invalid"
    status = 403


class PeopleOnly(DomainError):
    """This belongs to a person who is signed in, not to an API key."""

    code = "people_only"
    status = 403


def people_of(request: Request) -> PeopleRoom:
    """Return what this process holds for people."""
    room: PeopleRoom = request.app.state.resources.people
    return room


def session_cookie(request: Request) -> str | None:
    """Return the session's cookie of a request that brings no other credential."""
    if "Authorization" in request.headers:
        return None
    return people_of(request).cookies.read(request, "session")


async def signed_in(request: Request) -> OpenSession:
    """Return the session of a request's cookie.

    Raises ``Unauthenticated`` without a good one, ``CsrfTokenInvalid`` where it would change something without the
    token, ``PeopleOnly`` for another credential.
    """
    token = session_cookie(request)
    if token is None:
        if "Authorization" in request.headers:
            raise PeopleOnly("this belongs to people who are signed in: leave Authorization out and POST /v1/sign-in")
        raise Unauthenticated("you are not signed in: POST /v1/sign-in")
    sessions, now = people_of(request).sessions, utc_now()
    opened = sessions.recall(token, now=now)
    if opened is None:
        opened = await run_in_threadpool(sessions.look_up, token, now=now)
    if request.method not in _READS:
        _require_csrf_token(request, opened)
    return opened


def _require_csrf_token(request: Request, opened: OpenSession) -> None:
    sent = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(sent.encode("utf-8", "replace"), opened.csrf_token.encode()):
        raise CsrfTokenInvalid(f"send the header {CSRF_HEADER} with the csrf_token of GET /v1/session")
