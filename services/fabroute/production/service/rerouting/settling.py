"""What became of the promises of lines that were routed again: kept, late, dearer, or no route; and who is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.kernel.events import DomainEvent, JsonScalar
from fabroute.orders import events as order_events
from fabroute.outbox import service as outbox
from fabroute.production.models import Reroute
from fabroute.production.repository import settling as rows
from fabroute.production.repository.settling import RerouteFilter

__all__ = ["RerouteFilter", "RerouteView", "list_reroutes", "reroutes_wait", "settle_reroutes"]

Row = Mapping[str, Any] | RowMapping
"""An open re-route with the outcome of its line."""
SETTLE_BATCH = 1_000
_SEVERITY = ("kept", "dearer", "late", "late_and_dearer", "no_route", "parked")


@dataclass(frozen=True, slots=True, kw_only=True)
class RerouteView:
    """A job that left its node, why, and what became of the promise."""

    reroute_id: str
    organisation_id: str
    order_id: str
    order_line_id: str
    share_no: int
    job_id: str
    node_id: str
    quantity: int
    cause: str
    detail: str
    rerouted_at: datetime
    promised_at: datetime | None
    promised_minor: int | None
    settled_at: datetime | None
    outcome: str
    decision_id: str | None
    arrives_at: datetime | None
    landed_minor: int | None


def reroutes_wait(session: Session) -> bool:
    """Return whether a line that was routed again has come to an outcome that nobody was told of."""
    return rows.any_decided(session)


def settle_reroutes(session: Session, *, now: datetime, limit: int = SETTLE_BATCH) -> int:
    """Note what became of up to ``limit`` re-routes whose lines were decided again, and tell their owners; return them.

    One event for a line: ``order.promise_changed`` where its promise can't be kept, else ``order.rerouted``; both with
    what was promised and what is. Any number of workers may do this at once.
    """
    found = rows.read_decided(session, limit=limit)
    if not found:
        return 0
    outcomes = {row["id"]: outcome_of(row) for row in found}
    rows.settle(session, outcomes, found, now=now)
    worst: dict[str, Row] = {}
    for row in found:
        known = worst.get(row["order_line_id"])
        if outcomes[row["id"]] != "cancelled" and (known is None or _rank(outcomes, row) > _rank(outcomes, known)):
            worst[row["order_line_id"]] = row
    outbox.record_all(session, [_event(row, outcomes[row["id"]], now) for row in worst.values()])
    return len(found)


def outcome_of(row: Row) -> str:
    """Return what became of a promise: compared in whole minutes of arrival and cents of the landed price."""
    if row["state"] != "routed":
        return str(row["state"])
    late = None not in (row["promised_at"], row["arrives_at"]) and row["arrives_at"] > row["promised_at"]
    dearer = None not in (row["promised_minor"], row["landed_minor"]) and row["landed_minor"] > row["promised_minor"]
    if late and dearer:
        return "late_and_dearer"
    return "late" if late else "dearer" if dearer else "kept"


def list_reroutes(
    session: Session, *, wanted: RerouteFilter, cursor: str | None = None, limit: int = 50
) -> Page[RerouteView]:
    """Return a page of re-routes, newest first, before the id ``cursor``."""
    found = [reroute_view(row) for row in rows.read_reroutes(session, wanted, cursor=cursor, limit=limit + 1)]
    return page_of(found, limit=limit, cursor_of=lambda each: each.reroute_id)


def reroute_view(row: Reroute) -> RerouteView:
    """Return the view of a re-route; who started it stays on the audit log."""
    columns = row.model_dump()
    del columns["actor"]
    return RerouteView(reroute_id=columns.pop("id"), **columns)


def _rank(outcomes: Mapping[str, str], row: Row) -> int:
    return _SEVERITY.index(outcomes[row["id"]])


def _event(row: Row, outcome: str, now: datetime) -> DomainEvent:
    data: dict[str, JsonScalar] = {
        "line_id": row["order_line_id"],
        "position": row["position"],
        "cause": row["cause"],
        "outcome": outcome,
        "from_node": row["node_id"],
        "to_node": row["to_node"],
        "promised_at": _iso(row["promised_at"]),
        "arrives_at": _iso(row["arrives_at"]),
        "promised_minor": row["promised_minor"],
        "landed_minor": row["landed_minor"],
        "reason": row["state_reason"],
    }
    return order_events.promise_settled(
        order_id=row["order_id"],
        organisation_id=row["organisation_id"],
        kept=outcome == "kept",
        data=data,
        now=now,
    )


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
