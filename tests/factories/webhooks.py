"""Organisations that are told of events, and what tells them."""

import asyncio
import base64
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.identity.ports import SealBroken, Sealer
from fabroute.identity.rules import ALL_SCOPES, OrganisationKind, Principal
from fabroute.identity.service import create_organisation
from fabroute.kernel.events import DomainEvent, JsonScalar
from fabroute.outbox.service import record_all
from fabroute.webhooks.ports import Sender
from fabroute.webhooks.service.delivering import Deliverer, DeliveryLimits, DeliveryReport
from fabroute.webhooks.service.endpoints import AddedEndpoint, Desk, NewEndpoint, add_endpoint
from fabroute.webhooks.service.feed import FeedPage, FeedQuery, read_feed
from fabroute.webhooks.service.sequencing import Sequenced, sequence_events
from tests.factories.organisations import NOW

URL = "https://hooks.example.com/fabroute"


class PlainSealer:
    """A ``Sealer`` whose seals only look like some; it knows what it is for."""

    def seal(self, text: str, *, purpose: str) -> str:
        """Return the text turned round, with its purpose."""
        return base64.b64encode(f"{purpose}|{text}".encode()[::-1]).decode()

    def unseal(self, sealed: str, *, purpose: str) -> str:
        """Return what was sealed for the purpose."""
        found, _, text = base64.b64decode(sealed)[::-1].decode().partition("|")
        if found != purpose:
            raise SealBroken("sealed for something else")
        return text

    def tag(self, text: str, *, purpose: str) -> str:
        """Return something."""
        return f"{purpose} {text}"


def a_principal(organisation_id: str, *, kind: OrganisationKind = "owner") -> Principal:
    """Return somebody who may do everything for an organisation."""
    return Principal(organisation_id=organisation_id, kind=kind, key_id="key_1", scopes=ALL_SCOPES)


def a_desk(organisation_id: str, *, now: datetime = NOW, loopback: bool = True) -> Desk:
    """Return the circumstances in which an organisation does something with its endpoints."""
    return Desk(principal=a_principal(organisation_id), sealer=PlainSealer(), loopback=loopback, now=now)


def given_organisation(engine: Engine, organisation_id: str, *, kind: OrganisationKind = "owner") -> str:
    """Return the id of an organisation that is there now."""
    with unit_of_work(engine) as session:
        return create_organisation(session, name=organisation_id, kind=kind, now=NOW, organisation_id=organisation_id)


def given_endpoint(
    engine: Engine, organisation_id: str, *, url: str = URL, types: Sequence[str] = ("*",), ed25519: bool = False
) -> AddedEndpoint:
    """Return a new endpoint with its secrets."""
    new = NewEndpoint(url=url, description="", types=types, ed25519=ed25519)
    with unit_of_work(engine) as session:
        return add_endpoint(session, a_desk(organisation_id), new)


def an_event(
    name: str = "order.placed",
    *,
    subject_id: str = "ord_1",
    organisation_id: str | None = "org_owner",
    subject_type: str = "order",
    **data: JsonScalar,
) -> DomainEvent:
    """Return a fact."""
    return DomainEvent(
        name=name,
        subject_type=subject_type,
        subject_id=subject_id,
        organisation_id=organisation_id,
        occurred_at=NOW,
        data=data,
    )


def tell(engine: Engine, *events: DomainEvent, now: datetime = NOW) -> Sequenced:
    """Record facts, and put them into the feeds."""
    with unit_of_work(engine) as session:
        record_all(session, events)
    return sequence_events(engine, now=now)


def feed_of(
    engine: Engine,
    organisation_id: str,
    *,
    limit: int = 200,
    cursor: str | None = None,
    types: Sequence[str] = (),
    subject_id: str | None = None,
    since: datetime | None = None,
) -> FeedPage:
    """Return an organisation's feed."""
    query = FeedQuery(
        organisation_id=organisation_id, limit=limit, cursor=cursor, types=types, subject_id=subject_id, since=since
    )
    with unit_of_work(engine) as session:
        return read_feed(session, query)


class Clock:
    """A wall clock that goes on only when told."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **span: float) -> datetime:
        """Let time go on."""
        self.now += timedelta(**span)
        return self.now


def deliver(
    engine: Engine,
    sender: Sender,
    *,
    now: Callable[[], datetime] = lambda: NOW,
    limits: DeliveryLimits | None = None,
    sealer: Sealer | None = None,
) -> DeliveryReport:
    """Deliver what is due, without jitter."""
    deliverer = Deliverer(
        engine, sender=sender, sealer=sealer or PlainSealer(), limits=limits, now=now, chance=lambda: 0.5
    )
    return asyncio.run(deliverer.run())
