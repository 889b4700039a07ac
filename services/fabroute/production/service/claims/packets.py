"""Job packets: all that a node needs to know to make a job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.inventory.service import LeaseView, RevisionView
from fabroute.network import service as network
from fabroute.orders import service as orders
from fabroute.orders.service import ShipTo
from fabroute.production.service.access import NotTheNode, find_visible
from fabroute.production.service.views import JobView, job_view

_NOT_ACCEPTED = frozenset({"planned", "offered", "countered"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """A job with its revision, its licence, and where it goes once its node has accepted it."""

    job: JobView
    revision: RevisionView
    licence: LeaseView | None
    """The prints that are held for it; ``None`` where the revision needs no licence."""
    ship_to: ShipTo | None
    """With name and street; ``None`` before the job is accepted."""


def get_packet(session: Session, *, principal: Principal, job_id: str) -> Packet:
    """Return the packet of a job to its node or the operator. Raises ``UnknownJob``; ``NotTheNode`` to its owner."""
    job = find_visible(session, principal=principal, job_id=job_id)
    node = network.find_node(session, node_id=job.node_id)
    if principal.kind != "operator" and node.organisation_id != principal.organisation_id:
        raise NotTheNode(f"job {job_id} lies with node {job.node_id}: its packet is for the node to read")
    revisions = inventory.read_revisions(session, revision_ids={job.revision_id})
    (packet,) = packets_of(session, [job_view(job)], revisions)
    if was_accepted(packet.job):
        order = orders.get_order(session, organisation_id=job.organisation_id, order_id=job.order_id)
        return Packet(job=packet.job, revision=packet.revision, licence=packet.licence, ship_to=order.ship_to)
    return packet


def packets_of(session: Session, jobs: Sequence[JobView], revisions: Mapping[str, RevisionView]) -> list[Packet]:
    """Return the packets of jobs that nobody has accepted, by one query at most for any number of jobs."""
    licensed = [job.job_id for job in jobs if revisions[job.revision_id].licence_required]
    leases = inventory.leases_of(session, job_ids=licensed) if licensed else {}
    return [
        Packet(job=job, revision=revisions[job.revision_id], licence=leases.get(job.job_id), ship_to=None)
        for job in jobs
    ]


def was_accepted(job: JobView) -> bool:
    """Return whether a node has accepted the job, so that it may know the customer's name and street."""
    return job.accepted_at is not None and job.state not in _NOT_ACCEPTED and job.ended_at is None
