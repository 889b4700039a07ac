"""What a rule says about a client."""

from dataclasses import dataclass
from typing import Literal

from fabroute.bureau.conformance.exchanges import Exchange

Outcome = Literal["PASS", "FAIL", "NOT SEEN"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was seen of one rule; ``None`` as an outcome's exchange where nothing was."""

    outcome: Outcome
    seen: str
    """The request that decided, or what was waited for."""


def passed(exchange: Exchange) -> Finding:
    """Return that a request was right."""
    return Finding(outcome="PASS", seen=exchange.told)


def failed(exchange: Exchange, what: str) -> Finding:
    """Return that a request was wrong."""
    return Finding(outcome="FAIL", seen=f"{exchange.told}: {what}")


def not_seen(what: str) -> Finding:
    """Return that nothing of the kind happened."""
    return Finding(outcome="NOT SEEN", seen=what)
