"""Lots: jobs that are printed to the last piece, and how they came out."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from fabroute.production.repository import lots


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeLot:
    """A job of which every print was reported."""

    job_id: str
    revision_id: str
    good: int
    failed: int
    """Prints that had to be made again."""
    produce_by: date
    made_at: datetime
    """When the last print was reported."""

    @property
    def made(self) -> int:
        """All prints, the failed ones too."""
        return self.good + self.failed

    @property
    def on_time(self) -> bool:
        """Whether the last print was reported by the day on which production had to be done."""
        return self.made_at.date() <= self.produce_by


def made_lots(session: Session, *, organisation_id: str, part_no: str, limit: int) -> tuple[MadeLot, ...]:
    """Return the latest lots of an owner's part, the newest first."""
    found = lots.read_made(session, organisation_id=organisation_id, part_no=part_no, limit=limit)
    return tuple(MadeLot(**row) for row in found)
