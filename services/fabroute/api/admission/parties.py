"""Whose request it is, told from its headers alone: nothing is looked up for it."""

from fastapi import Request
from starlette.types import Scope

from fabroute.api.callers.addresses import client_address
from fabroute.api.contract.limits import require_within_limits
from fabroute.api.people.callers import session_cookie
from fabroute.api.resources import Resources
from fabroute.kernel.time import utc_now

STRANGERS = "strangers"
"""All who bring no credential that is known here: they share one party's room."""
_OF_CALLERS = "/v1/"


def party_of(scope: Scope, resources: Resources) -> str:
    """Return whose share of the process a request takes: its organisation's, or that of all strangers.

    A guess, which opens nothing: a key that was good a while ago still names its organisation. Raises what can be told
    without a query: ``RateLimited`` of a key that was looked up just now, ``TooManyWrongKeys`` of an unknown one.
    """
    token = _token(scope)
    if token is None:
        return _of_person(scope, resources)
    known = resources.keys.known(token, now=utc_now())
    is_of_caller = scope["path"].startswith(_OF_CALLERS)
    if known is None:
        if is_of_caller:
            address = client_address(scope, trusted_proxies=resources.settings.trusted_proxies)
            resources.wrong_keys.require_patience(address, token)
        return STRANGERS
    if known.is_fresh and is_of_caller:
        require_within_limits(scope, known.organisation_id)
    return known.organisation_id


def _token(scope: Scope) -> str | None:
    """Return the bearer token of a request, empty for another credential, ``None`` without any."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, token = value.decode("latin-1").partition(" ")
            return token if kind.lower() == "bearer" else ""
    return None


def _of_person(scope: Scope, resources: Resources) -> str:
    if all(name != b"cookie" for name, _ in scope["headers"]):
        return STRANGERS
    cookie = session_cookie(Request(scope))
    return (cookie and resources.people.sessions.organisation_of(cookie)) or STRANGERS
