"""What a request to accept a quote must agree with, and the order that it then means."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session

from fabroute.inventory import service as inventory
from fabroute.inventory.service import PartView
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.ids import new_id
from fabroute.logistics.service import city_key
from fabroute.orders import service as orders
from fabroute.orders.rules import planning_scopes
from fabroute.orders.service import Agreement, ClaimedLine, NewLine, NewOrder, QuoteView, ShipTo, UnknownQuote
from fabroute.routing.service.asked_once import placed_line
from fabroute.routing.service.quoted import Document, QuotedTerms, quoted_quantities, quoted_terms
from fabroute.routing.service.sentences import euro
from fabroute.telemetry.tracing import traceparent

_DEFAULT_OFFER = "cheapest"
_OFFERS = ("cheapest", "fastest", "greenest")


class QuoteNotThere(DomainError):
    """An order names a quote that its organisation doesn't have."""

    code = "unknown_quote"
    status = 422


class QuoteMismatch(DomainError):
    """An order differs from the quote that it accepts; each pointer names what."""

    code = "quote_mismatch"
    status = 422


class QuoteTaken(DomainError):
    """The quote was accepted before, by the order in ``details``."""

    code = "quote_already_accepted"
    status = 409


class QuoteExpired(DomainError):
    """The quote stood until the instant in ``details``."""

    code = "quote_expired"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedLine:
    """A line of an order that accepts a quote, as it was asked for."""

    part: str
    revision: str | None
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A request to accept a quote by an order; what is ``None`` was left out, and is then as quoted."""

    organisation_id: str
    actor: str
    """The API key that orders."""
    idempotency_key: str
    request_sha256: str
    quote_id: str
    offer: str | None
    lines: tuple[AcceptedLine, ...]
    ship_to: ShipTo
    reference: str | None = None
    batch: str | None = None
    objective: str | None = None
    criticality: str | None = None
    packaging: str | None = None
    need_by: datetime | None = None
    need_by_hard: bool | None = None
    max_price_minor: int | None = None

    @property
    def label(self) -> str:
        """Which offer is accepted: the named one, else the one of the objective, else the cheapest."""
        if self.offer is not None:
            return self.offer
        return self.objective if self.objective in _OFFERS else _DEFAULT_OFFER


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A quote that can be accepted: the order that it becomes, its line as routing sees it, and what must be kept."""

    terms: QuotedTerms
    agreed: Agreement
    order: NewOrder
    line: ClaimedLine
    closed: Document | None
    """Why the revision is not ordered any more, if so."""


def require_standing(
    session: Session, acceptance: Acceptance, *, now: datetime, quote: QuoteView | None = None
) -> Standing:
    """Return what an acceptance means; ``quote`` is given where the caller has locked and read it.

    Raises ``QuoteNotThere``, ``QuoteTaken``, ``QuoteExpired`` and ``QuoteMismatch``, in this order.
    """
    found = quote or _find(session, acceptance)
    _require_open(found, now=now)
    numbers = {found.part_no, *(line.part for line in acceptance.lines)}
    parts = inventory.find_parts(session, organisation_id=acceptance.organisation_id, part_nos=numbers)
    terms = _require_match(acceptance, found, parts)
    order = _order(acceptance, found, scope=_scope(found, parts.get(found.part_no)), now=now)
    return Standing(
        terms=terms,
        agreed=Agreement(
            quote_id=found.id, offer=acceptance.label, price_minor=terms.landed_minor, arrival=terms.promised_at
        ),
        order=order,
        line=placed_line(order, 0),
        closed=_closed(found, parts.get(found.part_no)),
    )


def _find(session: Session, acceptance: Acceptance) -> QuoteView:
    try:
        return orders.get_quote(session, organisation_id=acceptance.organisation_id, quote_id=acceptance.quote_id)
    except UnknownQuote as error:
        raise QuoteNotThere(
            error.message, problems=(FieldProblem(pointer="/quote_id", message=error.message),)
        ) from error


def _require_open(quote: QuoteView, *, now: datetime) -> None:
    state = quote.state_at(now)
    if state == "accepted":
        raise QuoteTaken(
            f"quote {quote.id} was accepted by order {quote.order_id}: see GET /v1/orders/{quote.order_id}; "
            "for another order, POST /v1/quotes",
            details={"quote_id": quote.id, "order_id": quote.order_id, "offer": quote.accepted_offer},
        )
    if state == "expired":
        raise QuoteExpired(
            f"quote {quote.id} stood until {quote.valid_until:%Y-%m-%dT%H:%M:%SZ}, it is {now:%Y-%m-%dT%H:%M:%SZ}: "
            "POST /v1/quotes with the same body renews it",
            details={"quote_id": quote.id, "valid_until": quote.valid_until.isoformat()},
        )


def _require_match(acceptance: Acceptance, quote: QuoteView, parts: dict[str, PartView]) -> QuotedTerms:
    line = acceptance.lines[0]
    terms = quoted_terms(quote.document, quantity=line.quantity, label=acceptance.label)
    differences = (
        *_line_differences(acceptance, quote, parts),
        *_offer_differences(acceptance, quote, terms),
        *_place_differences(acceptance.ship_to, quote.ship_to),
        *_wish_differences(acceptance, quote),
    )
    problems = tuple(FieldProblem(pointer=pointer, message=message) for pointer, message in differences)
    if problems or terms is None:
        words = "; ".join(f"{problem.pointer} {problem.message}" for problem in problems)
        raise QuoteMismatch(f"the order differs from quote {quote.id}: {words}", problems=problems)
    return terms


