"""The second step: what a part costs, when it is there and what it weighs on the climate, three ways."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from fabroute.api.schemas.quotes import PriceBreakOut, QuoteOfferOut, QuoteOut, RoutableIfOut
from fabroute.console.drawing.bars import KINDS, Kind, cost_bar, cost_patterns, kind_sample, stack_of
from fabroute.console.drawing.markup import Caption, Svg
from fabroute.console.formats import MINUS, Formats
from fabroute.console.pages.order.candidates import KIND_OF_NODE, item_words
from fabroute.console.pages.order.sentences import difference_words
from fabroute.console.pages.order_a_part.finding import PATH
from fabroute.console.reasons import meaning_of, reason_words, stored_words

_TITLES = {"cheapest": "Cheapest", "fastest": "Fastest", "greenest": "Least CO₂e"}
_MOST_NAMED = 6
_MOST_GROUPS = 12
_FAR = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferCard:
    """One way to get it."""

    key: str
    """The first of its labels: what it is asked for by."""
    title: str
    """All that it is the best in."""
    landed_minor: int
    unit_minor: int
    expected_at: datetime
    promised_at: datetime
    late_by: str
    """How long after the day that was named it is promised; empty where it is in time."""
    in_time: str
    """How likely it is there by the day that was named; empty without one."""
    co2e_g: int
    city: str
    country: str
    node_id: str
    kind: str
    way: str
    sending: str
    bar: Svg
    items: tuple[tuple[str, int], ...]
    valid_until: datetime | None
    is_over: bool
    difference: str
    """What it changes beside the cheapest."""
    changed: str
    """What it changes beside the same offer of the quote before; empty without one."""
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """A node that one change would make able."""

    city: str
    country: str
    node_id: str
    change: str
    landed_minor: int | None
    promised_at: datetime | None
    ask: str
    """The button that asks for offers with the change; empty where the change is not the buyer's to make."""
    fields: Mapping[str, str]
    """What the form says otherwise then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBreak:
    """What another quantity costs."""

    quantity: int
    landed_minor: int
    unit_minor: int
    change: str
    """Of the piece price, beside the quantity that is looked at; empty for that one."""
    promised_at: datetime
    path: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledOutGroup:
    """Nodes that the same reasons rule out."""

    names: tuple[str, ...]
    more: int
    reasons: tuple[tuple[str, str], ...]
    """In a few words, and in full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedWays:
    """All that a quote has to say of its quantity."""

    quote_id: str
    state: str
    order_path: str
    quantity: int
    valid_until: datetime
    offers: tuple[OfferCard, ...]
    kinds: tuple[tuple[str, Svg], ...]
    ways_out: tuple[WayOut, ...]
    ruled_out: tuple[RuledOutGroup, ...]
    nodes_ruled_out: int
    groups_left_out: int
    oversize: tuple[str, ...]
    """The ways out where no machine is large enough."""
    candidates: int
    breaks: tuple[PriceBreak, ...]
    """What fewer and more would cost, ascending; none where there is nothing to compare."""
    lost: str
    """What the quote before offered and this one does not; empty otherwise."""

    @property
    def patterns(self) -> Svg:
        """What the bars refer to."""
        return cost_patterns()


def offered_ways(quote: QuoteOut, fmt: Formats, *, now: datetime, before: QuoteOut | None = None) -> OfferedWays:
    """Return the offers of a quote beside each other, and beside those of the quote before where there is one."""
    asked = quote.quantities[0]
    earlier = () if before is None else tuple(before.quantities[0].offers)
    largest = max((stack_of(_rows(it)).gross_minor for it in asked.offers), default=0)
    ways_out = [it for it in asked.routable_if if not asked.offers]
    return OfferedWays(
        quote_id=quote.id,
        state=quote.state,
        order_path="" if quote.order_id is None else f"/console/orders/{quote.order_id}",
        quantity=asked.quantity,
        valid_until=quote.valid_until,
        offers=tuple(_card(it, quote, fmt, now=now, earlier=earlier, largest=largest) for it in asked.offers),
        kinds=_kinds(asked.offers),
        ways_out=tuple(_way_out(it, fmt) for it in ways_out),
        ruled_out=_ruled_out(quote, fmt),
        nodes_ruled_out=sum(len(group.nodes) for group in quote.ruled_out),
        groups_left_out=max(0, len(quote.ruled_out) - _MOST_GROUPS),
        oversize=() if quote.oversize is None else tuple(quote.oversize.ways_out),
        candidates=asked.candidates,
        breaks=_breaks(quote, fmt),
        lost=_lost(asked.offers, earlier),
    )


