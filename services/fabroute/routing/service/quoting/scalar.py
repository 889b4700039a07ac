"""Quotes by the code that routes orders, one option after the other: slow, and the measure of the quick ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from fabroute.orders.service import ClaimedLine
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.candidates import CandidateFinder, NodeFinding
from fabroute.routing.service.options import ExcludedNode, Option
from fabroute.routing.service.quoting.answers import (
    CHEAPEST,
    ParetoPoint,
    QuantityQuote,
    QuotedOffer,
    QuoteResult,
    RuledOut,
)
from fabroute.routing.service.quoting.asking import QuoteAsked
from fabroute.routing.service.quoting.book import QuoteBook
from fabroute.routing.service.quoting.choosing import Merits, best, pareto
from fabroute.routing.service.quoting.grouping import rule_out
from fabroute.routing.service.quoting.oversized import oversize_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the scalar finder has for a quantity, options in the order of names."""

    quantity: int
    options: tuple[Option, ...]
    exclusions: tuple[ExcludedNode, ...]


def quote_one_by_one(book: QuoteBook, asked: QuoteAsked) -> QuoteResult:
    """Return the offers and exclusions for each quantity, each looked at like an order line of its own."""
    lines = tuple(_line(asked, quantity, book.as_of) for quantity in asked.quantities)
    revision = asked.part.revision
    snapshot = replace(
        book.snapshot,
        lines=lines,
        revisions={revision.revision_id: revision},
        qualifications=replace(book.snapshot.qualifications, first_articles=asked.part.first_articles),
        licences={revision.revision_id: asked.part.licences} if asked.part.licences else {},
    )
    finder = CandidateFinder(snapshot)
    found = [_found(finder, line) for line in lines]
    ruled_out = rule_out(snapshot.network.nodes.values(), [(each.quantity, each.exclusions) for each in found])
    quotes = tuple(_quantity_quote(finder, asked, each, ruled_out) for each in found)
    return QuoteResult(as_of=book.as_of, quotes=quotes, oversize=oversize_of(book, asked, quotes))


def _line(asked: QuoteAsked, quantity: int, now: datetime) -> ClaimedLine:
    revision = asked.part.revision
    return ClaimedLine(
        line_id=f"quote_{quantity}",
        order_id=f"quote_{quantity}",
        organisation_id=revision.organisation_id,
        position=1,
        part_id=revision.part_id,
        revision_id=revision.revision_id,
        quantity=quantity,
        fence=0,
        attempts=0,
        objective=CHEAPEST,
        criticality=asked.criticality,
        packaging=asked.packaging,
        need_by=asked.need_by,
        need_by_hard=asked.need_by_hard,
        max_price_minor=asked.max_price_minor,
        ship_to_city="",
        ship_to_country=asked.destination.country,
        ship_to_latitude=asked.destination.latitude,
        ship_to_longitude=asked.destination.longitude,
        placed_at=now,
    )


def _found(finder: CandidateFinder, line: ClaimedLine) -> _Found:
    findings = finder.findings(line)
    return _Found(
        quantity=line.quantity,
        options=_options(finder, line, findings),
        exclusions=tuple(
            ExcludedNode(node=finding.node, reasons=finding.reasons) for finding in findings if not finding.ways
        ),
    )


def _options(finder: CandidateFinder, line: ClaimedLine, findings: Sequence[NodeFinding]) -> tuple[Option, ...]:
    """Return the earliest option of each offer and service, with the first lot that will do."""
    first: dict[tuple[str, str, str], Option] = {}
    for option in sorted(finder.earliest(line, findings), key=_name):
        way = option.way
        first.setdefault((way.node.node_id, way.offer.offer_id, way.service), option)
    return tuple(first.values())


def _quantity_quote(
    finder: CandidateFinder, asked: QuoteAsked, found: _Found, ruled_out: tuple[RuledOut, ...]
) -> QuantityQuote:
    merits = _merits(found.options)
    return QuantityQuote(
        quantity=found.quantity,
        offers=tuple(_offer(finder, asked, found, position, labels) for labels, position in best(merits)),
        candidates=len({option.way.node.node_id for option in found.options}),
        pareto=tuple(_point(finder, found.options[position]) for position in pareto(merits)),
        ruled_out=ruled_out,
    )


def _offer(
    finder: CandidateFinder, asked: QuoteAsked, found: _Found, position: int, labels: tuple[str, ...]
) -> QuotedOffer:
    option = found.options[position]
    way = option.way
    instant, arrivals = finder.calendars.instant, way.arrivals
    return QuotedOffer(
        labels=labels,
        quantity=found.quantity,
        node=way.node,
        offer=way.offer,
        lot_id=way.lot.lot_id,
        service=way.service,
        carrier=way.carrier,
        price=way.price,
        earliest_at=instant(int(arrivals.p10[option.bucket])),
        expected_at=instant(int(arrivals.p50[option.bucket])),
        promised_at=instant(option.minutes),
        on_time_per_mille=_on_time(finder, asked, option),
        cutoff_at=finder.calendars.clock(way.node).cutoff_at,
        produce_by=finder.calendars.day(option.bucket),
        machine_minutes=way.machine_minutes,
        grams=way.grams,
        figures=way.figures,
    )


def _on_time(finder: CandidateFinder, asked: QuoteAsked, option: Option) -> int | None:
    if asked.need_by is None:
        return None
    return option.way.arrivals.on_time_per_mille(option.bucket, minutes=finder.calendars.minutes_until(asked.need_by))


def _point(finder: CandidateFinder, option: Option) -> ParetoPoint:
    way = option.way
    return ParetoPoint(
        node_id=way.node.node_id,
        offer_id=way.offer.offer_id,
        service=way.service,
        landed_minor=way.price.landed_minor,
        promised_at=finder.calendars.instant(option.minutes),
        co2e_g=way.price.co2e_g,
    )


def _merits(options: Sequence[Option]) -> Merits:
    """Return what options are compared by; their order breaks ties."""
    return Merits(
        landed_minor=_integers(option.price.landed_minor for option in options),
        promised=_integers(option.minutes for option in options),
        co2e_g=_integers(option.price.co2e_g for option in options),
        rank=np.arange(len(options)),
    )


def _integers(values: Iterable[int]) -> Days:
    return np.fromiter(values, dtype=np.int64)


def _name(option: Option) -> tuple[str, str, str, str]:
    way = option.way
    return (way.node.node_id, way.offer.offer_id, way.lot.lot_id, way.service)
