"""The form of each event as it is told: models that the documentation shows, and that tests hold messages to."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

from fabroute.webhooks.rules.catalogue import CATALOGUE, EventType


class EventSubject(BaseModel):
    """What an event is about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str = Field(description="`order`, `job`, `shipment` …")
    id: str


class ToldEvent(BaseModel):
    """An event, the same in `GET /v1/events` and in webhooks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(description="The same in every feed, at every delivery: also in the header `webhook-id`.")
    type: str = Field(description="One of `GET /v1/event-types`.")
    version: int = Field(description="Of the form of `data`: within a version fields are only added.")
    timestamp: AwareDatetime = Field(description="When it happened.")
    sandbox: bool = Field(description="Whether it happened in a sandbox: nothing was made, nobody has to act.")
    subject: EventSubject


def form_name(kind: EventType) -> str:
    """Return the name of a type's model: ``OrderPlacedEvent``."""
    words = kind.name.replace(".", "_").split("_")
    return "".join(word.capitalize() for word in words) + "Event"


def _form(kind: EventType) -> type[ToldEvent]:
    fields: dict[str, Any] = {
        "type": (Literal[kind.name], ...),
        "version": (Literal[kind.version], ...),
        "data": (kind.data, ...),
    }
    return create_model(form_name(kind), __base__=ToldEvent, __doc__=kind.summary, **fields)


FORMS: Mapping[str, type[ToldEvent]] = {name: _form(kind) for name, kind in CATALOGUE.items()}
"""The model of each type."""
