"""The queue of a node: what lies in it, how its jobs are claimed, and what a claimed job holds."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import read_json
from fabroute.api.caching import conditional, has_already
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Filter,
    Identifier,
    JobsReader,
    Now,
    PageQuery,
    ReadSession,
    get_idempotency_key,
    get_principal,
    get_resources,
    token_of,
)
from fabroute.api.pages import listing
from fabroute.api.queues.claiming import answer_claim
from fabroute.api.queues.tags import poll_interval, queue_tag
from fabroute.api.schemas.base import Day, Listing
from fabroute.api.schemas.jobs import JobOut, job_out
from fabroute.api.schemas.packets import LONGEST_WAIT_SECONDS, ClaimedOut, ClaimIn, JobPacket, packet_out
from fabroute.identity.rules import require_scope
from fabroute.network.service import UnknownNode
from fabroute.production import service as production
from fabroute.production.service import claims
from fabroute.production.service.claims import QueueFilter
from fabroute.production.service.phases.accepting import OfferLapsed
from fabroute.production.states import JobState

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=ContractRoute)

_POLL_INTERVAL = {"description": "In how many seconds to ask again.", "schema": {"type": "number"}}
_POLLED: docs.Responses = {
    200: {"headers": docs.ETAG | docs.NEXT_PAGE[200]["headers"] | {"Fabroute-Poll-Interval": _POLL_INTERVAL}},
    304: {
        "description": "Nothing changed in the queue since the answer with that ETag.",
        "headers": docs.ETAG | {"Fabroute-Poll-Interval": _POLL_INTERVAL},
    },
}
_CLAIMED: docs.Responses = {
    200: {
        "description": "The jobs are yours until their leases end.",
        "headers": {
            "Idempotency-Replayed": {
                "description": "`true` when this is the stored answer to an earlier request: the jobs as they were.",
                "schema": {"type": "string"},
            }
        },
    },
    204: {
        "description": "There is no job for you. The same Idempotency-Key may be used again.",
        "headers": {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
    },
}


@router.get(
    "/nodes/{node_id}/jobs",
    response_model=Listing[JobOut],
    responses=_POLLED | docs.problems(UnknownNode),
    openapi_extra=docs.IF_NONE_MATCH,
)
def list_jobs(
    request: Request,
    node_id: Identifier,
    caller: JobsReader,
    session: ReadSession,
    page: PageQuery,
    now: Now,
    state: Annotated[list[JobState] | None, Query(description="Only jobs in this state, or in one of these.")] = None,
    material: Filter = None,
    machine_id: Filter = None,
    build_key: Filter = None,
    due_before: Annotated[Day | None, Query(description="Only those to be produced before this day.")] = None,
    wait: Annotated[
        int,
        Query(
            ge=0,
            le=LONGEST_WAIT_SECONDS,
            description="With If-None-Match: seconds to wait for a change, before a 304.",
        ),
    ] = 0,
) -> Response:
    """List a node's jobs, oldest first. An owner of parts sees its own jobs only.

    Its node sees those offered jobs only which it is qualified for now: certificates, first article, export, licence,
    lot. Poll with `If-None-Match` and the last ETag: as long as the queue does not change, 304 costs neither side much.
    """
    wanted = QueueFilter(
        node_id=node_id,
        states=tuple(state or ()),
        material=material,
        machine_id=machine_id,
        build_key=build_key,
        due_before=due_before,
    )
    found = claims.list_queue(session, principal=caller, wanted=wanted, cursor=page.cursor, limit=page.limit, now=now)
    get_resources(request).queues.pollers.remember(token_of(request), caller)
    query: bytes = request.scope["query_string"]
    tag = queue_tag(found.position, principal=caller, query=query, today=now.date())
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Fabroute-Poll-Interval": poll_interval()}
    if has_already(request, tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    answer = Response(media_type="application/json", headers=headers)
    body = listing(request, answer, found.page, job_out).model_dump_json().encode()
    answer.body = body
    answer.headers["Content-Length"] = str(len(body))
    return answer


@router.post(
    "/nodes/{node_id}/claims",
    response_model=ClaimedOut,
    responses=_CLAIMED
    | docs.problems(
        errors.MalformedJson,
        errors.IdempotencyKeyMissing,
        errors.IdempotencyKeyInvalid,
        errors.IdempotencyKeyInFlight,
        errors.BodyTooLarge,
        errors.UnsupportedMediaType,
        errors.IdempotencyKeyReused,
        UnknownNode,
        production.UnknownJob,
        production.JobStateConflict,
        production.JobUnqualified,
        claims.JobAlreadyClaimed,
        OfferLapsed,
    ),
    openapi_extra=docs.IDEMPOTENCY_KEY | docs.request_body(ClaimIn),
)
async def claim_jobs(request: Request, node_id: Identifier) -> Response:
    """Claim the soonest due of your node's offered jobs that nobody holds; every gate is asked first.

    Each comes with a lease until which to accept, decline or propose another price or day; then it is offered again,
    once. With `wait_seconds` the answer comes as soon as there is a job. Send the same Idempotency-Key again after a
    timeout, a 409 or a 503: you get the same jobs. Of two clients that claim one `job_id`, one gets 409.
    """
    principal = await get_principal(request)
    require_scope(principal, "jobs:write")
    key = get_idempotency_key(request)
    body = await read_json(request, ClaimIn)
    return await answer_claim(request, principal, node_id=node_id, key=key, body=body)


@router.get(
    "/jobs/{job_id}/packet",
    response_model=JobPacket,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(production.UnknownJob, production.NotTheNode),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_packet(request: Request, job_id: Identifier, caller: JobsReader, session: ReadSession) -> Response:
    """Read all that a job's node needs to make it: for the node and the operator.

    The customer's name and street are in it once the job is accepted.
    """
    packet = claims.get_packet(session, principal=caller, job_id=job_id)
    seconds = get_resources(request).settings.heartbeat_seconds
    return conditional(request, packet_out(packet, heartbeat_seconds=seconds))
