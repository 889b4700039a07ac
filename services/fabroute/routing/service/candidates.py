"""Every line against every node: options where it can be made, all reasons where it can't."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from heapq import nsmallest

from fabroute.estimation.facts import InvalidFact
from fabroute.logistics.rules import Location
from fabroute.network.service import NodeView, OfferView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.ports import StandingJob
from fabroute.routing.rules import caps_of_lines, options_per_line, price_cap_minor, with_waiting
from fabroute.routing.rules.policies import policy_for
from fabroute.routing.service.alike import likeness
from fabroute.routing.service.choosing import (
    best_by_node,
    best_first,
    cheapest,
    earliest_options,
    fastest,
    greenest,
    worth_deciding,
)
from fabroute.routing.service.consolidation import Consolidation
from fabroute.routing.service.explaining.chances import (
    AskedBy,
    Chance,
    FoundAtNode,
    LineChances,
    OrderCap,
    chances_per_line,
    line_chances,
)
from fabroute.routing.service.explaining.demands import DemandBook
from fabroute.routing.service.explaining.elsewhere import envelopes, is_related, not_accepted, pair_of
from fabroute.routing.service.explaining.oversize import Oversize, oversize
from fabroute.routing.service.gates import Gatekeeper, Reasons, nearest_of_each_code
from fabroute.routing.service.lanes import LaneAsked, no_lane
from fabroute.routing.service.machines import MachineTime
from fabroute.routing.service.options import ExcludedNode, LineChoices, Option, Way, Wish, option_at
from fabroute.routing.service.pricing import Pricing
from fabroute.routing.service.problem import Supply
from fabroute.routing.service.splits import ways_of
from fabroute.routing.service.splits_finder import Allocate, SplitFinder
from fabroute.routing.service.splits_lines import LineSplits
from fabroute.routing.service.timing import Calendars
from fabroute.routing.service.ways import LineAsked, OfferFinding, WayFinder
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.eligibility import Exclusion, ExclusionCode, ProductionWindow
from fabroute.solver.eligibility.commerce import over_the_cap, over_the_orders_cap

_NEAR_A_LOOK = 4
"""Of so many offers near the customer one is priced where a line has no way in its own materials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFinding:
    """What a node has for a line: ways, or reasons against it."""

    node: NodeView
    ways: tuple[Way, ...]
    reasons: Reasons
    cheapest_minor: int | None
    """The least landed cost here, even where reasons speak against it."""
    cheapest_machine: str | None
    found: FoundAtNode
    """All that was found here, to explain a decision with."""


