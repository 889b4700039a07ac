"""Who may see builds, who may change them; lists of them, and the plan of those that could come next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from fabroute.database import act_for_everyone, reaches
from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.network import service as network
from fabroute.production.models import Build, BuildPart, Job
from fabroute.production.repository import builds as rows
from fabroute.production.service.access import NotTheNode
from fabroute.production.service.builds.jobs import Workshop, build_jobs
from fabroute.production.service.builds.problems import UnknownBuildOfNode
from fabroute.production.service.builds.proposing import Proposals, propose
from fabroute.production.service.builds.views import BuildView, build_view

BUILD_STATES = ("planned", "running", "closed", "cancelled")
_ANY_NUMBER = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlanView:
    """What a node could build next, beside the builds that it has opened already."""

    node_id: str
    made_at: datetime
    open_builds: tuple[str, ...]
    proposals: Proposals


def build_plan(session: Session, *, principal: Principal, node_id: str, now: datetime) -> BuildPlanView:
    """Return the builds in which a node could make its accepted jobs, those due first in front. Nothing is kept.

    For the node's organisation and the operator. Raises ``UnknownNode``, also to a rival, and ``NotTheNode``.
    """
    require_node(session, principal=principal, node_id=node_id)
    working = rows.read_working(session, node_id=node_id)
    workshop = Workshop(session, node_id=node_id, on=now.date())
    found = rows.read_builds(
        session, node_id=node_id, states=rows.OPEN_STATES, owner=None, cursor=None, limit=_ANY_NUMBER
    )
    act_for_everyone(session)  # whether others may be in one build with its parts, each owner's policy says
    jobs = build_jobs(session, working)
    return BuildPlanView(
        node_id=node_id,
        made_at=now,
        open_builds=tuple(build.id for build in found),
        proposals=propose(jobs.values(), workshop, free_from=free_from(found, now=now), now=now),
    )


def free_from(open_builds: Sequence[Build], *, now: datetime) -> Mapping[str, datetime]:
    """Return since when each machine is free of what runs on it, and then of what is planned there."""
    free: dict[str, datetime] = {}
    for build in sorted(open_builds, key=lambda it: (it.state != "running", it.planned_start_at or now, it.id)):
        takes = timedelta(minutes=build.planned_minutes)
        if build.started_at is not None:
            free[build.machine_id] = max(now, build.started_at + takes)
        else:
            free[build.machine_id] = max(now, build.planned_start_at or now, free.get(build.machine_id, now)) + takes
    return free


def list_node_builds(
    session: Session, *, principal: Principal, node_id: str, state: str | None, cursor: str | None, limit: int
) -> Page[BuildView]:
    """Return a page of a node's builds, oldest first: whole to its organisation and the operator.

    An owner gets those that hold parts of its own, and of them its own parts. Raises ``UnknownNode``, also to a rival.
    """
    owner = _owner_only(session, principal=principal, node_id=node_id)
    states = BUILD_STATES if state is None else (state,)
    found = rows.read_builds(session, node_id=node_id, states=states, owner=owner, cursor=cursor, limit=limit + 1)
    views = views_of(session, found, owner=owner)
    return page_of(views, limit=limit, cursor_of=lambda view: view.build_id)


def get_build(session: Session, *, principal: Principal, build_id: str) -> BuildView:
    """Return a build to its node and the operator; to an owner with parts in it as far as it may see it.

    Raises ``UnknownBuildOfNode`` to everyone else.
    """
    build = rows.find_build(session, build_id)
    if build is None:
        raise _unknown(build_id)
    owner = None if _is_of_node(session, principal, build.node_id) else principal.organisation_id
    (view,) = views_of(session, [build], owner=owner)
    if not view.parts and owner is not None:
        raise _unknown(build_id)
    return view


def views_of(session: Session, builds: Sequence[Build], *, owner: str | None = None) -> list[BuildView]:
    """Return builds as they are shown, whole or to an owner."""
    parts = rows.read_parts(session, [build.id for build in builds])
    jobs = {job.id: job for job in rows.read_jobs(session, {it.job_id for held in parts.values() for it in held})}
    return [build_view(build, parts[build.id], jobs, owner=owner) for build in builds]


def require_node(session: Session, *, principal: Principal, node_id: str) -> network.NodeView:
    """Return a node to its organisation and the operator. ``UnknownNode`` to rivals, ``NotTheNode`` to owners."""
    node = network.find_node(session, node_id=node_id)
    if principal.kind != "operator" and not _is(session, principal, node):
        if principal.kind == "bureau":
            raise network.UnknownNode(f"there is no node {node_id} of yours")
        raise NotTheNode(f"what {node_id} builds, its own organisation plans, or the operator on its behalf")
    return node


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedBuild:
    """A build with the prints in it and their jobs, none of which anybody else can change now."""

    build: Build
    parts: Sequence[BuildPart]
    jobs: Mapping[str, Job]


def lock_at_node_with_jobs(
    session: Session, *, principal: Principal, build_id: str, more_jobs: Sequence[str] = ()
) -> LockedBuild:
    """Lock the jobs of a build, and ``more_jobs``, then the build, for its node or the operator.

    Raises ``UnknownBuildOfNode``, and ``NotTheNode`` to an owner with parts in it.
    """
    seen = get_build(session, principal=principal, build_id=build_id)
    if not seen.whole:
        raise NotTheNode(f"build {build_id} is for node {seen.node_id} to change, or for the operator on its behalf")
    act_for_everyone(session)
    before = rows.read_parts(session, [build_id])[build_id]
    jobs = rows.lock_jobs(session, {*(part.job_id for part in before), *more_jobs})
    build = rows.lock_build(session, build_id)
    assert build is not None, f"builds are never deleted, but {build_id} is gone"
    parts = rows.read_parts(session, [build_id])[build_id]
    return LockedBuild(build=build, parts=parts, jobs={job.id: job for job in jobs})


def _owner_only(session: Session, *, principal: Principal, node_id: str) -> str | None:
    if _is_of_node(session, principal, node_id):
        return None
    if principal.kind == "bureau":
        raise network.UnknownNode(f"there is no node {node_id} of yours")
    return principal.organisation_id


def _is_of_node(session: Session, principal: Principal, node_id: str) -> bool:
    node = network.find_node(session, node_id=node_id)
    return principal.kind == "operator" or _is(session, principal, node)


def _is(session: Session, principal: Principal, node: network.NodeView) -> bool:
    return node.organisation_id == principal.organisation_id and reaches(session, node.organisation_id)


def _unknown(build_id: str) -> UnknownBuildOfNode:
    return UnknownBuildOfNode(f"there is no build {build_id} that you may see")
