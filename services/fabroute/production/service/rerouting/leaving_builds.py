"""Jobs that end leave the builds that were planned with them: others in these builds are made without them."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session

from fabroute.production.events import BuildEvent
from fabroute.production.models import Build
from fabroute.production.repository import builds as rows
from fabroute.production.service.build_telling import tell_build

_LONGEST_NOTE = 1_000


def leave_planned(session: Session, *, job_ids: Collection[str], reason: str, now: datetime) -> tuple[Build, ...]:
    """Take locked jobs out of planned builds, and give up those that hold nothing else; return all that changed.

    Running builds are left alone: what is on the plate, their closing tells of. What is left keeps the times that were
    planned until its node plans it anew. The caller tells of it (``tell_left``) once it has locked the nodes.
    """
    found = rows.lock_planned_with(session, job_ids=job_ids)
    for build in found:
        rest = [part for part in rows.read_parts(session, [build.id])[build.id] if part.job_id not in job_ids]
        _shrink(session, build, [part.job_id for part in rest], reason=reason, now=now)
    return tuple(found)


def give_up_planned(session: Session, *, lot_ids: Collection[str], reason: str, now: datetime) -> tuple[Build, ...]:
    """Give up the planned builds of material lots; return them, for ``tell_left``."""
    found = rows.lock_planned_of_lots(session, lot_ids=lot_ids)
    for build in found:
        _shrink(session, build, [], reason=reason, now=now)
    return tuple(found)


def tell_left(session: Session, builds: Collection[Build], *, actor: str, now: datetime) -> None:
    """Tell the nodes, and the owners with parts in them, of builds that changed or were given up."""
    for build in builds:
        jobs = rows.read_jobs(session, [part.job_id for part in rows.read_parts(session, [build.id])[build.id]])
        name: BuildEvent = "build.cancelled" if build.state == "cancelled" else "build.changed"
        tell_build(session, build, name, jobs=jobs, actor=actor, now=now)


def _shrink(session: Session, build: Build, staying: Collection[str], *, reason: str, now: datetime) -> None:
    build.version, build.updated_at = build.version + 1, now
    if staying:
        rows.keep_only(session, build, job_ids=staying)
    else:
        build.state, build.note = "cancelled", reason[:_LONGEST_NOTE]
    rows.save(session, build)