class CandidateFinder:
    """Looks for candidates on one snapshot; for splits as well if it is given what allocates pieces to machines."""

    def __init__(self, snapshot: RoutingSnapshot, *, allocate: Allocate | None = None, remember: bool = True) -> None:
        """Without ``remember`` each line is looked at as if no other asked for the same: slower, and no different."""
        self.calendars = Calendars(now=snapshot.now, horizon_days=snapshot.horizon_days)
        self.consolidation = Consolidation(snapshot.lines, snapshot.policies, self.calendars)
        self._snapshot = snapshot
        capped = Counter(line.order_id for line in snapshot.lines if line.max_price_minor is not None)
        self._sharing_caps = {order_id for order_id, lines in capped.items() if lines > 1}
        self._gates = Gatekeeper(snapshot)
        self._pricing = Pricing(snapshot.logistics, on=snapshot.now.date())
        self._machines = MachineTime(snapshot, self.calendars)
        self._ways = WayFinder(self.calendars, self._gates, self._pricing, self._machines)
        self._splits = LineSplits(
            SplitFinder(
                snapshot,
                calendars=self.calendars,
                gates=self._gates,
                pricing=self._pricing,
                machines=self._machines,
                ways=self._ways,
                allocate=allocate,
            ),
            self._pricing,
        )
        self._demands = DemandBook()
        self._chances: dict[str, LineChances] = {}
        self._order_caps: dict[str, OrderCap] = {}
        self._related_offers: dict[frozenset[str], tuple[OfferView, ...]] = {}
        self._remember = remember
        self._found: dict[ClaimedLine, tuple[NodeFinding, ...]] = {}
        self._chosen_from: dict[tuple[ClaimedLine, bool], LineChoices] = {}

    def supply(self) -> Supply:
        """Return the machine time and material that there is for all lines together."""
        return Supply(
            minutes=self._machines.free,
            grams={lot.lot_id: lot.remaining_grams for lot in self._snapshot.network.lots},
        )

    def choices(self) -> tuple[LineChoices, ...]:
        """Return for each line its options and its exclusions, in the order of the snapshot's lines."""
        found = {line.line_id: self._everywhere(line) for line in self._snapshot.lines}
        caps = self._caps(found)
        for line in self._snapshot.lines:
            self._chances[line.line_id] = self._line_chances(line, found[line.line_id], caps.get(line.line_id))
        splits = self._splits.of_lines(
            [self._asked(line) for line in self._snapshot.lines],
            {line_id: [finding.found for finding in findings] for line_id, findings in found.items()},
            caps=caps,
        )
        return tuple(
            self._line_choices(line, self._capped(line, found[line.line_id], caps), splits[line.line_id])
            for line in self._snapshot.lines
        )

    def chances(self, line_id: str) -> LineChances:
        """Return all that ``choices`` found for a line, also where something speaks against it."""
        return self._chances[line_id]

    def lapsed(self, found: LineChances, chance: Chance, bucket: int) -> Reasons:
        """Return what of a chance's proofs and licences does not hold through the end of a bucket."""
        asking, prints = self._gates.asking(found.line), found.line.quantity
        first_day = self.calendars.clock(chance.node).first_day
        window = ProductionWindow(first_day=first_day, last_day=max(first_day, self.calendars.day(bucket)))
        return (
            *self._gates.proof_reasons(asking, chance.priced.offer, window),
            *self._gates.licence_reasons(asking, chance.node.node_id, prints=prints, through=window.last_day),
        )

    def elsewhere(self, found: LineChances, *, looks: int) -> tuple[Chance, ...]:
        """Return a line's chances in other materials of its family of processes: the ``looks`` likeliest offers'."""
        asked = self._asked(found.line)
        near = nsmallest(_NEAR_A_LOOK * looks, self._related(asked), key=lambda offer: self._far(asked, offer))
        likeliest = sorted(near, key=lambda offer: self._reasons_anyway(asked, offer))[:looks]
        return line_chances(
            AskedBy(line=found.line, wish=asked.wish, cap_minor=found.cap_minor, order_cap=found.order_cap),
            (self._if_accepted(asked, offer) for offer in likeliest),
            book=self._demands,
            limit=chances_per_line(len(self._snapshot.lines)),
        ).chances

    def oversize(self, found: LineChances) -> Oversize:
        """Return a line's part beside the machines of its processes and materials, and of the whole network."""
        revision, offers = self._snapshot.revisions[found.line.revision_id], self._snapshot.network.offers
        return oversize(
            (revision.box_x_mm, revision.box_y_mm, revision.box_z_mm),
            own=envelopes(offers, frozenset(revision.process_materials)),
            network=envelopes(offers),
        )

    def findings(self, line: ClaimedLine) -> tuple[NodeFinding, ...]:
        """Return what every node has for a line that is the only one of its order, within its cap."""
        found = self._everywhere(line)
        return _within_cap(found, price_cap_minor(line.max_price_minor, criticality=line.criticality))

    def option_as(self, line: ClaimedLine, job: StandingJob) -> Option | None:
        """Return the option of making a line exactly as a job does, however good others are; ``None`` if none is."""
        bucket = self.calendars.bucket(job.produce_by)
        if not 0 <= bucket < self.calendars.horizon_days:
            return None
        ways = (way for finding in self.findings(line) for way in finding.ways if is_made_by(way, job))
        return next((option_at(way, bucket, wish=self._wish(line)) for way in ways), None)

    def earliest(self, line: ClaimedLine, findings: Iterable[NodeFinding]) -> tuple[Option, ...]:
        """Return each way's earliest option, the best for the line first."""
        return earliest_options((way for finding in findings for way in finding.ways), wish=self._wish(line))

    def _everywhere(self, line: ClaimedLine) -> tuple[NodeFinding, ...]:
        """Return what every node has for a line; lines that ask for the same have it together."""
        if not self._remember or self._gates.has_history(line.line_id):
            return self._look_everywhere(line)
        asks = likeness(line)
        if asks not in self._found:
            self._found[asks] = self._look_everywhere(line)
        return self._found[asks]

    def _look_everywhere(self, line: ClaimedLine) -> tuple[NodeFinding, ...]:
        asked = self._asked(line)
        every = self._snapshot.network.nodes.values()
        nodes = [node for node in every if self._gates.in_sight(asked.asking, node.node_id)]
        try:
            self._pricing.geometry(asked.revision)
        except InvalidFact as error:
            reason = Exclusion(code=ExclusionCode.FILE_NOT_VALIDATED, message=error.message)
            return tuple(_ruled_out(node, (reason,)) for node in nodes)
        return tuple(
            self._at_node(asked, node, self._gates.allowed_offers(asked.asking, node.node_id)) for node in nodes
        )

    def _at_node(self, asked: LineAsked, node: NodeView, offers: tuple[OfferView, ...]) -> NodeFinding:
        before = self._gates.history_reasons(asked.line.line_id, node.node_id)
        against = self._gates.node_reasons(asked.asking, node.node_id)
        against = (*before, *against) if before else against
        services = self._pricing.services(node, asked.destination, day=self.calendars.clock(node).first_day)
        zone = self._pricing.zone(node, asked.destination)
        lane = LaneAsked(
            node_id=node.node_id,
            zone=zone,
            country=asked.destination.country,
            day=self.calendars.clock(node).first_day,
            services=services,
        )
        against_sending = no_lane(self._snapshot.logistics, lane)
        findings = tuple(self._ways.look(asked, node, offer, services) for offer in offers)
        return _at_node(node, against if against_sending is None else (*against, against_sending), findings)

    def _accepting(self, asked: LineAsked, offer: OfferView) -> LineAsked:
        return replace(asked, asking=self._gates.accepting(asked.asking, pair_of(offer)))

    def _related(self, asked: LineAsked) -> tuple[OfferView, ...]:
        allowed = asked.asking.facts.process_materials
        if allowed not in self._related_offers:
            offers = self._snapshot.network.offers
            self._related_offers[allowed] = tuple(offer for offer in offers if is_related(offer, allowed))
        return self._related_offers[allowed]

    def _far(self, asked: LineAsked, offer: OfferView) -> tuple[float, str]:
        node = self._snapshot.network.nodes[offer.node_id]
        return (self._pricing.distance_km(node, asked.destination), offer.offer_id)

    def _reasons_anyway(self, asked: LineAsked, offer: OfferView) -> int:
        """Return how many things speak against an offer in another material whatever the day."""
        asking = self._accepting(asked, offer).asking
        return len(self._gates.node_reasons(asking, offer.node_id)) + len(self._gates.offer_reasons(asking, offer))

    def _if_accepted(self, asked: LineAsked, offer: OfferView) -> FoundAtNode:
        node, allowed = self._snapshot.network.nodes[offer.node_id], asked.asking.facts.process_materials
        found = self._at_node(self._accepting(asked, offer), node, (offer,)).found
        return replace(found, against=(not_accepted(offer, allowed), *found.against))

    def _caps(self, found: Mapping[str, tuple[NodeFinding, ...]]) -> dict[str, int]:
        """Return what each line of an order with a price cap may cost: what its other lines leave of it at least."""
        capped: defaultdict[str, list[ClaimedLine]] = defaultdict(list)
        for line in self._snapshot.lines:
            if line.max_price_minor is not None:
                capped[line.order_id].append(line)
        caps: dict[str, int] = {}
        for order_id, lines in capped.items():
            cap = price_cap_minor(lines[0].max_price_minor, criticality=lines[0].criticality)
            spent = self._snapshot.spent_minor.get(order_id, 0)
            least = {line.line_id: _cheapest_minor(found[line.line_id]) for line in lines}
            caps |= caps_of_lines(max(0, (cap or 0) - spent), least)
            self._order_caps |= _order_caps(cap or 0, spent=spent, least=least)
        return caps

    def _capped(
        self, line: ClaimedLine, findings: tuple[NodeFinding, ...], caps: Mapping[str, int]
    ) -> tuple[NodeFinding, ...]:
        return _within_cap(findings, caps.get(line.line_id), self._order_caps.get(line.line_id))

    def _line_chances(self, line: ClaimedLine, findings: tuple[NodeFinding, ...], cap_minor: int | None) -> LineChances:
        return line_chances(
            AskedBy(
                line=line, wish=self._wish(line), cap_minor=cap_minor, order_cap=self._order_caps.get(line.line_id)
            ),
            (finding.found for finding in findings),
            book=self._demands,
            limit=chances_per_line(len(self._snapshot.lines)),
        )

    def _line_choices(
        self, line: ClaimedLine, findings: tuple[NodeFinding, ...], splits: tuple[Option, ...]
    ) -> LineChoices:
        choices = self._choices_of(line, findings, splits)
        if choices.best:
            return choices
        found = [finding.found for finding in findings]
        return replace(choices, exclusions=self._splits.if_allowed(self._asked(line), found, choices.exclusions))

    def _choices_of(
        self, line: ClaimedLine, findings: tuple[NodeFinding, ...], splits: tuple[Option, ...]
    ) -> LineChoices:
        """Return a line's choices; lines that found the same, and neither wait for others nor split, have the same."""
        asks = likeness(line)
        if splits or self.consolidation.waits(line.line_id) or self._found.get(asks) is not findings:
            return self._new_choices(line, findings, splits)
        key = (asks, line.order_id in self._sharing_caps)
        if key not in self._chosen_from:
            self._chosen_from[key] = self._new_choices(line, findings, splits)
        return replace(self._chosen_from[key], line=line)

    def _new_choices(
        self, line: ClaimedLine, findings: tuple[NodeFinding, ...], splits: tuple[Option, ...]
    ) -> LineChoices:
        wish = self._wish(line)
        ways = (way for finding in findings for way in finding.ways)
        patient = self.consolidation.patient(line.line_id, ways, wish=wish, free=self._machines.free)
        earliest = earliest_options(patient, wish=wish)
        worth = worth_deciding(
            earliest,
            wish=wish,
            limit=options_per_line(len(self._snapshot.lines)),
            services_apart=line.order_id in self._sharing_caps,
        )
        every = best_first((*earliest, *splits)) if splits else earliest
        able = {way.node.node_id for way in ways_of(every)}
        return LineChoices(
            line=line,
            options=best_first((*worth.options, *splits)) if splits else worth.options,
            left_out=worth.left_out,
            exclusions=tuple(
                ExcludedNode(node=finding.node, reasons=finding.reasons)
                for finding in findings
                if finding.node.node_id not in able
            ),
            best=best_by_node(every),
            cheapest=cheapest(every),
            fastest=fastest(every),
            greenest=greenest(every),
        )

    def _asked(self, line: ClaimedLine) -> LineAsked:
        return LineAsked(
            line=line,
            revision=self._snapshot.revisions[line.revision_id],
            asking=self._gates.asking(line),
            destination=Location(
                latitude=line.ship_to_latitude, longitude=line.ship_to_longitude, country=line.ship_to_country
            ),
            wish=self._wish(line),
            may_share=policy_for(self._snapshot.policies, line.organisation_id).share_builds,
        )

    def _wish(self, line: ClaimedLine) -> Wish:
        return Wish(
            weights=with_waiting(
                policy_for(self._snapshot.policies, line.organisation_id).weights_for(line.objective),
                cost_of_waiting_minor=line.cost_of_waiting_minor,
            ),
            minutes_to_need_by=None if line.need_by is None else self.calendars.minutes_until(line.need_by),
            need_by_hard=line.need_by_hard,
        )


