"""People as those see them who may, and what can be wrong with naming one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from fabroute.identity.repository.people import StoredPerson
from fabroute.identity.rules import ROLES, OrganisationKind, Principal
from fabroute.identity.service.audit import AuditRecord
from fabroute.kernel.errors import DomainError
from fabroute.kernel.events import JsonScalar

PersonState = Literal["invited", "active", "disabled"]
SYSTEM_ACTOR = "system:people"


class UnknownPerson(DomainError):
    """There is no such person in an organisation that the caller may see."""

    code = "unknown_person"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """A person of an organisation."""

    person_id: str
    organisation_id: str
    organisation_name: str
    kind: OrganisationKind
    email: str
    name: str
    role: str
    state: PersonState
    has_password: bool
    has_second_factor: bool
    created_at: datetime
    joined_at: datetime | None
    signed_in_at: datetime | None
    version: int

    @property
    def scopes(self) -> frozenset[str]:
        """What the person's role allows."""
        return ROLES[self.kind].get(self.role, frozenset())


def person_view(found: StoredPerson) -> PersonView:
    """Return a stored person as others may see them: without secrets."""
    return PersonView(
        person_id=found.person_id,
        organisation_id=found.organisation_id,
        organisation_name=found.organisation_name,
        kind=cast(OrganisationKind, found.kind),
        email=found.email,
        name=found.name,
        role=found.role,
        state=_state(found),
        has_password=found.password_hash is not None,
        has_second_factor=found.totp_confirmed_at is not None,
        created_at=found.created_at,
        joined_at=found.joined_at,
        signed_in_at=found.signed_in_at,
        version=found.version,
    )


def principal_of(person: PersonView) -> Principal:
    """Return whom a person who is signed in speaks for; the audit log names the person."""
    return Principal(
        organisation_id=person.organisation_id,
        kind=person.kind,
        key_id=person.person_id,
        scopes=person.scopes,
        person_id=person.person_id,
    )


def may_sign_in(found: StoredPerson) -> bool:
    """Tell whether somebody has joined, is not disabled, and acts for an organisation that is not suspended."""
    return found.joined_at is not None and found.disabled_at is None and not found.is_suspended


def person_audit(
    found: StoredPerson | PersonView, action: str, *, actor: str, now: datetime, **data: JsonScalar
) -> AuditRecord:
    """Return the audit entry that something was done to a person, or by them."""
    return AuditRecord(
        organisation_id=found.organisation_id,
        occurred_at=now,
        actor=actor,
        action=f"person.{action}",
        subject_type="person",
        subject_id=found.person_id,
        data=data,
    )


def _state(found: StoredPerson) -> PersonState:
    if found.disabled_at is not None:
        return "disabled"
    return "invited" if found.joined_at is None else "active"
