"""The ways to make a line in shares: by several machines of a node, or by several nodes.

Every gate applies to each share for itself: proofs, lots, licence, packaging, lane, minimum order. All shares of a line
are of one process and material; a node's pieces come from one lot and go in one parcel. Regulated parts stay with one
lot, and so with one node. Which machine makes how many is decided exactly (``solver.split``), from straight lines;
price, carbon and arrival of what was decided are then estimated anew, each share for itself.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from fabroute.estimation.production import ProductionEstimate
from fabroute.network.service import NodeView, OfferView
from fabroute.routing.service.gates import Gatekeeper
from fabroute.routing.service.machines import MachineTime
from fabroute.routing.service.options import Option, Way
from fabroute.routing.service.pricing import Pricing
from fabroute.routing.service.splits_clock import (
    URGENT_HOURS,
    MachineClock,
    Window,
    courier_minutes,
    is_urgent,
    ready_minutes,
)
from fabroute.routing.service.splits_makers import SECONDS_PER_MINUTE, Maker, most_in
from fabroute.routing.service.splits_nodes import Freight, Limits, Party, parties, split_node
from fabroute.routing.service.splits_shares import ShareMaker, last_bucket
from fabroute.routing.service.splits_terms import Sharing, SplitTerms, Together, split_terms
from fabroute.routing.service.timing import Calendars
from fabroute.routing.service.ways import LineAsked, WayFinder
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.eligibility import Exclusion, ExclusionCode
from fabroute.solver.split import InvalidSplit, SplitPlan, SplitProblem, SplitShortfall

MOST_PARTIES = 10
"""So many nodes at most are weighed against each other for one line: those that can make most, then the cheapest."""
MOST_SPLIT_NODES = 20
"""What an order may ask for: with so many nodes it is tried whether a line would be possible split."""
_LADDER = (0, 1, 2, 4, 8)
"""Which of the days on which a whole line could arrive are looked at."""
_HASTE_MILLIS = 1_000_000_000
"""10,000 EUR an hour: more than any order says, so that the quickest split wins."""

Allocate = Callable[[SplitProblem], SplitPlan | SplitShortfall]
"""The exact search, which processes without a solver don't have."""


