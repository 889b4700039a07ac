"""Statements on people and their invitations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, text, update
from sqlalchemy.dialects import postgresql
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from fabroute.identity.models import Invitation, Organisation, Person

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 20261124))")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPerson:
    """A person with the organisation that they act for."""

    person_id: str
    organisation_id: str
    organisation_name: str
    kind: str
    email: str
    name: str
    role: str
    password_hash: str | None
    totp_sealed: str | None
    totp_confirmed_at: datetime | None
    totp_last_step: int | None
    created_at: datetime
    joined_at: datetime | None
    disabled_at: datetime | None
    signed_in_at: datetime | None
    is_suspended: bool
    """Whether the organisation is."""
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInvitation:
    """A link that has not been used."""

    person_id: str
    token_sha256: str
    expires_at: datetime


def lock_people_of(session: Session, organisation_id: str) -> None:
    """Let nobody else change who the people of an organisation are, until the transaction ends."""
    session.connection().execute(_LOCK, {"name": f"people of {organisation_id}"})


def insert_person(session: Session, row: Mapping[str, object]) -> bool:
    """Add a person; ``False`` if the organisation has one with that address."""
    statement = (
        postgresql.insert(Person).values(**row).on_conflict_do_nothing(index_elements=["organisation_id", "email"])
    )
    return session.connection().execute(statement.returning(col(Person.id))).first() is not None


def find_person(session: Session, person_id: str) -> StoredPerson | None:
    """Return a person who is not removed."""
    found = session.exec(_people().where(col(Person.id) == person_id)).one_or_none()
    return None if found is None else _stored(found)


def find_people(session: Session, *, email: str, organisation_id: str | None) -> Sequence[StoredPerson]:
    """Return those with an address who are not removed, the first to be invited first."""
    statement = _people().where(col(Person.email) == email).order_by(col(Person.id))
    if organisation_id is not None:
        statement = statement.where(col(Person.organisation_id) == organisation_id)
    return [_stored(row) for row in session.exec(statement).all()]


def list_people(session: Session, *, organisation_id: str, after: str, limit: int) -> Sequence[StoredPerson]:
    """Return people of an organisation in the order of their ids."""
    statement = _people().where(col(Person.organisation_id) == organisation_id, col(Person.id) > after)
    return [_stored(row) for row in session.exec(statement.order_by(col(Person.id)).limit(limit)).all()]


def change_person(
    session: Session, person_id: str, values: Mapping[str, object], *, expected_version: int | None = None
) -> bool:
    """Change a person who is not removed; ``False`` if there is none, or none in that version."""
    statement = (
        update(Person)
        .where(col(Person.id) == person_id, col(Person.removed_at).is_(None))
        .values(**values, version=col(Person.version) + 1)
        .returning(col(Person.id))
    )
    if expected_version is not None:
        statement = statement.where(col(Person.version) == expected_version)
    return session.connection().execute(statement).first() is not None


def note_sign_in(session: Session, person_id: str, values: Mapping[str, object]) -> None:
    """Note on a person what signing in tells; that is no new version."""
    session.connection().execute(update(Person).where(col(Person.id) == person_id).values(**values))


def take_totp_step(session: Session, *, person_id: str, step: int) -> bool:
    """Note that the code of ``step`` was taken; ``False`` if it, or a later one, was taken before."""
    statement = (
        update(Person)
        .where(
            col(Person.id) == person_id,
            (col(Person.totp_last_step).is_(None)) | (col(Person.totp_last_step) < step),
        )
        .values(totp_last_step=step)
        .returning(col(Person.id))
    )
    return session.connection().execute(statement).first() is not None


def lock_person(session: Session, person_id: str) -> StoredPerson | None:
    """Return a person who is not removed, locked until the transaction ends."""
    locked = select(Person.id).where(col(Person.id) == person_id).with_for_update()
    return find_person(session, person_id) if session.exec(locked).first() is not None else None


def count_other_admins(session: Session, *, organisation_id: str, role: str, person_id: str) -> int:
    """Return how many others have joined an organisation in ``role`` and are not disabled."""
    statement = select(Person.id).where(
        col(Person.organisation_id) == organisation_id,
        col(Person.role) == role,
        col(Person.id) != person_id,
        col(Person.joined_at).is_not(None),
        col(Person.disabled_at).is_(None),
        col(Person.removed_at).is_(None),
    )
    return len(session.exec(statement).all())


def put_invitation(session: Session, row: Mapping[str, object]) -> None:
    """Add a person's link; the one before is void."""
    statement = postgresql.insert(Invitation).values(**row)
    session.connection().execute(
        statement.on_conflict_do_update(
            index_elements=["person_id"],
            set_={
                name: statement.excluded[name] for name in ("token_sha256", "created_by", "created_at", "expires_at")
            },
        )
    )


def find_invitation(session: Session, token_sha256: str) -> StoredInvitation | None:
    """Return a link that has not been used."""
    found = session.exec(select(Invitation).where(col(Invitation.token_sha256) == token_sha256)).one_or_none()
    return None if found is None else _stored_invitation(found)


def invitation_of(session: Session, person_id: str) -> StoredInvitation | None:
    """Return the link of a person, if it has not been used."""
    found = session.get(Invitation, person_id, populate_existing=True)
    return None if found is None else _stored_invitation(found)


def take_invitation(session: Session, person_id: str, token_sha256: str) -> bool:
    """Use up a link; ``False`` if somebody was quicker."""
    statement = delete(Invitation).where(
        col(Invitation.person_id) == person_id, col(Invitation.token_sha256) == token_sha256
    )
    return session.connection().execute(statement.returning(col(Invitation.person_id))).first() is not None


def drop_invitation(session: Session, person_id: str) -> None:
    """Make a person's link void."""
    session.connection().execute(delete(Invitation).where(col(Invitation.person_id) == person_id))


def organisation_kind(session: Session, organisation_id: str) -> str | None:
    """Return the kind of an organisation, ``None`` if there is no such."""
    return session.exec(select(Organisation.kind).where(col(Organisation.id) == organisation_id)).one_or_none()


def _people() -> Select[Person, Organisation]:
    return (
        select(Person, Organisation)
        .join(Organisation, col(Organisation.id) == col(Person.organisation_id))
        .where(col(Person.removed_at).is_(None))
        .execution_options(populate_existing=True)
    )


def _stored(row: tuple[Person, Organisation]) -> StoredPerson:
    person, organisation = row
    return StoredPerson(
        person_id=person.id,
        organisation_id=person.organisation_id,
        organisation_name=organisation.name,
        kind=organisation.kind,
        email=person.email or "",
        name=person.name,
        role=person.role,
        password_hash=person.password_hash,
        totp_sealed=person.totp_sealed,
        totp_confirmed_at=person.totp_confirmed_at,
        totp_last_step=person.totp_last_step,
        created_at=person.created_at,
        joined_at=person.joined_at,
        disabled_at=person.disabled_at,
        signed_in_at=person.signed_in_at,
        is_suspended=organisation.suspended_at is not None,
        version=person.version,
    )


def _stored_invitation(found: Invitation) -> StoredInvitation:
    return StoredInvitation(person_id=found.person_id, token_sha256=found.token_sha256, expires_at=found.expires_at)
