"""What a quote answers: offers for each quantity, every node that is ruled out, and what would make it routable."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from fabroute.estimation.sources import SourcedFigure
from fabroute.kernel.events import JsonScalar
from fabroute.network.service import NodeView, OfferView
from fabroute.routing.service.options import ExcludedNode, Price
from fabroute.solver.eligibility import Exclusion, ExclusionCode

CHEAPEST, FASTEST, GREENEST = "cheapest", "fastest", "greenest"
LABELS = (CHEAPEST, FASTEST, GREENEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedOffer:
    """One node's way to make and send a quantity: price and window, and all that is held when it is accepted."""

    labels: tuple[str, ...]
    """Those of ``LABELS`` that it is; at least one."""
    quantity: int
    node: NodeView
    offer: OfferView
    lot_id: str
    service: str
    carrier: str
    price: Price
    earliest_at: datetime
    """One delivery in ten is here by then."""
    expected_at: datetime
    """Half of them are."""
    promised_at: datetime
    """Nine in ten are: the date of the quote."""
    on_time_per_mille: int | None
    """How likely it is here by the day it is needed; ``None`` without one."""
    produce_by: date
    machine_minutes: int
    grams: int
    """Of the lot."""
    figures: tuple[SourcedFigure, ...]
    """Every constant behind the estimate of production, with its mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoPoint:
    """An option than which none is at once as cheap, as early and as green, and better in one of these."""

    node_id: str
    offer_id: str
    service: str
    landed_minor: int
    promised_at: datetime
    co2e_g: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutableIf:
    """A node that one thing keeps from making a quantity, and the least change by which it could."""

    node: NodeView
    code: ExclusionCode
    change: str
    """What would have to be different, in words."""
    figures: Mapping[str, JsonScalar]
    """The same in figures, such as ``{"need_by": "2026-06-24T15:00:00+00:00"}``."""
    machine_id: str | None
    landed_minor: int | None
    """What it would then cost there; ``None`` where there is no price without the change."""
    promised_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityQuote:
    """What there is for one quantity."""

    quantity: int
    offers: tuple[QuotedOffer, ...]
    """At most three, cheapest first; none where no node can make it."""
    candidates: int
    """Nodes that can make it."""
    pareto: tuple[ParetoPoint, ...]
    """All that is worth choosing from, cheapest first."""
    exclusions: tuple[ExcludedNode, ...]
    """Every other node with every reason, sorted by node."""
    routable_if: tuple[RoutableIf, ...] = ()
    """Where no node can: at most five nodes that one thing keeps from it, cheapest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledOut:
    """A node and the reasons that rule it out for some quantities."""

    node: NodeView
    quantities: tuple[int, ...]
    reasons: tuple[Exclusion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteResult:
    """The quotes for all quantities, ascending, from the network as it was at ``as_of``."""

    as_of: datetime
    quotes: tuple[QuantityQuote, ...]

    def ruled_out(self) -> tuple[RuledOut, ...]:
        """Return the exclusions of all quantities together, those with the same reasons as one; sorted by node."""
        groups: dict[str, list[_Group]] = {}
        for quote in self.quotes:
            for excluded in quote.exclusions:
                of_node = groups.setdefault(excluded.node.node_id, [])
                for known in of_node:
                    if known.excluded is excluded or known.excluded.reasons == excluded.reasons:
                        known.quantities.append(quote.quantity)
                        break
                else:
                    of_node.append(_Group(excluded, [quote.quantity]))
        return tuple(
            RuledOut(node=group.excluded.node, quantities=tuple(group.quantities), reasons=group.excluded.reasons)
            for _, of_node in sorted(groups.items())
            for group in of_node
        )


class _Group(NamedTuple):
    excluded: ExcludedNode
    quantities: list[int]
