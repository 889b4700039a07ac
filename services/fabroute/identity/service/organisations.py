"""Organisations: owners of parts, bureaus that print, and the operator."""

from datetime import datetime

from sqlmodel import Session

from fabroute.identity.repository import organisations as repository
from fabroute.identity.rules import ORGANISATION_KINDS, OrganisationKind
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id


class UnknownOrganisation(DomainError):
    """A key was asked for an organisation that is not there."""

    code = "unknown_organisation"
    status = 404


class InvalidOrganisation(DomainError):
    """An organisation of a kind that fabroute doesn't know."""

    code = "invalid_organisation"
    status = 422


def create_organisation(
    session: Session, *, name: str, kind: OrganisationKind, now: datetime, organisation_id: str | None = None
) -> str:
    """Add an organisation and return its id; with a known ``organisation_id`` that one takes the new name."""
    if kind not in ORGANISATION_KINDS:
        raise InvalidOrganisation(f"{kind!r} is no kind of organisation: use {', '.join(sorted(ORGANISATION_KINDS))}")
    chosen = organisation_id or new_id("org")
    repository.upsert_organisation(session, {"id": chosen, "name": name, "kind": kind, "created_at": now})
    return chosen


def organisation_name(session: Session, *, organisation_id: str) -> str:
    """Return what an organisation is called. Raises ``UnknownOrganisation``."""
    name = repository.find_organisation_name(session, organisation_id)
    if name is None:
        raise UnknownOrganisation(f"there is no organisation {organisation_id}")
    return name
