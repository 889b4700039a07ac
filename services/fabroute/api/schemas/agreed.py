"""What was agreed by accepting a quote, beside what routing decides: over the wire."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date
from typing import Literal

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import MoneyOut, ResponseModel
from fabroute.kernel.money import Money
from fabroute.orders.service import AgreedQuote, LineView, OrderView

QuoteOffer = Literal["cheapest", "fastest", "greenest"]


class AgreedQuoteOut(ResponseModel):
    """The quote that an order accepted. Its price stands, wherever the parts are made in the end.

    Its date is what was promised; `arrival_at_risk` tells when it may not be kept.
    """

    quote_id: str
    offer: QuoteOffer
    price: MoneyOut = Field(
        description="Landed: what you pay, and what is billed, whatever `routing.landed` of the line says."
    )
    arrival: AwareDatetime = Field(description="The promised date of the quote.")
    arrival_at_risk: bool = Field(
        description="True where the line has no route now, its job is held, or its present promise is later than "
        "agreed. False once the order is cancelled: nothing arrives then."
    )
    arrival_note: str = Field(description="One sentence: whether the agreed date still stands, and why not.")


class JobOfLineOut(ResponseModel):
    """A job that makes a line, or a share of one that is split."""

    job_id: str
    share_no: int = Field(description="0 where one machine makes all of the line.")
    node_id: str
    city: str
    machine_id: str
    quantity: int
    price: MoneyOut = Field(description="What the node is paid: production, without freight and duty.")
    produce_by: date
    promised_at: AwareDatetime = Field(description="Arrival of this share.")
    state: str = Field(description="`planned`, `offered`, `accepted` or `held`.")
    held_reason: str


class RoutingOut(ResponseModel):
    """What was decided for a line, in short. The whole decision: GET /v1/orders/{order_id}/decision."""

    node_id: str | None = Field(description="The node that prints; null where no node can.")
    city: str | None
    country: str | None
    landed: MoneyOut | None = Field(
        description="Production, freight and duty of what the latest decision is about, as routing reckons them: where "
        "nodes kept shares of a split line, the rest of it. With what accepted counter-offers of its jobs add, which "
        "the decision, made before, does not know. An order that accepted a quote pays `quote.price` instead."
    )
    promised_at: AwareDatetime | None = Field(
        description="Arrival, as agreed by now; it does not stand while the job is held."
    )
    co2e_g: int | None = Field(description="Grams of CO2 equivalent of printing and shipping.")
    candidates: int = Field(description="Nodes that could, alone or with a share of a split.")
    excluded: int = Field(description="Nodes that are ruled out, each with its reasons in the decision.")
    why: str = Field(description="One sentence.")
    jobs: list[JobOfLineOut] = Field(
        default_factory=list,
        description="The jobs that make the line now: one, one for each share of a split line, or none.",
    )
    job_id: str | None = Field(
        description="The job in the node's queue, of several one that is held or else the first; null without any."
    )
    job_state: str | None = Field(description="`planned`, `offered`, `accepted` or `held`; null without a job.")
    held_reason: str = Field(
        description="Which gates closed; empty unless the job is held. It goes on once it is resumed or taken back."
    )


def agreed_out(order: OrderView, routings: Mapping[str, RoutingOut]) -> AgreedQuoteOut | None:
    """Return what an order agreed on and whether its date still stands; ``None`` where it accepted no quote."""
    agreed = order.agreed
    if agreed is None:
        return None
    risks = [risk for line in order.lines for risk in _risks(agreed, line, routings.get(line.id))]
    return AgreedQuoteOut.model_validate(
        {
            "quote_id": agreed.quote_id,
            "offer": agreed.offer,
            "price": MoneyOut.of(Money(amount_minor=agreed.price_minor, currency=order.currency)),
            "arrival": agreed.arrival,
            "arrival_at_risk": bool(risks),
            "arrival_note": _note(agreed, risks) if order.state != "cancelled" else "the order is cancelled",
        }
    )


def _note(agreed: AgreedQuote, risks: list[str]) -> str:
    day = f"{agreed.arrival:%Y-%m-%d}"
    if risks:
        return f"the price stands, but arrival by {day} is at risk: {risks[0]}"
    return f"arrival by {day} stands as agreed"


def _risks(agreed: AgreedQuote, line: LineView, routing: RoutingOut | None) -> Iterator[str]:
    """Yield why a line may not arrive as agreed, the gravest first."""
    if line.state == "cancelled":
        return
    if line.state in ("no_route", "parked"):
        yield f"the line is {_WORDS[line.state]}"
    elif line.state != "routed" or routing is None:
        yield "the line is being routed again"
    elif routing.job_state == "held":
        yield f"its job is held ({routing.held_reason})"
    elif routing.promised_at is None:
        yield "no date is promised now"
    elif routing.promised_at > agreed.arrival:
        yield f"{routing.promised_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC is promised now"


_WORDS = {"no_route": "without a route", "parked": "parked, a person has to look"}
