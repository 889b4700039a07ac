"""What the parts of a bridge work with, and the side of it that knows the foreign system."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from fabroute.bridges.fabroute import FabrouteWire
from fabroute.bridges.journal import Entry, Journal, Report
from fabroute.bridges.orders import ForeignOrder, OrderRules

_FIRST_SECONDS, _MOST_SECONDS, _MOST_DOUBLINGS = 1.0, 300.0, 9


class ForeignSystem(Protocol):
    """A shop, an ERP or a CMMS: reads its orders, and is told what becomes of them."""

    @property
    def kind(self) -> str:
        """Which of them it is, in Idempotency-Keys: ``shopify``."""
        ...

    @property
    def wants_certificates(self) -> bool:
        """Whether certificates of conformity are told."""
        ...

    def read(self, payload: Mapping[str, Any]) -> ForeignOrder:
        """Return what a payload says. Raises ``NotOrderable`` where it can't be understood."""
        ...

    def tell(self, entry: Entry, report: Report) -> None:
        """Tell it one thing, so that telling it again changes nothing. Raises ``Refused`` and ``Unavailable``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything that a bridge works with."""

    journal: Journal
    fabroute: FabrouteWire
    foreign: ForeignSystem
    rules: OrderRules
    now: Callable[[], datetime]
    say: Callable[[str], None] = field(default=lambda _line: None)


def pause_seconds(attempts: int, *, retry_after: float | None = None) -> float:
    """Return how long to wait after so many tries in vain: 1, 2, 4 … 300 s, or what the server asks for."""
    longest: float = min(_MOST_SECONDS, _FIRST_SECONDS * 2.0 ** min(attempts, _MOST_DOUBLINGS))
    return longest if retry_after is None else max(retry_after, 0.0)
