"""Nodes that are ruled out for single lines: they declined one, let it lapse, or could not make it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.routing.models import LineExclusion
from fabroute.routing.repository import exclusions


@dataclass(frozen=True, slots=True, kw_only=True)
class LineExclusionView:
    """A node that doesn't get a line again, and why."""

    line_id: str
    node_id: str
    cause: str
    reason: str
    job_id: str
    excluded_at: datetime


def rule_out(session: Session, *, excluded: Sequence[LineExclusionView]) -> None:
    """Rule nodes out for lines until somebody lifts it; of a pair that is named twice the last one counts."""
    newest = {(each.line_id, each.node_id): each for each in excluded}
    rows = [
        LineExclusion(
            order_line_id=each.line_id,
            node_id=each.node_id,
            cause=each.cause,
            reason=each.reason,
            job_id=each.job_id,
            excluded_at=each.excluded_at,
        )
        for _, each in sorted(newest.items())
    ]
    if rows:
        exclusions.add(session, rows)


def read_ruled_out(session: Session, *, line_ids: Collection[str]) -> Mapping[str, tuple[LineExclusionView, ...]]:
    """Return the nodes that are ruled out for these lines, by line, in the order of nodes."""
    found: defaultdict[str, list[LineExclusionView]] = defaultdict(list)
    for row in exclusions.read(session, line_ids=line_ids):
        found[row.order_line_id].append(_view(row))
    return {line_id: tuple(views) for line_id, views in found.items()}


def lift_exclusions(session: Session, *, line_id: str, node_ids: Collection[str]) -> tuple[str, ...]:
    """Let these nodes have the line again; return those that were ruled out."""
    return tuple(exclusions.lift(session, line_id=line_id, node_ids=node_ids))


def _view(row: LineExclusion) -> LineExclusionView:
    return LineExclusionView(
        line_id=row.order_line_id,
        node_id=row.node_id,
        cause=row.cause,
        reason=row.reason,
        job_id=row.job_id,
        excluded_at=row.excluded_at,
    )
