"""Statements on routing runs and decisions."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import func, insert
from sqlalchemy import select as select_columns
from sqlalchemy.engine import RowMapping
from sqlmodel import Session, col, select

from fabroute.routing.models import RoutingDecision, RoutingRun


def insert_run(session: Session, row: Mapping[str, object]) -> None:
    """Add a run."""
    session.exec(insert(RoutingRun), params=[dict(row)])


def insert_decisions(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Add decisions, if any, in one round trip."""
    if rows:
        session.exec(insert(RoutingDecision), params=[dict(row) for row in rows])


def read_decisions(session: Session, *, organisation_id: str, order_id: str) -> Sequence[RoutingDecision]:
    """Return the decisions about an order of one organisation, oldest first."""
    statement = (
        select(RoutingDecision)
        .where(RoutingDecision.organisation_id == organisation_id, RoutingDecision.order_id == order_id)
        .order_by(col(RoutingDecision.decided_at), col(RoutingDecision.id))
    )
    return session.exec(statement).all()


def read_summaries(session: Session, decision_ids: Collection[str]) -> Sequence[RowMapping]:
    """Return decisions in short, without their documents, with the place of the chosen node."""
    chosen = col(RoutingDecision.document)["chosen"]
    statement = select_columns(
        col(RoutingDecision.id).label("decision_id"),
        col(RoutingDecision.node_id),
        chosen["city"].as_string().label("city"),
        chosen["country"].as_string().label("country"),
        col(RoutingDecision.landed_minor),
        col(RoutingDecision.promised_at),
        col(RoutingDecision.co2e_g),
        col(RoutingDecision.candidates),
        col(RoutingDecision.excluded),
        col(RoutingDecision.why),
    ).where(col(RoutingDecision.id).in_(decision_ids))
    return session.connection().execute(statement).mappings().all()


def landed_of_other_lines(session: Session, *, order_ids: Collection[str], line_ids: Collection[str]) -> dict[str, int]:
    """Return by order the landed cost, in cents, of its routed lines other than ``line_ids``."""
    routed = (
        select(RoutingDecision.order_id, func.sum(RoutingDecision.landed_minor))
        .where(
            col(RoutingDecision.order_id).in_(order_ids),
            col(RoutingDecision.order_line_id).not_in(line_ids),
            RoutingDecision.outcome == "routed",
        )
        .group_by(col(RoutingDecision.order_id))
    )
    return {order_id: int(landed or 0) for order_id, landed in session.exec(routed)}


def read_runs(session: Session, *, before: str | None, limit: int) -> Sequence[RoutingRun]:
    """Return runs, newest first; ``before`` is the id of the last one seen."""
    statement = select(RoutingRun).order_by(col(RoutingRun.id).desc()).limit(limit)
    return session.exec(statement if before is None else statement.where(col(RoutingRun.id) < before)).all()