class SplitFinder:
    """Looks for splits on one snapshot."""

    def __init__(
        self,
        snapshot: RoutingSnapshot,
        *,
        calendars: Calendars,
        gates: Gatekeeper,
        pricing: Pricing,
        machines: MachineTime,
        ways: WayFinder,
        allocate: Allocate | None,
    ) -> None:
        """Without ``allocate`` nothing is split: the process has no solver."""
        self._calendars = calendars
        self._gates = gates
        self._pricing = pricing
        self._machines = machines
        self._ways = ways
        self._allocate = allocate
        self._freight = Freight(pricing, calendars)
        self._clock = MachineClock(snapshot, calendars)
        self._shares = ShareMaker(look=self._look_again, freight=self._freight, machines=machines, clock=self._clock)

    def options(
        self, asked: LineAsked, nodes: Sequence[NodeView], *, cap_minor: int | None, alone: bool = True
    ) -> tuple[Option, ...]:
        """Return the splits of a line that are worth deciding about; none for a line that may not be split.

        Only these ``nodes`` are looked at. For an urgent line also what one machine alone can do by the minute. Unless
        it is the only urgent line of its run, that is its best split alone, and urgent lines that are asked for later
        wait for the machines of it.
        """
        terms = split_terms(asked.line, asked.revision)
        if terms is None or self._allocate is None:
            return ()
        urgent = is_urgent(asked.line, asked.wish)
        found = _within(self._by_minutes(asked, nodes, terms), cap_minor) if urgent else []
        if alone and found:
            return tuple(found)
        best = sorted(found, key=lambda option: option.cost_millis)[:1]
        self._promise(asked, best)
        return (*best, *_within(self._by_days(asked, nodes, terms), cap_minor))

    def forbidden(
        self, asked: LineAsked, nodes: Sequence[NodeView]
    ) -> tuple[frozenset[str], Exclusion] | Together | None:
        """Return the nodes that could share a line which none can make alone, and that it may not be split.

        What they make where all of them together make too few; ``None`` where a split would not help either.
        """
        own = split_terms(asked.line, asked.revision) or SplitTerms(
            quantity=asked.line.quantity, max_nodes=0, min_per_node=1
        )
        if asked.line.quantity < 2 or self._allocate is None:
            return None
        free = replace(
            asked, line=replace(asked.line, split_max_nodes=MOST_SPLIT_NODES, split_min_per_node=1, kept_nodes="")
        )
        terms = split_terms(free.line, free.revision)
        assert terms is not None
        most: Sharing | None = None
        for sharing in self._sharings(free, nodes, terms):
            most = sharing if most is None or sharing.pieces > most.pieces else most
            plan = self._allocated(sharing.problem) if sharing.pieces >= terms.quantity else None
            if plan is not None:
                taking = frozenset(
                    limits.party.node.node_id for limits, made in zip(sharing.limits, plan.by_node, strict=True) if made
                )
                return taking, _would_need_a_split(asked, sharing, nodes=len(taking), own=own)
        return most.together if most is not None and most.pieces < terms.quantity else None

    def _allocated(self, problem: SplitProblem) -> SplitPlan | None:
        plan = None if self._allocate is None else self._allocate(problem)
        return plan if isinstance(plan, SplitPlan) else None

    def _plans(self, problem: SplitProblem) -> Iterator[SplitPlan]:
        """Yield the best allocation, the cheapest in time, the quickest, and the best without each of its nodes."""
        best = self._allocated(problem)
        if best is None:
            return
        yield best
        for waiting in (0, _HASTE_MILLIS):
            other = self._allocated(replace(problem, cost_of_waiting_per_hour=waiting))
            if other is not None:
                yield other
        for place, made in enumerate(best.by_node):
            closed = replace(problem.nodes[place], most_pieces=0)
            nodes = (*problem.nodes[:place], closed, *problem.nodes[place + 1 :])
            without = self._allocated(replace(problem, nodes=nodes)) if made else None
            if without is not None:
                yield without

    def _sharings(self, asked: LineAsked, nodes: Sequence[NodeView], terms: SplitTerms) -> Iterator[Sharing]:
        """Yield who could share a line: by the minute where it is urgent, then by its last day, most pieces first."""
        if is_urgent(asked.line, asked.wish):
            yield from self._clocked(asked, nodes, terms)
        for group in self._by_material(self._makers(asked, nodes)):
            arrivals = _arrivals(group)
            sharing = self._sharing_by(asked, terms, group, arrivals[-1]) if arrivals else None
            if sharing is not None:
                yield sharing

    def _promise(self, asked: LineAsked, options: Iterable[Option]) -> None:
        """Let later lines wait for the machines of these options."""
        for share in (share for option in options for share in option.parts(asked.line.quantity)):
            way = share.way
            estimate = self._estimator(asked, way.node, way.offer)(share.quantity)
            self._clock.promise(way.offer.machine_id, minutes=estimate.machine_minutes_p90)

    def _by_minutes(self, asked: LineAsked, nodes: Sequence[NodeView], terms: SplitTerms) -> list[Option]:
        found: list[Option] = []
        for sharing in self._clocked(asked, nodes, terms):
            plans = {plan.pieces: plan for plan in self._plans(sharing.problem)}
            options = (self._shares.option(_any_day(asked), sharing, plan) for plan in plans.values())
            found += [it for it in options if it is not None and _in_time(it, asked)]
        return [replace(it, cost_millis=asked.wish.cost_millis(it.price, it.minutes)) for it in found]

    def _by_days(self, asked: LineAsked, nodes: Sequence[NodeView], terms: SplitTerms) -> list[Option]:
        if terms.quantity < 2:
            return []
        return [
            option
            for group in self._by_material(self._makers(asked, nodes))
            for option in self._on_days(asked, terms, group)
            if option.shares
        ]

    def _on_days(self, asked: LineAsked, terms: SplitTerms, group: Sequence[Party]) -> list[Option]:
        """Return splits that arrive on some of the days on which all of a line could."""
        found: list[Option] = []
        rung = 0
        for arrival in _arrivals(group):
            sharing = self._sharing_by(asked, terms, group, arrival)
            if sharing is None or sharing.pieces < terms.quantity:
                continue
            plan = self._allocated(sharing.problem) if rung in _LADDER else None
            if plan is None and not rung:
                continue  # enough pieces, but by too many nodes
            option = None if plan is None else self._shares.option(asked, sharing, plan)
            found += [] if option is None else [option]
            rung += 1
            if rung > _LADDER[-1]:
                break
        return found

    def _clocked(self, asked: LineAsked, nodes: Sequence[NodeView], terms: SplitTerms) -> Iterator[Sharing]:
        """Yield who could share an urgent line, with the window of every machine and the couriers' way."""
        wish, any_day = asked.wish, _any_day(asked)
        until = (
            URGENT_HOURS * 60 if wish.minutes_to_need_by is None else min(URGENT_HOURS * 60, wish.minutes_to_need_by)
        )
        makers = [
            replace(maker, window=window)
            for maker in self._makers(any_day, nodes)
            if (window := self._clock.window(maker.machine_id, until=until)) is not None
        ]
        for group in self._by_material(makers):
            limits = [found for party in group if (found := self._clock_limits(asked, party)) is not None]
            sharing = self._sharing(asked, terms, limits)
            if sharing is not None:
                yield sharing

    def _clock_limits(self, asked: LineAsked, party: Party) -> Limits | None:
        """Return a party with what its machines can make in their windows; ``None`` without a courier of the day."""
        courier = self._courier(asked, party)
        if courier is None:
            return None
        wanted = asked.wish.deadline_minutes
        by = None if wanted is None else wanted - courier
        return Limits(party=party, most=tuple(self._most_in_window(maker, by=by) for maker in party.makers)).usable

    def _most_in_window(self, maker: Maker, *, by: int | None) -> int:
        """Return how many pieces a machine can make in its window, finished ``by`` so many minutes from now."""
        window = maker.window
        if window is None:
            return 0
        return most_in(
            maker.most,
            lambda pieces: (
                (by is None or ready_minutes(maker.estimate(pieces), window) <= by)
                and self._fits(maker, window, pieces)
            ),
        )

    def _fits(self, maker: Maker, window: Window, pieces: int) -> bool:
        estimate = maker.estimate(pieces)
        done = window.done(estimate.machine_minutes_p90)
        bucket = self._clock.bucket(maker.ways[0].node, done)
        if done > window.ends or bucket is None:
            return False
        return self._machines.free_until(maker.machine_id, bucket) >= estimate.machine_minutes

    def _courier(self, asked: LineAsked, party: Party) -> int | None:
        maker = party.makers[0]
        quote = self._freight.quote(asked, party, (maker.estimate(maker.most),))
        return None if quote is None else courier_minutes(quote)

    def _sharing_by(self, asked: LineAsked, terms: SplitTerms, group: Sequence[Party], arrival: int) -> Sharing | None:
        """Return what the parties can make so that it arrives by then, in minutes from now."""
        limits = [found for party in group if (found := self._day_limits(party, arrival)) is not None]
        return self._sharing(asked, terms, limits, arrival=arrival)

    def _day_limits(self, party: Party, arrival: int) -> Limits | None:
        return Limits(party=party, most=tuple(self._most_by(maker, party, arrival) for maker in party.makers)).usable

    def _most_by(self, maker: Maker, party: Party, arrival: int) -> int:
        way = maker.way(service=party.service, lot_id=party.lot.lot_id)
        last = -1 if way is None else last_bucket(way, arrival)
        return most_in(
            maker.most, lambda pieces: self._machines.earliest(maker.machine_id, maker.estimate(pieces)) <= last
        )

    def _sharing(
        self, asked: LineAsked, terms: SplitTerms, limits: Sequence[Limits], *, arrival: int | None = None
    ) -> Sharing | None:
        """Return the allocation to be solved, with the best party of each node; ``None`` without any."""
        weights, wish, taking = asked.wish.weights, asked.wish, []
        for limit in _one_a_node(limits, terms):
            freight = self._freight.straight(asked, limit.party, weights=weights)
            if freight is not None:
                courier = 0 if arrival is not None else self._courier(asked, limit.party) or 0
                kept = limit.party.node.node_id in terms.kept_nodes
                node = split_node(limit, freight=freight, courier=courier, weights=weights, kept=kept)
                taking.append((limit, node))
        hurried = arrival is None and wish.need_by_hard and wish.minutes_to_need_by is not None
        try:
            problem = SplitProblem(
                quantity=terms.quantity,
                nodes=tuple(node for _, node in taking),
                max_nodes=terms.max_nodes,
                min_per_node=terms.min_per_node,
                deadline_seconds=max(0, wish.minutes_to_need_by or 0) * SECONDS_PER_MINUTE if hurried else None,
                cost_of_waiting_per_hour=weights.millis_per_hour if arrival is None else 0,
            )
        except InvalidSplit:
            return None
        limits = tuple(limit for limit, _ in taking)
        return Sharing(limits=limits, problem=problem, arrival=arrival) if limits else None

    def _makers(self, asked: LineAsked, nodes: Sequence[NodeView]) -> list[Maker]:
        """Return every machine that can make a part of a line, and how much of it at most."""
        found: list[Maker] = []
        for node in nodes:
            if self._gates.node_reasons(asked.asking, node.node_id) or self._unlicensed(asked, node):
                continue
            for offer in self._gates.allowed_offers(asked.asking, node.node_id):
                maker = None if self._gates.offer_reasons(asked.asking, offer) else self._maker(asked, node, offer)
                found += [] if maker is None else [maker]
        return found

    def _unlicensed(self, asked: LineAsked, node: NodeView) -> bool:
        """Return whether no one licence serves the whole line at a node: shares don't take from several."""
        prints, through = asked.line.quantity, self._calendars.clock(node).first_day
        return bool(self._gates.licence_reasons(asked.asking, node.node_id, prints=prints, through=through))

    def _maker(self, asked: LineAsked, node: NodeView, offer: OfferView) -> Maker | None:
        pieces, ways = asked.line.quantity, self._look(asked, node, offer, asked.line.quantity)
        while not ways and pieces > 1:
            pieces = (pieces + 1) // 2
            ways = self._look(asked, node, offer, pieces)
        if ways and pieces < asked.line.quantity:
            pieces += most_in(pieces - 1, lambda more: bool(self._look(asked, node, offer, pieces + more)))
            ways = self._look(asked, node, offer, pieces)
        return Maker(ways=ways, most=pieces, estimate=self._estimator(asked, node, offer)) if ways else None

    def _estimator(self, asked: LineAsked, node: NodeView, offer: OfferView) -> Callable[[int], ProductionEstimate]:
        return lambda pieces: self._pricing.estimate(asked.revision, quantity=pieces, node=node, offer=offer)

    def _look_again(self, asked: LineAsked, maker: Maker, pieces: int) -> tuple[Way, ...]:
        return self._look(asked, maker.ways[0].node, maker.ways[0].offer, pieces)

    def _look(self, asked: LineAsked, node: NodeView, offer: OfferView, pieces: int) -> tuple[Way, ...]:
        """Return the ways of so many pieces of a line, all gates open."""
        part = replace(asked, line=replace(asked.line, quantity=pieces))
        day = self._calendars.clock(node).first_day
        services = self._pricing.services(node, asked.destination, day=day)
        return self._ways.look(part, node, offer, services).ways if services else ()

    def _by_material(self, makers: Iterable[Maker]) -> list[tuple[Party, ...]]:
        ordered = sorted(makers, key=_material)
        return [parties(group) for _, group in groupby(ordered, key=_material)]


