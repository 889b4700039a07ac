"""Who may do what to whom: nobody gives or takes over a role that can do more than they can."""

from sqlmodel import Session

from fabroute.identity.repository import people as repository
from fabroute.identity.repository.people import StoredPerson
from fabroute.identity.rules import ADMIN, ROLES, Principal
from fabroute.identity.service.organisations import UnknownOrganisation
from fabroute.identity.service.people.views import UnknownPerson
from fabroute.kernel.errors import DomainError, FieldProblem


class UnknownRole(DomainError):
    """The organisation's kind has no such role."""

    code = "unknown_role"
    status = 422


class RoleNotHeld(DomainError):
    """The role can do more than the caller."""

    code = "role_not_held"
    status = 403


class LastAdmin(DomainError):
    """Without this person the organisation would have nobody who can let people in."""

    code = "last_admin"
    status = 409


def require_role(kind: str, role: str) -> None:
    """Raise ``UnknownRole`` unless an organisation of ``kind`` has ``role``."""
    if role not in ROLES[kind]:
        message = f"there is no role {role!r} here: use {', '.join(ROLES[kind])}"
        raise UnknownRole(message, problems=(FieldProblem(pointer="/role", message=message),))


def require_power(caller: Principal | None, *, organisation_id: str, kind: str, role: str) -> None:
    """Raise ``RoleNotHeld`` where ``role`` allows what the caller may not do.

    ``None`` is whoever has a terminal of the installation; the operator may do all to other organisations.
    """
    if caller is None or (caller.kind == "operator" and caller.organisation_id != organisation_id):
        return
    missing = sorted(ROLES[kind].get(role, frozenset()) - caller.scopes)
    if missing:
        raise RoleNotHeld(f"the role {role} can do what you can't ({', '.join(missing)}): ask an admin to do this")


def own_organisation(session: Session, caller: Principal | None, organisation_id: str | None) -> tuple[str, str]:
    """Return the id and kind of the organisation that is meant; another than the caller's is the operator's to name.

    Raises ``UnknownOrganisation``.
    """
    own = None if caller is None else caller.organisation_id
    meant = organisation_id or own or ""
    is_foreign = caller is not None and caller.kind != "operator" and meant != own
    kind = None if is_foreign else repository.organisation_kind(session, meant)
    if kind is None:
        raise UnknownOrganisation(f"there is no organisation {meant}: create it first")
    return meant, kind


def find_own(session: Session, caller: Principal | None, person_id: str) -> StoredPerson:
    """Return a person that the caller may see; ``UnknownPerson``."""
    return _own(repository.find_person(session, person_id), caller, person_id)


def lock_own(session: Session, caller: Principal | None, person_id: str) -> StoredPerson:
    """Return a person that the caller may see, while nobody else changes the organisation's people."""
    repository.lock_people_of(session, find_own(session, caller, person_id).organisation_id)
    return _own(repository.lock_person(session, person_id), caller, person_id)


def require_another_admin(session: Session, person: StoredPerson) -> None:
    """Raise ``LastAdmin`` if this is the only admin who could act; call it under the lock of ``lock_own``."""
    if person.role != ADMIN or person.joined_at is None or person.disabled_at is not None:
        return
    others = repository.count_other_admins(
        session, organisation_id=person.organisation_id, role=ADMIN, person_id=person.person_id
    )
    if not others:
        raise LastAdmin("this is the last admin: make somebody else one first, who has joined")


def _own(found: StoredPerson | None, caller: Principal | None, person_id: str) -> StoredPerson:
    may_see = caller is None or caller.kind == "operator"
    if found is None or not (may_see or found.organisation_id == (caller and caller.organisation_id)):
        raise UnknownPerson(f"there is no person {person_id}: GET /v1/people")
    return found
