"""What a page about a job is made of, asked of the services: whether the caller may see it is asked there."""

from sqlmodel import Session

from fabroute.console.pages.jobs.job import JobPage, job_page
from fabroute.identity.rules import Principal
from fabroute.kernel.time import utc_now
from fabroute.production.service.whole_jobs import read_whole_job


def read_job_page(session: Session, *, caller: Principal, job_id: str) -> JobPage:
    """Return the page of a job for whoever may see it: its node, the part's owner, the operator. ``UnknownJob``."""
    found = read_whole_job(session, principal=caller, job_id=job_id)
    return job_page(
        found,
        as_owner=caller.organisation_id == found.job.organisation_id,
        may_act="jobs:write" in caller.scopes,
        now=utc_now(),
    )
