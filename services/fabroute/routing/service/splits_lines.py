"""The splits of all lines of a run, and what a split would have made possible."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fabroute.routing.service.options import ExcludedNode, Option
from fabroute.routing.service.splits_clock import is_urgent
from fabroute.routing.service.splits_finder import SplitFinder
from fabroute.routing.service.ways import LineAsked
from fabroute.solver.eligibility import ExclusionCode

_TOO_MUCH = frozenset({ExclusionCode.CAPACITY, ExclusionCode.NEED_BY, ExclusionCode.MATERIAL_SHORT})
"""What less of a line might not meet with: only where nothing else speaks against a node, a split is looked for."""


class LineSplits:
    """Asks a finder about the lines of a run."""

    def __init__(self, finder: SplitFinder) -> None:
        self._finder = finder

    def of_lines(self, lines: Sequence[LineAsked], caps: Mapping[str, int]) -> dict[str, tuple[Option, ...]]:
        """Return the splits of each line, by line id: those whose waiting costs most are served first."""
        alone = sum(asked.line.split_max_nodes > 0 and is_urgent(asked.line, asked.wish) for asked in lines) <= 1
        found: dict[str, tuple[Option, ...]] = {asked.line.line_id: () for asked in lines}
        return found | {
            asked.line.line_id: self._finder.options(asked, cap_minor=caps.get(asked.line.line_id), alone=alone)
            for asked in sorted(lines, key=_urgency)
            if asked.line.split_max_nodes
        }

    def if_allowed(self, asked: LineAsked, exclusions: tuple[ExcludedNode, ...]) -> tuple[ExcludedNode, ...]:
        """Return the exclusions of a line without a place; nodes that could share it say that it may not be split."""
        if not any(all(reason.code in _TOO_MUCH for reason in each.reasons) for each in exclusions):
            return exclusions
        forbidden = self._finder.forbidden(asked)
        if forbidden is None:
            return exclusions
        nodes, reason = forbidden
        return tuple(
            replace(each, reasons=(*each.reasons, reason)) if each.node.node_id in nodes else each
            for each in exclusions
        )


def _urgency(asked: LineAsked) -> tuple[int, int, str]:
    line, wish = asked.line, asked.wish
    by = wish.minutes_to_need_by if wish.need_by_hard else None
    return (-(line.cost_of_waiting_minor or 0), 10**9 if by is None else by, line.line_id)
