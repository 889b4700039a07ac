"""Where an order that wants its promise at once is understood: decided and written by itself, not queued."""

from dataclasses import dataclass

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.api.intake.desk import Submission, compose_order, require_future
from fabroute.api.intake.doorbell import Doorbell
from fabroute.api.intake.keys import KeysInFlight
from fabroute.api.intake.places import Places, ship_to_of
from fabroute.api.order_answers import read_order
from fabroute.database import unit_of_work
from fabroute.kernel.errors import DomainError
from fabroute.orders.service import (
    AskedLine,
    Catalogue,
    KeyReused,
    NewOrder,
    Placed,
    Replayed,
)
from fabroute.routing.service.online import OnlinePromiser
from fabroute.routing.service.quoting import QuoteBooks
from fabroute.telemetry.tracing import span


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseDesk:
    """Turns submissions into orders with a promise. One for all requests of a process."""

    tenants: Engine
    promiser: OnlinePromiser
    catalogue: Catalogue
    places: Places
    doorbell: Doorbell
    books: QuoteBooks
    in_flight: KeysInFlight

    async def place(self, submission: Submission) -> Placed | Replayed:
        """Return the answer to a submission, once it is committed, or the stored one if it came before.

        Raises the refusals of the catalogue and of the places, ``NeedByOutOfRange``, ``IdempotencyKeyInFlight`` and
        ``IdempotencyKeyReused``.
        """
        return await self.in_flight.answered(submission, self._place_or_recall)

    def _place_or_recall(self, submission: Submission) -> Placed | Replayed | KeyReused:
        """An order that would be refused today is still answered if it was taken once."""
        try:
            with span("route", facts={"kind": "online"}):
                placing = self.promiser.place(
                    self._order(submission), answer=self._answer(submission), now=submission.received_at
                )
        except DomainError as refusal:
            earlier = self.in_flight.earlier(submission) if refusal.status == 422 else None
            if earlier is None:
                raise
            return earlier
        if isinstance(placing, Placed):
            self.doorbell.ring()
            self.books.outdated()
        return placing

    def _order(self, submission: Submission) -> NewOrder:
        require_future(submission)
        organisation_id, now = submission.principal.organisation_id, submission.received_at
        lines = [AskedLine(part=line.part, revision=line.revision) for line in submission.asked.lines]
        with unit_of_work(self.tenants, tenant=submission.principal.tenant) as session:
            book = self.places.recall(now=now) or self.places.load(session, now=now)
            ship_to = ship_to_of(book, submission.asked.ship_to)
            items = self.catalogue.look_up(session, organisation_id=organisation_id, lines=lines, now=now)
        return compose_order(submission, items, ship_to)

    def _answer(self, submission: Submission) -> "_Answer":
        return _Answer(organisation_id=submission.principal.organisation_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """Writes the answer about an order of an organisation."""

    organisation_id: str

    def __call__(self, session: Session, order_id: str) -> bytes:
        order = read_order(session, organisation_id=self.organisation_id, order_id=order_id)
        return order.model_dump_json().encode()
