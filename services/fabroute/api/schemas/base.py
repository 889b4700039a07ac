"""Pieces of requests and answers that several resources use."""

import unicodedata
from datetime import date
from typing import Annotated, Generic, Self, TypeVar

import pycountry
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from fabroute.kernel.money import Money
from fabroute.orders.rules import CURRENCY

COUNTRIES = frozenset(country.alpha_2 for country in pycountry.countries)
"""ISO 3166-1 alpha-2 codes."""

_BIDIRECTIONAL = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
"""Embeddings, overrides and isolates (UAX 9): they show a text in another order than it is stored in."""

_FIRST_YEAR, _YEAR_AFTER = 2000, 2100

Item = TypeVar("Item")
When = TypeVar("When", bound=date)


class RequestModel(BaseModel):
    """Something a client sends: unknown fields and wrong types are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ResponseModel(BaseModel):
    """Something fabroute answers with."""

    model_config = ConfigDict(frozen=True)


def _without_control_characters(text: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cs") or character in _BIDIRECTIONAL for character in text):
        raise PydanticCustomError("control_characters", "must not hold control characters")
    return text


def _known_country(code: str) -> str:
    if code not in COUNTRIES:
        raise PydanticCustomError(
            "unknown_country", "is no country: use two capital letters of ISO 3166-1 alpha-2, such as DE"
        )
    return code


def _in_our_times(when: When) -> When:
    if not _FIRST_YEAR <= when.year < _YEAR_AFTER:
        raise PydanticCustomError("out_of_our_times", "must lie in the years 2000 to 2099")
    return when


def _currency_code(code: str) -> str:
    if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
        raise PydanticCustomError("currency_code", "must be three capital letters of ISO 4217, such as EUR")
    return code


def known_currency(code: str) -> str:
    """Return a currency's code if it is supported: a validator of fields."""
    if code != CURRENCY:
        raise PydanticCustomError("unsupported_currency", "only EUR is supported: convert the amount first")
    return code


_PLAIN = AfterValidator(_without_control_characters)
Label = Annotated[str, Field(min_length=1, max_length=120), _PLAIN]
"""A short text without control characters."""
TrimmedLabel = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), _PLAIN]
"""A short text without control characters, kept without the spaces around it."""
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400), _PLAIN]
"""A longer text without control characters, kept without the spaces around it."""
Note = Annotated[str, Field(max_length=400), _PLAIN]
"""A text without control characters, or none."""
CurrencyCode = Annotated[
    str, AfterValidator(_currency_code), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})
]
"""Three capital letters of ISO 4217; whether there is a rate for it, is asked later."""
Country = Annotated[str, AfterValidator(_known_country), Field(description="ISO 3166-1 alpha-2, capital letters.")]

Instant = Annotated[AwareDatetime, AfterValidator(_in_our_times)]
"""A date and time with an offset, in the years 2000 to 2099: whatever is reckoned from it stays a date."""
Day = Annotated[date, AfterValidator(_in_our_times)]
"""A date in the years 2000 to 2099."""


class MoneyIn(RequestModel):
    """An amount in whole cents."""

    amount_minor: int = Field(ge=1, le=1_000_000_000, description="Cents; 11.30 EUR is 1130.")
    currency: Annotated[str, AfterValidator(known_currency)] = Field(
        description="`EUR`, the only one so far.", examples=["EUR"]
    )


class MoneyOut(ResponseModel):
    """An amount in whole minor units of its currency."""

    amount_minor: int = Field(
        description="In the smallest unit of the currency, as ISO 4217 counts its decimals: 11.30 EUR is 1130 (cents), "
        "1,130 JPY is 1130 (whole yen), 1.130 KWD is 1130 (fils)."
    )
    currency: str = Field(description="ISO 4217.")

    @classmethod
    def of(cls, money: Money) -> Self:
        """Return ``money`` for an answer."""
        return cls(amount_minor=money.amount_minor, currency=money.currency)


class Listing(ResponseModel, Generic[Item]):
    """One page of a list. While `has_more`, ask again with `cursor` = `next_cursor`, or follow the Link header."""

    data: list[Item]
    has_more: bool
    next_cursor: str | None = Field(description="Opaque; goes back as the query parameter `cursor`.")