def _at_node(node: NodeView, against: Reasons, findings: tuple[OfferFinding, ...]) -> NodeFinding:
    """Return a node's ways if nothing speaks against it and an offer has some; else each reason once."""
    ways = tuple(way for finding in findings for way in finding.ways)
    of_offers = () if ways else tuple(reason for finding in findings for reason in finding.reasons)
    priced = [
        (finding.cheapest_minor, finding.machine_id) for finding in findings if finding.cheapest_minor is not None
    ]
    cheapest_minor, machine_id = min(priced, default=(None, None))
    return NodeFinding(
        node=node,
        ways=() if against else ways,
        reasons=nearest_of_each_code((*against, *of_offers)),
        cheapest_minor=cheapest_minor,
        cheapest_machine=machine_id,
        found=FoundAtNode(node=node, against=against, offers=findings),
    )


def is_made_by(way: Way, job: StandingJob) -> bool:
    """Tell whether a way is the one that a job goes: machine, material, settings, lot and service."""
    made = (way.offer.machine_id, way.offer.material.code, way.offer.parameter_set, way.lot.lot_id, way.service)
    return made == (job.machine_id, job.material, job.parameter_set, job.lot_id, job.shipping_service)


def _order_caps(cap_minor: int, *, spent: int, least: Mapping[str, int]) -> dict[str, OrderCap]:
    """Return an order's cap as each of its lines meets it; none for a line that has it all for itself."""
    others = {line_id: spent + sum(least.values()) - own for line_id, own in least.items()}
    return {
        line_id: OrderCap(maximum_minor=cap_minor, others_minor=minor) for line_id, minor in others.items() if minor
    }


