"""Where an order that accepts a quote is understood: it is not queued, but routed and written by itself at once."""

from dataclasses import dataclass

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.api.intake.desk import Submission
from fabroute.api.intake.doorbell import Doorbell
from fabroute.api.intake.keys import KeysInFlight
from fabroute.api.intake.places import Places, ship_to_of
from fabroute.api.order_answers import read_order
from fabroute.api.schemas.orders import OrderRequest
from fabroute.database import unit_of_work
from fabroute.kernel.errors import DomainError
from fabroute.orders.service import KeyReused, Placed, Replayed, ShipTo
from fabroute.routing.service.accepting import QuoteAcceptor, QuoteContended, QuoteNotKept
from fabroute.routing.service.agreeing import Acceptance, AcceptedLine
from fabroute.routing.service.quoting import QuoteBooks
from fabroute.telemetry.tracing import span


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceDesk:
    """Turns submissions that name a quote into orders with a job. One for all requests of a process."""

    tenants: Engine
    acceptor: QuoteAcceptor
    places: Places
    doorbell: Doorbell
    books: QuoteBooks
    in_flight: KeysInFlight

    async def place(self, submission: Submission) -> Placed | Replayed:
        """Return the answer to an acceptance, once it is committed, or the stored one if it came before.

        Raises the refusals of ``QuoteAcceptor.accept`` and of the places, ``IdempotencyKeyInFlight`` and
        ``IdempotencyKeyReused``.
        """
        return await self.in_flight.answered(submission, self._accept_or_recall)

    def _accept_or_recall(self, submission: Submission) -> Placed | Replayed | KeyReused:
        """An acceptance that would be refused today is still answered if it was taken once.

        What it takes, and what was found gone, is not in the book of quotes. Only whoever is refused waits for a book
        that has it: the next quote must not offer the same again.
        """
        try:
            with span("route", facts={"kind": "quote"}):
                placing = self._accept(submission)
        except (QuoteNotKept, QuoteContended):
            self.books.outdated(told=submission.principal.organisation_id)
            raise
        except DomainError as refusal:
            earlier = self.in_flight.earlier(submission) if refusal.status == 422 else None
            if earlier is None:
                raise
            return earlier
        if isinstance(placing, Placed):
            self.doorbell.ring()
            self.books.outdated()
        return placing

    def _accept(self, submission: Submission) -> Placed | Replayed | KeyReused:
        def answer(session: Session, order_id: str) -> bytes:
            organisation_id = submission.principal.organisation_id
            return read_order(session, organisation_id=organisation_id, order_id=order_id).model_dump_json().encode()

        acceptance = acceptance_of(submission, ship_to=self._ship_to(submission))
        return self.acceptor.accept(acceptance, answer=answer, now=submission.received_at)

    def _ship_to(self, submission: Submission) -> ShipTo:
        book = self.places.recall(now=submission.received_at)
        if book is None:
            with unit_of_work(self.tenants) as session:
                book = self.places.load(session, now=submission.received_at)
        return ship_to_of(book, submission.asked.ship_to)


def acceptance_of(submission: Submission, *, ship_to: ShipTo) -> Acceptance:
    """Return what a submission that names a quote asks for; what it leaves out is as quoted."""
    asked = submission.asked
    return Acceptance(
        organisation_id=submission.principal.organisation_id,
        actor=submission.principal.key_id,
        idempotency_key=submission.idempotency_key,
        request_sha256=submission.request_sha256,
        quote_id=asked.quote_id or "",
        offer=asked.quote_offer,
        lines=tuple(AcceptedLine(part=it.part, revision=it.revision, quantity=it.quantity) for it in asked.lines),
        ship_to=ship_to,
        reference=asked.reference,
        batch=asked.batch,
        objective=asked.objective,
        criticality=asked.criticality,
        packaging=asked.packaging if _given(asked, "packaging") else None,
        need_by=asked.need_by,
        need_by_hard=asked.need_by_hard if _given(asked, "need_by_hard") else None,
        max_price_minor=None if asked.max_price is None else asked.max_price.amount_minor,
    )


def _given(asked: OrderRequest, field: str) -> bool:
    return field in asked.model_fields_set
