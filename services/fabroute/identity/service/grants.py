"""Who may give credentials to whom, and with which scopes: nobody gives away what he hasn't."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlmodel import Session

from fabroute.identity.repository.organisations import organisation_exists
from fabroute.identity.rules import ALL_SCOPES, Principal
from fabroute.identity.service.organisations import UnknownOrganisation
from fabroute.kernel.errors import DomainError, FieldProblem

LONGEST_OVERLAP = timedelta(days=7)
LONGEST_LIFE = timedelta(days=3650)
MOST_LIVE = 100
"""Keys of one organisation that open something, and its clients."""
KEY_ACTOR = "system:keys"
AT_THE_TERMINAL = Principal(organisation_id="", kind="operator", key_id=KEY_ACTOR, scopes=ALL_SCOPES)
"""Whoever has the installation's database at hand: it may do what the operator may."""


class UnknownScope(DomainError):
    """A key was asked for with a scope that opens nothing."""

    code = "unknown_scope"
    status = 422


class ScopeNotHeld(DomainError):
    """A key was asked for that would open more than the caller's own."""

    code = "scope_not_held"
    status = 403


class InvalidExpiry(DomainError):
    """A key would end before now, or more than ten years from now."""

    code = "invalid_expiry"
    status = 422


class InvalidOverlap(DomainError):
    """The old secret would stay for less than no time, or for more than seven days."""

    code = "invalid_overlap"
    status = 422


class TooManyCredentials(DomainError):
    """The organisation has as many live keys or clients as one may have."""

    code = "too_many_credentials"
    status = 409


def require_known_scopes(scopes: Collection[str]) -> None:
    """Raise ``UnknownScope`` which names the scopes that there are."""
    unknown = sorted(set(scopes) - ALL_SCOPES)
    if unknown:
        raise UnknownScope(
            f"unknown scopes {', '.join(unknown)}: choose from {', '.join(sorted(ALL_SCOPES))}",
            problems=(FieldProblem(pointer="/scopes", message=f"{', '.join(unknown)} opens nothing"),),
        )


def require_held(caller: Principal, *, scopes: Collection[str], organisation_id: str) -> None:
    """Raise ``ScopeNotHeld`` where the caller would give away scopes that it hasn't.

    The operator may give others any scope; to itself it may not.
    """
    missing = sorted(set(scopes) - caller.scopes)
    if missing and not (caller.kind == "operator" and caller.organisation_id != organisation_id):
        raise ScopeNotHeld(
            f"your own key hasn't {', '.join(missing)}: leave that out, or ask who has it; nobody gives what he hasn't"
        )


def organisation_for(session: Session, *, caller: Principal, asked: str | None) -> str:
    """Return whose credentials the caller means: its own organisation's, of the operator those of any it names.

    Raises ``UnknownOrganisation`` for every other one.
    """
    if asked is None or asked == caller.organisation_id:
        return caller.organisation_id
    if caller.kind != "operator" or not organisation_exists(session, asked):
        raise UnknownOrganisation(f"there is no organisation {asked}: leave organisation_id out to mean your own")
    return asked


def require_expiry(expires_at: datetime | None, *, now: datetime) -> None:
    """Raise ``InvalidExpiry`` for an end that is over or further away than ten years."""
    if expires_at is not None and not now < expires_at <= now + LONGEST_LIFE:
        message = "must lie between now and ten years from now, or be left out for a key without an end"
        raise InvalidExpiry(f"expires_at {message}", problems=(FieldProblem(pointer="/expires_at", message=message),))


def require_overlap(overlap: timedelta) -> None:
    """Raise ``InvalidOverlap`` unless the old secret stays for at most seven days."""
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise InvalidOverlap("overlap_seconds is between 0 (the old one ends now) and 604800, seven days")


def require_room(live: int, *, what: str) -> None:
    """Raise ``TooManyCredentials`` where an organisation has as many live ones as it may."""
    if live >= MOST_LIVE:
        raise TooManyCredentials(f"there are {live} live {what}, the most that one organisation has: revoke some first")
