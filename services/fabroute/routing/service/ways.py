"""Every way in which one offer can serve a line, or all that speaks against the offer."""

from dataclasses import dataclass
from datetime import date

from fabroute.estimation.facts import InvalidFact
from fabroute.estimation.first_article import with_first_article
from fabroute.estimation.production import ProductionEstimate
from fabroute.inventory.service import RevisionView
from fabroute.kernel.events import JsonScalar
from fabroute.logistics.rules import Location, NoDutyRule, ParcelTooHeavy, Service
from fabroute.network.service import LotView, NodeView, OfferView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.service.arrivals import Arrivals, Days
from fabroute.routing.service.estimable import no_estimate
from fabroute.routing.service.gates import Asking, Gatekeeper, Reasons
from fabroute.routing.service.machines import MachineTime
from fabroute.routing.service.openings import opening_of
from fabroute.routing.service.options import Price, Way, Wish
from fabroute.routing.service.pricing import Goods, Pricing, landed_price
from fabroute.routing.service.timing import BEYOND_MINUTES, NEVER, Calendars, latest_bucket
from fabroute.solver.eligibility import Exclusion, ExclusionCode, ProductionWindow
from fabroute.solver.eligibility.commerce import capacity, need_by

NEEDED_DAYS, PLANNED_DAYS = "needed_days", "planned_days"
"""Figures of what lasts longer than calendars are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAsked:
    """A line with all that is looked up once for it."""

    line: ClaimedLine
    revision: RevisionView
    asking: Asking
    destination: Location
    wish: Wish
    may_share: bool = True
    """Whether its owner lets others share its builds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A service with its price, its arrivals, the last day of production it allows, and what hinders it."""

    service: Service
    carrier: str
    price: Price
    arrivals: Arrivals
    latest: int
    hindrance: Exclusion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What an offer would take for a line, kept so that nothing is worked out twice to explain a decision."""

    offer: OfferView
    sendings: tuple[Sending, ...]
    """Every service that takes the parcel, in time or not."""
    machine_minutes: int
    grams: int
    lots: tuple[LotView, ...]
    """That serve the line; none where ``standing`` says why."""
    earliest: int
    """First bucket by which the machine, as it is now, can have made the line; ``NEVER`` if not within the horizon."""
    empty: int
    """The same if the machine held nothing; ``earliest`` where the machine does not hinder."""
    standing: Reasons
    """Against the offer on any day that counts: all but date and queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFinding:
    """The ways that an offer has for a line; without any, the reasons why."""

    machine_id: str
    ways: tuple[Way, ...] = ()
    reasons: Reasons = ()
    cheapest_minor: int | None = None
    """The least landed cost here, even where reasons speak against it; ``None`` where there is no price."""
    priced: Priced | None = None
    """What it would take here, whatever speaks against it; ``None`` where there is no price."""


class WayFinder:
    """Finds ways on one snapshot."""

    def __init__(self, calendars: Calendars, gates: Gatekeeper, pricing: Pricing, machines: MachineTime) -> None:
        self._calendars = calendars
        self._gates = gates
        self._pricing = pricing
        self._machines = machines

    def look(self, asked: LineAsked, node: NodeView, offer: OfferView, services: tuple[Service, ...]) -> OfferFinding:
        """Return the ways to serve a line by an offer, sent by one of ``services``; or every reason against it."""
        reasons = self._gates.offer_reasons(asked.asking, offer)
        if any(reason.code is ExclusionCode.BUILD_VOLUME for reason in reasons):
            return OfferFinding(machine_id=offer.machine_id, reasons=reasons)
        try:
            estimate = self._estimate(asked, node, offer)
        except InvalidFact as error:
            return OfferFinding(machine_id=offer.machine_id, reasons=(*reasons, no_estimate(offer, error)))
        return self._estimated(asked, node, offer, estimate, services)

    def _estimate(self, asked: LineAsked, node: NodeView, offer: OfferView) -> ProductionEstimate:
        """Return what a line takes by an offer; with a build more where it begins with a first article."""
        quantity = asked.line.quantity
        whole = self._pricing.estimate(asked.revision, quantity=quantity, node=node, offer=offer)
        if quantity == 1 or not asked.asking.facts.first_article:
            return whole
        if not self._gates.begins_with_first_article(asked.asking, offer, self._window(node, offer, whole)):
            return whole
        return with_first_article(
            self._pricing.estimate(asked.revision, quantity=1, node=node, offer=offer),
            self._pricing.estimate(asked.revision, quantity=quantity - 1, node=node, offer=offer),
        )

    def _estimated(
        self,
        asked: LineAsked,
        node: NodeView,
        offer: OfferView,
        estimate: ProductionEstimate,
        services: tuple[Service, ...],
    ) -> OfferFinding:
        reasons = self._gates.offer_reasons(asked.asking, offer)
        sendings, refusals = self._sendings(asked, node, offer, estimate, services)
        window = self._window(node, offer, estimate)
        stock = self._gates.usable_lots(offer, window, grams=estimate.material_grams)
        before = (
            *reasons,
            *self._gates.minimum_order_reasons(offer, price_minor=estimate.price_minor - estimate.minimum_top_up_minor),
        )
        after = (
            *self._gates.proof_reasons(asked.asking, offer, window),
            *self._gates.licence_reasons(
                asked.asking, node.node_id, prints=asked.line.quantity, through=window.last_day
            ),
            *stock.reasons,
        )
        against = (*before, *(refusals if not sendings else _hindrances(sendings)), *after)
        return OfferFinding(
            machine_id=offer.machine_id,
            ways=() if against else self._ways(asked, node, offer, estimate, sendings, stock.lots),
            reasons=against,
            cheapest_minor=min((sending.price.landed_minor for sending in sendings), default=None),
            priced=self._priced(offer, estimate, sendings, standing=(*before, *after), lots=stock.lots),
        )

    def _priced(
        self,
        offer: OfferView,
        estimate: ProductionEstimate,
        sendings: list[Sending],
        *,
        standing: Reasons,
        lots: tuple[LotView, ...],
    ) -> Priced | None:
        if not sendings:
            return None
        hindered = any(sending.hindrance is not None for sending in sendings)
        return Priced(
            offer=offer,
            sendings=tuple(sendings),
            machine_minutes=estimate.machine_minutes,
            grams=estimate.material_grams,
            lots=lots,
            earliest=self._machines.earliest(offer.machine_id, estimate),
            empty=self._machines.earliest(offer.machine_id, estimate, empty=hindered),
            standing=standing,
        )

    def _sendings(
        self,
        asked: LineAsked,
        node: NodeView,
        offer: OfferView,
        estimate: ProductionEstimate,
        services: tuple[Service, ...],
    ) -> tuple[list[Sending], Reasons]:
        """Return what each service has to offer, and why some don't take the parcel."""
        goods = self._pricing.goods(asked.revision, estimate, criticality=asked.line.criticality)
        sendings, refusals = [], []
        for service in services:
            try:
                sendings.append(self._sending(asked, node, offer, estimate, goods, service))
            except (NoDutyRule, ParcelTooHeavy) as error:
                refusals.append(not_taken(error, country=asked.destination.country))
        return sendings, tuple(refusals)

    def _sending(
        self,
        asked: LineAsked,
        node: NodeView,
        offer: OfferView,
        estimate: ProductionEstimate,
        goods: Goods,
        service: Service,
    ) -> Sending:
        quote = self._pricing.quote(
            node, asked.destination, goods=goods, service=service, day=self._calendars.clock(node).first_day
        )
        arrivals = self._calendars.arrivals(
            node, estimate=estimate, destination=asked.destination, transit=quote.transit
        )
        latest = self._latest(asked.wish, arrivals.p90)
        return Sending(
            service=service,
            carrier=quote.carrier,
            price=landed_price(estimate, quote),
            arrivals=arrivals,
            latest=latest,
            hindrance=self._beyond(node, offer, estimate, arrivals.p90)
            or self._hindrance(asked, offer, estimate, arrivals.p90, latest),
        )

    def _beyond(
        self, node: NodeView, offer: OfferView, estimate: ProductionEstimate, minutes: Days
    ) -> Exclusion | None:
        """Return that even from an empty machine nothing would arrive on a day that calendars know, if so."""
        if minutes[-1] <= BEYOND_MINUTES:
            return None
        empty = self._machines.earliest(offer.machine_id, estimate, empty=True)
        if empty == NEVER or minutes[empty] <= BEYOND_MINUTES:
            return None
        ready = estimate.off_machine_minutes + max(estimate.delays_minutes)
        return beyond_calendars(
            ready_bucket=empty + self._calendars.days_to_dispatch(node, ready),
            planned_days=self._calendars.planned_days,
            machine_minutes=estimate.machine_minutes,
            machine_id=offer.machine_id,
        )

    def _hindrance(
        self, asked: LineAsked, offer: OfferView, estimate: ProductionEstimate, minutes: Days, latest: int
    ) -> Exclusion | None:
        """Return why a service is too late: even with an empty machine, or because of what the machine holds."""
        machine_id = offer.machine_id
        if self._machines.earliest(machine_id, estimate) <= latest:
            return None
        empty = self._machines.earliest(machine_id, estimate, empty=True)
        if empty > latest and empty != NEVER and asked.line.need_by is not None:
            arrival = self._calendars.instant(int(minutes[empty]))
            return need_by(earliest_arrival=arrival, needed_at=asked.line.need_by, machine_id=machine_id)
        free, last_day = self._machines.free_until(machine_id, latest), self._calendars.day(latest)
        return capacity(
            needed_minutes=estimate.machine_minutes,
            available_minutes=free,
            last_day=last_day,
            machine_id=machine_id,
        ) or build_too_long(build_minutes=estimate.build_minutes, last_day=last_day, machine_id=machine_id)

    def _latest(self, wish: Wish, minutes: Days) -> int:
        wanted = wish.deadline_minutes
        end = BEYOND_MINUTES if wanted is None else min(wanted, BEYOND_MINUTES)
        return latest_bucket(minutes, minutes_to_need_by=end)

    def _window(self, node: NodeView, offer: OfferView, estimate: ProductionEstimate) -> ProductionWindow:
        """Return the earliest days of production, for what must hold through it."""
        ends = (self._machines.earliest(offer.machine_id, estimate, empty=empty) for empty in (False, True))
        last = next((bucket for bucket in ends if bucket != NEVER), self._calendars.horizon_days - 1)
        first_day = self._calendars.clock(node).first_day
        return ProductionWindow(first_day=first_day, last_day=max(first_day, self._calendars.day(last)))

    def _ways(
        self,
        asked: LineAsked,
        node: NodeView,
        offer: OfferView,
        estimate: ProductionEstimate,
        sendings: list[Sending],
        lots: tuple[LotView, ...],
    ) -> tuple[Way, ...]:
        earliest = self._machines.earliest(offer.machine_id, estimate)
        first_day, prints = self._calendars.clock(node).first_day, asked.line.quantity
        until = self._gates.proven_until(asked.asking, offer, first_day, prints=prints)
        proven = -1 if until is None else self._calendars.bucket(until)
        ways = (
            Way(
                node=node,
                offer=offer,
                lot=lot,
                service=sending.service.value,
                carrier=sending.carrier,
                price=sending.price,
                machine_minutes=estimate.machine_minutes,
                grams=estimate.material_grams,
                arrivals=sending.arrivals,
                earliest=earliest,
                latest=min(sending.latest, proven, self._calendars.bucket(lot.expires_on)),
                figures=estimate.figures,
                opening=opening_of(estimate, asked.line, asked.revision, may_share=asked.may_share),
            )
            for sending in sendings
            if sending.hindrance is None
            for lot in lots
        )
        return tuple(way for way in ways if way.earliest <= way.latest)


