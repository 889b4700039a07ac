"""Events over the wire."""

from typing import Any

from pydantic import Field

from fabroute.api.schemas.base import ResponseModel
from fabroute.kernel.ids import sandbox_of
from fabroute.webhooks.rules.catalogue import CATALOGUE, EventType, may_reach
from fabroute.webhooks.rules.examples import example_of
from fabroute.webhooks.rules.forms import EventSubject, ToldEvent, form_name
from fabroute.webhooks.service.feed import FeedPage
from fabroute.webhooks.service.views import EventView


class EventOut(ToldEvent):
    """An event, the same in `GET /v1/events` and in webhooks. The form of `data` goes by `type` and `version`."""

    data: dict[str, Any] = Field(description="As the schema of the type under `webhooks` says.")


class EventFeedOut(ResponseModel):
    """Events in their order."""

    data: list[EventOut]
    has_more: bool = Field(description="Whether more are there now.")
    next_cursor: str = Field(description="Keep it, also on the last page: what comes later is read from it.")


class EventTypeOut(ResponseModel):
    """A kind of event."""

    name: str
    summary: str
    version: int = Field(description="Of the form of `data`: within a version fields are only added.")
    audiences: list[str] = Field(
        description="Who is told: `owner` (the organisation that it is about), `bureau` (whose node has the job or the "
        "lot), `operator`."
    )
    concerns_you: bool = Field(description="Whether an organisation of your kind can be told it.")
    form: str = Field(description="The schema in this document: `#/components/schemas/…`.")
    example: EventOut


class EventTypesOut(ResponseModel):
    """All kinds of events."""

    data: list[EventTypeOut]


def event_out(view: EventView) -> EventOut:
    """Return an event for an answer."""
    return EventOut(
        id=view.event_id,
        type=view.type,
        version=view.version,
        timestamp=view.occurred_at,
        sandbox=bool(sandbox_of(view.organisation_id)),
        subject=EventSubject(type=view.subject_type, id=view.subject_id),
        data=dict(view.data),
    )


def feed_out(page: FeedPage, *, cursor: str) -> EventFeedOut:
    """Return a page of the feed; ``cursor`` is what it goes on from, as clients see it."""
    return EventFeedOut(data=[event_out(view) for view in page.events], has_more=page.has_more, next_cursor=cursor)


def event_types_out(organisation_kind: str) -> EventTypesOut:
    """Return the catalogue, for an organisation of a kind."""
    return EventTypesOut(data=[_event_type_out(kind, organisation_kind) for kind in CATALOGUE.values()])


def _event_type_out(kind: EventType, organisation_kind: str) -> EventTypeOut:
    return EventTypeOut(
        name=kind.name,
        summary=kind.summary,
        version=kind.version,
        audiences=list(kind.audiences),
        concerns_you=may_reach(kind, organisation_kind),
        form=form_name(kind),
        example=EventOut.model_validate(example_of(kind.name)),
    )
