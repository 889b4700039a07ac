"""The queues of the nodes: offer jobs, take them back, read them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.errors import DomainError
from fabroute.network import service as network
from fabroute.orders.service import mark_cancelled
from fabroute.outbox import service as outbox
from fabroute.production import events, repository
from fabroute.production.models import Job
from fabroute.production.states import require_known_state, states_before
from fabroute.routing.ports import JobOffer


class UnknownJob(DomainError):
    """No such job, or not one that the asking organisation may see."""

    code = "unknown_job"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as its owner and its node see it; money in cents, ``price_minor`` without freight and duty."""

    job_id: str
    organisation_id: str
    node_id: str
    order_id: str
    order_line_id: str
    decision_id: str
    revision_id: str
    part_no: str
    quantity: int
    machine_id: str
    material: str
    parameter_set: str
    lot_id: str | None
    grams: int
    machine_minutes: int
    price_minor: int
    produce_by: date
    shipping_service: str
    packaging: str
    ship_to_city: str
    ship_to_country: str
    promised_at: datetime
    state: str
    offered_at: datetime
    updated_at: datetime
    version: int


def offer_jobs(session: Session, *, offers: tuple[JobOffer, ...], now: datetime) -> None:
    """Put jobs into the queues of their nodes; a second live job for one order line is refused by the database."""
    if not offers:
        return
    repository.insert_jobs(session, [_row(offer, now=now) for offer in offers])
    network.bump_queue_versions(session, node_ids=sorted({offer.node_id for offer in offers}))
    outbox.record_all(
        session,
        [
            events.job_offered(
                job_id=offer.job_id,
                organisation_id=offer.organisation_id,
                node_id=offer.node_id,
                order_line_id=offer.order_line_id,
                occurred_at=now,
            )
            for offer in offers
        ],
    )


def cancel_order(
    session: Session, *, organisation_id: str, order_id: str, actor: str, now: datetime
) -> tuple[JobView, ...]:
    """Cancel an order with its lines and jobs, give back what was held for them, and return the cancelled jobs.

    Nothing happens to an order that is cancelled already. Raises ``UnknownOrder``.
    """
    if not mark_cancelled(session, organisation_id=organisation_id, order_id=order_id, now=now):
        return ()
    jobs = repository.cancel_jobs(session, order_id=order_id, states=states_before("cancelled"), now=now)
    if jobs:
        _give_back(session, jobs=jobs, order_id=order_id, now=now)
    entry = AuditRecord(
        organisation_id=organisation_id,
        occurred_at=now,
        actor=actor,
        action="order.cancelled",
        subject_type="order",
        subject_id=order_id,
        data={"jobs": len(jobs)},
    )
    record_audit(session, entry=entry)
    return tuple(_view(job) for job in jobs)


def list_jobs(
    session: Session, *, principal: Principal, node_id: str, state: str | None, cursor: str | None, limit: int
) -> Page[JobView]:
    """Return jobs of a node, oldest first: all to its own organisation and the operator, an owner's own to the owner.

    Raises ``UnknownNode``, also to a bureau that asks for a rival's queue, and ``UnknownJobState``.
    """
    rows = repository.read_jobs(
        session,
        node_id=node_id,
        organisation_id=_only_owner(session, principal=principal, node_id=node_id),
        state=None if state is None else require_known_state(state),
        cursor=cursor,
        limit=limit + 1,
    )
    return page_of([_view(job) for job in rows], limit=limit, cursor_of=lambda view: view.job_id)


def get_job(session: Session, *, principal: Principal, job_id: str) -> JobView:
    """Return a job to its owner, its node or the operator; ``UnknownJob`` to everyone else."""
    job = repository.find_job(session, job_id)
    if job is None or not _may_see(session, principal=principal, job=job):
        raise UnknownJob(f"there is no job {job_id} that you may see")
    return _view(job)


def _give_back(session: Session, *, jobs: Sequence[Job], order_id: str, now: datetime) -> None:
    network.release(session, job_ids=[job.id for job in jobs], now=now)
    network.bump_queue_versions(session, node_ids=sorted({job.node_id for job in jobs}))
    cancelled = [
        events.job_cancelled(
            job_id=job.id,
            organisation_id=job.organisation_id,
            node_id=job.node_id,
            order_line_id=job.order_line_id,
            occurred_at=now,
        )
        for job in jobs
    ]
    outbox.record_all(session, [*cancelled, events.capacity_released(order_id=order_id, occurred_at=now)])


def _only_owner(session: Session, *, principal: Principal, node_id: str) -> str | None:
    """Return the owner whose jobs alone the principal may see at a node, ``None`` if it may see all of them."""
    node = network.find_node(session, node_id=node_id)
    if principal.kind == "operator" or node.organisation_id == principal.organisation_id:
        return None
    if principal.kind == "bureau":
        raise network.UnknownNode(f"there is no node {node_id} of yours")
    return principal.organisation_id


def _may_see(session: Session, *, principal: Principal, job: Job) -> bool:
    if principal.kind == "operator" or job.organisation_id == principal.organisation_id:
        return True
    return network.find_node(session, node_id=job.node_id).organisation_id == principal.organisation_id


def _row(offer: JobOffer, *, now: datetime) -> dict[str, object]:
    row = asdict(offer)
    return {"id": row.pop("job_id"), **row, "state": "offered", "offered_at": now, "updated_at": now, "version": 1}


def _view(job: Job) -> JobView:
    columns = job.model_dump()
    return JobView(job_id=columns.pop("id"), **columns)
