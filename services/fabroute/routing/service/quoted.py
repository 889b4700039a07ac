"""A quote as it is stored and shown, and what of an offer is held against the network when it is accepted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from fabroute.estimation.sources import SourcedFigure
from fabroute.kernel.money import minor_from_euro_cents
from fabroute.network.service import NodeView
from fabroute.routing.service.explaining.oversize import oversize_document
from fabroute.routing.service.options import Price
from fabroute.routing.service.quoting.answers import QuantityQuote, QuotedOffer, QuoteResult, RoutableIf, RuledOut
from fabroute.solver.eligibility import Exclusion

Document = dict[str, object]

_EURO = "EUR"
_GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "machine": "machine",
        "operator": "labour",
        "setup_and_unloading": "labour",
        "file_preparation": "labour",
        "material": "material",
        "consumables_and_gas": "consumables",
        "post_processing": "post",
        "inspection": "inspection",
        "yield_loss": "yield",
        "margin": "margin",
        "minimum_order_top_up": "minimum_order",
        "duty": "duty",
    }
)
"""What the rows of a price count as; all others are freight."""
GROUPS = (*dict.fromkeys(_GROUPS.values()), "freight")


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency:
    """In which currency prices are shown beside EUR, and how much of it a euro buys."""

    code: str = _EURO
    per_eur: float = 1.0

    def of(self, minor: Decimal | int) -> Document:
        """Return cents of a euro as money of the currency in its own minor unit (whole yen), half of one up."""
        amount = minor_from_euro_cents(minor, currency=self.code, per_eur=self.per_eur)
        return {"amount_minor": amount, "currency": self.code}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedTerms:
    """What an offer of a quote says: how and where it is made and sent, for what price, until when."""

    quantity: int
    labels: tuple[str, ...]
    node_id: str
    city: str
    machine_id: str
    machine_offer_id: str
    lot_id: str
    service: str
    landed_minor: int
    promised_at: datetime
    valid_until: datetime | None = None
    """Until when it stands: the quote's end, or the node's cut-off before it; ``None`` in old quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paper:
    """What a quote is written on: the same for all its offers."""

    quote_id: str
    currency: Currency
    valid_until: datetime

    def offer_until(self, offer: QuotedOffer) -> datetime:
        return min(self.valid_until, offer.cutoff_at)


def quote_document(result: QuoteResult, *, quote_id: str, currency: Currency, valid_until: datetime) -> Document:
    """Return a quote as it is stored and shown: offers by quantity, price breaks, and all that was ruled out.

    An offer stands as long as the quote, but not after its node's next cut-off.
    """
    paper = _Paper(quote_id=quote_id, currency=currency, valid_until=valid_until)
    ends = [paper.offer_until(offer) for quote in result.quotes for offer in quote.offers]
    return {
        "shortest_valid_until": min(ends).isoformat() if ends else None,
        "quantities": [_quantity(quote, paper) for quote in result.quotes],
        "price_breaks": _price_breaks(result.quotes, currency),
        "ruled_out": [_ruled_out(ruled_out) for ruled_out in result.ruled_out],
        "oversize": None if result.oversize is None else oversize_document(result.oversize),
        "sources": _sources(result.quotes),
    }


def quoted_terms(document: Mapping[str, Any], *, quantity: int, label: str) -> QuotedTerms | None:
    """Return the terms of a quote's offer for a quantity, by one of its labels; ``None`` if it has no such offer."""
    offers = [
        offer
        for quoted in document["quantities"]
        if quoted["quantity"] == quantity
        for offer in quoted["offers"]
        if label in offer["labels"]
    ]
    return _terms(offers[0], quantity) if offers else None


