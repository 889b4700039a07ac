"""The people of an organisation: invited, listed, changed, disabled, removed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.events import person_invited
from fabroute.identity.repository import people as repository
from fabroute.identity.repository import signing_in
from fabroute.identity.repository.people import StoredPerson
from fabroute.identity.rules import Principal
from fabroute.identity.service.audit import record_audit
from fabroute.identity.service.people import powers
from fabroute.identity.service.people.emails import normalised
from fabroute.identity.service.people.tokens import digest_of, new_token
from fabroute.identity.service.people.views import (
    SYSTEM_ACTOR,
    PersonView,
    UnknownPerson,
    person_audit,
    person_view,
)
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.outbox import service as outbox


class AlreadyMember(DomainError):
    """The organisation has a person with that e-mail address."""

    code = "already_member"
    status = 409


class StalePerson(DomainError):
    """The person was changed since the caller read them."""

    code = "stale_person"
    status = 412


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Somebody to invite; without ``organisation_id`` into the caller's own."""

    email: str
    name: str
    role: str
    organisation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """A person and the link that lets them in: shown once, only its SHA-256 is kept."""

    person: PersonView
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonChange:
    """What becomes of a person; ``None`` leaves it as it is."""

    name: str | None = None
    role: str | None = None
    is_disabled: bool | None = None
    expected_version: int | None = None


def invite_person(
    session: Session, *, asked: NewPerson, caller: Principal | None, valid_for: timedelta, now: datetime
) -> Invited:
    """Add a person who is to join and return the link for them; nothing is mailed.

    ``caller`` is ``None`` for whoever has a terminal of the installation. Raises ``InvalidEmail``, ``UnknownRole``,
    ``RoleNotHeld``, ``AlreadyMember`` and ``UnknownOrganisation``.
    """
    organisation_id, kind = powers.own_organisation(session, caller, asked.organisation_id)
    powers.require_role(kind, asked.role)
    powers.require_power(caller, organisation_id=organisation_id, kind=kind, role=asked.role)
    person_id, email = new_id("per"), normalised(asked.email)
    row = {
        "id": person_id,
        "organisation_id": organisation_id,
        "email": email,
        "name": asked.name,
        "role": asked.role,
        "created_at": now,
        "version": 1,
    }
    if not repository.insert_person(session, row):
        raise AlreadyMember(f"{email} is invited or has joined already: GET /v1/people; a new link renews an old one")
    event = person_invited(person_id=person_id, organisation_id=organisation_id, role=asked.role, now=now)
    outbox.record(session, event)
    return _invited(session, person_id, caller, "invited", valid_for=valid_for, now=now)


def renew_invitation(
    session: Session, *, person_id: str, caller: Principal | None, valid_for: timedelta, now: datetime
) -> Invited:
    """Give a person a new link, for one that was lost or for somebody who can't sign in any more.

    All they signed in with before is void: link, password, second factor, identities at providers, sessions. Raises
    ``UnknownPerson`` and ``RoleNotHeld``.
    """
    person = powers.lock_own(session, caller, person_id)
    _require_power_over(caller, person)
    _forget_credentials(session, person_id)
    values = {"password_hash": None, "totp_sealed": None, "totp_confirmed_at": None, "totp_last_step": None}
    repository.change_person(session, person_id, values)
    return _invited(session, person_id, caller, "reset", valid_for=valid_for, now=now)


def get_person(session: Session, *, person_id: str, caller: Principal | None) -> PersonView:
    """Return a person of the caller's organisation, of any for the operator; ``UnknownPerson``."""
    return person_view(powers.find_own(session, caller, person_id))


def list_people(
    session: Session, *, caller: Principal | None, organisation_id: str | None, cursor: str | None, limit: int
) -> Page[PersonView]:
    """Return people of the caller's organisation, or of one that the operator names, the first invited first."""
    meant, _ = powers.own_organisation(session, caller, organisation_id)
    found = repository.list_people(session, organisation_id=meant, after=cursor or "", limit=limit + 1)
    return page_of([person_view(it) for it in found], limit=limit, cursor_of=lambda person: person.person_id)


