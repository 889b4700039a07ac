"""Statements on brands."""

from collections.abc import Mapping

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from fabroute.production.models import Brand


def find_brand(session: Session, organisation_id: str) -> Brand | None:
    """Return the brand that an organisation has stated."""
    return session.get(Brand, organisation_id, populate_existing=True)


def add_brand(session: Session, values: Mapping[str, object]) -> None:
    """Add a brand unless there is one."""
    session.exec(insert(Brand).values(**values).on_conflict_do_nothing())


def change_brand(
    session: Session, *, organisation_id: str, expected_version: int | None, values: Mapping[str, object]
) -> Brand | None:
    """Change a brand in the version that is expected (``None``: any), and count it up; None if it is at another one."""
    expected = () if expected_version is None else (col(Brand.version) == expected_version,)
    statement = (
        update(Brand)
        .where(col(Brand.organisation_id) == organisation_id, *expected)
        .values({**values, "version": Brand.version + 1})
        .returning(Brand)
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement).one_or_none()
