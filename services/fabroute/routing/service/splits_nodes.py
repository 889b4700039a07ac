"""The nodes that can share a line: which machines, which service, which lot, and what each of them takes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fabroute.estimation.production import ProductionEstimate
from fabroute.logistics.rules import NoDutyRule, ParcelTooHeavy, Service, ShipmentQuote
from fabroute.network.service import LotView, NodeView
from fabroute.routing.rules import MILLIS_PER_MINOR, ObjectiveWeights
from fabroute.routing.service.pricing import Pricing
from fabroute.routing.service.splits_makers import SECONDS_PER_MINUTE, Maker, Straight, split_machine, straight
from fabroute.routing.service.timing import Calendars
from fabroute.routing.service.ways import LineAsked
from fabroute.solver.split import SplitNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A node with the machines that can share a line there, sent by one service, made from one lot."""

    node: NodeView
    service: str
    lot: LotView
    makers: tuple[Maker, ...]

    @property
    def most(self) -> int:
        """The most pieces that its material allows."""
        maker = self.makers[0]
        grams = maker.estimate(maker.most).material_grams
        return self.lot.remaining_grams * maker.most // grams


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A party as far as a plan may use it: how many pieces each of its machines can make in time."""

    party: Party
    most: tuple[int, ...]
    """By machine; 0 for one that can't make any."""

    @property
    def usable(self) -> "Limits | None":
        """The party with those machines that can make some; ``None`` if none can."""
        able = [(maker, most) for maker, most in zip(self.party.makers, self.most, strict=True) if most]
        if not able:
            return None
        makers, most = zip(*able, strict=True)
        return Limits(party=replace(self.party, makers=makers), most=most)

    @property
    def pieces(self) -> int:
        """What the party can make in time."""
        return min(sum(self.most), self.party.most)


def parties(makers: Iterable[Maker]) -> tuple[Party, ...]:
    """Return every node, service and lot with the machines that can make a part of a line from it, by their names.

    Of a node's lots of a material the one with most in it counts.
    """
    found: defaultdict[tuple[str, str, str], list[Maker]] = defaultdict(list)
    for maker in makers:
        for service in dict.fromkeys(way.service for way in maker.ways):
            found[maker.material, maker.node_id, service].append(maker)
    return tuple(
        party for (_, _, service), of_node in sorted(found.items()) if (party := _party(of_node, service)) is not None
    )


def _party(makers: list[Maker], service: str) -> Party | None:
    lots = {way.lot.lot_id: way.lot for maker in makers for way in maker.ways if way.service == service}
    lot = min(lots.values(), key=lambda lot: (-lot.remaining_grams, lot.lot_id))
    able = sorted(
        (maker for maker in makers if maker.way(service=service, lot_id=lot.lot_id) is not None),
        key=lambda maker: (maker.machine_id, maker.ways[0].offer.offer_id),
    )
    one_each = {maker.machine_id: maker for maker in reversed(able)}  # a machine works with one parameter set
    taking = tuple(maker for maker in able if one_each[maker.machine_id] is maker)
    return Party(node=taking[0].ways[0].node, service=service, lot=lot, makers=taking) if taking else None


class Freight:
    """What it costs to send some pieces of a line from a party; one parcel for all of its machines."""

    def __init__(self, pricing: Pricing, calendars: Calendars) -> None:
        self._pricing = pricing
        self._calendars = calendars

    def quote(self, asked: LineAsked, party: Party, made: Sequence[ProductionEstimate]) -> ShipmentQuote | None:
        """Return what sending all that was made takes; ``None`` where no carrier takes it, or no duty rule is known."""
        together = replace(
            made[0],
            quantity=sum(each.quantity for each in made),
            net_grams=sum(each.net_grams for each in made),
            price_minor=sum(each.price_minor for each in made),
        )
        goods = self._pricing.goods(asked.revision, together, criticality=asked.line.criticality)
        try:
            return self._pricing.quote(
                party.node,
                asked.destination,
                goods=goods,
                service=Service(party.service),
                day=self._calendars.clock(party.node).first_day,
            )
        except (NoDutyRule, ParcelTooHeavy):
            return None

    def straight(self, asked: LineAsked, party: Party, *, weights: ObjectiveWeights) -> Straight | None:
        """Return what sending costs as a straight line in the pieces, in milli-minor; ``None`` if nothing can be."""
        maker = party.makers[0]
        most = min(maker.most, asked.line.quantity)
        ends = [self.quote(asked, party, (maker.estimate(pieces),)) for pieces in dict.fromkeys((1, most))]
        costs = [_sending_millis(quote, weights) for quote in ends if quote is not None]
        if len(costs) < len(ends):
            return None
        return straight(lambda pieces: costs[0 if pieces == 1 else -1], batch=most + 1, most=most)


def split_node(
    limits: Limits, *, freight: Straight, courier: int, weights: ObjectiveWeights, kept: bool = False
) -> SplitNode:
    """Return a party as the allocation sees it; ``courier`` is how many minutes its parcel is on its way.

    ``kept``: the node makes other pieces of the line anyway.
    """
    node = limits.party.node
    tops_up = node.minimum_order_policy != "refuse"
    return SplitNode(
        machines=tuple(
            split_machine(maker, weights=weights, most=most)
            for maker, most in zip(limits.party.makers, limits.most, strict=True)
        ),
        fixed_cost=freight.fixed,
        cost_per_piece=freight.per_piece,
        minimum_cost=node.minimum_order_minor * MILLIS_PER_MINOR if tops_up else 0,
        after_seconds=courier * SECONDS_PER_MINUTE,
        most_pieces=limits.party.most,
        counted=not kept,
    )


def _sending_millis(quote: ShipmentQuote, weights: ObjectiveWeights) -> int:
    return (quote.cost_minor + quote.duty_minor) * MILLIS_PER_MINOR + weights.millis_per_co2e_gram * quote.co2_g
