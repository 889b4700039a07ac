"""Statements on the prices that nodes state themselves."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session, col, select

from fabroute.network.models import Machine, NodeRate

RateKey = tuple[str, str, str, date]
"""Node, code, subject and first day of a rate."""


def read_rates_on(session: Session, *, day: date, node_id: str | None = None) -> Sequence[RowMapping]:
    """Return the rates that count on a day, one for each node, code and subject: those that began last."""
    parameters = {"day": day, "node_id": node_id}
    return session.connection().execute(_ON_A_DAY, parameters).mappings().all()


def read_rates(
    session: Session, *, node_id: str, code: str | None, after: tuple[str, str, date] | None, limit: int
) -> Sequence[NodeRate]:
    """Return rates of a node in the order of code, subject and first day: all, or those of a code."""
    order = (col(NodeRate.code), col(NodeRate.subject), col(NodeRate.valid_from))
    statement = select(NodeRate).where(NodeRate.node_id == node_id).order_by(*order).limit(limit)
    if code is not None:
        statement = statement.where(NodeRate.code == code)
    if after is not None:
        last_code, subject, valid_from = after
        later = (col(NodeRate.code) == last_code) & (col(NodeRate.subject) == subject)
        statement = statement.where(
            (col(NodeRate.code) > last_code)
            | ((col(NodeRate.code) == last_code) & (col(NodeRate.subject) > subject))
            | (later & (col(NodeRate.valid_from) > valid_from))
        )
    return session.exec(statement).all()


def find_rate(session: Session, key: RateKey) -> NodeRate | None:
    """Return a rate by what names it."""
    return session.get(NodeRate, key, populate_existing=True)


def has_rate(session: Session, *, node_id: str, code: str, subject: str) -> bool:
    """Return whether the node has stated any price of this code and subject."""
    named = (NodeRate.node_id == node_id, NodeRate.code == code, NodeRate.subject == subject)
    return session.exec(select(col(NodeRate.valid_from)).where(*named).limit(1)).first() is not None


def save_rate(session: Session, row: Mapping[str, object]) -> None:
    """Save a rate; a known one of the same day is written over."""
    session.connection().execute(_SAVE, dict(row))


def has_machine(session: Session, *, node_id: str, machine_id: str) -> bool:
    """Return whether the node has this machine."""
    found = select(Machine.id).where(Machine.node_id == node_id, Machine.id == machine_id)
    return session.exec(found).first() is not None


_ON_A_DAY = text("""
SELECT DISTINCT ON (node_id, code, subject) node_id, code, subject, amount_minor FROM node_rates
WHERE valid_from <= :day AND node_id = coalesce(:node_id, node_id)
ORDER BY node_id, code, subject, valid_from DESC
""")

_SAVE = text("""
INSERT INTO node_rates (node_id, code, subject, valid_from, amount_minor, source, stated_by, stated_at)
VALUES (:node_id, :code, :subject, :valid_from, :amount_minor, :source, :stated_by, :stated_at)
ON CONFLICT (node_id, code, subject, valid_from) DO UPDATE SET amount_minor = excluded.amount_minor,
    source = excluded.source, stated_by = excluded.stated_by, stated_at = excluded.stated_at
""")
