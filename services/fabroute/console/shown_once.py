"""Secrets that a person is shown once: kept sealed by their own browser for ten minutes, and by nobody else.

So a page that shows one can be loaded again, and shown again after a wrong code or a new sign-in.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from fastapi import Request, Response

from fabroute.api.people.callers import people_of
from fabroute.identity.ports import SealBroken

_COOKIE, _PLACE = "fabroute_shown", "/console/account"
_GOOD_FOR = timedelta(minutes=10)


def hand_over(
    request: Request, response: Response, secrets: Sequence[str], *, what: str, person_id: str, now: datetime
) -> None:
    """Have the browser keep secrets, which only this installation can read, for this person."""
    room = people_of(request)
    text = json.dumps([*secrets, str((now + _GOOD_FOR).timestamp())])
    response.set_cookie(
        _COOKIE,
        room.sealer.seal(text, purpose=_purpose(what, person_id)),
        max_age=int(_GOOD_FOR.total_seconds()),
        path=_PLACE,
        httponly=True,
        samesite="lax",
        secure=room.cookies.is_secure,
    )


def handed_over(request: Request, *, what: str, person_id: str, now: datetime) -> tuple[str, ...]:
    """Return the secrets that the browser keeps; none where they are others, somebody else's or too old."""
    sealed = request.cookies.get(_COOKIE, "")
    try:
        *secrets, until = json.loads(people_of(request).sealer.unseal(sealed, purpose=_purpose(what, person_id)))
    except (SealBroken, ValueError):
        return ()
    return tuple(secrets) if now.timestamp() <= float(until) else ()


def take_back(response: Response) -> None:
    """Have the browser forget the secrets."""
    response.delete_cookie(_COOKIE, path=_PLACE, httponly=True, samesite="lax")


def _purpose(what: str, person_id: str) -> str:
    return f"{what} shown to {person_id}"
