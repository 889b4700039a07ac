"""How nodes do, from what was recorded, with the jobs behind each figure."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Filter, Identifier, NetworkReader, Now, PageQuery, ReadSession
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Day, Listing
from fabroute.api.schemas.scores import NodeScoresOut, ScoredJobOut, node_scores_out, scored_job_out
from fabroute.network import service as network
from fabroute.production import service as production
from fabroute.production.service import scores
from fabroute.production.service.scores import ScoredFilter, ScoreFigure, Span, today_at

router = APIRouter(prefix="/v1", tags=["scores"], route_class=ContractRoute)

_USUAL_DAYS = 90
_PROBLEMS = docs.problems(network.UnknownNode, production.NotTheNode, scores.InvalidSpan)


def get_span(
    node_id: Identifier,
    session: ReadSession,
    now: Now,
    first_day: Annotated[
        Day | None, Query(alias="from", description="The first day, by the node's calendar; usually 90 days ago.")
    ] = None,
    last_day: Annotated[
        Day | None, Query(alias="to", description="The last day; usually today where the node is.")
    ] = None,
) -> Span:
    """Return the days that the query asks for; ``InvalidSpan`` for impossible ones."""
    last = last_day or today_at(network.find_node(session, node_id=node_id), now)
    return Span(first_day=first_day or last - timedelta(days=_USUAL_DAYS), last_day=last)


SpanQuery = Annotated[Span, Depends(get_span)]


@router.get("/nodes/{node_id}/scores", responses=_PROBLEMS)
def get_scores(
    node_id: Identifier, caller: NetworkReader, session: ReadSession, span: SpanQuery, now: Now
) -> NodeScoresOut:
    """Read how a node did, by process: on time, first-pass yield, answer time, silence, declines by reason.

    From recorded events only. The node itself, owners of parts and the operator see the figures.
    """
    return node_scores_out(scores.read_scores(session, node_id=node_id, span=span, principal=caller, now=now))


@router.get("/nodes/{node_id}/scores/jobs", responses=docs.NEXT_PAGE | _PROBLEMS)
def list_scored_jobs(
    request: Request,
    response: Response,
    node_id: Identifier,
    caller: NetworkReader,
    session: ReadSession,
    span: SpanQuery,
    page: PageQuery,
    now: Now,
    figure: Annotated[ScoreFigure, Query(description="The figure that the jobs are behind.")],
    process: Filter = None,
) -> Listing[ScoredJobOut]:
    """List the jobs behind a figure: to the node and the operator all, to an owner those of its parts."""
    wanted = ScoredFilter(figure=figure, process=process, after=page.cursor or "", limit=page.limit)
    found = scores.list_scored_jobs(session, node_id=node_id, span=span, wanted=wanted, principal=caller, now=now)
    return listing(request, response, found, scored_job_out)
