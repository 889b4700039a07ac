"""Statements on organisations."""

from collections.abc import Mapping

from sqlalchemy.dialects import postgresql
from sqlmodel import Session

from fabroute.identity.models import Organisation


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
