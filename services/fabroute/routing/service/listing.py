"""Decisions over all orders, in a list: what was decided, when, and in short why."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.routing.repository import listing as rows
from fabroute.routing.service.statistics import MOST_DECISIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFilter:
    """Which decisions are listed: those of a time; empty: whatever they are.

    With any other filter, the newest ``MOST_DECISIONS`` of the time are looked through.
    """

    since: datetime
    until: datetime
    code: str = ""
    """One that bound, or that ruled a node out."""
    outcome: str = ""
    node_id: str = ""
    """That got the line."""
    text: str = ""
    """In the order's reference or id, the part's number or name, or the words of the decision."""

    @property
    def narrowed(self) -> dict[str, str]:
        """What narrows the list beside the time."""
        escaped = self.text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        words = f"%{escaped}%" if self.text else ""
        wanted = {"code": self.code, "outcome": self.outcome, "node_id": self.node_id, "words": words}
        return {name: value for name, value in wanted.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDecision:
    """A decision in short, with what it was about."""

    decision_id: str
    organisation_id: str
    order_id: str
    reference: str | None
    position: int
    quantity: int
    part_no: str
    part_name: str
    kind: str
    outcome: str
    node_id: str | None
    city: str | None
    landed_minor: int | None
    promised_at: datetime | None
    co2e_g: int | None
    candidates: int
    excluded: int
    why: str
    binding: str | None
    fix: str | None
    decided_at: datetime


def list_decisions(
    session: Session, *, principal: Principal, wanted: DecisionFilter, cursor: str | None = None, limit: int = 25
) -> Page[ListedDecision]:
    """Return a page of an owner's decisions (the operator's: of all), the newest first; ``cursor`` as pages give it."""
    narrowed = wanted.narrowed
    most = MOST_DECISIONS if narrowed else limit + 1
    found = rows.read_decisions_listed(
        session,
        organisation_id=None if principal.kind == "operator" else principal.organisation_id,
        narrowed=narrowed,
        after=_after(cursor),
        bounds={"since": wanted.since, "until": wanted.until, "limit": limit + 1, "most": most},
    )
    return page_of([ListedDecision(**row) for row in found], limit=limit, cursor_of=_cursor)


def _cursor(decision: ListedDecision) -> str:
    return f"{decision.decided_at.isoformat()} {decision.decision_id}"


def _after(cursor: str | None) -> tuple[str, str] | None:
    """Return instant and id of a cursor; what is none begins at the newest."""
    instant, _, decision_id = (cursor or "").partition(" ")
    try:
        datetime.fromisoformat(instant)
    except ValueError:
        return None
    return (instant, decision_id) if decision_id else None
