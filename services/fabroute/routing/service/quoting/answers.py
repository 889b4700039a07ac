"""What a quote answers: offers for each quantity, every node that is ruled out, and what would make it routable."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from fabroute.estimation.sources import SourcedFigure
from fabroute.kernel.events import JsonScalar
from fabroute.network.service import NodeView, OfferView
from fabroute.routing.service.explaining.oversize import Oversize
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
    cutoff_at: datetime
    """The node's next cut-off: what is ordered after it is begun a working day later."""
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
class RuledOut:
    """Nodes that the same reasons rule out for the same quantities."""

    nodes: tuple[NodeView, ...]
    quantities: tuple[int, ...]
    reasons: tuple[Exclusion, ...]


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
    ruled_out: tuple[RuledOut, ...]
    """Every other node with every reason, and the nodes that can't make other quantities that were asked with it."""
    routable_if: tuple[RoutableIf, ...] = ()
    """Where no node can: at most five nodes that one thing keeps from it, cheapest first."""

    @property
    def exclusions(self) -> tuple[ExcludedNode, ...]:
        """Every node that can't make this quantity with every reason, one by one, sorted by node."""
        found = (
            ExcludedNode(node=node, reasons=group.reasons)
            for group in self.ruled_out
            if self.quantity in group.quantities
            for node in group.nodes
        )
        return tuple(sorted(found, key=lambda excluded: excluded.node.node_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteResult:
    """The quotes for all quantities, ascending, from the network as it was at ``as_of``."""

    as_of: datetime
    quotes: tuple[QuantityQuote, ...]
    oversize: Oversize | None = None
    """Where size keeps the part from every machine of its processes and materials."""

    @property
    def ruled_out(self) -> tuple[RuledOut, ...]:
        """The nodes that can't make some of the quantities; each quote has them all."""
        return self.quotes[0].ruled_out