def _hindrances(sendings: list[Sending]) -> Reasons:
    """Return what hinders every service; nothing if one of them is free.

    If one service would do with an empty machine, the machine is what hinders, whatever the slower services say. That
    nothing arrives on a day that calendars know only counts where it is so for all of them.
    """
    hindering = tuple(sending.hindrance for sending in sendings if sending.hindrance is not None)
    if len(hindering) < len(sendings):
        return ()
    planned = tuple(reason for reason in hindering if PLANNED_DAYS not in reason.figures)
    full = tuple(reason for reason in planned if reason.code is ExclusionCode.CAPACITY)
    return full or planned or hindering


def not_taken(refusal: NoDutyRule | ParcelTooHeavy, *, country: str) -> Exclusion:
    """Return that a service does not take a parcel into a country, in the words of what refused it."""
    figures: dict[str, JsonScalar] = {"ship_to": country}
    if isinstance(refusal, ParcelTooHeavy):
        figures |= {"weight_g": refusal.weight_grams, "limit_g": refusal.limit_grams}
    return Exclusion(code=ExclusionCode.LANE_MISSING, message=refusal.message, figures=figures)


def beyond_calendars(*, ready_bucket: int, planned_days: int, machine_minutes: int, machine_id: str) -> Exclusion:
    """Return why nothing is promised: machine, finishing and carrier take longer than calendars are known ahead.

    ``ready_bucket``: the day, counted from 0, on which the parcel is ready even if its builds end late.
    """
    needed_days = max(ready_bucket, planned_days) + 1
    return Exclusion(
        code=ExclusionCode.CAPACITY,
        message=f"takes at least {needed_days} days to be made and sent, {planned_days} are planned ahead",
        figures={NEEDED_DAYS: needed_days, PLANNED_DAYS: planned_days, "needed_minutes": machine_minutes},
        machine_id=machine_id,
    )


def build_too_long(*, build_minutes: int, last_day: date, machine_id: str) -> Exclusion:
    """Return why a machine that has minutes enough still can't: a build that begins now is over too late."""
    by = last_day.isoformat()
    return Exclusion(
        code=ExclusionCode.CAPACITY,
        message=f"a build takes {build_minutes} min and can't be over by {by}",
        figures={"needed_minutes": build_minutes, "free_minutes": 0, "by": by},
        machine_id=machine_id,
    )
