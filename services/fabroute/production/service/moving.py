"""Jobs that no node has accepted may move: read them, lock them, and take them back for a better place."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlmodel import Session

from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository import planned as planned_rows
from fabroute.production.service.rerouting import end_jobs
from fabroute.routing.ports import StandingJob

_ACTOR = "system:routing"
_REASON = "its line moved to a better place before a node accepted it"


class MovableJobs:
    """The port through which routing moves jobs."""

    def read(self, session: Session, *, scope: str, limit: int, salt: str) -> tuple[StandingJob, ...]:
        """Return up to ``limit`` standing jobs of a planning scope; another ``salt`` draws others."""
        return tuple(job_rows.read_standing(session, scope=scope, limit=limit, salt=salt))

    def lock(self, session: Session, *, versions: Mapping[str, int]) -> frozenset[str]:
        """Lock, by id, the jobs that still stand in the version given for each; return which those are."""
        return job_rows.lock_standing(session, versions)

    def take_back(self, session: Session, *, job_ids: Collection[str], now: datetime) -> None:
        """End jobs that the caller has locked, with their lines, and give back all that they hold. Audited."""
        end_jobs(session, job_ids, actor=_ACTOR, reason=_REASON, now=now)


class PlannedJobs(MovableJobs):
    """The port through which routing puts planned jobs into shared builds: of a build it moves all jobs or none."""

    def read(self, session: Session, *, scope: str, limit: int, salt: str) -> tuple[StandingJob, ...]:
        """Return up to ``limit`` planned jobs of a planning scope, whatever the ``salt``: builds stay whole."""
        return tuple(planned_rows.read_planned(session, scope=scope, limit=limit))


def standing_scopes(session: Session) -> tuple[str, ...]:
    """Return the planning scopes in which jobs wait that a better plan could move."""
    return tuple(job_rows.standing_scopes(session))
