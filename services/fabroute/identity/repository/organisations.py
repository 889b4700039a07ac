"""Statements on organisations."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, text, update
from sqlalchemy.dialects import postgresql
from sqlmodel import Session, col, select

from fabroute.identity.models import Organisation

_FIRST_START_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('fabroute first start'))")


def upsert_organisation(session: Session, row: Mapping[str, object]) -> None:
    """Add an organisation; one that is there keeps its kind and its birth and takes the new name."""
    statement = postgresql.insert(Organisation).values(**row)
    session.exec(
        statement.on_conflict_do_update(index_elements=["id"], set_={"name": statement.excluded["name"]}),
    )


def organisation_exists(session: Session, organisation_id: str) -> bool:
    """Return whether there is such an organisation."""
    return session.get(Organisation, organisation_id) is not None


def find_organisation_name(session: Session, organisation_id: str) -> str | None:
    """Return the name of an organisation."""
    found = session.get(Organisation, organisation_id, populate_existing=True)
    return None if found is None else found.name


def find_organisation(session: Session, organisation_id: str) -> Organisation | None:
    """Return an organisation as it stands now."""
    return session.get(Organisation, organisation_id, populate_existing=True)


def read_organisations(
    session: Session, *, kind: str | None, suspended: bool | None, cursor: str | None, limit: int
) -> Sequence[Organisation]:
    """Return up to ``limit`` + 1 organisations after ``cursor``, by their ids."""
    conditions: list[ColumnElement[bool]] = [] if kind is None else [col(Organisation.kind) == kind]
    if suspended is not None:
        suspended_at = col(Organisation.suspended_at)
        conditions.append(suspended_at.is_not(None) if suspended else suspended_at.is_(None))
    if cursor is not None:
        conditions.append(col(Organisation.id) > cursor)
    return session.exec(select(Organisation).where(*conditions).order_by(col(Organisation.id)).limit(limit + 1)).all()


def update_organisation(
    session: Session, *, organisation_id: str, expected_version: int, values: Mapping[str, object]
) -> bool:
    """Change an organisation that is at ``expected_version``; return whether it was."""
    statement = (
        update(Organisation)
        .where(col(Organisation.id) == organisation_id, col(Organisation.version) == expected_version)
        .values(**values, version=expected_version + 1)
        .returning(col(Organisation.id))
    )
    return session.exec(statement).one_or_none() is not None


def lock_first_start(session: Session) -> None:
    """Wait until no other process makes the first operator."""
    session.connection().execute(_FIRST_START_LOCK)


def operator_exists(session: Session) -> bool:
    """Return whether some organisation operates this installation."""
    return (
        session.exec(select(Organisation.id).where(col(Organisation.kind) == "operator").limit(1)).first() is not None
    )
