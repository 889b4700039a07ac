"""What a line can choose from: ways to make and send it, and options, which are ways with a deadline."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fabroute.estimation.breakdown import BreakdownRow
from fabroute.estimation.sources import SourcedFigure
from fabroute.network.service import LotView, NodeView, OfferView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.rules import ObjectiveWeights, generalised_cost_millis
from fabroute.routing.service.arrivals import Arrivals, Days
from fabroute.routing.service.openings import Opening
from fabroute.solver.eligibility import Exclusion


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a way costs and emits, in cents and grams; the rows of ``breakdown`` add up to ``landed_minor``."""

    production_minor: int
    freight_minor: int
    duty_minor: int
    co2e_g: int
    breakdown: tuple[BreakdownRow, ...]

    @property
    def landed_minor(self) -> int:
        """Money until the part is at its destination."""
        return self.production_minor + self.freight_minor + self.duty_minor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Way:
    """One machine, material, parameter set, lot and shipping service for a line, with all that no deadline changes."""

    node: NodeView
    offer: OfferView
    lot: LotView
    service: str
    carrier: str
    price: Price
    machine_minutes: int
    grams: int
    arrivals: Arrivals
    """When it is handed over, by the bucket in which production is planned to end."""
    earliest: int
    """First bucket by which the machine, as it is now, can have made the line."""
    latest: int
    """Last bucket whose promised delivery is in time and for which every proof holds."""
    figures: tuple[SourcedFigure, ...] = ()
    """Every constant behind the estimate of production, with its mark."""
    opening: Opening | None = None
    """Of the last of its builds, where other lines may share it; part of price and minutes."""
    wanted: int | None = None
    """Bucket that a line which waits for others wants to be made by; earlier is worth nothing to it."""
    hurry_millis: int = 0
    """What a line that would wait counts on top of the cost of a way that leaves no time for it."""

    @property
    def best_bucket(self) -> int:
        """The bucket that costs least: the earliest, or the one that is waited for."""
        return self.earliest if self.wanted is None else self.wanted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Share:
    """A part of a split line: so many pieces made on one machine by the end of a bucket."""

    way: Way
    """For these pieces alone: its price, minutes and grams are theirs."""
    quantity: int
    bucket: int
    minutes: int
    """From now to the promised hand-over of these pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildShare:
    """What a line has of a build that it shares with others."""

    key: str
    """Equal keys, one build: names machine, lot, day and lines."""
    lines: int
    """How many lines share it."""
    volume_share: float
    """Of what all its lines occupy, 0 to 1."""
    fill: float
    """Of the whole build, 0 to 1."""
    saved_minor: int
    """Off the price that the line would have alone."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Option:
    """A way with a deadline: production ends in ``bucket`` or before, delivery is promised for its end.

    The option of a split line has ``shares``; its own way and bucket are those of the first share, the largest.
    """

    way: Way
    bucket: int
    minutes: int
    """From now to the promised hand-over: nine of ten deliveries are not later. The latest of a split's shares."""
    cost_millis: int
    """Generalised cost."""
    shares: tuple[Share, ...] = ()
    """All parts of a split, at least two; empty for an option that one machine makes whole."""
    build: BuildShare | None = None
    """Once a plan is made: the shared build; price and minutes are the line's share then."""

    @property
    def price(self) -> Price:
        """What the option costs and emits, all shares together."""
        return added_up([share.way.price for share in self.shares]) if self.shares else self.way.price

    def parts(self, quantity: int) -> tuple[Share, ...]:
        """Return what is made where: the shares of a split, or the whole ``quantity`` of the line by its one way."""
        return self.shares or (Share(way=self.way, quantity=quantity, bucket=self.bucket, minutes=self.minutes),)


def same_place(one: Option, other: Option) -> bool:
    """Say whether two options are one machine, lot, service and deadline, whatever they share with whom."""
    return _place(one) == _place(other)


def _place(option: Option) -> tuple[tuple[str, str, str, int], ...]:
    return tuple(
        (part.way.offer.offer_id, part.way.lot.lot_id, part.way.service, part.bucket)
        for part in option.shares or (option,)
    )


