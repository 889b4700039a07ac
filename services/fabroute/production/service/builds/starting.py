"""A build begins: its jobs are in production from then on, and its machine is taken."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.kernel.errors import FieldProblem
from fabroute.production.models import Build, Job
from fabroute.production.repository import build_times
from fabroute.production.repository import builds as rows
from fabroute.production.service.access import require_state
from fabroute.production.service.build_spans import CLOCKS_DIFFER, InvalidBuildTime
from fabroute.production.service.build_telling import tell_build
from fabroute.production.service.builds.planning import require_build_state
from fabroute.production.service.builds.problems import MachineBusy
from fabroute.production.service.builds.reading import lock_at_node_with_jobs, views_of
from fabroute.production.service.builds.views import BuildView
from fabroute.production.service.leases import Lease, require_lease
from fabroute.production.service.phases.starting import begin, require_fetched
from fabroute.production.service.recheck import require_qualified
from fabroute.production.states import WORKING_STATES


def start_build(
    session: Session,
    *,
    principal: Principal,
    build_id: str,
    leases: Mapping[str, Lease],
    started_at: datetime | None,
    now: datetime,
) -> BuildView:
    """Say that a planned build runs, since ``started_at`` or now; its accepted jobs are in production then. Audited.

    ``leases``: by job that a client has claimed, the claim. A build that runs already stays as it is. Raises
    ``UnknownBuildOfNode``, ``NotTheNode``, ``BuildStateConflict``, ``JobStateConflict``, ``FileNotFetched``,
    ``LeaseRequired``, ``LeaseLost``, ``InvalidBuildTime`` for a time to come or before a job was accepted,
    ``MachineBusy``, and on the audit log ``JobUnqualified`` where a gate has closed since.
    """
    found = lock_at_node_with_jobs(session, principal=principal, build_id=build_id)
    build = found.build
    if build.state == "running" and started_at in (None, build.started_at):
        return views_of(session, [build])[0]
    require_build_state(build, "planned", wish="started")
    begun_at = _past(started_at or now, now=now)
    for job in found.jobs.values():
        require_state(job, *WORKING_STATES, wish="printed")
        require_fetched(job)
        _require_accepted_before(job, begun_at)
    _take_machine(session, build, begun_at, now=now)
    for job in found.jobs.values():
        _start_job(session, job, leases.get(job.id), actor=principal.key_id, now=now)
    tell_build(session, build, "build.started", jobs=found.jobs.values(), actor=principal.key_id, now=now)
    return views_of(session, [build])[0]


def _past(moment: datetime, *, now: datetime) -> datetime:
    if moment > now + CLOCKS_DIFFER:
        advice = "give a time until now: a build that is still to come is planned, not started"
        raise InvalidBuildTime(advice, problems=(FieldProblem(pointer="/started_at", message=advice),))
    return moment


def _require_accepted_before(job: Job, begun_at: datetime) -> None:
    if job.accepted_at is not None and begun_at < job.accepted_at - CLOCKS_DIFFER:
        advice = f"job {job.id} was accepted at {job.accepted_at.isoformat(timespec='seconds')}: give a time after that"
        raise InvalidBuildTime(advice, problems=(FieldProblem(pointer="/started_at", message=advice),))


def _take_machine(session: Session, build: Build, begun_at: datetime, *, now: datetime) -> None:
    build_times.lock_machine(session, machine_id=build.machine_id)
    other = rows.find_running(session, machine_id=build.machine_id)
    if other is not None:
        raise MachineBusy(
            f"{build.machine_id} runs build {other.id}: close it first, POST /v1/builds/{other.id}/closing"
        )
    build.state, build.started_at, build.updated_at = "running", begun_at, now
    build.version += 1
    rows.save(session, build)


def _start_job(session: Session, job: Job, lease: Lease | None, *, actor: str, now: datetime) -> None:
    """Ask every gate again, and bring an accepted job into production under its lease."""
    require_qualified(session, job=job, wish="started", actor=actor, now=now)
    if job.state == "accepted":
        require_lease(job, lease)
        begin(session, job, actor=actor, now=now)
