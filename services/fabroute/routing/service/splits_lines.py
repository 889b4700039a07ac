"""The splits of all lines of a run, and what a split would have made possible."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from fabroute.network.service import NodeView
from fabroute.routing.service.explaining.chances import FoundAtNode
from fabroute.routing.service.options import ExcludedNode, Option
from fabroute.routing.service.pricing import Pricing
from fabroute.routing.service.splits_clock import is_urgent
from fabroute.routing.service.splits_finder import SplitFinder
from fabroute.routing.service.splits_terms import Together
from fabroute.routing.service.ways import LineAsked, OfferFinding
from fabroute.solver.eligibility import ExclusionCode

_TOO_MUCH = frozenset({ExclusionCode.CAPACITY, ExclusionCode.NEED_BY, ExclusionCode.MATERIAL_SHORT})
"""What less of a line might not meet with: only where nothing else speaks against a machine, a split is looked for."""
MOST_LOOKED_AT = 24
"""So many nodes of a line are looked at for splits: the cheapest; of an urgent line the nearest."""
MOST_EXPLAINED = 8
"""Of so many lines of a run without a place it is found out whether a split would have helped."""


class LineSplits:
    """Asks a finder about the lines of a run."""

    def __init__(self, finder: SplitFinder, pricing: Pricing) -> None:
        self._finder = finder
        self._pricing = pricing
        self._explained = 0

    def of_lines(
        self,
        lines: Sequence[LineAsked],
        found: Mapping[str, Sequence[FoundAtNode]],
        *,
        caps: Mapping[str, int],
    ) -> dict[str, tuple[Option, ...]]:
        """Return the splits of each line, by line id: those whose waiting costs most are served first.

        ``found`` is what each node has for the whole of a line.
        """
        alone = sum(asked.line.split_max_nodes > 0 and is_urgent(asked.line, asked.wish) for asked in lines) <= 1
        splits: dict[str, tuple[Option, ...]] = {asked.line.line_id: () for asked in lines}
        return splits | {
            asked.line.line_id: self._finder.options(
                asked,
                self._likely(asked, found[asked.line.line_id]),
                cap_minor=caps.get(asked.line.line_id),
                alone=alone,
            )
            for asked in sorted(lines, key=_urgency)
            if asked.line.split_max_nodes
        }

    def if_allowed(
        self, asked: LineAsked, found: Sequence[FoundAtNode], exclusions: tuple[ExcludedNode, ...]
    ) -> tuple[ExcludedNode, ...]:
        """Return the exclusions of a line without a place; nodes that could share it say that it may not be split.

        Where they make too few even together, they say how many that are.
        """
        whole = any(offer.ways for each in found if not each.against for offer in each.offers)  # but for its price cap
        likely = [] if whole else self._likely(asked, found)
        if not likely or self._explained >= MOST_EXPLAINED:
            return exclusions
        self._explained += 1
        forbidden = self._finder.forbidden(asked, likely)
        if forbidden is None:
            return exclusions
        if isinstance(forbidden, Together):
            return tuple(
                _too_few(each, forbidden) if each.node.node_id in forbidden.nodes else each for each in exclusions
            )
        nodes, reason = forbidden
        return tuple(
            replace(each, reasons=(*each.reasons, reason)) if each.node.node_id in nodes else each
            for each in exclusions
        )

    def _likely(self, asked: LineAsked, found: Iterable[FoundAtNode]) -> list[NodeView]:
        """Return the nodes that a part of a line could go to, the best first."""
        able = [each for each in found if not each.against and any(map(_less_would_do, each.offers))]
        urgent = is_urgent(asked.line, asked.wish)
        ranked = sorted(able, key=lambda each: (self._rank(asked, each, urgent=urgent), each.node.node_id))
        return [each.node for each in ranked[:MOST_LOOKED_AT]]

    def _rank(self, asked: LineAsked, found: FoundAtNode, *, urgent: bool) -> float:
        if urgent:
            return self._pricing.distance_km(found.node, asked.destination)
        return min((each.cheapest_minor for each in found.offers if each.cheapest_minor is not None), default=math.inf)


def _less_would_do(offer: OfferFinding) -> bool:
    return bool(offer.ways) or (bool(offer.reasons) and all(reason.code in _TOO_MUCH for reason in offer.reasons))


def _too_few(excluded: ExcludedNode, together: Together) -> ExcludedNode:
    """Return an exclusion whose reasons of quantity say what a split would come to."""
    count = len(together.nodes)
    words = f"split, {count} node{'s' if count > 1 else ''} make {together.pieces} in time"
    figures = {"together_pieces": together.pieces, "together_nodes": count}
    return replace(
        excluded,
        reasons=tuple(
            replace(reason, message=f"{reason.message}; {words}", figures={**reason.figures, **figures})
            if reason.code in _TOO_MUCH
            else reason
            for reason in excluded.reasons
        ),
    )


def _urgency(asked: LineAsked) -> tuple[int, int, str]:
    line, wish = asked.line, asked.wish
    by = wish.deadline_minutes
    return (-(line.cost_of_waiting_minor or 0), 10**9 if by is None else by, line.line_id)