def offer_of(ways: OfferedWays, label: str, quote: QuoteOut) -> OfferCard | None:
    """Return the offer that is the best in something; ``None`` where there is none."""
    found = next((it for it in quote.quantities[0].offers if label in it.labels), None)
    return None if found is None else next(it for it in ways.offers if it.key == found.labels[0])


def quote_path(quote_id: str, **more: str | int) -> str:
    """Return where the offers of a quote are; ``quantity`` says for how many, ``was`` which quote it renews."""
    return f"{PATH}/quotes/{quote_id}" + (f"?{urlencode(more)}" if more else "")


def offer_path(quote_id: str, label: str, **more: str | int) -> str:
    """Return where an offer of a quote is ordered."""
    return f"{PATH}/quotes/{quote_id}/order?{urlencode({'offer': label} | more)}"


def title_of(labels: Sequence[str]) -> str:
    """Return what an offer is the best in: ``Cheapest and fastest``."""
    words = [_TITLES.get(label, label) for label in labels]
    later = [words[0], *(it if it.startswith("Least") else it.lower() for it in words[1:])]
    later = [it.replace("Least", "least") if number else it for number, it in enumerate(later)]
    return later[0] if len(later) == 1 else f"{', '.join(later[:-1])} and {later[-1]}"


def compared(offer: QuoteOfferOut, other: QuoteOfferOut, fmt: Formats) -> str:
    """Return what an offer changes beside another one."""
    return difference_words(
        fmt,
        landed_minor=offer.landed.amount_minor - other.landed.amount_minor,
        hours=(offer.promised_at - other.promised_at).total_seconds() / 3600,
        co2e_g=offer.co2e_g - other.co2e_g,
    )


def _card(
    offer: QuoteOfferOut,
    quote: QuoteOut,
    fmt: Formats,
    *,
    now: datetime,
    earlier: Sequence[QuoteOfferOut],
    largest: int,
) -> OfferCard:
    first, node, key = quote.quantities[0].offers[0], offer.node, offer.labels[0]
    same = next((it for it in earlier if key in it.labels), None)
    until = offer.valid_until or quote.valid_until
    return OfferCard(
        key=key,
        title=title_of(offer.labels),
        landed_minor=offer.landed.amount_minor,
        unit_minor=offer.unit.amount_minor,
        expected_at=offer.expected_at,
        promised_at=offer.promised_at,
        late_by=_late_by(offer, quote, fmt),
        in_time="" if offer.on_time_probability is None else fmt.percent(offer.on_time_probability),
        co2e_g=offer.co2e_g,
        city=node.city,
        country=node.country,
        node_id=node.node_id,
        kind=KIND_OF_NODE.get(node.kind, node.kind.replace("_", " ")),
        way=f"{offer.process} {offer.material}",
        sending=f"{offer.service.replace('_', ' ')} by {offer.carrier.replace('_', ' ')}",
        bar=_bar(offer, fmt, largest=largest),
        items=tuple((item_words(row.code), row.amount_minor) for row in offer.rows),
        valid_until=until,
        is_over=quote.state != "open" or until <= now,
        difference="" if offer is first else compared(offer, first, fmt),
        changed="" if same is None else compared(offer, same, fmt),
        path=offer_path(quote.id, key, quantity=quote.quantities[0].quantity),
    )


def _bar(offer: QuoteOfferOut, fmt: Formats, *, largest: int) -> Svg:
    stack = stack_of(_rows(offer))
    parts = ", ".join(f"{KINDS[kind].lower()} {fmt.money(amount)}" for kind, amount in stack.amounts)
    caption = Caption(key=f"cost-{offer.labels[0]}", title=f"{offer.node.city}: {parts}")
    return cost_bar(caption, stack, largest_minor=largest)


def _rows(offer: QuoteOfferOut) -> list[tuple[str, int]]:
    return [(row.code, row.amount_minor) for row in offer.rows]


