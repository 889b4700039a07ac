"""Statements on routing runs and decisions."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import insert
from sqlmodel import Session, col, select

from fabroute.routing.models import RoutingDecision, RoutingRun


def insert_run(session: Session, row: Mapping[str, object]) -> None:
    """Add a run."""
    session.exec(insert(RoutingRun), params=[dict(row)])


def insert_decisions(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Add decisions in one round trip."""
    session.exec(insert(RoutingDecision), params=[dict(row) for row in rows])


def read_decisions(session: Session, *, organisation_id: str, order_id: str) -> Sequence[RoutingDecision]:
    """Return the decisions about an order of one organisation, oldest first."""
    statement = (
        select(RoutingDecision)
        .where(RoutingDecision.organisation_id == organisation_id, RoutingDecision.order_id == order_id)
        .order_by(col(RoutingDecision.decided_at), col(RoutingDecision.id))
    )
    return session.exec(statement).all()


def read_landed(session: Session, *, decision_ids: Collection[str]) -> dict[str, int]:
    """Return the landed cost, in cents, of those decisions that routed a line."""
    statement = select(RoutingDecision.id, RoutingDecision.landed_minor).where(
        col(RoutingDecision.id).in_(decision_ids), col(RoutingDecision.landed_minor).is_not(None)
    )
    return {decision_id: landed for decision_id, landed in session.exec(statement) if landed is not None}