def quoted_quantities(document: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the quantities of a quote, ascending."""
    return tuple(quoted["quantity"] for quoted in document["quantities"])


def money(minor: Decimal | int) -> Document:
    """Return cents of a euro as money, half a cent up."""
    return Currency().of(minor)


def reason_document(reason: Exclusion) -> Document:
    """Return why a node can't, with code, words and figures."""
    return {
        "code": reason.code.value,
        "message": reason.message,
        "figures": dict(reason.figures),
        "machine_id": reason.machine_id,
    }


def _terms(offer: Mapping[str, Any], quantity: int) -> QuotedTerms:
    until = offer.get("valid_until")
    return QuotedTerms(
        quantity=quantity,
        labels=tuple(offer["labels"]),
        node_id=offer["node"]["node_id"],
        city=offer["node"]["city"],
        machine_id=offer["machine_id"],
        machine_offer_id=offer["machine_offer_id"],
        lot_id=offer["lot_id"],
        service=offer["service"],
        landed_minor=offer["landed"]["amount_minor"],
        promised_at=datetime.fromisoformat(offer["promised_at"]),
        valid_until=None if until is None else datetime.fromisoformat(until),
    )


def _quantity(quote: QuantityQuote, paper: _Paper) -> Document:
    return {
        "quantity": quote.quantity,
        "candidates": quote.candidates,
        "offers": [_offer(offer, paper) for offer in quote.offers],
        "pareto": [
            {
                "node_id": point.node_id,
                "machine_offer_id": point.offer_id,
                "service": point.service,
                "landed": money(point.landed_minor),
                "promised_at": point.promised_at.isoformat(),
                "co2e_g": point.co2e_g,
            }
            for point in quote.pareto
        ],
        "routable_if": [_routable_if(each) for each in quote.routable_if],
    }


def _offer(offer: QuotedOffer, paper: _Paper) -> Document:
    return {
        "id": f"{paper.quote_id}.{offer.quantity}.{offer.labels[0]}",
        "labels": list(offer.labels),
        "quantity": offer.quantity,
        "valid_until": paper.offer_until(offer).isoformat(),
        **_made(offer),
        **_sent(offer),
        **_prices(offer.price.landed_minor, offer.quantity, paper.currency),
        "production": money(offer.price.production_minor),
        "freight": money(offer.price.freight_minor),
        "duty": money(offer.price.duty_minor),
        "breakdown": _grouped(offer.price),
        "rows": [{"code": row.code, "amount_minor": row.amount_minor} for row in offer.price.breakdown],
        "co2e_g": offer.price.co2e_g,
    }


def _made(offer: QuotedOffer) -> Document:
    return {
        "node": _node(offer.node),
        "machine_id": offer.offer.machine_id,
        "machine_offer_id": offer.offer.offer_id,
        "process": offer.offer.process,
        "material": offer.offer.material.code,
        "parameter_set": offer.offer.parameter_set,
        "lot_id": offer.lot_id,
        "machine_minutes": offer.machine_minutes,
        "grams": offer.grams,
        "produce_by": offer.produce_by.isoformat(),
    }


def _sent(offer: QuotedOffer) -> Document:
    likely = offer.on_time_per_mille
    return {
        "service": offer.service,
        "carrier": offer.carrier,
        "earliest_at": offer.earliest_at.isoformat(),
        "expected_at": offer.expected_at.isoformat(),
        "promised_at": offer.promised_at.isoformat(),
        "on_time_probability": None if likely is None else likely / 1000,
    }


def _prices(landed_minor: int, quantity: int, currency: Currency) -> Document:
    """Return what all and one of the parts cost; one of them rounded, so that only the whole price is exact."""
    each = Decimal(landed_minor) / quantity
    return {
        "landed": money(landed_minor),
        "unit": money(each),
        "price": currency.of(landed_minor),
        "unit_price": currency.of(each),
    }


def _grouped(price: Price) -> list[Document]:
    """Return the rows of a price by what they are for, in the order of ``GROUPS``; those that are 0 left out."""
    totals = dict.fromkeys(GROUPS, 0)
    for row in price.breakdown:
        totals[_GROUPS.get(row.code, "freight")] += row.amount_minor
    return [{"code": group, "amount_minor": amount} for group, amount in totals.items() if amount]


def _price_breaks(quotes: Sequence[QuantityQuote], currency: Currency) -> list[Document]:
    """Return the cheapest price of each quantity that has one; it saves so much a piece against the first of them."""
    cheapest = [min(quote.offers, key=_landed) for quote in quotes if quote.offers]
    breaks: list[Document] = []
    for offer in cheapest:
        first = Decimal(_landed(cheapest[0])) / cheapest[0].quantity
        saving = 1 - Decimal(_landed(offer)) / offer.quantity / first if first else Decimal(0)
        prices = _prices(_landed(offer), offer.quantity, currency)
        breaks.append(
            {
                "quantity": offer.quantity,
                **prices,
                "saving": round(float(saving), 4),
                "promised_at": offer.promised_at.isoformat(),
            }
        )
    return breaks


def _sources(quotes: Sequence[QuantityQuote]) -> list[Document]:
    """Return once for each machine on offer the constants behind its estimates, with their marks."""
    offers = {offer.offer.offer_id: offer for quote in quotes for offer in quote.offers}
    return [
        {
            "node_id": offer.node.node_id,
            "machine_offer_id": machine_offer_id,
            "figures": [_figure(figure) for figure in offer.figures],
        }
        for machine_offer_id, offer in sorted(offers.items())
    ]


def _landed(offer: QuotedOffer) -> int:
    return offer.price.landed_minor


def _ruled_out(ruled_out: RuledOut) -> Document:
    return {
        "nodes": [{"node_id": node.node_id, "city": node.city, "country": node.country} for node in ruled_out.nodes],
        "quantities": list(ruled_out.quantities),
        "reasons": [_reason(reason) for reason in ruled_out.reasons],
    }


def _routable_if(each: RoutableIf) -> Document:
    return {
        **_node(each.node),
        "code": each.code.value,
        "change": each.change,
        "figures": dict(each.figures),
        "machine_id": each.machine_id,
        "landed": None if each.landed_minor is None else money(each.landed_minor),
        "promised_at": None if each.promised_at is None else each.promised_at.isoformat(),
    }


def _reason(reason: Exclusion) -> Document:
    """Return a reason as ``reason_document`` does; most are of whole nodes, and name no machine."""
    document: Document = {"code": reason.code.value, "message": reason.message, "figures": dict(reason.figures)}
    if reason.machine_id is not None:
        document["machine_id"] = reason.machine_id
    return document


def _figure(figure: SourcedFigure) -> Document:
    return {
        "code": figure.code,
        "subject": figure.subject,
        "value": figure.value,
        "unit": figure.unit,
        "mark": figure.mark.value,
        "source": figure.source,
    }


def _node(node: NodeView) -> Document:
    return {"node_id": node.node_id, "kind": node.kind, "city": node.city, "country": node.country}
