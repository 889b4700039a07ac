"""Builds that were reported wrongly are withdrawn: kept with the reason, and learnt from no longer."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError
from fabroute.production.models import BuildTime
from fabroute.production.repository import build_times as rows
from fabroute.production.service.access import lock_at_node
from fabroute.production.service.build_times import BuildTimeView, build_view
from fabroute.production.service.telling import tell


class UnknownBuild(DomainError):
    """The job has no build of this number."""

    code = "unknown_build"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildWithdrawal:
    """Which build was reported wrongly, and why it is withdrawn."""

    number: int
    reason: str


def withdraw_build(
    session: Session, *, principal: Principal, job_id: str, withdrawal: BuildWithdrawal, now: datetime
) -> BuildTimeView:
    """Withdraw a build for its node's organisation or the operator, whatever became of the job since. Audited.

    The row stays, its number is not given again; its parts and its time on the machine are free for a right report.
    ``build.withdrawn`` makes the machine's estimates learn without it. What is withdrawn already stays as it was.
    Raises ``UnknownJob``, ``NotTheNode`` and ``UnknownBuild``.
    """
    job = lock_at_node(session, principal=principal, job_id=job_id)
    build = _find(session, job_id=job_id, number=withdrawal.number)
    if build.withdrawn_at is None:
        build.withdrawn_at, build.withdrawn_by = now, principal.key_id
        build.withdrawal_reason = withdrawal.reason
        rows.add(session, build)
        number, reason = build.number, build.withdrawal_reason
        tell(session, job, "build.withdrawn", actor=principal.key_id, now=now, number=number, reason=reason)
    return build_view(build)


def _find(session: Session, *, job_id: str, number: int) -> BuildTime:
    build = rows.find_build(session, job_id=job_id, number=number)
    if build is None:
        raise UnknownBuild(f"job {job_id} has no build {number}: GET /v1/jobs/{job_id}/build-times lists them")
    return build
