"""A node's queue, as its node, an owner of parts and the operator read it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.network import service as network
from fabroute.network.service.queues import QueuePosition
from fabroute.network.service.queues import find_queue as find_position
from fabroute.production.models import Job
from fabroute.production.repository import claims as claim_rows
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository.claims import QueueFilter
from fabroute.production.service.recheck import closed_gates
from fabroute.production.service.views import JobView, job_view

_MOST_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePage:
    """A page of a queue, and how far the queue had come just before it was read."""

    page: Page[JobView]
    position: QueuePosition


def list_queue(
    session: Session, *, principal: Principal, wanted: QueueFilter, cursor: str | None, limit: int, now: datetime
) -> QueuePage:
    """Return jobs of a node, oldest first: all to its own organisation and the operator, an owner's own to the owner.

    Of the offered ones its organisation sees those only whose gates are all open now and through their production;
    planned jobs of others are not shown to it. Raises ``UnknownNode``, also to a bureau that asks for a rival's queue.
    """
    position = find_position(session, node_id=wanted.node_id)
    seen = visible(principal, wanted, position)
    today = now.date() if position.organisation_id == principal.organisation_id else None
    jobs = _read(session, seen, cursor=cursor, limit=limit + 1, today=today)
    page = page_of([job_view(job) for job in jobs], limit=limit, cursor_of=lambda view: view.job_id)
    return QueuePage(page=page, position=position)


def visible(principal: Principal, wanted: QueueFilter, position: QueuePosition) -> QueueFilter:
    """Return the filter of what the principal may see of a queue; ``UnknownNode`` to a rival."""
    if principal.kind == "operator":
        return wanted
    if position.organisation_id == principal.organisation_id:
        return replace(wanted, unknown_of=principal.organisation_id)
    if principal.kind == "bureau":
        raise network.UnknownNode(f"there is no node {wanted.node_id} of yours")
    return replace(wanted, organisation_id=principal.organisation_id)


def _read(
    session: Session, wanted: QueueFilter, *, cursor: str | None, limit: int, today: date | None
) -> Sequence[Job]:
    """Return up to ``limit`` jobs; with a day, without offered ones that are unqualified, and others in their stead."""
    found: list[Job] = []
    at_once = limit
    while True:
        jobs = claim_rows.read_queue(session, wanted, cursor=cursor, limit=at_once)
        found.extend(jobs if today is None else qualified(session, jobs, today=today))
        if len(jobs) < at_once or len(found) >= limit:
            return found[:limit]
        cursor, at_once = jobs[-1].id, min(4 * at_once, _MOST_AT_ONCE)


def qualified(session: Session, jobs: Sequence[Job], *, today: date) -> list[Job]:
    """Return the jobs without offers whose gates are not all open today and through their production."""
    offered = [job.id for job in jobs if job.state == "offered"]
    if not offered:
        return list(jobs)
    closed = closed_gates(session, job_rows.read_checked(session, job_ids=offered), today=today)
    return [job for job in jobs if not closed.get(job.id)]
