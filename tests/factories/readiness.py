"""Networks with a node less or a proof more, made for real: what readiness only reckons with."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from fabroute.kernel.time import utc_now
from fabroute.logistics.rules import Location
from fabroute.network.service import LotView
from fabroute.qualification.service import CertificateView, FirstArticleView
from fabroute.routing.rules.readiness import LOOKAHEAD_DAYS
from fabroute.routing.service.quoting import PartAsked, QuoteAsked, QuoteBook
from fabroute.routing.service.quoting.scalar import quote_one_by_one
from fabroute.routing.service.readiness_asks import ReadinessAsk, Wanted
from fabroute.routing.service.readiness_books import Books
from fabroute.routing.service.readiness_finding import Need, Source
from fabroute.routing.service.readiness_work import ReadinessLimits, make_readiness
from fabroute.routing.snapshot import RoutingSnapshot
from tests.factories.api import Api

BERLIN = Location(latitude=52.52, longitude=13.405, country="DE")
A_LONG_TIME = (date(2020, 1, 1), date(2099, 12, 31))


def given_readiness(api: Api) -> str:
    """Ask over HTTP for a report of the owner's parts, have it made as a worker would, and return its id."""
    asked = api.client.post("/v1/readiness")
    while make_readiness(api.engine, limits=ReadinessLimits(horizon_days=45), now=utc_now()) is not None:
        continue
    return str(asked.json()["id"])


def an_ask(part: PartAsked, *, destination: Location = BERLIN, quantity: int = 1) -> ReadinessAsk:
    """Return a question about a part for a region."""
    return ReadinessAsk(
        revision=part.revision,
        wanted=Wanted(region="europe", city="Berlin", location=destination, quantity=quantity, ordered=True),
        question=QuoteAsked(
            part=part, quantities=(quantity,), destination=destination, criticality=part.revision.criticality
        ),
    )


def books_of(snapshot: RoutingSnapshot) -> Books:
    """Return the book of a snapshot and that of the same network thirty days later, as free as now."""
    then = snapshot.now + timedelta(days=LOOKAHEAD_DAYS)
    network = replace(
        snapshot.network, first_day=then.date(), last_day=then.date() + timedelta(days=snapshot.horizon_days - 1)
    )
    later = replace(snapshot, now=then, network=network)
    return Books(now=QuoteBook(snapshot=snapshot), later=QuoteBook(snapshot=later))


def without_nodes(snapshot: RoutingSnapshot, node_ids: Sequence[str]) -> RoutingSnapshot:
    """Return a snapshot in which some nodes have never been."""
    network = snapshot.network
    machines = {key: machine for key, machine in network.machines.items() if machine.node_id not in node_ids}
    return replace(
        snapshot,
        network=replace(
            network,
            nodes={key: node for key, node in network.nodes.items() if key not in node_ids},
            machines=machines,
            offers=tuple(offer for offer in network.offers if offer.node_id not in node_ids),
            lots=tuple(lot for lot in network.lots if lot.node_id not in node_ids),
            capacity={key: network.capacity[key] for key in machines},
        ),
    )


def routed_at(snapshot: RoutingSnapshot, asked: QuoteAsked) -> dict[str, int]:
    """Return what a part costs landed at each node that can make it, by the finder that routes orders."""
    (found,) = quote_one_by_one(QuoteBook(snapshot=snapshot), asked).quotes
    landed: dict[str, int] = {}
    for point in found.pareto:
        landed[point.node_id] = min(point.landed_minor, landed.get(point.node_id, point.landed_minor))
    return landed


def nodes_that_can(snapshot: RoutingSnapshot, asked: QuoteAsked) -> int:
    """Return how many nodes can make a part, by the finder that routes orders."""
    return quote_one_by_one(QuoteBook(snapshot=snapshot), asked).quotes[0].candidates


def with_what_it_needs(
    snapshot: RoutingSnapshot, asked: QuoteAsked, source: Source
) -> tuple[RoutingSnapshot, QuoteAsked]:
    """Return the network and the question as they are once a node has got all that it needs."""
    for need in source.needs:
        if need.kind == "material":
            snapshot = _with_lot(snapshot, source)
        elif need.kind == "certificate":
            snapshot = _with_certificate(snapshot, need)
        else:
            asked = replace(asked, part=_with_first_article(asked.part, source))
    return snapshot, asked


def _with_lot(snapshot: RoutingSnapshot, source: Source) -> RoutingSnapshot:
    lot = LotView(
        lot_id="lot_new",
        node_id=source.node.node_id,
        material=source.material,
        initial_grams=source.grams,
        remaining_grams=source.grams,
        expires_on=A_LONG_TIME[1],
        state="available",
        reuse_count=0,
    )
    return replace(snapshot, network=replace(snapshot.network, lots=(*snapshot.network.lots, lot)))


def _with_certificate(snapshot: RoutingSnapshot, need: Need) -> RoutingSnapshot:
    certificate = CertificateView(
        certificate_id=f"crt_{need.subject}",
        node_id=need.node_id,
        scheme=need.subject,
        scope_kind="site",
        scope="*",
        valid_from=A_LONG_TIME[0],
        valid_to=A_LONG_TIME[1],
        verified_at=snapshot.now,
    )
    held = snapshot.qualifications.certificates
    all_held = {**held, need.node_id: (*held.get(need.node_id, ()), certificate)}
    return replace(snapshot, qualifications=replace(snapshot.qualifications, certificates=all_held))


def _with_first_article(part: PartAsked, source: Source) -> PartAsked:
    revision_id = part.revision.revision_id
    article = FirstArticleView(
        first_article_id="fai_new",
        revision_id=revision_id,
        node_id=source.node.node_id,
        machine_id=source.machine_id,
        material=source.material,
        parameter_set=source.parameter_set,
        approved_on=A_LONG_TIME[0],
        last_production_on=A_LONG_TIME[1],
    )
    key = (revision_id, source.machine_id, source.material, source.parameter_set)
    return replace(part, first_articles={**part.first_articles, key: article})
