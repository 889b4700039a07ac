"""What a page about a job is made of, asked of the services: whether the caller may see it is asked there."""

from sqlmodel import Session

from fabroute.console.pages.jobs.job import JobPage, JobRecords, job_page
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.kernel.time import utc_now
from fabroute.production.service.whole_jobs import WholeJob, read_whole_job


def read_job_page(session: Session, *, caller: Principal, job_id: str) -> JobPage:
    """Return the page of a job for whoever may see it: its node, the part's owner, the operator. ``UnknownJob``."""
    found = read_whole_job(session, principal=caller, job_id=job_id)
    return job_page(
        _records(session, found),
        as_node=found.as_node,
        as_owner=caller.organisation_id == found.job.organisation_id,
        may_act="jobs:write" in caller.scopes,
        now=utc_now(),
    )


def _records(session: Session, found: WholeJob) -> JobRecords:
    revision_id = found.job.revision_id
    return JobRecords(
        job=found.job,
        revision=inventory.read_revisions(session, revision_ids={revision_id})[revision_id],
        node=found.node,
        ship_to=found.ship_to,
        remarks=found.remarks,
        prints=found.prints,
        inspections=found.inspections,
        evidence=found.evidence,
        shipments=found.shipments,
        certificates=found.certificates,
    )
