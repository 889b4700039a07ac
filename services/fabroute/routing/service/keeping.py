"""Whether what was quoted can still be kept: the quoted way, else one that is no dearer and no later; else why not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fabroute.logistics.rules import Service
from fabroute.network.service import NodeView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.rules import WEIGHTS, price_cap_minor
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.options import Option, Way, Wish, option_at
from fabroute.routing.service.quoted import Document, QuotedTerms, money, reason_document
from fabroute.routing.service.sentences import day_name, euro
from fabroute.routing.service.timing import Calendars
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.eligibility.commerce import price_cap

PRICE_CHANGED = "PRICE_CHANGED"
"""A reason of its own, beside the codes of nodes: what was quoted costs more now, within the customer's cap if any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An option that keeps what was quoted."""

    option: Option
    as_quoted: bool
    """Made on the quoted machine and sent by the quoted service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Why nothing keeps what was quoted."""

    reasons: tuple[Document, ...]
    """Of the quoted machine and service: at least one, each with code, words and figures."""
    alternative: Document | None
    """What comes nearest; ``None`` where no node can make it any more."""


def keep_terms(
    finder: CandidateFinder, snapshot: RoutingSnapshot, line: ClaimedLine, terms: QuotedTerms
) -> Kept | Broken:
    """Return how a line can be made as it was quoted, on the network of ``snapshot``, or exactly why it can't.

    The quoted machine and service come first; then whatever costs no more landed and is promised (P90) no later, the
    cheapest of it.
    """
    strict = _strict(line, terms)
    ways = [way for finding in finder.findings(strict) for way in finding.ways]
    affordable = [way for way in ways if way.price.landed_minor <= terms.landed_minor]
    options = sorted((_earliest(way, line) for way in affordable), key=_rank)
    quoted = [option for option in options if _is_quoted(option.way, terms)]
    chosen = next(iter((*sorted(quoted, key=lambda option: option.way.lot.lot_id != terms.lot_id), *options)), None)
    if chosen is not None:
        return Kept(option=chosen, as_quoted=bool(quoted))
    cap_minor = price_cap_minor(line.max_price_minor, criticality=line.criticality)
    return Broken(
        reasons=_reasons(snapshot, strict, terms, cap_minor=cap_minor),
        alternative=_alternative(finder, line, terms),
    )


def kept_sentence(kept: Kept, terms: QuotedTerms, *, label: str, calendars: Calendars) -> str:
    """Return in a sentence that a quote was accepted, and where what was agreed is made."""
    way, arrives = kept.option.way, day_name(calendars.instant(kept.option.minutes))
    price, quoted = euro(way.price.landed_minor), euro(terms.landed_minor)
    if not kept.as_quoted:
        agreed = f"{label} offer of {terms.city} accepted at {quoted} EUR by {day_name(terms.promised_at)}"
        return f"{way.node.city}: {price} EUR, arrives {arrives}; {agreed}, which it can't keep any more"
    accepted = f"{way.node.city}: {label} offer accepted at {quoted} EUR, arrives {arrives}"
    return accepted if price == quoted else f"{accepted}; it costs {price} EUR now"


def _strict(line: ClaimedLine, terms: QuotedTerms) -> ClaimedLine:
    """Return the line as if the agreed day were the last possible one; what it costs is compared afterwards."""
    return replace(line, need_by=terms.promised_at, need_by_hard=True, max_price_minor=None)


def _earliest(way: Way, line: ClaimedLine) -> Option:
    wish = Wish(weights=WEIGHTS[line.objective], minutes_to_need_by=None, need_by_hard=True)
    return option_at(way, way.earliest, wish=wish)


def _rank(option: Option) -> tuple[int, int, str, str, str]:
    way = option.way
    return (way.price.landed_minor, option.minutes, way.node.node_id, way.offer.offer_id, way.lot.lot_id)


def _is_quoted(way: Way, terms: QuotedTerms) -> bool:
    return way.offer.offer_id == terms.machine_offer_id and way.service == terms.service