def _kinds(offers: Sequence[QuoteOfferOut]) -> tuple[tuple[str, Svg], ...]:
    there: set[Kind] = {kind for it in offers for kind, _ in stack_of(_rows(it)).amounts}
    return tuple((label, kind_sample(kind)) for kind, label in KINDS.items() if kind in there)


def _way_out(it: RoutableIfOut, fmt: Formats) -> WayOut:
    asks, conditions, fields = _asks(it, fmt)
    return WayOut(
        city=it.city,
        country=it.country,
        node_id=it.node_id,
        change=f"it may {' and '.join(conditions)}" if conditions else stored_words(it.change, fmt),
        landed_minor=None if it.landed is None else it.landed.amount_minor,
        promised_at=it.promised_at,
        ask=f"Ask {' and '.join(asks)}" if asks else "",
        fields=fields,
    )


def _asks(it: RoutableIfOut, fmt: Formats) -> tuple[list[str], list[str], dict[str, str]]:
    """Return what a buyer can change: how a button says it, how a sentence does, and the fields of the form."""
    asks: list[str] = []
    conditions: list[str] = []
    fields: dict[str, str] = {}
    if "need_by" in it.figures and it.promised_at is not None:
        asks.append("with that day")
        conditions.append(f"arrive by {fmt.instant(it.promised_at)}")
        fields["need_by"] = it.promised_at.astimezone(fmt.zone).date().isoformat()
    if (limit := it.figures.get("max_price_minor")) is not None:
        asks.append("with that price")
        conditions.append(f"cost {fmt.money(int(limit))}")
        fields["max_price"] = f"{int(limit) / 100:.2f}"
    return asks, conditions, fields


def _late_by(offer: QuoteOfferOut, quote: QuoteOut, fmt: Formats) -> str:
    is_late = quote.need_by is not None and offer.promised_at > quote.need_by
    return fmt.span(offer.promised_at - quote.need_by) if quote.need_by is not None and is_late else ""


def _breaks(quote: QuoteOut, fmt: Formats) -> tuple[PriceBreak, ...]:
    """Return the cheapest price of each quantity, and how the piece price differs from that of the first one.

    Far fewer only matter where so many can't be made.
    """
    asked, is_offered = quote.quantities[0].quantity, bool(quote.quantities[0].offers)
    near = (it for it in quote.price_breaks if not is_offered or it.quantity * _FAR > asked)
    found = sorted(near, key=lambda it: it.quantity)
    own = next((it.landed.amount_minor / it.quantity for it in found if it.quantity == asked), None)
    rows = tuple(_break(it, quote.id, fmt, own=own, is_chosen=it.quantity == asked) for it in found)
    return rows if any(not it.is_chosen for it in rows) else ()


def _break(it: PriceBreakOut, quote_id: str, fmt: Formats, *, own: float | None, is_chosen: bool) -> PriceBreak:
    share = 0.0 if not own else it.landed.amount_minor / it.quantity / own - 1
    sign = "+" if share > 0 else ""
    return PriceBreak(
        quantity=it.quantity,
        landed_minor=it.landed.amount_minor,
        unit_minor=it.unit.amount_minor,
        change="" if is_chosen or not own else f"{sign}{fmt.percent(share)}".replace("-", MINUS),
        promised_at=it.promised_at,
        path=quote_path(quote_id, quantity=it.quantity),
        is_chosen=is_chosen,
    )


def _ruled_out(quote: QuoteOut, fmt: Formats) -> tuple[RuledOutGroup, ...]:
    groups = sorted(quote.ruled_out, key=lambda it: (len(it.reasons), -len(it.nodes)))[:_MOST_GROUPS]
    return tuple(
        RuledOutGroup(
            names=tuple(node.city for node in group.nodes[:_MOST_NAMED]),
            more=max(0, len(group.nodes) - _MOST_NAMED),
            reasons=tuple((meaning_of(reason.code), reason_words(reason, fmt)) for reason in group.reasons),
        )
        for group in groups
    )


def _lost(offers: Sequence[QuoteOfferOut], earlier: Sequence[QuoteOfferOut]) -> str:
    if not earlier or offers:
        return ""
    return "Nothing that was offered before can be offered now."
