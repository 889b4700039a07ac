"""A node that had fallen silent gives a sign of life."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import func
from sqlmodel import Session

from fabroute.production.models import Job
from fabroute.production.repository import jobs as job_rows
from fabroute.production.service.telling import tell
from fabroute.production.states import JobState
from fabroute.settings import get_settings

_HAND_SECONDS = 86_400
"""For a person a sign of life lasts a day."""
_STATES: Mapping[str, JobState] = MappingProxyType(
    {"accepted": "accepted", "in_production": "in_production", "inspected": "inspected"}
)
"""In which a node may fall silent."""


def revive(session: Session, job: Job, *, actor: str, now: datetime) -> Job:
    """Put a locked job that is suspect back to where its node fell silent; any other is returned as it is.

    The caller has heard from the node under the lease that holds the job. Audited, ``job.revived``.
    """
    if job.state != "suspect":
        return job
    back = _STATES[job.suspect_from or ""]
    seconds = _HAND_SECONDS if job.lease_kind == "hand" else get_settings().lease_seconds
    until = func.clock_timestamp() + timedelta(seconds=seconds)
    values = {"suspect_from": None, "suspect_since": None, "lease_until": until}
    revived = job_rows.move_job(session, job.id, to=back, values=values, now=now, same_hands=True)
    assert revived is not None, "the job is locked and suspect"
    tell(session, revived, "job.revived", actor=actor, now=now, state=revived.state)
    return revived