def _reasons(
    snapshot: RoutingSnapshot, strict: ClaimedLine, terms: QuotedTerms, *, cap_minor: int | None
) -> tuple[Document, ...]:
    """Return what speaks against the quoted machine and service, looked at as if there were nothing else."""
    node = snapshot.network.nodes.get(terms.node_id)
    if node is None:
        return (_gone("NODE_DOWN", f"node {terms.node_id} left the network", node_id=terms.node_id),)
    if all(offer.offer_id != terms.machine_offer_id for offer in snapshot.network.offers):
        message = f"machine {terms.machine_id} is not offered so any more"
        return (_gone("PROCESS_MATERIAL", message, machine_id=terms.machine_id),)
    (finding,) = CandidateFinder(_quoted_only(snapshot, node, terms)).findings(strict)
    now_minor = min((way.price.landed_minor for way in finding.ways), default=0)
    if now_minor <= terms.landed_minor:
        return tuple(map(reason_document, finding.reasons))
    over = price_cap(landed_minor=now_minor, maximum_minor=cap_minor, machine_id=terms.machine_id)
    return (_dearer(terms, now_minor=now_minor) if over is None else reason_document(over),)


def _dearer(terms: QuotedTerms, *, now_minor: int) -> Document:
    """Return that the quoted machine and service cost more than was quoted, though no more than the customer's cap."""
    return {
        "code": PRICE_CHANGED,
        "message": f"now costs {euro(now_minor)} EUR landed, {euro(terms.landed_minor)} EUR were quoted: "
        "the node's rates, a tariff or a duty changed since",
        "figures": {"now_minor": now_minor, "quoted_minor": terms.landed_minor},
        "machine_id": terms.machine_id,
    }


def _gone(code: str, message: str, **figures: str) -> Document:
    return {"code": code, "message": message, "figures": figures, "machine_id": figures.get("machine_id")}


def _quoted_only(snapshot: RoutingSnapshot, node: NodeView, terms: QuotedTerms) -> RoutingSnapshot:
    """Return a snapshot in which only the quoted machine works and only the quoted service goes."""
    network, logistics, service = snapshot.network, snapshot.logistics, Service(terms.service)
    lanes = {
        zone: tuple(used for used in services if used is service)
        for zone, services in logistics.lanes.get(node.node_id, {}).items()
    }
    machines = {machine_id: it for machine_id, it in network.machines.items() if it.node_id == node.node_id}
    return replace(
        snapshot,
        network=replace(
            network,
            nodes={node.node_id: node},
            machines=machines,
            offers=tuple(offer for offer in network.offers if offer.offer_id == terms.machine_offer_id),
            capacity={machine_id: network.capacity[machine_id] for machine_id in machines},
        ),
        logistics=replace(logistics, lanes={node.node_id: lanes}),
    )


def _alternative(finder: CandidateFinder, line: ClaimedLine, terms: QuotedTerms) -> Document | None:
    """Return what comes nearest to the quote by the order's own need-by: in time if it can be, then cheap."""
    options = [_earliest(way, line) for finding in finder.findings(line) for way in finding.ways]
    nearest = min(options, key=lambda option: _distance(option, terms, finder.calendars), default=None)
    return None if nearest is None else _alternative_document(nearest, terms, finder.calendars)


def _distance(option: Option, terms: QuotedTerms, calendars: Calendars) -> tuple[int, int, Sequence[object]]:
    """Return how far an option is from the quote: minutes late, then cents dearer; and its rank."""
    late = calendars.instant(option.minutes) - terms.promised_at
    return (
        max(0, int(late.total_seconds() // 60)),
        max(0, option.price.landed_minor - terms.landed_minor),
        _rank(option),
    )


def _alternative_document(option: Option, terms: QuotedTerms, calendars: Calendars) -> Document:
    way, arrival = option.way, calendars.instant(option.minutes)
    return {
        "node_id": way.node.node_id,
        "city": way.node.city,
        "country": way.node.country,
        "service": way.service,
        "landed": money(way.price.landed_minor),
        "promised_at": arrival.isoformat(),
        "more_minor": way.price.landed_minor - terms.landed_minor,
        "later_hours": round((arrival - terms.promised_at).total_seconds() / 3600, 1),
    }
