"""What customs take: dated rules, never constants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from fabroute.kernel.errors import DomainError

Consignment = Literal["b2c", "b2b"]
ELSEWHERE = "*"
"""The territory of rules for every place that has none of its own."""


class NoDutyRule(DomainError):
    """No duty rule covers a territory on a day."""

    code = "duty_rule_missing"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """A dated rule of a customs territory."""

    territory: str
    """``EU``, an ISO country code, or ``*`` for all places without a rule of their own."""
    consignment: Consignment
    maximum_value_minor: int | None
    """The rule holds up to this value of the goods; ``None``: for any value."""
    fixed_minor: int
    """Per item category in the consignment."""
    fraction: float
    """Of the value of the goods."""
    valid_from: date
    valid_to: date
    """The last day, included."""


Duties = Mapping[tuple[str, str], Sequence[Duty]]
"""The rules of a (territory, consignment), those for the smallest values first."""


def consignment_of(criticality: str) -> Consignment:
    """Return whether a consumer (a patient among them) or a business receives an order of this criticality."""
    return "b2c" if criticality in ("consumer", "patient") else "b2b"


def customs_duty(duties: Duties, *, territory: str, consignment: Consignment, on: date, value_minor: int) -> Duty:
    """Return the rule that holds for goods entering a territory on a day; ``NoDutyRule`` if there is none.

    The rule with the lowest value limit that still covers the goods goes before more general ones, a territory's own
    before the rules for everywhere else.
    """
    for place in (territory, ELSEWHERE):
        for duty in duties.get((place, consignment), ()):
            limit = duty.maximum_value_minor
            if duty.valid_from <= on <= duty.valid_to and (limit is None or value_minor <= limit):
                return duty
    raise NoDutyRule(f"no duty rule for {consignment} goods into {territory} on {on}: import one into the duty rules")
