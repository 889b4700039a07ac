"""The queues of the nodes: offer jobs, and read them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.network import service as network
from fabroute.outbox import service as outbox
from fabroute.production import events
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository import proofs as proof_rows
from fabroute.production.repository.jobs import JobFilter, JobOfLine
from fabroute.production.service.access import find_visible
from fabroute.production.service.recheck import without_first_article
from fabroute.production.service.views import JobView, job_view
from fabroute.production.states import require_known_state
from fabroute.routing.ports import JobOffer
from fabroute.settings import get_settings


def offer_jobs(session: Session, *, offers: tuple[JobOffer, ...], now: datetime) -> None:
    """Put jobs into the queues of their nodes; the database refuses a second live job for a share of an order line.

    Those to be dispatched later are planned until then (``dispatch_planned``): their nodes are told nothing of them.
    """
    if not offers:
        return
    job_rows.insert_jobs(session, [_row(offer, now=now) for offer in offers])
    _begin_with_first_articles(session, offers, now=now)
    told = [offer for offer in offers if not _waits(offer, now=now)]
    job_rows.set_deadlines(session, job_ids=[offer.job_id for offer in told], seconds=get_settings().offer_seconds)
    network.bump_queue_versions(session, node_ids=sorted({offer.node_id for offer in told}))
    outbox.record_all(
        session,
        [
            events.job_event(
                "job.offered",
                job_id=offer.job_id,
                organisation_id=offer.organisation_id,
                node_id=offer.node_id,
                order_line_id=offer.order_line_id,
                occurred_at=now,
            )
            for offer in told
        ],
    )


def list_jobs(
    session: Session, *, principal: Principal, node_id: str, state: str | None, cursor: str | None, limit: int
) -> Page[JobView]:
    """Return jobs of a node, oldest first: all to its own organisation and the operator, an owner's own to the owner.

    Planned jobs of others are not shown to the node's organisation.
    Raises ``UnknownNode``, also to a bureau that asks for a rival's queue, and ``UnknownJobState``.
    """
    wanted = JobFilter(
        node_id=node_id,
        organisation_id=_only_owner(session, principal=principal, node_id=node_id),
        state=None if state is None else require_known_state(state),
        unknown_of=None if principal.kind == "operator" else principal.organisation_id,
    )
    rows = job_rows.read_jobs(session, wanted, cursor=cursor, limit=limit + 1)
    return page_of([job_view(job) for job in rows], limit=limit, cursor_of=lambda view: view.job_id)


def get_job(session: Session, *, principal: Principal, job_id: str) -> JobView:
    """Return a job to its owner, its node or the operator; ``UnknownJob`` to everyone else."""
    return job_view(find_visible(session, principal=principal, job_id=job_id))


def jobs_of_lines(session: Session, *, line_ids: Collection[str]) -> Mapping[str, tuple[JobOfLine, ...]]:
    """Return the jobs of these order lines, by line and share, in one statement; a line whose jobs are over has none.

    The caller has found the lines among its own: this asks nobody who they are.
    """
    return job_rows.read_of_lines(session, line_ids=line_ids) if line_ids else {}


def _only_owner(session: Session, *, principal: Principal, node_id: str) -> str | None:
    """Return the owner whose jobs alone the principal may see at a node, ``None`` if it may see all of them."""
    node = network.find_node(session, node_id=node_id)
    if principal.kind == "operator" or node.organisation_id == principal.organisation_id:
        return None
    if principal.kind == "bureau":
        raise network.UnknownNode(f"there is no node {node_id} of yours")
    return principal.organisation_id


def _row(offer: JobOffer, *, now: datetime) -> dict[str, object]:
    row = asdict(offer)
    state = "planned" if _waits(offer, now=now) else "offered"
    known = {"state": state, "offered_at": now, "updated_at": now, "version": 1, "first_article": False}
    return {"id": row.pop("job_id"), **row, **known}


def _begin_with_first_articles(session: Session, offers: Iterable[JobOffer], *, now: datetime) -> None:
    """Let those jobs begin with a first article whose order allows it and whose machine has none that counts."""
    allowed = [offer.job_id for offer in offers if offer.first_article]
    lacking = without_first_article(session, job_ids=allowed, now=now) if allowed else ()
    if lacking:
        proof_rows.begin_with_first_article(session, job_ids=lacking)


def _waits(offer: JobOffer, *, now: datetime) -> bool:
    return offer.dispatch_at is not None and offer.dispatch_at > now
