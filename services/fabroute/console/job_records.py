"""What a page about a job is made of, asked of the services: each asks whether the caller may see it."""

from sqlmodel import Session

from fabroute.console.pages.jobs.job import JobPage, JobRecords, job_page
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.kernel.time import utc_now
from fabroute.network import service as network
from fabroute.network.service import NodeView
from fabroute.orders.service import ShipTo
from fabroute.production import service as production
from fabroute.production.service import claims
from fabroute.production.service.conformity import list_certificates
from fabroute.production.service.inspection import list_inspections
from fabroute.production.service.job_remarks import read_job_remarks
from fabroute.production.service.shipping import access

_MOST = 200


def read_job_page(session: Session, *, caller: Principal, job_id: str) -> JobPage:
    """Return the page of a job for whoever may see it: its node, the part's owner, the operator. ``UnknownJob``."""
    job = production.get_job(session, principal=caller, job_id=job_id)
    node = network.find_node(session, node_id=job.node_id)
    as_node = caller.kind == "operator" or node.organisation_id == caller.organisation_id
    return job_page(
        _records(session, caller, job, node, as_node=as_node),
        as_node=as_node,
        as_owner=caller.organisation_id == job.organisation_id,
        may_act="jobs:write" in caller.scopes,
        now=utc_now(),
    )


def _records(
    session: Session, caller: Principal, job: production.JobView, node: NodeView, *, as_node: bool
) -> JobRecords:
    job_id = job.job_id
    ship_to: ShipTo | None = None
    if as_node:
        ship_to = claims.get_packet(session, principal=caller, job_id=job_id).ship_to
    return JobRecords(
        job=job,
        revision=inventory.read_revisions(session, revision_ids={job.revision_id})[job.revision_id],
        node=node,
        ship_to=ship_to,
        remarks=read_job_remarks(session, principal=caller, job_id=job_id),
        prints=production.list_prints(session, principal=caller, job_id=job_id, cursor=None, limit=_MOST).items,
        inspections=list_inspections(session, principal=caller, job_id=job_id, cursor=None, limit=_MOST).items,
        evidence=production.list_evidence(session, principal=caller, job_id=job_id, cursor=None, limit=_MOST).items,
        shipments=access.list_of_job(session, principal=caller, job_id=job_id),
        certificates=list_certificates(session, principal=caller, job_id=job_id),
    )
