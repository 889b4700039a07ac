"""Statements on what the rules of policies cost."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, insert
from sqlalchemy import select as select_columns
from sqlalchemy.engine import RowMapping
from sqlmodel import Session, col

from fabroute.routing.models import PolicyCost


def insert_costs(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Add what the rules of a run cost, if any, in one round trip."""
    if rows:
        session.exec(insert(PolicyCost), params=[dict(row) for row in rows])


def sum_costs(session: Session, *, organisation_id: str, since: datetime, until: datetime) -> Sequence[RowMapping]:
    """Return by rule what it cost an organisation in the runs of a time, the dearest first."""
    cost = func.sum(col(PolicyCost.cost_millis))
    statement = (
        select_columns(
            col(PolicyCost.rule),
            func.count().label("runs"),
            func.sum(col(PolicyCost.lines)).label("lines"),
            func.sum(col(PolicyCost.landed_minor)).label("landed_minor"),
            cost.label("cost_millis"),
            func.bool_and(col(PolicyCost.proven)).label("proven"),
            func.max(col(PolicyCost.policy_version)).label("policy_version"),
        )
        .where(col(PolicyCost.organisation_id) == organisation_id)
        .where(col(PolicyCost.decided_at) >= since, col(PolicyCost.decided_at) < until)
        .group_by(col(PolicyCost.rule))
        .order_by(cost.desc(), col(PolicyCost.rule))
    )
    return session.connection().execute(statement).mappings().all()