def change_person(
    session: Session, *, person_id: str, change: PersonChange, caller: Principal | None, now: datetime
) -> PersonView:
    """Change a person's name or role, or disable or enable them. Disabled, they are signed out everywhere.

    Raises ``UnknownPerson``, ``StalePerson``, ``UnknownRole``, ``RoleNotHeld`` and ``LastAdmin``.
    """
    person = powers.lock_own(session, caller, person_id)
    _require_power_over(caller, person)
    if change.expected_version not in (None, person.version):
        raise StalePerson(f"{person_id} was changed since you read it: read it again, then repeat your change")
    values = _values(session, person, change, caller, now)
    if values:
        repository.change_person(session, person_id, values)
        _tell_change(session, person, change, caller, now)
    return get_person(session, person_id=person_id, caller=caller)


def remove_person(session: Session, *, person_id: str, caller: Principal | None, now: datetime) -> None:
    """Forget a person: name, address and all they sign in with. Their id stays, the audit log names it.

    Raises ``UnknownPerson``, ``RoleNotHeld`` and ``LastAdmin``.
    """
    person = powers.lock_own(session, caller, person_id)
    _require_power_over(caller, person)
    powers.require_another_admin(session, person)
    _forget_credentials(session, person_id)
    repository.drop_invitation(session, person_id)
    values = {"email": None, "name": "", "password_hash": None, "totp_sealed": None, "totp_confirmed_at": None}
    repository.change_person(session, person_id, values | {"totp_last_step": None, "removed_at": now})
    record_audit(session, entry=person_audit(person, "removed", actor=_actor(caller), now=now))


def find_by_email(session: Session, *, email: str, organisation_id: str | None = None) -> tuple[PersonView, ...]:
    """Return the people with an address, at most one in each organisation: for a terminal, not for callers."""
    found = repository.find_people(session, email=normalised(email), organisation_id=organisation_id)
    if not found:
        raise UnknownPerson(f"nobody has the address {email}")
    return tuple(person_view(it) for it in found)


def _values(
    session: Session, person: StoredPerson, change: PersonChange, caller: Principal | None, now: datetime
) -> dict[str, object]:
    values: dict[str, object] = {}
    if change.name not in (None, person.name):
        values["name"] = change.name
    if change.role is not None and change.role != person.role:
        powers.require_role(person.kind, change.role)
        powers.require_power(caller, organisation_id=person.organisation_id, kind=person.kind, role=change.role)
        powers.require_another_admin(session, person)
        values["role"] = change.role
    if change.is_disabled is not None and change.is_disabled != (person.disabled_at is not None):
        if change.is_disabled:
            powers.require_another_admin(session, person)
        values["disabled_at"] = now if change.is_disabled else None
    return values


def _tell_change(
    session: Session, person: StoredPerson, change: PersonChange, caller: Principal | None, now: datetime
) -> None:
    actor = _actor(caller)
    if change.role is not None and change.role != person.role:
        entry = person_audit(person, "role_changed", actor=actor, now=now, before=person.role, after=change.role)
        record_audit(session, entry=entry)
    if change.is_disabled is not None and change.is_disabled != (person.disabled_at is not None):
        action = "disabled" if change.is_disabled else "enabled"
        if change.is_disabled:
            signing_in.delete_sessions_of(session, person.person_id)
        record_audit(session, entry=person_audit(person, action, actor=actor, now=now))
    if change.name not in (None, person.name):
        record_audit(session, entry=person_audit(person, "renamed", actor=actor, now=now))


def _invited(
    session: Session, person_id: str, caller: Principal | None, action: str, *, valid_for: timedelta, now: datetime
) -> Invited:
    token, expires_at = new_token("inv"), now + valid_for
    person = powers.find_own(session, caller, person_id)
    row = {
        "person_id": person_id,
        "organisation_id": person.organisation_id,
        "token_sha256": digest_of(token),
        "created_by": _actor(caller),
        "created_at": now,
        "expires_at": expires_at,
    }
    repository.put_invitation(session, row)
    record_audit(session, entry=person_audit(person, action, actor=_actor(caller), now=now, role=person.role))
    return Invited(person=person_view(person), token=token, expires_at=expires_at)


def _forget_credentials(session: Session, person_id: str) -> None:
    signing_in.delete_sessions_of(session, person_id)
    signing_in.delete_identities_of(session, person_id)
    signing_in.delete_recovery_codes_of(session, person_id)


def _require_power_over(caller: Principal | None, person: StoredPerson) -> None:
    powers.require_power(caller, organisation_id=person.organisation_id, kind=person.kind, role=person.role)


def _actor(caller: Principal | None) -> str:
    return SYSTEM_ACTOR if caller is None else caller.key_id