def _material(maker: Maker) -> str:
    return maker.material


def _any_day(asked: LineAsked) -> LineAsked:
    """Return a line without its date, for gates that count in days: the clock keeps it by the minute."""
    line, wish = replace(asked.line, need_by=None), asked.wish
    return replace(asked, line=line, wish=replace(wish, minutes_to_need_by=None, need_by_hard=False))


def _in_time(option: Option, asked: LineAsked) -> bool:
    wanted = asked.wish.deadline_minutes
    return wanted is None or option.minutes <= wanted


def _within(options: Iterable[Option], cap_minor: int | None) -> list[Option]:
    return [option for option in options if cap_minor is None or option.price.landed_minor <= cap_minor]


def _arrivals(group: Sequence[Party]) -> list[int]:
    """Return when something of what the parties make could arrive, in minutes from now, ascending."""
    minutes = {
        int(way.arrivals.p90[bucket])
        for party in group
        for maker in party.makers
        for way in maker.ways
        for bucket in range(min(way.earliest, way.latest), way.latest + 1)
    }
    return sorted(minutes)


def _one_a_node(limits: Sequence[Limits], terms: SplitTerms) -> list[Limits]:
    """Return each node's party that can make most of a line, of equals the cheapest; for ``MOST_PARTIES`` nodes."""
    ranked = sorted(limits, key=lambda limit: (-min(limit.pieces, terms.quantity), _unit_minor(limit), _name(limit)))
    by_node: dict[str, Limits] = {}
    for limit in ranked:
        by_node.setdefault(limit.party.node.node_id, limit)
    chosen = list(by_node.values())[:MOST_PARTIES]
    return sorted(chosen, key=_name)


def _unit_minor(limit: Limits) -> float:
    maker, service = limit.party.makers[0], limit.party.service
    landed = min(way.price.landed_minor for way in maker.ways if way.service == service)
    return landed / maker.most


def _name(limit: Limits) -> tuple[str, str]:
    return limit.party.node.node_id, limit.party.service


def _would_need_a_split(asked: LineAsked, sharing: Sharing, *, nodes: int, own: SplitTerms) -> Exclusion:
    quantity, largest, together = asked.line.quantity, sharing.largest, sharing.pieces
    by = None if asked.line.need_by is None else asked.line.need_by.isoformat()
    allowed = f"the order allows {own.max_nodes}" if own.max_nodes else "the order does not allow that"
    return Exclusion(
        code=ExclusionCode.SPLIT_FORBIDDEN,
        message=f"needs {quantity} pieces{'' if by is None else f' by {by}'}: the largest machine makes {largest}, "
        f"{nodes} node{'s' if nodes > 1 else ''} together {together}; {allowed}",
        figures={
            "needed_pieces": quantity,
            "by": by,
            "largest_pieces": largest,
            "together_pieces": together,
            "nodes": nodes,
            "allowed_nodes": own.max_nodes,
        },
    )
