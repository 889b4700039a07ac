"""Nodes that are ruled out for single lines: they declined one, let it lapse, or could not make it."""

from collections.abc import Collection, Mapping, Sequence

from sqlmodel import Session

from fabroute.routing.repository import exclusions
from fabroute.routing.repository.exclusions import LineExclusionView

__all__ = ["LineExclusionView", "lift_exclusions", "read_ruled_out", "rule_out"]


def rule_out(session: Session, *, excluded: Sequence[LineExclusionView]) -> None:
    """Rule nodes out for lines until somebody lifts it; of a pair that is named twice the last one counts."""
    newest = {(each.line_id, each.node_id): each for each in excluded}
    if newest:
        exclusions.add(session, [each for _, each in sorted(newest.items())])


def read_ruled_out(session: Session, *, line_ids: Collection[str]) -> Mapping[str, tuple[LineExclusionView, ...]]:
    """Return the nodes that are ruled out for these lines, by line, in the order of nodes."""
    return exclusions.read_ruled_out(session, line_ids=line_ids)


def lift_exclusions(session: Session, *, line_id: str, node_ids: Collection[str]) -> tuple[str, ...]:
    """Let these nodes have the line again; return those that were ruled out."""
    return tuple(exclusions.lift(session, line_id=line_id, node_ids=node_ids))
