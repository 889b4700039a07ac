"""Quotes over the wire: offers by quantity, price breaks, what was ruled out, and what would make it routable."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from fabroute.api.schemas.advice import ShortAdviceOut
from fabroute.api.schemas.agreed import QuoteOffer
from fabroute.api.schemas.base import CurrencyCode, Label, MoneyIn, MoneyOut, RequestModel, ResponseModel
from fabroute.api.schemas.decisions import CostOut, ReasonOut
from fabroute.api.schemas.explanations import OversizeOut
from fabroute.api.schemas.figures import FigureOut
from fabroute.api.schemas.orders import Quantity, ShipToIn, ShipToOut, ship_to_out
from fabroute.kernel.money import Money
from fabroute.orders.rules import Criticality, Packaging
from fabroute.orders.service import QuoteState, QuoteView

_MOST_QUANTITIES = 10


def _distinct(quantities: list[int]) -> list[int]:
    if len(set(quantities)) != len(quantities):
        raise PydanticCustomError("quantities_repeated", "must name each quantity once")
    return quantities


class QuoteRequest(RequestModel):
    """What you would like to know the price and the date of."""

    part: Label = Field(description="Your part number.", examples=["RL-0001"])
    revision: Label | None = Field(
        default=None, description="The name of a released revision; without it, the one that is released now."
    )
    quantities: Annotated[list[Quantity], AfterValidator(_distinct)] = Field(
        default=[1], min_length=1, max_length=_MOST_QUANTITIES, description="Each is quoted for itself."
    )
    ship_to: ShipToIn
    need_by: AwareDatetime | None = Field(
        default=None,
        description="Arrival at the latest: RFC 3339 with an offset, in the future.",
        examples=["2030-06-15T12:00:00+02:00"],
    )
    need_by_hard: bool = Field(default=True, description="Whether a later arrival is no arrival.")
    criticality: Criticality | None = Field(
        default=None, description="What waits for the part; without it, the usual one of the part."
    )
    packaging: Packaging = "plain"
    max_price: MoneyIn | None = Field(default=None, description="The highest landed price of each quantity.")
    currency: CurrencyCode = Field(
        default="EUR",
        description="In which prices are shown beside EUR, by the exchange rate of the day (ISO 4217).",
    )


class PlaceOut(ResponseModel):
    """A node, as a quote names it."""

    node_id: str
    kind: str = Field(description="`in_house`, `service_bureau` or `regional_hub`.")
    city: str
    country: str


class QuoteOfferOut(ResponseModel):
    """One way to get a quantity: price and window of arrival."""

    id: str
    labels: list[QuoteOffer] = Field(description="What it is the best in; one offer may be the best in several.")
    quantity: int
    valid_until: AwareDatetime | None = Field(
        default=None,
        description="As that of the quote, or the node's next cut-off where that is sooner: after it production would "
        "begin a working day later, and it may not be kept. Null in quotes from before offers had one.",
    )
    node: PlaceOut
    machine_id: str
    machine_offer_id: str = Field(description="The machine with its material and parameter set.")
    process: str
    material: str
    parameter_set: str
    lot_id: str
    machine_minutes: int
    grams: int = Field(description="Of the lot.")
    produce_by: date
    service: str = Field(description="The shipping service.")
    carrier: str
    earliest_at: AwareDatetime = Field(
        description="One delivery in ten is there by then (P10). Carriers deliver on working days: P10, P50 and P90 "
        "are often the same day."
    )
    expected_at: AwareDatetime = Field(description="Half of them are (P50).")
    promised_at: AwareDatetime = Field(description="Nine in ten are (P90): the date of the quote.")
    on_time_probability: float | None = Field(description="To be there by the need-by; null without one.")
    landed: MoneyOut = Field(description="Production, freight and duty, in EUR: what an order that accepts it pays.")
    unit: MoneyOut = Field(description="Landed, of one part, rounded.")
    price: MoneyOut = Field(description="Landed, in the currency that was asked for.")
    unit_price: MoneyOut
    production: MoneyOut
    freight: MoneyOut
    duty: MoneyOut
    breakdown: list[CostOut] = Field(description="The landed price by what it is for; adds up to it.")
    rows: list[CostOut] = Field(description="The same, row by row as it was reckoned.")
    co2e_g: int = Field(description="Grams of CO2 equivalent of printing and shipping.")


class SourcesOut(ResponseModel):
    """The constants behind the estimates of a machine that is on offer."""

    node_id: str
    machine_offer_id: str
    figures: list[FigureOut]


class ParetoPointOut(ResponseModel):
    """A way than which no other is as cheap, as early and as green at once, and better in one of these."""

    node_id: str
    machine_offer_id: str
    service: str
    landed: MoneyOut
    promised_at: AwareDatetime
    co2e_g: int


class RoutableIfOut(PlaceOut):
    """A node that one thing keeps from it, and the least change by which it could."""

    code: str
    change: str
    figures: dict[str, Any]
    machine_id: str | None
    landed: MoneyOut | None
    promised_at: AwareDatetime | None


class QuantityOut(ResponseModel):
    """What there is for one quantity."""

    quantity: int
    candidates: int = Field(description="Nodes that can make it.")
    offers: list[QuoteOfferOut] = Field(description="At most three; none where no node can make it.")
    pareto: list[ParetoPointOut] = Field(description="All that is worth choosing from, cheapest first.")
    routable_if: list[RoutableIfOut] = Field(description="Where no node can: what would have to be different.")
    advice: ShortAdviceOut | None = Field(
        default=None,
        description="Printed or conventional, in short, for the cheapest offer; null without one, and where the part "
        "does not know what it costs conventionally.",
    )


class PriceBreakOut(ResponseModel):
    """The cheapest price of a quantity."""

    quantity: int
    landed: MoneyOut
    unit: MoneyOut
    price: MoneyOut
    unit_price: MoneyOut
    saving: float = Field(description="Of the unit price, against the smallest quantity that has one: 0.12 is 12 %.")
    promised_at: AwareDatetime


class RuledOutNodeOut(ResponseModel):
    """A node that is ruled out."""

    node_id: str
    city: str
    country: str


class RuledOutOut(ResponseModel):
    """Nodes that can't make some of the quantities, all of them for the same reasons."""

    nodes: list[RuledOutNodeOut]
    quantities: list[int]
    reasons: list[ReasonOut]

    @model_validator(mode="before")
    @classmethod
    def _from_old_quotes(cls, stored: Any) -> Any:
        """Quotes from before nodes stood together have an entry for each."""
        if isinstance(stored, dict) and "nodes" not in stored and "node_id" in stored:
            node = {name: stored.get(name) for name in RuledOutNodeOut.model_fields}
            return {"nodes": [node], "quantities": stored.get("quantities"), "reasons": stored.get("reasons")}
        return stored


