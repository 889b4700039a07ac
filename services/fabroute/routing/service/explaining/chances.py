"""Everything that could serve a line if something were different: each service of each offer that has a price."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nsmallest

from fabroute.network.service import NodeView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.service.explaining.demands import Demand, DemandBook, Demands
from fabroute.routing.service.gates import Reasons
from fabroute.routing.service.options import Wish
from fabroute.routing.service.ways import OfferFinding, Priced, Sending
from fabroute.solver.eligibility import Exclusion

CHANCES_PER_LINE = 60
"""At least; fewer lines may have more each."""
CHANCES_PER_RUN = 60_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chance:
    """One service of one offer, with all that stands in its way but date, queue and price cap."""

    node: NodeView
    priced: Priced
    sending: Sending
    reasons: Mapping[Demand, Exclusion]
    """By what would have to be different."""
    demands: Demands
    """Of ``reasons``; none where only date, queue or cap can keep it from the line."""

    @property
    def machine_id(self) -> str:
        """The machine that would make it."""
        return self.priced.offer.machine_id

    @property
    def landed_minor(self) -> int:
        """What it would cost landed."""
        return self.sending.price.landed_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAtNode:
    """What speaks against a node itself, and what was found for each of its offers."""

    node: NodeView
    against: Reasons
    offers: tuple[OfferFinding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCap:
    """The price cap of an order of several lines, as one of them meets it."""

    maximum_minor: int
    others_minor: int
    """What the other lines take of it: those decided what they cost, the others their cheapest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChances:
    """All chances of a line, what it asks, and what keeps off all that has no price."""

    line: ClaimedLine
    wish: Wish
    cap_minor: int | None
    """What the line may cost landed: its share of what is left of the order's cap."""
    order_cap: OrderCap | None
    """Of its order, where other lines take some of its cap."""
    chances: tuple[Chance, ...]
    unpriced: tuple[Reasons, ...]
    """Of every offer without a price, and of every node without an offer."""


def chances_per_line(lines: int) -> int:
    """Return how many chances of each of so many lines are kept."""
    return max(CHANCES_PER_LINE, CHANCES_PER_RUN // max(1, lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedBy:
    """A line, how it weighs what it gets, and what it may cost landed."""

    line: ClaimedLine
    wish: Wish
    cap_minor: int | None
    order_cap: OrderCap | None = None


def line_chances(asked: AskedBy, found: Iterable[FoundAtNode], *, book: DemandBook, limit: int) -> LineChances:
    """Return what a line could choose from if something were different, the ``limit`` nearest of it."""
    everywhere = tuple(found)
    chances = [chance for each in everywhere for chance in _chances(each, book)]
    return LineChances(
        line=asked.line,
        wish=asked.wish,
        cap_minor=asked.cap_minor,
        order_cap=asked.order_cap,
        chances=tuple(chances if len(chances) <= limit else nsmallest(limit, chances, key=_distance)),
        unpriced=tuple(reasons for each in everywhere for reasons in _unpriced(each)),
    )


def _chances(found: FoundAtNode, book: DemandBook) -> Iterable[Chance]:
    for offer in found.offers:
        if offer.priced is not None:
            reasons, demands = book.read((*found.against, *offer.priced.standing))
            for sending in offer.priced.sendings:
                yield Chance(node=found.node, priced=offer.priced, sending=sending, reasons=reasons, demands=demands)


def _unpriced(found: FoundAtNode) -> Iterable[Reasons]:
    if not found.offers:
        yield found.against
    for offer in found.offers:
        if offer.priced is None:
            yield (*found.against, *offer.reasons)


def _distance(chance: Chance) -> tuple[int, int, str, str]:
    return (len(chance.demands), chance.landed_minor, chance.priced.offer.offer_id, chance.sending.service.value)
