"""What is asked about an owner's parts: where each of them is wanted, and how many at a time."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session

from fabroute.inventory.service import (
    LicenceView,
    RevisionView,
    read_licences,
    read_released_needs,
    read_revisions,
)
from fabroute.logistics.rules import Location
from fabroute.logistics.rules.regions import Region, region_of
from fabroute.network.service import NodeView
from fabroute.orders.service import OrderedTo, ordered_to
from fabroute.qualification.service import FirstArticleKey, FirstArticleView, read_qualifications
from fabroute.routing.rules.readiness import most_frequent, usual_quantity
from fabroute.routing.service.quoting import PartAsked, QuoteAsked


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A place that stands for a region, and how many pieces are usual there."""

    region: Region
    city: str
    location: Location
    quantity: int = 1
    ordered: bool = False
    """Whether this part was ordered to this region; else place and quantity are assumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessAsk:
    """A released part, wanted somewhere in its usual quantity."""

    revision: RevisionView
    wanted: Wanted
    question: QuoteAsked


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnParts:
    """An owner's released parts with all that is proved and permitted for them, and where they went."""

    organisation_id: str
    revisions: tuple[RevisionView, ...]
    first_articles: Mapping[FirstArticleKey, FirstArticleView] = field(default_factory=dict)
    licences: Mapping[str, tuple[LicenceView, ...]] = field(default_factory=dict)
    ordered: tuple[OrderedTo, ...] = ()


def read_own_parts(session: Session, *, organisation_id: str) -> OwnParts:
    """Return an owner's released parts by number, by four or five queries; of several releases the first by name."""
    ids = read_released_needs(session, organisation_id=organisation_id)
    by_part: dict[str, RevisionView] = {}
    for revision in sorted(read_revisions(session, revision_ids=ids.keys()).values(), key=_by_number):
        by_part.setdefault(revision.part_id, revision)
    released = tuple(by_part.values())
    kept = {revision.revision_id for revision in released}
    licensed = {revision.revision_id for revision in released if revision.licence_required}
    return OwnParts(
        organisation_id=organisation_id,
        revisions=released,
        first_articles=read_qualifications(session, revision_ids=kept, node_ids=()).first_articles if kept else {},
        licences=read_licences(session, revision_ids=licensed) if licensed else {},
        ordered=ordered_to(session, organisation_id=organisation_id),
    )


def asks_of(parts: OwnParts, nodes: Iterable[NodeView]) -> tuple[ReadinessAsk, ...]:
    """Return a question for each part and region where it is wanted, by part number and region.

    A part is wanted where it was ordered: at the place of the region to which most went, in the median quantity that
    went to the region. One that never was ordered is wanted, one at a time, where the owner orders other parts; without
    any order, in the regions of its own nodes; and with neither, in the region that has the most nodes.
    """
    places = _wanted_by_part(parts.ordered)
    elsewhere = _assumed(parts, tuple(nodes))
    return tuple(
        ReadinessAsk(revision=revision, wanted=wanted, question=_question(parts, revision, wanted))
        for revision in parts.revisions
        for wanted in places.get(revision.part_id, elsewhere)
    )


def _question(parts: OwnParts, revision: RevisionView, wanted: Wanted) -> QuoteAsked:
    return QuoteAsked(
        part=PartAsked(
            revision=revision,
            first_articles=parts.first_articles,
            licences=parts.licences.get(revision.revision_id, ()),
        ),
        quantities=(wanted.quantity,),
        destination=wanted.location,
        criticality=revision.criticality,
    )


def _wanted_by_part(ordered: Iterable[OrderedTo]) -> dict[str, tuple[Wanted, ...]]:
    by_part: defaultdict[str, list[OrderedTo]] = defaultdict(list)
    for row in ordered:
        by_part[row.part_id].append(row)
    return {part_id: _wanted(rows, ordered=True) for part_id, rows in by_part.items()}


def _wanted(rows: Sequence[OrderedTo], *, ordered: bool) -> tuple[Wanted, ...]:
    """Return where these rows go, one place a region; the quantities count only where the part itself was ordered."""
    by_region: defaultdict[Region, list[OrderedTo]] = defaultdict(list)
    for row in rows:
        by_region[region_of(row.country)].append(row)
    return tuple(_in_region(region, by_region[region], ordered=ordered) for region in sorted(by_region))


def _in_region(region: Region, rows: Sequence[OrderedTo], *, ordered: bool) -> Wanted:
    places, quantities = Counter[tuple[str, str, float, float]](), Counter[int]()
    for row in rows:
        places[row.country, row.city, row.latitude, row.longitude] += row.lines
        quantities[row.quantity] += row.lines
    country, city, latitude, longitude = most_frequent(places) or ("", "", 0.0, 0.0)
    return Wanted(
        region=region,
        city=city,
        location=Location(latitude=latitude, longitude=longitude, country=country),
        quantity=usual_quantity(quantities) if ordered else 1,
        ordered=ordered,
    )


def _assumed(parts: OwnParts, nodes: Sequence[NodeView]) -> tuple[Wanted, ...]:
    if parts.ordered:
        return _wanted(parts.ordered, ordered=False)
    own = [node for node in nodes if node.organisation_id == parts.organisation_id]
    if own:
        return _at_nodes(own)
    counted = Counter(region_of(node.country) for node in nodes)
    largest = min(counted, key=lambda region: (-counted[region], region), default=None)
    return _at_nodes([node for node in nodes if region_of(node.country) == largest])


def _at_nodes(nodes: Iterable[NodeView]) -> tuple[Wanted, ...]:
    """Return the place of the first node by id in each region."""
    first: dict[Region, NodeView] = {}
    for node in sorted(nodes, key=lambda each: each.node_id):
        first.setdefault(region_of(node.country), node)
    return tuple(_at_node(region, first[region]) for region in sorted(first))


def _at_node(region: Region, node: NodeView) -> Wanted:
    return Wanted(
        region=region,
        city=node.city,
        location=Location(latitude=node.latitude, longitude=node.longitude, country=node.country),
    )


def _by_number(revision: RevisionView) -> tuple[str, str]:
    return revision.part_no, revision.revision
