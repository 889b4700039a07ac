"""From how many pieces each machine makes to an option: each share priced, timed and gated for itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fabroute.estimation.breakdown import BreakdownRow
from fabroute.estimation.production import ProductionEstimate
from fabroute.logistics.rules import ShipmentQuote
from fabroute.routing.service.machines import MachineTime
from fabroute.routing.service.options import Option, Price, Share, Way, added_up
from fabroute.routing.service.splits_clock import MachineClock, Window, by_the_clock, courier_minutes, ready_minutes
from fabroute.routing.service.splits_makers import Maker, bare_minor
from fabroute.routing.service.splits_nodes import Freight, Party
from fabroute.routing.service.splits_terms import Sharing
from fabroute.routing.service.timing import latest_bucket
from fabroute.routing.service.ways import LineAsked
from fabroute.solver.split import SplitPlan

_TOP_UP = "minimum_order_top_up"

Looker = Callable[[LineAsked, Maker, int], tuple[Way, ...]]
"""Returns the ways of so many pieces on a maker's machine, all gates open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taking:
    """A machine that takes so many pieces of a line, with what they cost there."""

    party: Party
    maker: Maker
    pieces: int
    estimate: ProductionEstimate
    price: Price


class ShareMaker:
    """Makes options of allocations."""

    def __init__(self, *, look: Looker, freight: Freight, machines: MachineTime, clock: MachineClock) -> None:
        self._look = look
        self._freight = freight
        self._machines = machines
        self._clock = clock

    def option(self, asked: LineAsked, sharing: Sharing, plan: SplitPlan) -> Option | None:
        """Return what an allocation comes to; ``None`` if a gate is closed to a share, or it arrives too late."""
        shares: list[Share] = []
        for limits, made in zip(sharing.limits, plan.pieces, strict=True):
            taken = [(maker, pieces) for maker, pieces in zip(limits.party.makers, made, strict=True) if pieces]
            of_node = self._shares(asked, sharing, limits.party, taken) if taken else []
            if of_node is None:
                return None
            shares += of_node
        return _option(asked, sorted(shares, key=_rank))

    def _shares(
        self, asked: LineAsked, sharing: Sharing, party: Party, taken: Sequence[tuple[Maker, int]]
    ) -> list[Share] | None:
        """Return a node's shares: the first pays for the parcel, and for what is missing to the minimum order."""
        made = [maker.estimate(pieces) for maker, pieces in taken]
        quote = self._freight.quote(asked, party, made)
        if quote is None:
            return None
        tops_up = party.node.minimum_order_policy != "refuse"
        missing = max(0, party.node.minimum_order_minor - sum(map(bare_minor, made))) if tops_up else 0
        shares: list[Share] = []
        for (maker, pieces), estimate in zip(taken, made, strict=True):
            price = _price(estimate) if shares else _price(estimate, quote=quote, missing_minor=missing)
            taking = _Taking(party=party, maker=maker, pieces=pieces, estimate=estimate, price=price)
            share = self._share(asked, sharing, taking, courier=courier_minutes(quote))
            if share is None:
                return None
            shares.append(share)
        return shares

    def _share(self, asked: LineAsked, sharing: Sharing, taking: _Taking, *, courier: int | None) -> Share | None:
        ways = self._look(asked, taking.maker, taking.pieces)
        place = (taking.party.service, taking.party.lot.lot_id)
        way = next((way for way in ways if (way.service, way.lot.lot_id) == place), None)
        if way is None:
            return None
        own = replace(way, price=taking.price, opening=None)
        if sharing.arrival is not None:
            return _by_day(own, taking.pieces, sharing.arrival)
        window = taking.maker.window
        return None if window is None or courier is None else self._by_clock(own, taking, window, courier)

    def _by_clock(self, way: Way, taking: _Taking, window: Window, courier: int) -> Share | None:
        bucket = self._clock.bucket(way.node, window.done(taking.estimate.machine_minutes_p90))
        if bucket is None or self._machines.free_until(taking.maker.machine_id, bucket) < way.machine_minutes:
            return None
        promised, expected = (ready_minutes(taking.estimate, window, late=late) + courier for late in (True, False))
        arrivals = by_the_clock(way.arrivals, expected=expected, promised=promised)
        return Share(way=replace(way, arrivals=arrivals), quantity=taking.pieces, bucket=bucket, minutes=promised)


def last_bucket(way: Way, arrival: int) -> int:
    """Return the last bucket whose promised delivery is not after ``arrival`` and for which proofs hold; -1 if none."""
    return min(way.latest, latest_bucket(way.arrivals.p90, minutes_to_need_by=arrival))


def _by_day(way: Way, pieces: int, arrival: int) -> Share | None:
    bucket = last_bucket(way, arrival)
    if bucket < way.earliest:
        return None
    return Share(way=way, quantity=pieces, bucket=bucket, minutes=int(way.arrivals.p90[bucket]))


def _option(asked: LineAsked, shares: Sequence[Share]) -> Option | None:
    wish, minutes = asked.wish, max(share.minutes for share in shares)
    if wish.need_by_hard and wish.minutes_to_need_by is not None and minutes > wish.minutes_to_need_by:
        return None
    price = added_up([share.way.price for share in shares])
    return Option(
        way=shares[0].way,
        bucket=shares[0].bucket,
        minutes=minutes,
        cost_millis=wish.cost_millis(price, minutes),
        shares=tuple(shares) if len(shares) > 1 else (),
    )


def _price(estimate: ProductionEstimate, *, quote: ShipmentQuote | None = None, missing_minor: int = 0) -> Price:
    """Return the price of a share: its production, and where it pays for them freight, duty and the minimum order."""
    made = [row for row in estimate.breakdown if row.code != _TOP_UP]
    top_up = BreakdownRow(code=_TOP_UP, amount_minor=missing_minor)
    sent = () if quote is None else quote.breakdown
    return Price(
        production_minor=bare_minor(estimate) + missing_minor,
        freight_minor=0 if quote is None else quote.cost_minor,
        duty_minor=0 if quote is None else quote.duty_minor,
        co2e_g=estimate.co2_g + (0 if quote is None else quote.co2_g),
        breakdown=tuple(row for row in (*made, top_up, *sent) if row.amount_minor),
    )


def _rank(share: Share) -> tuple[int, str, str]:
    return (-share.quantity, share.way.node.node_id, share.way.offer.machine_id)
