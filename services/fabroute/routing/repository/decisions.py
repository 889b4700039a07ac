"""Statements on routing runs and decisions."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import distinct_on
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
        .order_by(col(RoutingDecision.decided_at), col(RoutingDecision.fence), col(RoutingDecision.id))
    )
    return session.exec(statement).all()


def read_decision(session: Session, *, decision_id: str) -> RoutingDecision | None:
    """Return a decision by its id."""
    return session.get(RoutingDecision, decision_id)


def read_summaries(session: Session, decision_ids: Collection[str]) -> Sequence[RowMapping]:
    """Return decisions in short, without their documents, with the place of the chosen node."""
    chosen = col(RoutingDecision.document)["chosen"]
    statement = select_columns(
        col(RoutingDecision.id).label("decision_id"),
        col(RoutingDecision.node_id),
        chosen["city"].as_string().label("city"),
        chosen["country"].as_string().label("country"),
        col(RoutingDecision.landed_minor),
        chosen["production_minor"].as_integer().label("production_minor"),
        col(RoutingDecision.promised_at),
        col(RoutingDecision.co2e_g),
        col(RoutingDecision.candidates),
        col(RoutingDecision.excluded),
        col(RoutingDecision.why),
    ).where(col(RoutingDecision.id).in_(decision_ids))
    return session.connection().execute(statement).mappings().all()


def landed_of_other_lines(session: Session, *, order_ids: Collection[str], line_ids: Collection[str]) -> dict[str, int]:
    """Return by order the landed cost, in cents, of its routed lines other than ``line_ids``.

    Of a line that was routed several times, because its job was taken back, the last decision counts.
    """
    last = (
        select_columns(col(RoutingDecision.order_id), col(RoutingDecision.outcome), col(RoutingDecision.landed_minor))
        .ext(distinct_on(col(RoutingDecision.order_line_id)))
        .where(col(RoutingDecision.order_id).in_(order_ids), col(RoutingDecision.order_line_id).not_in(line_ids))
        .order_by(col(RoutingDecision.order_line_id), col(RoutingDecision.fence).desc())
        .subquery()
    )
    routed = (
        select_columns(last.c.order_id, func.sum(last.c.landed_minor))
        .where(last.c.outcome == "routed")
        .group_by(last.c.order_id)
    )
    return {order_id: int(landed or 0) for order_id, landed in session.connection().execute(routed)}


def read_prices(session: Session, *, scopes: Collection[str], since: datetime) -> Sequence[dict[str, Any]]:
    """Return of each planning scope the prices of its newest run that has some, if it finished after ``since``."""
    newest = (
        select_columns(col(RoutingRun.prices))
        .ext(distinct_on(col(RoutingRun.planning_scope)))
        .where(
            col(RoutingRun.planning_scope).in_(scopes),
            col(RoutingRun.finished_at) >= since,
            func.jsonb_typeof(col(RoutingRun.prices)) == "object",
        )
        .order_by(col(RoutingRun.planning_scope), col(RoutingRun.id).desc())
    )
    return session.connection().execute(newest).scalars().all()


def read_runs(session: Session, *, before: str | None, limit: int) -> Sequence[RoutingRun]:
    """Return runs, newest first; ``before`` is the id of the last one seen."""
    statement = select(RoutingRun).order_by(col(RoutingRun.id).desc()).limit(limit)
    return session.exec(statement if before is None else statement.where(col(RoutingRun.id) < before)).all()
