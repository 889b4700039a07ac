"""Statements on what became of the promises of lines that were routed again, and the lists of re-routes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session, col, select

from fabroute.production.models import Reroute


@dataclass(frozen=True, slots=True, kw_only=True)
class RerouteFilter:
    """Which re-routes are listed: an owner's or all, of an order, a node, a cause, or those still open."""

    organisation_id: str | None
    order_id: str | None = None
    node_id: str | None = None
    cause: str | None = None
    settled: bool | None = None


_OPEN = text("""
SELECT reroute.id, reroute.organisation_id, reroute.order_id, reroute.order_line_id, reroute.node_id, reroute.cause,
    reroute.promised_at, reroute.promised_minor, line.position, line.state, line.state_reason,
    decision.id AS decision_id, decision.node_id AS to_node, decision.promised_at AS arrives_at, decision.landed_minor
FROM reroutes reroute JOIN order_lines line ON line.id = reroute.order_line_id
LEFT JOIN routing_decisions decision ON decision.id = line.decision_id AND line.state IN ('routed', 'no_route')
WHERE reroute.settled_at IS NULL AND line.state IN ('routed', 'no_route', 'parked', 'cancelled')
ORDER BY reroute.order_line_id, reroute.id LIMIT :limit FOR UPDATE OF reroute SKIP LOCKED
""")

_SETTLE = text("""
UPDATE reroutes reroute SET settled_at = :now, outcome = settled.outcome, decision_id = settled.decision_id,
    arrives_at = settled.arrives_at, landed_minor = settled.landed_minor
FROM unnest(CAST(:ids AS text[]), CAST(:outcomes AS text[]), CAST(:decisions AS text[]),
            CAST(:arrivals AS timestamptz[]), CAST(:prices AS int[]))
    AS settled (id, outcome, decision_id, arrives_at, landed_minor)
WHERE reroute.id = settled.id
""")

_WAITING = text("""
SELECT EXISTS (SELECT FROM reroutes reroute JOIN order_lines line ON line.id = reroute.order_line_id
WHERE reroute.settled_at IS NULL AND line.state IN ('routed', 'no_route', 'parked', 'cancelled'))
""")


def read_decided(session: Session, *, limit: int) -> Sequence[RowMapping]:
    """Return open re-routes whose line has come to an outcome, locked, by line; those that others hold are left out."""
    return session.connection().execute(_OPEN, {"limit": limit}).mappings().all()


def settle(session: Session, outcomes: Mapping[str, str], found: Sequence[RowMapping], *, now: datetime) -> None:
    """Write what became of re-routes."""
    columns = {
        "ids": [row["id"] for row in found],
        "outcomes": [outcomes[row["id"]] for row in found],
        "decisions": [row["decision_id"] for row in found],
        "arrivals": [row["arrives_at"] for row in found],
        "prices": [row["landed_minor"] for row in found],
        "now": now,
    }
    session.connection().execute(_SETTLE, columns)


def any_decided(session: Session) -> bool:
    """Return whether a line that was routed again has come to an outcome that nobody was told of."""
    return bool(session.connection().execute(_WAITING).scalar_one())


def read_reroutes(session: Session, wanted: RerouteFilter, *, cursor: str | None, limit: int) -> Sequence[Reroute]:
    """Return re-routes, newest first, before the id ``cursor``."""
    statement = select(Reroute).order_by(col(Reroute.id).desc()).limit(limit)
    for column, value in (
        (Reroute.organisation_id, wanted.organisation_id),
        (Reroute.order_id, wanted.order_id),
        (Reroute.node_id, wanted.node_id),
        (Reroute.cause, wanted.cause),
    ):
        if value is not None:
            statement = statement.where(col(column) == value)
    if wanted.settled is not None:
        open_still = col(Reroute.settled_at).is_(None)
        statement = statement.where(~open_still if wanted.settled else open_still)
    if cursor is not None:
        statement = statement.where(col(Reroute.id) < cursor)
    return session.exec(statement).all()
