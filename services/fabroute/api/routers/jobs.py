"""The queue of a node."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.dependencies import Identifier, JobsReader, PageQuery, ReadSession
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.jobs import JobOut, job_out
from fabroute.network.service import UnknownNode
from fabroute.production import service as production

router = APIRouter(prefix="/v1", tags=["jobs"])

JobState = Literal["offered", "cancelled"]


@router.get("/nodes/{node_id}/jobs", responses=docs.NEXT_PAGE | docs.problems(UnknownNode))
def list_jobs(
    request: Request,
    response: Response,
    node_id: Identifier,
    caller: JobsReader,
    session: ReadSession,
    page: PageQuery,
    state: Annotated[JobState | None, Query(description="Only jobs in this state.")] = None,
) -> Listing[JobOut]:
    """List a node's jobs, oldest first. An owner of parts sees its own jobs only."""
    found = production.list_jobs(
        session, principal=caller, node_id=node_id, state=state, cursor=page.cursor, limit=page.limit
    )
    return listing(request, response, found, job_out)
