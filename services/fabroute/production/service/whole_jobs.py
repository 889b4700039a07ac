"""All that is known of one job, for whoever may see it: who that is, is asked once."""

from dataclasses import dataclass

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.inventory.service import RevisionView
from fabroute.network import service as network
from fabroute.network.service import NodeView
from fabroute.orders import service as orders
from fabroute.orders.service import ShipTo
from fabroute.production.repository import conformity as conformity_rows
from fabroute.production.repository import prints as print_rows
from fabroute.production.repository import proofs as proof_rows
from fabroute.production.repository import shipments as shipment_rows
from fabroute.production.service.access import find_visible
from fabroute.production.service.claims.packets import was_accepted
from fabroute.production.service.conformity.certificates import CertificateView, certificate_view
from fabroute.production.service.inspection.views import InspectionView, inspection_view
from fabroute.production.service.job_remarks import JobRemarks, remarks_of
from fabroute.production.service.shipping.views import ShipmentView, shipment_views
from fabroute.production.service.views import EvidenceView, JobView, PrintView, evidence_view, job_view, print_view

MOST = 200
"""Of prints, inspections and pieces of evidence, the first ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeJob:
    """A job with what is to be made, its node and all that was recorded about it."""

    job: JobView
    revision: RevisionView
    node: NodeView
    as_node: bool
    """Whether it is looked at by its node's organisation, or the operator."""
    ship_to: ShipTo | None
    """Name and street, for its node once it is accepted."""
    remarks: JobRemarks
    prints: tuple[PrintView, ...]
    inspections: tuple[InspectionView, ...]
    evidence: tuple[EvidenceView, ...]
    shipments: tuple[ShipmentView, ...]
    certificates: tuple[CertificateView, ...]


def read_whole_job(session: Session, *, principal: Principal, job_id: str) -> WholeJob:
    """Return a job to its owner, its node or the operator; ``UnknownJob`` to everyone else."""
    found = find_visible(session, principal=principal, job_id=job_id)
    job, node = job_view(found), network.find_node(session, node_id=found.node_id)
    as_node = principal.kind == "operator" or node.organisation_id == principal.organisation_id
    certificates = conformity_rows.read_certificates(session, job_id=job_id)
    return WholeJob(
        job=job,
        revision=inventory.read_revisions(session, revision_ids={job.revision_id})[job.revision_id],
        node=node,
        as_node=as_node,
        ship_to=_ship_to(session, job) if as_node else None,
        remarks=remarks_of(session, found, principal=principal),
        prints=tuple(map(print_view, print_rows.read_prints(session, job_id=job_id, after=0, limit=MOST))),
        inspections=tuple(map(inspection_view, proof_rows.read_page(session, job_id=job_id, cursor=None, limit=MOST))),
        evidence=tuple(map(evidence_view, print_rows.read_evidence(session, job_id=job_id, cursor=None, limit=MOST))),
        shipments=shipment_views(session, shipment_rows.read_of_job(session, job_id=job_id)),
        certificates=tuple(map(certificate_view, certificates)),
    )


def _ship_to(session: Session, job: JobView) -> ShipTo | None:
    if not was_accepted(job):
        return None
    return orders.get_order(session, organisation_id=job.organisation_id, order_id=job.order_id).ship_to
