"""Which counter-offers are accepted at once: those inside the owner's band that keep what the customer was promised."""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

_WEEK, _WORKING_DAYS = 7, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What a node wants instead of what it was offered; prices in cents."""

    price_minor: int
    produce_by: date
    offered_price_minor: int
    offered_produce_by: date

    @property
    def more_minor(self) -> int:
        """How much dearer it is."""
        return self.price_minor - self.offered_price_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the owner lets pass, and what the customer may count on; None: nothing is promised, no cap is set."""

    price_fraction: float
    days: int
    arrives_at: datetime
    """As it was planned with the offered day."""
    promised_at: datetime | None
    landed_minor: int | None
    """Of all lines of the order, as they were decided."""
    cap_minor: int | None
    duty: Fraction
    """Paid on top of each cent of the production price."""


def price_limit_minor(offered_minor: int, *, fraction: float) -> int:
    """Return the dearest price inside a band, in cents, rounded down: the fraction counts as it is written."""
    return math.floor(offered_minor * (1 + Fraction(repr(fraction))))


def arrival_after(arrives_at: datetime, *, offered: date, countered: date) -> datetime:
    """Return when a job arrives that is made so many working days (Monday to Friday) later than it was offered.

    It is never earlier than planned. Holidays on the way are not looked at.
    """
    later = _working_days_by(countered.toordinal()) - _working_days_by(offered.toordinal())
    if later <= 0:
        return arrives_at
    weeks, rest = divmod(_working_days_by(arrives_at.toordinal()) + later - 1, _WORKING_DAYS)
    return arrives_at + timedelta(days=weeks * _WEEK + rest + 1 - arrives_at.toordinal())


def outside(counter: Counter, limits: Limits) -> tuple[str, ...]:
    """Return why a counter-offer has to wait for the owner, one sentence each; none if it is accepted at once."""
    found = (_price(counter, limits), _day(counter, limits), _promise(counter, limits), _cap(counter, limits))
    return tuple(reason for reason in found if reason is not None)


def _price(counter: Counter, limits: Limits) -> str | None:
    most = max(
        counter.offered_price_minor, price_limit_minor(counter.offered_price_minor, fraction=limits.price_fraction)
    )
    if counter.price_minor <= most:
        return None
    return f"{_euro(counter.price_minor)} EUR is over the owner's band, which ends at {_euro(most)} EUR"


def _day(counter: Counter, limits: Limits) -> str | None:
    last = counter.offered_produce_by + timedelta(days=limits.days)
    if counter.produce_by <= last:
        return None
    return f"{counter.produce_by} is later than the owner's band, which ends {last}"


def _promise(counter: Counter, limits: Limits) -> str | None:
    arrives = arrival_after(limits.arrives_at, offered=counter.offered_produce_by, countered=counter.produce_by)
    if limits.promised_at is None or arrives <= max(limits.promised_at, limits.arrives_at):
        return None
    return f"it would arrive {arrives:%Y-%m-%d}, and the customer was promised {limits.promised_at:%Y-%m-%d}"


def _cap(counter: Counter, limits: Limits) -> str | None:
    if limits.landed_minor is None or limits.cap_minor is None or counter.more_minor <= 0:
        return None
    landed = limits.landed_minor + math.ceil(counter.more_minor * (1 + limits.duty))
    if landed <= limits.cap_minor:
        return None
    return f"the order would cost {_euro(landed)} EUR landed, and its cap is {_euro(limits.cap_minor)} EUR"


def _working_days_by(ordinal: int) -> int:
    """Return how many working days there are from 0001-01-01, a Monday and day 1, up to and with a day."""
    weeks, rest = divmod(ordinal, _WEEK)
    return weeks * _WORKING_DAYS + min(rest, _WORKING_DAYS)


def _euro(minor: int) -> str:
    return f"{minor / 100:.2f}"
