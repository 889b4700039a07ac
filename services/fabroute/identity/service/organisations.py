"""Organisations: owners of parts, bureaus that print, the operator; credentials of suspended ones open nothing."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.models import Organisation
from fabroute.identity.repository import organisations as repository
from fabroute.identity.rules import ORGANISATION_KINDS, OrganisationKind
from fabroute.identity.service.auditing import Act, note
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


class OperatorNotSuspended(DomainError):
    """The operator can't be suspended: nobody could lift it."""

    code = "operator_not_suspended"
    status = 409


class OrganisationChanged(DomainError):
    """Somebody changed the organisation since it was read."""

    code = "stale_version"
    status = 412


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationView:
    """An organisation as it stands."""

    organisation_id: str
    name: str
    kind: str
    created_at: datetime
    suspended_at: datetime | None
    suspension_reason: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationFilter:
    """Which organisations are asked for; ``None`` asks nothing."""

    kind: OrganisationKind | None = None
    suspended: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationChange:
    """New values, ``None`` for what stays. ``expected_version``: as the caller read it, ``None``: any."""

    name: str | None = None
    suspended: bool | None = None
    reason: str = ""
    """Why it is suspended: it stands in what its people are told, and on the audit log."""
    expected_version: int | None = None


def create_organisation(
    session: Session, *, name: str, kind: OrganisationKind, now: datetime, organisation_id: str | None = None
) -> str:
    """Add an organisation and return its id; with a known ``organisation_id`` that one takes the new name."""
    if kind not in ORGANISATION_KINDS:
        raise InvalidOrganisation(f"{kind!r} is no kind of organisation: use {', '.join(sorted(ORGANISATION_KINDS))}")
    chosen = organisation_id or new_id("org")
    repository.upsert_organisation(session, {"id": chosen, "name": name, "kind": kind, "created_at": now})
    return chosen


def add_organisation(
    session: Session, *, name: str, kind: OrganisationKind, actor: str, now: datetime
) -> OrganisationView:
    """Add an organisation, audited."""
    organisation_id = create_organisation(session, name=name, kind=kind, now=now)
    note(session, "organisation.created", _act(organisation_id, actor, now), name=name, kind=kind)
    return get_organisation(session, organisation_id=organisation_id)


def organisation_name(session: Session, *, organisation_id: str) -> str:
    """Return what an organisation is called. Raises ``UnknownOrganisation``."""
    name = repository.find_organisation_name(session, organisation_id)
    if name is None:
        raise UnknownOrganisation(f"there is no organisation {organisation_id}")
    return name


def get_organisation(session: Session, *, organisation_id: str) -> OrganisationView:
    """Return an organisation. Raises ``UnknownOrganisation``."""
    found = repository.find_organisation(session, organisation_id)
    if found is None:
        raise UnknownOrganisation(f"there is no organisation {organisation_id}: GET /v1/organisations")
    return _view(found)


def list_organisations(
    session: Session, *, wanted: OrganisationFilter, cursor: str | None, limit: int
) -> Page[OrganisationView]:
    """Return a page of organisations by their ids, which is the order of their birth."""
    rows = repository.read_organisations(
        session, kind=wanted.kind, suspended=wanted.suspended, cursor=cursor, limit=limit
    )
    return page_of([_view(row) for row in rows], limit=limit, cursor_of=lambda view: view.organisation_id)


def change_organisation(
    session: Session, *, organisation_id: str, change: OrganisationChange, actor: str, now: datetime
) -> OrganisationView:
    """Rename, suspend or restore an organisation, audited; what it holds and its open jobs stay as they are.

    Raises ``UnknownOrganisation``, ``OrganisationChanged``, and ``OperatorNotSuspended``.
    """
    before = get_organisation(session, organisation_id=organisation_id)
    wanted = before.version if change.expected_version is None else change.expected_version
    if change.suspended and before.kind == "operator":
        raise OperatorNotSuspended("the operator can't be suspended: nobody could lift it; revoke its keys instead")
    values = _changed(before, change, now)
    if wanted != before.version or (
        values
        and not repository.update_organisation(
            session, organisation_id=organisation_id, expected_version=wanted, values=values
        )
    ):
        raise OrganisationChanged(f"the organisation was changed since version {wanted}: read it again, change that")
    _note_change(session, _act(organisation_id, actor, now), change, values)
    return get_organisation(session, organisation_id=organisation_id)


def _changed(before: OrganisationView, change: OrganisationChange, now: datetime) -> dict[str, object]:
    """Return the columns that change; nothing where all is as it is asked to be."""
    values: dict[str, object] = {}
    if change.name is not None and change.name != before.name:
        values["name"] = change.name
    if change.suspended and before.suspended_at is None:
        values |= {"suspended_at": now, "suspension_reason": change.reason}
    if change.suspended is False and before.suspended_at is not None:
        values |= {"suspended_at": None, "suspension_reason": ""}
    return values


def _note_change(session: Session, act: Act, change: OrganisationChange, values: dict[str, object]) -> None:
    if "name" in values:
        note(session, "organisation.renamed", act, name=change.name)
    if "suspended_at" in values and change.suspended:
        note(session, "organisation.suspended", act, reason=change.reason)
    elif "suspended_at" in values:
        note(session, "organisation.restored", act)


def _act(organisation_id: str, actor: str, now: datetime) -> Act:
    return Act(
        subject_type="organisation", subject_id=organisation_id, organisation_id=organisation_id, actor=actor, now=now
    )


def _view(row: Organisation) -> OrganisationView:
    return OrganisationView(
        organisation_id=row.id,
        name=row.name,
        kind=row.kind,
        created_at=row.created_at,
        suspended_at=row.suspended_at,
        suspension_reason=row.suspension_reason,
        version=row.version,
    )