def _line_differences(
    acceptance: Acceptance, quote: QuoteView, parts: dict[str, PartView]
) -> Iterator[tuple[str, str]]:
    if len(acceptance.lines) != 1:
        yield "/lines", f"must be one line, not {len(acceptance.lines)}: a quote is for one part in one quantity"
    line = acceptance.lines[0]
    part = parts.get(line.part)
    if part is None or part.part_id != quote.part_id:
        yield "/lines/0/part", f"must be {quote.part_no}, as quoted"
    if line.revision not in (None, quote.revision):
        yield "/lines/0/revision", f"must be {quote.revision}, as quoted, or left out"


def _offer_differences(
    acceptance: Acceptance, quote: QuoteView, terms: QuotedTerms | None
) -> Iterator[tuple[str, str]]:
    quantity, quantities = acceptance.lines[0].quantity, quoted_quantities(quote.document)
    if quantity not in quantities:
        yield "/lines/0/quantity", f"must be one that was quoted: {', '.join(map(str, quantities))}"
    elif terms is None:
        yield "/quote_offer", f"asks for the {acceptance.label} offer for {quantity}, but no node could make that many"
    elif _is_capped_below(acceptance, quote, terms):
        yield "/max_price/amount_minor", f"is under the quoted price of {euro(terms.landed_minor)} EUR"
    if _contradicts(acceptance, terms):
        yield "/objective", f"must be {acceptance.offer}, as the quote_offer, or balanced, or left out"


def _contradicts(acceptance: Acceptance, terms: QuotedTerms | None) -> bool:
    """Tell whether an order wants the best in one thing, but names an offer that is the best in others only."""
    named = (acceptance.offer,) if terms is None else terms.labels
    return acceptance.offer is not None and acceptance.objective in set(_OFFERS) - set(named)


def _is_capped_below(acceptance: Acceptance, quote: QuoteView, terms: QuotedTerms) -> bool:
    """Tell whether an order caps its price anew, and below the offer: what was quoted under a cap has kept to it."""
    cap = acceptance.max_price_minor
    return cap is not None and cap != quote.max_price_minor and terms.landed_minor > cap


def _place_differences(asked: ShipTo, quoted: ShipTo) -> Iterator[tuple[str, str]]:
    if asked.country != quoted.country:
        yield "/ship_to/country", f"must be {quoted.country}, as quoted"
    if city_key(asked.city) != city_key(quoted.city):
        yield "/ship_to/city", f"must be {quoted.city}, as quoted"
    elif (asked.latitude, asked.longitude) != (quoted.latitude, quoted.longitude):
        yield "/ship_to/latitude", f"must be {quoted.latitude}, at longitude {quoted.longitude}, as quoted"


def _wish_differences(acceptance: Acceptance, quote: QuoteView) -> Iterator[tuple[str, str]]:
    if acceptance.need_by is not None and acceptance.need_by != quote.need_by:
        when = "left out" if quote.need_by is None else quote.need_by.astimezone(UTC).isoformat()
        yield "/need_by", f"must be {when}, as quoted"
    if acceptance.need_by_hard not in (None, quote.need_by_hard):
        yield "/need_by_hard", f"must be {str(quote.need_by_hard).lower()}, as quoted"
    if acceptance.criticality not in (None, quote.criticality):
        yield "/criticality", f"must be {quote.criticality}, as quoted"
    if acceptance.packaging not in (None, quote.packaging):
        yield "/packaging", f"must be {quote.packaging}, as quoted"


def _closed(quote: QuoteView, part: PartView | None) -> Document | None:
    """Return why a revision is not ordered any more; ``None`` while it is the released one."""
    revision = None if part is None else next((it for it in part.revisions if it.revision == quote.revision), None)
    if part is None or revision is None or revision.state == "released":
        return None
    instead = "none is released now" if part.released is None else f"revision {part.released.revision} is released now"
    return {
        "code": f"REVISION_{revision.state.upper()}",
        "message": f"revision {quote.revision} of {quote.part_no} is {revision.state}, {instead}",
        "figures": {
            "revision": quote.revision,
            "revision_state": revision.state,
            "released_revision": None if part.released is None else part.released.revision,
        },
        "machine_id": None,
    }


def _scope(quote: QuoteView, part: PartView | None) -> str:
    """Return the planning scope in which the line is routed, should its job ever be taken back."""
    revisions = () if part is None else part.revisions
    pairs = next((it.process_materials for it in revisions if it.revision_id == quote.revision_id), ())
    return planning_scopes([pairs], country=quote.ship_to.country)[0]


def _order(acceptance: Acceptance, quote: QuoteView, *, scope: str, now: datetime) -> NewOrder:
    order_id = new_id("ord")
    line = NewLine(
        id=f"{order_id.replace('ord_', 'line_')}_01",
        part_id=quote.part_id,
        revision_id=quote.revision_id,
        quantity=acceptance.lines[0].quantity,
    )
    return NewOrder(
        id=order_id,
        traceparent=traceparent(),
        organisation_id=acceptance.organisation_id,
        actor=acceptance.actor,
        idempotency_key=acceptance.idempotency_key,
        request_sha256=acceptance.request_sha256,
        answer=b"",
        location=f"/v1/orders/{order_id}",
        planning_scope=scope,
        reference=acceptance.reference,
        batch=acceptance.batch,
        objective=acceptance.objective or acceptance.label,
        criticality=quote.criticality,
        packaging=quote.packaging,
        need_by=quote.need_by,
        need_by_hard=quote.need_by_hard,
        max_price_minor=acceptance.max_price_minor or quote.max_price_minor,
        currency="EUR",
        ship_to=acceptance.ship_to,
        lines=(line,),
        placed_at=now,
    )
