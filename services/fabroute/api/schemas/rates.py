"""Prices that nodes state themselves, over the wire. Only a node's own organisation and the operator see them."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

from fabroute.api.schemas.base import Day, Label, MoneyOut, RequestModel, ResponseModel, Sentence, known_currency
from fabroute.kernel.money import Money
from fabroute.network.service import MOST_MINOR, NewRate, RateCode, RateView


class RateAmountIn(RequestModel):
    """A price for an hour or a kilogram, in whole cents."""

    amount_minor: int = Field(
        ge=0,
        le=MOST_MINOR,
        description="Cents; 38.00 EUR is 3800. 0 is allowed, for what is free: an hour of a machine that is written "
        "off, or material that the customer sends.",
    )
    currency: Annotated[str, AfterValidator(known_currency)] = Field(
        description="`EUR`, the only one so far.", examples=["EUR"]
    )


class RateIn(RequestModel):
    """What a node asks for, from a day on."""

    code: RateCode = Field(description="An hour of a machine, a kilogram of material, or an hour of labour.")
    subject: Label | None = Field(
        default=None,
        description="The machine's id, or the material's code; without it, all machines or materials of the node that "
        "have no price of their own. Never for labour.",
        examples=["N101-A"],
    )
    amount: RateAmountIn
    valid_from: Day = Field(
        description="The first day on which it counts, until a later one begins: today (UTC) or later, unless it is "
        "the node's first price of this code and subject."
    )
    source: Sentence = Field(description="Where it comes from, e.g. 'price list 2027'.")


class RateOut(ResponseModel):
    """A price that a node states, with who stated it."""

    node_id: str
    code: str
    subject: str | None
    amount: MoneyOut
    valid_from: date
    source: str
    stated_by: str = Field(description="The API key's id.")
    stated_at: AwareDatetime


def new_rate(node_id: str, told: RateIn) -> NewRate:
    """Return a price as the network takes it."""
    return NewRate(
        node_id=node_id,
        code=told.code,
        subject=told.subject or "",
        amount_minor=told.amount.amount_minor,
        valid_from=told.valid_from,
        source=told.source,
    )


def rate_out(rate: RateView) -> RateOut:
    """Return a price for an answer."""
    return RateOut(
        node_id=rate.node_id,
        code=rate.code,
        subject=rate.subject or None,
        amount=MoneyOut.of(Money(amount_minor=rate.amount_minor)),
        valid_from=rate.valid_from,
        source=rate.source,
        stated_by=rate.stated_by,
        stated_at=rate.stated_at,
    )
