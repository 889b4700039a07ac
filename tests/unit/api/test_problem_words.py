"""What a model finds wrong, in words that say what to write."""

from datetime import date
from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from fabroute.api.bodies import field_problems
from fabroute.api.schemas.base import RequestModel
from fabroute.logistics.rules import Service


class Row(RequestModel):
    """A field of each kind."""

    price: Annotated[float, Field(gt=0)] = 1.0
    count: Annotated[int, Field(lt=10)] = 1
    name: Annotated[str, Field(min_length=1)] = "a"
    day: Annotated[date, Field(strict=False)] = date(2026, 1, 1)
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    code: Annotated[str, Field(pattern=r"^[a-z]$")] = "a"
    quantities: list[int] = Field(default=[])
    service: Service = Service.EXPRESS


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("price", '"120,5"', "must be a number with a point, such as 120.5"),
        ("price", "0", "must be more than 0"),
        ("count", "10", "must be less than 10"),
        ("count", "1.5", "must be a whole number"),
        ("name", '""', "must not be empty"),
        ("day", '"01.12.2026"', "must be a date, such as 2026-12-01"),
        ("day", '""', "must be a date, such as 2026-12-01"),
        ("day", '"2026-12-01T12:00:00Z"', "must be a date, such as 2026-12-01"),
        ("currency", '"euro"', "must be three capital letters, such as EUR"),
        ("code", '"A"', "must have the form ^[a-z]$"),
        ("quantities", "3", "must be a list, as in [1, 2]"),
        ("service", '"slow"', "must be 'economy', 'express' or 'next_flight'"),
        ("wurst", "1", "is no field of this object: leave it out"),
    ],
)
def test_every_kind_of_mistake_says_what_may_be_there(field: str, value: str, words: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Row.model_validate_json(f'{{"{field}": {value}}}')

    (problem,) = field_problems(refusal.value.errors(include_url=False, include_input=False))
    assert problem.message == words
    assert problem.pointer == f"/{field}"