def pieces_by_node(option: Option, quantity: int) -> dict[str, int]:
    """Return how many of a line's pieces each node makes."""
    pieces: dict[str, int] = {}
    for share in option.parts(quantity):
        node_id = share.way.node.node_id
        pieces[node_id] = pieces.get(node_id, 0) + share.quantity
    return pieces


def added_up(prices: Sequence[Price]) -> Price:
    """Return several prices as one; rows of one code are added up, in the order in which codes come first."""
    amounts: dict[str, BreakdownRow] = {}
    for row in (row for price in prices for row in price.breakdown):
        known = amounts.get(row.code)
        amounts[row.code] = row if known is None else replace(known, amount_minor=known.amount_minor + row.amount_minor)
    return Price(
        production_minor=sum(price.production_minor for price in prices),
        freight_minor=sum(price.freight_minor for price in prices),
        duty_minor=sum(price.duty_minor for price in prices),
        co2e_g=sum(price.co2e_g for price in prices),
        breakdown=tuple(amounts.values()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcludedNode:
    """A node that can't serve a line, with every reason, each code once."""

    node: NodeView
    reasons: tuple[Exclusion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChoices:
    """All that a line can choose from, and every node that it can't."""

    line: ClaimedLine
    options: tuple[Option, ...]
    """Sorted by cost."""
    left_out: int = 0
    """Machines with their lots for which there was no room among ``options``."""
    exclusions: tuple[ExcludedNode, ...]
    """Sorted by node."""
    best: tuple[Option, ...]
    """The best option of each node, sorted by cost."""
    fastest: Option | None
    cheapest: Option | None
    greenest: Option | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a line weighs money, time and carbon, and by when it wants to be there."""

    weights: ObjectiveWeights
    minutes_to_need_by: int | None
    need_by_hard: bool

    @property
    def deadline_minutes(self) -> int | None:
        """By when the line has to be there, in minutes from now; ``None`` where it may be late."""
        return self.minutes_to_need_by if self.need_by_hard else None

    def cost_millis(self, price: Price, minutes: int) -> int:
        """Return the generalised cost of a price and a time to delivery."""
        late = 0 if self.minutes_to_need_by is None else max(0, minutes - self.minutes_to_need_by)
        return generalised_cost_millis(
            self.weights,
            landed_minor=price.landed_minor,
            minutes=minutes,
            co2e_g=price.co2e_g,
            late_minutes=0 if self.need_by_hard else late,
        )


def option_at(way: Way, bucket: int, *, wish: Wish) -> Option:
    """Return the option of ending a way's production in ``bucket``.

    Earlier than the bucket that a line waits for costs no less, and a little more each day: it leaves less time to meet
    others.
    """
    cost = _cost_millis(way, bucket, way.arrivals.p90, wish)
    return Option(way=way, bucket=bucket, minutes=int(way.arrivals.p90[bucket]), cost_millis=cost)


class Deadlines:
    """The options of one line's ways; ways that differ in nothing but their lot are weighed once."""

    def __init__(self, wish: Wish) -> None:
        """The ways must outlive this: it knows their prices and arrivals by what they are, not by what they hold."""
        self._wish = wish
        self._weighed: dict[tuple[object, ...], tuple[tuple[int, int, int], ...]] = {}

    def options(self, way: Way, buckets: Sequence[int]) -> list[Option]:
        """Return the options of ending a way's production in each of some buckets."""
        key = (id(way.price), id(way.arrivals), way.best_bucket, way.hurry_millis, *buckets)
        weighed = self._weighed.get(key)
        if weighed is None:
            days = way.arrivals.p90.tolist()
            weighed = tuple((it, days[it], _cost_millis(way, it, days, self._wish)) for it in buckets)
            self._weighed[key] = weighed
        return [Option(way=way, bucket=bucket, minutes=late, cost_millis=cost) for bucket, late, cost in weighed]


def _cost_millis(way: Way, bucket: int, minutes: Days | Sequence[int], wish: Wish) -> int:
    """Return the cost of an option; ``minutes`` are those to its promised hand-over, by bucket."""
    cost, best = wish.cost_millis(way.price, int(minutes[bucket])) + way.hurry_millis, way.best_bucket
    if bucket >= best:
        return cost
    return max(cost, wish.cost_millis(way.price, int(minutes[best])) + way.hurry_millis) + best - bucket
