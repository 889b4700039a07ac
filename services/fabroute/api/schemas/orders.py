"""Orders over the wire."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, ValidationError, WrapValidator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidatorFunctionWrapHandler

from fabroute.api.schemas.advice import ShortAdviceOut
from fabroute.api.schemas.agreed import AgreedQuoteOut, QuoteOffer, RoutingOut, agreed_out
from fabroute.api.schemas.base import (
    Country,
    Label,
    MoneyIn,
    MoneyOut,
    RequestModel,
    ResponseModel,
    TrimmedLabel,
)
from fabroute.kernel.money import Money
from fabroute.orders.rules import (
    CURRENCY,
    MAXIMUM_LINES,
    MAXIMUM_QUANTITY,
    MAXIMUM_SPLIT_NODES,
    MINIMUM_QUANTITY,
    Criticality,
    Objective,
    Packaging,
)
from fabroute.orders.service import LineView, OrderView, ShipTo
from fabroute.orders.states import LineState, OrderState


def _quantity_in_range(value: object, handler: ValidatorFunctionWrapHandler) -> int:
    try:
        quantity: int = handler(value)
    except ValidationError:
        raise PydanticCustomError(
            "quantity_out_of_range", f"must be a whole number from {MINIMUM_QUANTITY} to {MAXIMUM_QUANTITY:,}"
        ) from None
    return quantity


NO_ADVICE: Mapping[str, ShortAdviceOut] = MappingProxyType({})
PostalCode = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=16, pattern=r"^[A-Za-z0-9][A-Za-z0-9 \-]*$"),
    Field(examples=["20457"]),
]
"""Letters and digits, as all countries have them."""
Quantity = Annotated[
    int, Field(ge=MINIMUM_QUANTITY, le=MAXIMUM_QUANTITY, description="Pieces."), WrapValidator(_quantity_in_range)
]


class LineIn(RequestModel):
    """A part and how many of it. The same part may stand in several lines."""

    part: Label = Field(description="Your part number.", examples=["RL-0001"])
    revision: Label | None = Field(
        default=None, description="The name of a released revision; without it, the one that is released now."
    )
    quantity: Quantity


class ShipToIn(RequestModel):
    """Where the parts go. A city that fabroute does not know is taken to be at the country's capital.

    The answer then says `location_assumed`, and distances are reckoned to the capital: latitude and longitude make it
    exact. Spaces around texts are dropped. Name, street and postal code stand on the parcel's label: only the node that
    accepted the job reads them. A quote doesn't keep them.
    """

    name: TrimmedLabel | None = Field(default=None, description="Whom or which door.")
    street: TrimmedLabel | None = Field(default=None, description="Street and number, as a parcel's label shows it.")
    postal_code: PostalCode | None = None
    city: TrimmedLabel
    country: Country = Field(examples=["DE"])
    latitude: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False, description="Degrees north.")
    longitude: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False, description="Degrees east.")

    @model_validator(mode="after")
    def _latitude_and_longitude_come_together(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise PydanticCustomError("half_a_position", "needs both latitude and longitude, or neither")
        return self


class SplitIn(RequestModel):
    """That a line may be made on several machines, and by how many nodes at most.

    Each share has a job, and each node a parcel of its own; the line is there when the last of them is.
    """

    max_nodes: int = Field(
        ge=1, le=MAXIMUM_SPLIT_NODES, description="Nodes that may share a line; 1: several machines of one node may."
    )
    min_per_node: int = Field(
        default=1, ge=1, le=MAXIMUM_QUANTITY, description="The fewest pieces of a line that a node may get."
    )


class OrderRequest(RequestModel):
    """What you want, where, by when, and what matters most."""

    reference: Label | None = Field(default=None, description="Your own number of this order.")
    batch: Label | None = Field(default=None, description="A label that groups orders, such as an import.")
    objective: Objective | None = Field(
        default=None,
        description="What routing looks for: `cheapest`, the lowest landed cost; `fastest`, the earliest arrival; "
        "`balanced`, a balance of cost, time and carbon; `greenest`, the least CO2e, as long as a kilogram saved costs "
        "under 1,000 EUR (the `greenest` offer of a quote is the least CO2e of all). Without it: `fastest` for `aog` "
        "and `line_down`, `balanced` for `consumer`, else `cheapest`.",
    )
    criticality: Criticality | None = Field(
        default=None, description="What waits for the part; without it, the usual one of the first line's part."
    )
    need_by: AwareDatetime | None = Field(
        default=None,
        description="Arrival at the latest: RFC 3339 with an offset, in the future.",
        examples=["2030-06-15T12:00:00+02:00"],
    )
    need_by_hard: bool = Field(
        default=True, description="Whether a later arrival is no arrival; else lateness costs, but is possible."
    )
    max_price: MoneyIn | None = Field(default=None, description="The highest landed price of the whole order.")
    cost_of_waiting_per_hour: MoneyIn | None = Field(
        default=None,
        description="What every hour until the arrival costs you, because something stands still. Routing pays for "
        "speed up to that.",
    )
    split: SplitIn | None = Field(
        default=None, description="Whether a line may be shared by several machines; without it, one machine makes it."
    )
    first_article: bool = Field(
        default=False,
        description="Whether a node may make a part for which it has no first article: it prints one, you approve it, "
        "then it makes the rest. Without it such nodes are ruled out (`PART_NOT_QUALIFIED`).",
    )
    packaging: Packaging = "plain"
    ship_to: ShipToIn
    lines: list[LineIn] = Field(min_length=1, max_length=MAXIMUM_LINES)
    promise: Literal["now"] | None = Field(
        default=None,
        description="`now`: the answer carries price, arrival and node of every line for which something is left at "
        "once; lines for which nothing is are pending, with the reason, and decided within seconds together with other "
        "orders. So are all lines of an order with `split`. A line that no node can make is `no_route` in the answer "
        "at once, with the reasons in its decision. Without it all lines are pending. A promise only gets better until "
        "a node accepts the job.",
    )
    quote_id: Label | None = Field(
        default=None,
        description="A quote to accept: one line with its part in a quoted quantity, to the same place. What is left "
        "out is as quoted; what is not must be.",
    )
    quote_offer: QuoteOffer | None = Field(
        default=None, description="Which offer of the quote; without it, the one of the objective, else the cheapest."
    )

    @model_validator(mode="after")
    def _an_offer_is_of_a_quote(self) -> Self:
        if self.quote_offer is not None and self.quote_id is None:
            raise PydanticCustomError("offer_without_quote", "has a quote_offer, but no quote_id that it is of")
        return self

    @model_validator(mode="after")
    def _a_quoted_offer_is_made_as_quoted(self) -> Self:
        other = self.split is not None or self.cost_of_waiting_per_hour is not None or self.first_article
        if self.quote_id is not None and other:
            raise PydanticCustomError(
                "split_of_a_quote",
                "accepts a quote, which one qualified machine makes by its date: leave out split, first_article "
                "and cost_of_waiting_per_hour",
            )
        return self

    @model_validator(mode="after")
    def _a_line_is_large_enough_to_split(self) -> Self:
        largest = max((line.quantity for line in self.lines), default=0)
        if self.split is None or self.split.max_nodes * self.split.min_per_node <= largest:
            return self
        raise PydanticCustomError(
            "split_too_small",
            "can't be split like that: {max_nodes} nodes with {min_per_node} pieces or more each need {needed}, the "
            "largest line has {largest}; ask for fewer nodes or a smaller min_per_node",
            {
                "max_nodes": self.split.max_nodes,
                "min_per_node": self.split.min_per_node,
                "needed": self.split.max_nodes * self.split.min_per_node,
                "largest": largest,
            },
        )


class PromiseOut(ResponseModel):
    """What a line was promised first."""

    arrival: AwareDatetime
    landed: MoneyOut = Field(description="Production, freight and duty.")


class LineOut(ResponseModel):
    """A line of an order."""

    id: str
    position: int = Field(description="From 1, in the order of the request.")
    part: str
    revision: str
    quantity: int
    state: LineState
    state_reason: str = Field(description="Why it is in this state, where that needs a reason; else empty.")
    promise: PromiseOut | None = Field(
        default=None,
        description="What was promised first; `routing` shows the present promise, which is the same or better as long "
        "as no job is taken back. Null before the first.",
    )
    routing: RoutingOut | None = Field(description="The latest decision; null before the first.")
    advice: ShortAdviceOut | None = Field(
        default=None,
        description="Printed or conventional, in short; null until it is routed, and where the part does not know what "
        "it costs conventionally.",
    )


class ShipToOut(ResponseModel):
    """Where the parts go, with the coordinates that routing uses."""

    name: str | None
    street: str | None = None
    postal_code: str | None = None
    city: str
    country: str
    latitude: float
    longitude: float
    location_assumed: bool = Field(
        description="True where fabroute does not know the city and took the coordinates of the country's capital; "
        "false where they are yours or the city's. Latitude and longitude in the order make them exact."
    )


class SplitOut(ResponseModel):
    """That a line may be made on several machines, and by how many nodes at most."""

    max_nodes: int
    min_per_node: int


class OrderOut(ResponseModel):
    """An order."""

    id: str
    reference: str | None
    batch: str | None
    state: OrderState = Field(description="Derived from the lines: `pending` while one of them is open.")
    objective: Objective
    criticality: Criticality
    packaging: Packaging
    need_by: AwareDatetime | None
    need_by_hard: bool
    max_price: MoneyOut | None
    cost_of_waiting_per_hour: MoneyOut | None
    split: SplitOut | None = Field(description="Null where one machine makes the whole of a line.")
    first_article: bool = Field(
        default=False, description="Whether a node without a first article may make one part first, for approval."
    )
    ship_to: ShipToOut
    placed_at: AwareDatetime
    updated_at: AwareDatetime
    lines: list[LineOut]
    quote: AgreedQuoteOut | None = Field(description="What was agreed by accepting a quote; null without one.")


class OrderStatisticsOut(ResponseModel):
    """How many orders are in each state."""

    batch: str | None = Field(description="The batch that was counted; null for all orders.")
    orders: int
    states: dict[OrderState, int]


def order_out(
    order: OrderView, routings: Mapping[str, RoutingOut], advice: Mapping[str, ShortAdviceOut] = NO_ADVICE
) -> OrderOut:
    """Return an order for an answer, with what was decided and is advised for its lines, by their ids."""
    return OrderOut.model_validate(
        {
            "id": order.id,
            "reference": order.reference,
            "batch": order.batch,
            "state": order.state,
            "objective": order.objective,
            "criticality": order.criticality,
            "packaging": order.packaging,
            "need_by": order.need_by,
            "need_by_hard": order.need_by_hard,
            "max_price": _money_out(order.max_price_minor, order.currency),
            "cost_of_waiting_per_hour": _money_out(order.cost_of_waiting_minor, order.currency),
            "split": _split_out(order),
            "first_article": order.first_article,
            "ship_to": ship_to_out(order.ship_to),
            "placed_at": order.placed_at,
            "updated_at": order.updated_at,
            "lines": [_line_out(line, routings, advice) for line in order.lines],
            "quote": agreed_out(order, routings),
        }
    )


def _money_out(amount_minor: int | None, currency: str) -> MoneyOut | None:
    return None if amount_minor is None else MoneyOut.of(Money(amount_minor=amount_minor, currency=currency))


def _split_out(order: OrderView) -> SplitOut | None:
    if order.split_max_nodes == 0:
        return None
    return SplitOut(max_nodes=order.split_max_nodes, min_per_node=order.split_min_per_node)


def _line_out(line: LineView, routings: Mapping[str, RoutingOut], advice: Mapping[str, ShortAdviceOut]) -> LineOut:
    return LineOut(
        id=line.id,
        position=line.position,
        part=line.part,
        revision=line.revision,
        quantity=line.quantity,
        state=line.state,
        state_reason=line.state_reason,
        promise=_promise_out(line),
        routing=routings.get(line.id),
        advice=advice.get(line.id),
    )


def _promise_out(line: LineView) -> PromiseOut | None:
    if line.promised_at is None or line.promised_minor is None:
        return None
    landed = MoneyOut.of(Money(amount_minor=line.promised_minor, currency=CURRENCY))
    return PromiseOut(arrival=line.promised_at, landed=landed)


def ship_to_out(place: ShipTo) -> ShipToOut:
    """Return a destination for an answer."""
    return ShipToOut(
        name=place.name or None,
        street=place.street or None,
        postal_code=place.postal_code or None,
        city=place.city,
        country=place.country,
        latitude=place.latitude,
        longitude=place.longitude,
        location_assumed=place.assumed,
    )
