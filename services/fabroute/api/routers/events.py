"""The event feed: what webhooks tell, to be read in order; and the catalogue of event types."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from fabroute.api import documentation as docs
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    EventsReader,
    Filter,
    Identifier,
    PageQuery,
    PageRequest,
    ReadSession,
    encode_cursor,
    get_resources,
    work_of,
)
from fabroute.api.feed.polling import read_or_wait
from fabroute.api.schemas.base import Instant
from fabroute.api.schemas.events import EventFeedOut, EventOut, EventTypesOut, event_out, event_types_out, feed_out
from fabroute.webhooks.rules.patterns import UnknownEventType
from fabroute.webhooks.service import feed
from fabroute.webhooks.service.feed import FeedPage, FeedQuery, FeedRestored

router = APIRouter(prefix="/v1", tags=["events"], route_class=ContractRoute)

LONGEST_WAIT_SECONDS = 25
Types = Annotated[
    list[str] | None,
    Query(alias="type", max_length=50, description="Only these types; `job.*` stands for all of a kind. Repeatable."),
]
Wait = Annotated[
    int,
    Query(
        ge=0,
        le=LONGEST_WAIT_SECONDS,
        description="While there is no event after the cursor, wait for one up to so many seconds.",
    ),
]


def get_feed_query(
    caller: EventsReader,
    page: PageQuery,
    types: Types = None,
    subject: Annotated[Filter, Query(description="Only events about the thing with this id.")] = None,
    since: Annotated[Instant | None, Query(description="Only what happened then or later.")] = None,
) -> FeedQuery:
    """Return which events are asked for."""
    return _feed_query(caller.organisation_id, page, types, subject, since)


def _feed_query(
    organisation_id: str, page: PageRequest, types: list[str] | None, subject: str | None, since: Instant | None
) -> FeedQuery:
    return FeedQuery(
        organisation_id=organisation_id,
        cursor=page.cursor,
        limit=page.limit,
        types=tuple(types or ()),
        subject_id=subject,
        since=since,
    )


@router.get(
    "/events",
    responses=docs.NEXT_PAGE | docs.problems(UnknownEventType, feed.UnusableCursor, FeedRestored),
)
async def list_events(
    request: Request,
    response: Response,
    caller: EventsReader,
    query: Annotated[FeedQuery, Depends(get_feed_query)],
    wait: Wait = 0,
) -> EventFeedOut:
    """Read your events in order, the oldest that is kept (30 days) first: the pull twin of webhooks.

    Go on from `next_cursor`, which is always there: with `wait` the answer comes as soon as there is an event. Nothing
    is left out and nothing comes twice; events of one thing come in the order in which they happened.

    After a restore of the installation a cursor of events that are gone is answered with 410 `feed_restored`: go on
    from its `resume_cursor`, and send again what you sent since its `snapshot_at`, with the same Idempotency-Key.
    """

    resources = get_resources(request)

    def read() -> FeedPage:
        with work_of(request, caller) as session, _telling_where_to_resume():
            return feed.read_feed(session, query)

    found = await read_or_wait(
        lambda: run_in_threadpool(read),
        watch=resources.feed,
        organisation_id=caller.organisation_id,
        wait_seconds=min(wait, resources.settings.longest_wait_seconds),
        receive=request.receive,
    )
    cursor = encode_cursor(found.resume_from)
    if found.has_more:
        response.headers["Link"] = f'<{request.url.include_query_params(cursor=cursor)}>; rel="next"'
    return feed_out(found, cursor=cursor)


@contextmanager
def _telling_where_to_resume() -> Iterator[None]:
    try:
        yield
    except FeedRestored as error:
        error.details["resume_cursor"] = encode_cursor(error.resume_from)
        raise


@router.get("/events/{event_id}", responses=docs.problems(feed.UnknownEvent))
def get_event(event_id: Identifier, caller: EventsReader, session: ReadSession) -> EventOut:
    """Read an event of yours again."""
    return event_out(feed.get_event(session, organisation_id=caller.organisation_id, event_id=event_id))


@router.get("/event-types", responses=docs.problems())
def list_event_types(caller: EventsReader) -> EventTypesOut:
    """List every type of event: what it means, who is told, its form, an example."""
    return event_types_out(caller.kind)