def _within_cap(
    findings: tuple[NodeFinding, ...], cap_minor: int | None, order_cap: OrderCap | None = None
) -> tuple[NodeFinding, ...]:
    """Return the findings without ways that cost more than the line may; nodes that are too dear say so."""
    if cap_minor is None:
        return findings
    return tuple(_capped(finding, cap_minor, order_cap) for finding in findings)


def _capped(finding: NodeFinding, cap_minor: int, order_cap: OrderCap | None) -> NodeFinding:
    within = tuple(way for way in finding.ways if way.price.landed_minor <= cap_minor)
    if within:
        return replace(finding, ways=within)
    dear = min(finding.ways, key=lambda way: way.price.landed_minor, default=None)
    landed = finding.cheapest_minor if dear is None else dear.price.landed_minor
    if landed is None or landed <= cap_minor:
        return finding
    machine_id = finding.cheapest_machine if dear is None else dear.offer.machine_id
    return replace(finding, ways=(), reasons=(*finding.reasons, _too_dear(landed, cap_minor, order_cap, machine_id)))


def _too_dear(landed: int, cap_minor: int, order_cap: OrderCap | None, machine_id: str | None) -> Exclusion:
    if order_cap is None:
        return over_the_cap(landed_minor=landed, maximum_minor=cap_minor, machine_id=machine_id)
    return over_the_orders_cap(
        landed_minor=landed,
        others_minor=order_cap.others_minor,
        maximum_minor=order_cap.maximum_minor,
        machine_id=machine_id,
    )


def _ruled_out(node: NodeView, reasons: Reasons) -> NodeFinding:
    return NodeFinding(
        node=node,
        ways=(),
        reasons=reasons,
        cheapest_minor=None,
        cheapest_machine=None,
        found=FoundAtNode(node=node, against=reasons, offers=()),
    )


def _cheapest_minor(findings: tuple[NodeFinding, ...]) -> int:
    return min((way.price.landed_minor for finding in findings for way in finding.ways), default=0)