class QuoteSummaryOut(ResponseModel):
    """A quote in short."""

    id: str
    state: QuoteState = Field(
        description="`open` until `valid_until`, then `expired`; `accepted` once ordered, even if that order is "
        "cancelled: ask for a new quote then."
    )
    order_id: str | None = Field(description="The order that accepted it.")
    accepted_offer: QuoteOffer | None
    part: str
    revision: str
    criticality: Criticality
    packaging: Packaging
    need_by: AwareDatetime | None
    need_by_hard: bool
    max_price: MoneyOut | None
    ship_to: ShipToOut
    currency: str
    per_eur: float = Field(description="How much of the currency a euro buys; 1 for EUR.")
    created_at: AwareDatetime
    as_of: AwareDatetime = Field(
        description="The instant of the network that the quote was made from: never after `created_at`, and up to "
        "`quote_snapshot_seconds` before it, a setting of the installation."
    )
    valid_until: AwareDatetime = Field(description="The latest that any of its offers stands.")
    shortest_valid_until: AwareDatetime | None = Field(
        default=None, description="The first that one of its offers ends; null where it has none."
    )
    price_breaks: list[PriceBreakOut] = Field(description="Quantities that no node can make are left out.")


class QuoteOut(QuoteSummaryOut):
    """A quote, as it was made; accept it by an order with its id."""

    quantities: list[QuantityOut]
    ruled_out: list[RuledOutOut] = Field(description="By quantities and reasons: which nodes.")
    oversize: OversizeOut | None = Field(
        default=None, description="Where no machine of the part's processes and materials is large enough."
    )
    sources: list[SourcesOut] = Field(description="How far the figures behind the offers can be trusted, by machine.")


def quote_out(quote: QuoteView, *, now: datetime) -> QuoteOut:
    """Return a quote for an answer, and whether it stands at ``now``."""
    return QuoteOut.model_validate(_facts(quote, now=now))


def quote_summary_out(quote: QuoteView, *, now: datetime) -> QuoteSummaryOut:
    """Return a quote in short for a list."""
    return QuoteSummaryOut.model_validate(_facts(quote, now=now))


def _facts(quote: QuoteView, *, now: datetime) -> Mapping[str, object]:
    cap = quote.max_price_minor
    return {
        **quote.document,
        "id": quote.id,
        "state": quote.state_at(now),
        "order_id": quote.order_id,
        "accepted_offer": quote.accepted_offer,
        "part": quote.part_no,
        "revision": quote.revision,
        "criticality": quote.criticality,
        "packaging": quote.packaging,
        "need_by": quote.need_by,
        "need_by_hard": quote.need_by_hard,
        "max_price": None if cap is None else MoneyOut.of(Money(amount_minor=cap)),
        "ship_to": ship_to_out(quote.ship_to),
        "currency": quote.currency,
        "per_eur": quote.per_eur,
        "created_at": quote.created_at,
        "as_of": quote.as_of,
        "valid_until": quote.valid_until,
    }
