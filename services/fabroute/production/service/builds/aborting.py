"""A build broke off, or was started by mistake: its machine is free, and its prints go into others."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.kernel.errors import FieldProblem
from fabroute.network import service as network
from fabroute.production.repository import builds as rows
from fabroute.production.service.build_spans import CLOCKS_DIFFER, InvalidBuildTime
from fabroute.production.service.build_telling import tell_build
from fabroute.production.service.builds.planning import require_build_state
from fabroute.production.service.builds.reading import LockedBuild, lock_at_node_with_jobs, views_of
from fabroute.production.service.builds.sharing import split_grams
from fabroute.production.service.builds.views import BuildView

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildAbort:
    """Why a running build ended without its prints, and what it took until then."""

    reason: str
    grams_used: int = 0
    """What left the lot."""
    machine_minutes: int | None = None
    """From the start of the set-up until the machine was free again; ``None``: from its start until now."""


def abort_build(
    session: Session, *, principal: Principal, build_id: str, abort: BuildAbort, now: datetime
) -> BuildView:
    """End a running build without its prints, for its node or the operator. Audited; again, it stays as it is.

    It is ``cancelled``: its prints can go into other builds, and nothing learns from it. The grams are booked by what
    the prints occupy, whether or not their jobs have ended since. Raises ``UnknownBuildOfNode``, ``NotTheNode``,
    ``BuildStateConflict`` unless it runs, ``InvalidBuildTime`` and the network's ``LotShort``.
    """
    found = lock_at_node_with_jobs(session, principal=principal, build_id=build_id)
    build = found.build
    if build.state == "cancelled":
        return views_of(session, [build])[0]
    require_build_state(build, "running", wish="aborted")
    build.machine_minutes = _minutes(found, abort, now=now)
    build.state, build.note, build.finished_at, build.updated_at = "cancelled", abort.reason, now, now
    build.grams_used = abort.grams_used
    build.version += 1
    drawn = split_grams(abort.grams_used, [max(1, round(part.volume_cm3 * 1000)) for part in found.parts])
    for part, grams in zip(found.parts, drawn, strict=True):
        part.grams = grams
    rows.save(session, build, found.parts)
    if abort.grams_used:
        _book(session, found, actor=principal.key_id, now=now)
    tell_build(session, build, "build.cancelled", jobs=found.jobs.values(), actor=principal.key_id, now=now)
    return views_of(session, [build])[0]


def _minutes(found: LockedBuild, abort: BuildAbort, *, now: datetime) -> int:
    """Return how long the machine was taken: not for longer than since the start, and the set-up before it, can be."""
    begun_at = found.build.started_at or now
    since = max(1, round((now - begun_at) / _MINUTE))
    most = since + found.build.planned_minutes + CLOCKS_DIFFER // _MINUTE
    if abort.machine_minutes is not None and abort.machine_minutes > most:
        advice = (
            f"the build began at {begun_at.isoformat(timespec='seconds')}, {since:,} minutes ago: it can't have taken "
            f"{abort.machine_minutes:,}"
        )
        raise InvalidBuildTime(advice, problems=(FieldProblem(pointer="/machine_minutes", message=advice),))
    return since if abort.machine_minutes is None else abort.machine_minutes


def _book(session: Session, found: LockedBuild, *, actor: str, now: datetime) -> None:
    """Book what was used, in the order of jobs; each keeps what it holds for the builds that are to come."""
    for part in found.parts:
        if found.build.lot_id is not None:
            network.consume_lot(
                session,
                lot_id=found.build.lot_id,
                job_id=part.job_id,
                build_id=found.build.id,
                grams=part.grams,
                actor=actor,
                now=now,
                still_needed_grams=found.jobs[part.job_id].grams,
            )
    rows.add_used_grams(session, {part.job_id: part.grams for part in found.parts}, now=now)
