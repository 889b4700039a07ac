"""Organisations that own parts and nodes."""

from datetime import UTC, datetime

from sqlmodel import Session

from fabroute.identity.service import create_organisation

NOW = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
OWNER = "org_owner"
BUREAU = "org_bureau"


def save_organisations(session: Session) -> None:
    """Save one owner of parts and one bureau."""
    create_organisation(session, name="Northgate Spares", kind="owner", now=NOW, organisation_id=OWNER)
    create_organisation(session, name="Bureau", kind="bureau", now=NOW, organisation_id=BUREAU)
