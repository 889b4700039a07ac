"""Revisions that wait for a person: their print file is good, and nobody has approved or released them yet."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.inventory.repository import waiting as rows


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRevision:
    """A validated revision: with ``approved_at`` it waits for its release, without for its approval."""

    revision_id: str
    part_no: str
    name: str
    revision: str
    approved_at: datetime | None
    since: datetime | None
    """Since when it waits for what comes next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRevisions:
    """The revisions that wait longest, and how many there are in all."""

    revisions: tuple[WaitingRevision, ...]
    total: int


def list_unreleased(session: Session, *, organisation_id: str, limit: int = 20) -> WaitingRevisions:
    """Return an owner's revisions that are validated and not released, the longest waiting first."""
    found = rows.read_waiting(session, organisation_id=organisation_id, limit=limit)
    return WaitingRevisions(
        revisions=tuple(
            WaitingRevision(**{name: value for name, value in row.items() if name != "total"}) for row in found
        ),
        total=found[0]["total"] if found else 0,
    )
