"""Readiness: which of an owner's parts could be made now, in thirty days, and with any one node gone."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Filter,
    Now,
    OwnerReader,
    OwnerWriter,
    PageQuery,
    ReadSession,
    WriteSession,
    encode_cursor,
)
from fabroute.api.errors import OwnersOnly
from fabroute.api.schemas.readiness import AskedReportOut, ReadinessOut, asked_out, readiness_out
from fabroute.identity.rules import Principal, require_scope
from fabroute.logistics.rules.regions import Region
from fabroute.routing.rules.readiness import ReadinessState
from fabroute.routing.service.readiness import (
    EntryQuery,
    NoReadinessReport,
    ask_readiness,
    get_report,
    list_entries,
)

router = APIRouter(prefix="/v1", tags=["readiness"], route_class=ContractRoute)


async def _reader_of_prices(caller: OwnerReader) -> Principal:
    """Return the caller if it may read parts and, because a report tells what they cost, orders."""
    require_scope(caller, "orders:read")
    return caller


_Reader = Annotated[Principal, Depends(_reader_of_prices)]
_State = Annotated[ReadinessState | None, Query(description="Only entries in this state.")]
_Region = Annotated[Region | None, Query(description="Only entries for this region.")]


@router.get("/readiness", responses=docs.NEXT_PAGE | docs.problems(OwnersOnly, NoReadinessReport))
def get_readiness(
    request: Request,
    response: Response,
    caller: _Reader,
    session: ReadSession,
    page: PageQuery,
    state: _State = None,
    part: Filter = None,
    region: _Region = None,
) -> ReadinessOut:
    """Return your latest report: what it comes to, what changed, what would help most, and a page of its entries."""
    report = get_report(session, organisation_id=caller.organisation_id)
    query = EntryQuery(
        organisation_id=caller.organisation_id,
        state=state,
        part=part,
        region=region,
        cursor=page.cursor,
        limit=page.limit,
    )
    found = list_entries(session, query=query)
    cursor = None if found.next_cursor is None else encode_cursor(found.next_cursor)
    if cursor is not None:
        response.headers["Link"] = f'<{request.url.include_query_params(cursor=cursor)}>; rel="next"'
    return readiness_out(report, found, next_cursor=cursor)


@router.post("/readiness", status_code=202, responses=docs.problems(OwnersOnly))
def post_readiness(caller: OwnerWriter, session: WriteSession, now: Now) -> AskedReportOut:
    """Ask for a new report, which a worker makes within a minute or so; one that is asked for already stands.

    A report is made every night anyway.
    """
    asked = ask_readiness(session, organisation_id=caller.organisation_id, actor=caller.key_id, now=now)
    return asked_out(asked)
