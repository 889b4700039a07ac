"""Planned jobs are offered to their nodes when their wait is over; until then their nodes know nothing of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.orders import service as orders
from fabroute.production.models import Job
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository import planned as planned_rows
from fabroute.production.service.holds import hold_closed
from fabroute.production.service.rerouting import reroute_jobs
from fabroute.production.service.telling import tell_all
from fabroute.settings import get_settings

_ACTOR = "system:production"
DISPATCH_BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatched:
    """What became of planned jobs whose wait was over."""

    offered: int
    held: int
    """To which a gate has closed meanwhile."""
    taken_back: int
    """Whose build lost a line that was to pay for it: they are planned anew."""

    @property
    def jobs(self) -> int:
        """All of them."""
        return self.offered + self.held + self.taken_back


def planned_jobs_wait(session: Session) -> bool:
    """Return whether the wait of some planned job is over, by the clock of the database."""
    return planned_rows.any_due(session)


def dispatch_planned(session: Session, *, now: datetime, limit: int = DISPATCH_BATCH) -> Dispatched:
    """Offer up to ``limit`` planned jobs whose wait is over to their nodes, all jobs of a build together.

    Every gate is asked again first: where one has closed, the job is held, as an accepted one would be. The jobs of a
    build that lost one of its lines are taken back and their lines routed again, because nobody would pay for the part
    of that line; but what was promised holds: where one of them was promised its price in that build, they are offered
    as they are. Any number of workers may do this at once. ``job.offered`` is told now, not when they were planned.
    """
    found = planned_rows.read_due(session, now=now, limit=limit)
    standing = orders.lock_routed_lines(session, line_ids={line_id for _, line_id in found})
    jobs = planned_rows.lock_planned(session, [job_id for job_id, line_id in found if line_id in standing])
    if not jobs:
        return Dispatched(offered=0, held=0, taken_back=0)
    held = hold_closed(session, job_ids=[job.id for job in jobs], actor=_ACTOR, now=now)
    waiting = planned_rows.lock_planned(session, [job.id for job in jobs])
    broken = planned_rows.incomplete_builds(session, {job.build_key for job in waiting if job.build_key is not None})
    taken = _take_back(session, waiting, broken, now=now)
    offered = planned_rows.offer(session, [job.id for job in waiting if job.id not in taken], now=now)
    job_rows.set_deadlines(session, job_ids=[job.id for job in offered], seconds=get_settings().offer_seconds)
    tell_all(session, [(job.id, job) for job in offered], "job.offered", actor=_ACTOR, now=now)
    return Dispatched(offered=len(offered), held=held, taken_back=len(taken))


def _take_back(session: Session, jobs: Sequence[Job], builds: Collection[str], *, now: datetime) -> set[str]:
    job_ids = [job.id for job in jobs if job.build_key in builds]
    reason = "its shared build lost a line"
    reroute_jobs(session, job_ids=job_ids, cause="build_lost_line", reason=reason, actor=_ACTOR, now=now)
    return set(job_ids)
