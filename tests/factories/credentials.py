"""Organisations with keys of certain scopes, and what is in the audit log about a thing."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, OrganisationKind
from fabroute.identity.service import create_organisation, issue_api_key, read_audit
from fabroute.kernel.time import utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """An organisation and a key of it."""

    organisation_id: str
    key_id: str
    token: str


def given_keyed(
    engine: Engine,
    *,
    kind: OrganisationKind = "owner",
    scopes: Collection[str] = ALL_SCOPES,
    organisation_id: str | None = None,
) -> Keyed:
    """Return a key with ``scopes``, of a new organisation or of the one that is named."""
    now = utc_now()
    with unit_of_work(engine) as session:
        owner = organisation_id or create_organisation(session, name=f"A {kind}", kind=kind, now=now)
        issued = issue_api_key(session, organisation_id=owner, name="test", scopes=scopes, now=now)
    return Keyed(organisation_id=owner, key_id=issued.key_id, token=issued.token)


def acts_on(engine: Engine, subject_type: str, subject_id: str) -> list[tuple[str, str]]:
    """Return who did what to a thing, the first first: action and actor."""
    with unit_of_work(engine) as session:
        found = read_audit(session, subject_type=subject_type, subject_id=subject_id)
    return [(entry.action, entry.actor) for entry in found]
