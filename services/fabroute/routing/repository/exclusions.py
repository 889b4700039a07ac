"""Statements on the nodes that are ruled out for single order lines."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, text
from sqlmodel import Session, col, select

from fabroute.routing.models import LineExclusion


@dataclass(frozen=True, slots=True, kw_only=True)
class LineExclusionView:
    """A node that doesn't get a line again, and why."""

    line_id: str
    node_id: str
    cause: str
    reason: str
    job_id: str
    excluded_at: datetime


_ADD = text("""
INSERT INTO line_exclusions (order_line_id, node_id, cause, reason, job_id, excluded_at)
SELECT * FROM unnest(CAST(:lines AS text[]), CAST(:nodes AS text[]), CAST(:causes AS text[]),
                     CAST(:reasons AS text[]), CAST(:jobs AS text[]), CAST(:instants AS timestamptz[]))
ON CONFLICT (order_line_id, node_id) DO UPDATE SET cause = excluded.cause, reason = excluded.reason,
    job_id = excluded.job_id, excluded_at = excluded.excluded_at
""")
"""A node that a line comes to once more and that fails again is ruled out for the newest reason."""


def add(session: Session, exclusions: Sequence[LineExclusionView]) -> None:
    """Rule nodes out for lines, each pair at most once in ``exclusions``; what is ruled out already is renewed."""
    columns = {
        "lines": [each.line_id for each in exclusions],
        "nodes": [each.node_id for each in exclusions],
        "causes": [each.cause for each in exclusions],
        "reasons": [each.reason for each in exclusions],
        "jobs": [each.job_id for each in exclusions],
        "instants": [each.excluded_at for each in exclusions],
    }
    session.connection().execute(_ADD, columns)


def read_ruled_out(session: Session, *, line_ids: Collection[str]) -> Mapping[str, tuple[LineExclusionView, ...]]:
    """Return the nodes that are ruled out for these lines, by line, in the order of nodes."""
    statement = select(LineExclusion).where(col(LineExclusion.order_line_id).in_(line_ids))
    ordered = statement.order_by(col(LineExclusion.order_line_id), col(LineExclusion.node_id))
    found: defaultdict[str, list[LineExclusionView]] = defaultdict(list)
    for row in session.exec(ordered.execution_options(populate_existing=True)):
        found[row.order_line_id].append(_view(row))
    return {line_id: tuple(views) for line_id, views in found.items()}


def lift(session: Session, *, line_id: str, node_ids: Collection[str]) -> list[str]:
    """Rule these nodes out for the line no longer; return those that were, by id."""
    found = (col(LineExclusion.order_line_id) == line_id, col(LineExclusion.node_id).in_(node_ids))
    statement = delete(LineExclusion).where(*found).returning(col(LineExclusion.node_id))
    return sorted(session.scalars(statement).all())


def _view(row: LineExclusion) -> LineExclusionView:
    return LineExclusionView(
        line_id=row.order_line_id,
        node_id=row.node_id,
        cause=row.cause,
        reason=row.reason,
        job_id=row.job_id,
        excluded_at=row.excluded_at,
    )
