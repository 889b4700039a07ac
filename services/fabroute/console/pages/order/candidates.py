"""The candidates of a line as rows, and the alternatives as what they would change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fabroute.console.drawing.bars import KINDS, Kind, Stack, cost_bar, kind_sample, stack_of
from fabroute.console.drawing.markup import Caption, Svg
from fabroute.console.formats import Formats
from fabroute.console.pages.order.reading import Alternative, Candidate, Change, Decided, Margin, Share
from fabroute.console.pages.order.sentences import difference_words
from fabroute.console.reasons import fix_words
from fabroute.orders.rules import Objective

KIND_OF_NODE = {"in_house": "in-house", "service_bureau": "bureau", "regional_hub": "hub"}
_OBJECTIVE_OF: dict[str, Objective] = {"cheapest": "cheapest", "fastest": "fastest", "greenest": "greenest"}
_LABELS = {
    "cheapest": "Cheapest instead",
    "fastest": "Fastest instead",
    "greenest": "Least CO₂e instead",
    "next_best": "Next best",
}
_ROWS = {
    "file_preparation": "File preparation",
    "machine": "Machine time",
    "energy": "Energy",
    "setup_and_unloading": "Set-up and unloading",
    "material": "Material",
    "post_processing": "Finishing",
    "inspection": "Inspection",
    "yield_loss": "Parts that fail",
    "margin": "Margin",
    "minimum_order_top_up": "Up to the minimum order",
    "shared_build": "Saved by a shared build",
    "freight_base": "Shipping, base",
    "freight_weight": "Shipping, by weight",
    "freight_minimum": "Shipping, up to the minimum",
    "fuel": "Fuel surcharge",
    "freight_surcharge": "Shipping surcharge",
    "duty": "Duty",
}
_SHARED_CITIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRow:
    """A node that could make the line."""

    name: str
    node_id: str
    country: str
    kind: str
    is_chosen: bool
    landed_minor: int
    bar: Svg
    items: tuple[tuple[str, int], ...]
    """What the landed cost is the sum of: words and cents."""
    machine_id: str
    way: str
    """Process and material."""
    parameter_set: str
    lot_id: str
    sending: str
    """Service and carrier."""
    produce_by: date
    expected_at: datetime
    promised_at: datetime
    hours: float
    is_late: bool
    co2e_g: int
    difference: str
    """What it changes beside the chosen one."""
    to_win: str
    """What would make it the best."""
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternativeOffer:
    """Another way to make the line. With an ``objective`` the order can be routed like that."""

    label: str
    city: str
    words: str
    objective: Objective | None


def candidate_rows(decided: Decided, fmt: Formats, *, need_by: datetime | None) -> tuple[CandidateRow, ...]:
    """Return the candidates, the chosen one first and the others from cheap to dear."""
    chosen = decided.chosen
    others = [it for it in decided.candidates if chosen is None or it.key != chosen.key]
    everyone = [*([] if chosen is None else [chosen]), *others]
    stacks = [stack_of(it.breakdown) for it in everyone]
    largest = max((stack.gross_minor for stack in stacks), default=0)
    return tuple(
        _row(candidate, stack, decided, fmt, need_by=need_by, largest_minor=largest)
        for candidate, stack in zip(everyone, stacks, strict=True)
    )


def kinds_in(decided: Decided) -> tuple[tuple[str, Svg], ...]:
    """Return the parts of the landed costs that there are, with a sample of each, for the legend of the bars."""
    there: set[Kind] = {kind for it in decided.candidates for kind, _ in stack_of(it.breakdown).amounts}
    return tuple((label, kind_sample(kind)) for kind, label in KINDS.items() if kind in there)


def alternative_offers(decided: Decided, fmt: Formats) -> tuple[AlternativeOffer, ...]:
    """Return what else there was; what the order asks for already can't be asked for again."""
    return tuple(_offer(it, decided.objective, fmt) for it in decided.alternatives)


def place_name(candidate: Candidate) -> str:
    """Return where a candidate makes the line: its city, or those of its shares."""
    cities = list(dict.fromkeys(share.city for share in candidate.shares)) or [candidate.city]
    more = len(cities) - _SHARED_CITIES
    return " + ".join(cities[:_SHARED_CITIES]) + (f" + {more}" if more > 0 else "")


def item_words(code: str) -> str:
    """Return an item of a landed cost in words."""
    return _ROWS.get(code, code.replace("_", " ").capitalize())


def _row(
    candidate: Candidate,
    stack: Stack,
    decided: Decided,
    fmt: Formats,
    *,
    need_by: datetime | None,
    largest_minor: int,
) -> CandidateRow:
    chosen, name = decided.chosen, place_name(candidate)
    change = decided.changes.get(candidate.node_id)
    is_chosen = chosen is not None and chosen.key == candidate.key
    return CandidateRow(
        name=name,
        node_id=candidate.node_id,
        country=candidate.country,
        kind=KIND_OF_NODE.get(candidate.kind, candidate.kind.replace("_", " ")),
        is_chosen=is_chosen,
        landed_minor=candidate.landed_minor,
        bar=cost_bar(_caption(candidate, stack, name, fmt), stack, largest_minor=largest_minor),
        items=tuple((item_words(code), amount) for code, amount in candidate.breakdown),
        machine_id=candidate.machine_id,
        way=f"{candidate.process} {candidate.material}",
        parameter_set=candidate.parameter_set,
        lot_id=candidate.lot_id,
        sending=" by ".join(it.replace("_", " ") for it in (candidate.service, candidate.carrier) if it),
        produce_by=candidate.produce_by,
        expected_at=candidate.expected_at,
        promised_at=candidate.promised_at,
        hours=candidate.hours,
        is_late=need_by is not None and candidate.promised_at > need_by + timedelta(minutes=1),
        co2e_g=candidate.co2e_g,
        difference="" if chosen is None or is_chosen else _difference(candidate, chosen, fmt),
        to_win="" if change is None or is_chosen else _to_win(change, fmt),
        shares=candidate.shares,
    )


def _difference(candidate: Candidate, chosen: Candidate, fmt: Formats) -> str:
    return difference_words(
        fmt,
        landed_minor=candidate.landed_minor - chosen.landed_minor,
        hours=candidate.hours - chosen.hours,
        co2e_g=candidate.co2e_g - chosen.co2e_g,
    )


def _to_win(change: Change, fmt: Formats) -> str:
    words = [fix_words(change.steps, fmt), "" if change.margin is None else _least(change.margin, fmt)]
    return " and ".join(it for it in words if it) or change.words


def _least(margin: Margin, fmt: Formats) -> str:
    """Return the first of money, time and carbon of which an amount alone is enough."""
    if margin.cheaper_by_minor is not None:
        return f"{fmt.money(margin.cheaper_by_minor)} cheaper"
    if margin.sooner_by_hours is not None:
        return f"{fmt.span(timedelta(hours=margin.sooner_by_hours))} sooner"
    if margin.lighter_by_g is not None:
        return f"{fmt.weight(margin.lighter_by_g)} CO₂e less"
    return "better in more than one of price, time and CO₂e"


def _caption(candidate: Candidate, stack: Stack, name: str, fmt: Formats) -> Caption:
    parts: Sequence[str] = [f"{KINDS[kind].lower()} {fmt.money(amount)}" for kind, amount in stack.amounts]
    saved = f", less {fmt.money(stack.saved_minor)} saved by a shared build" if stack.saved_minor else ""
    key = f"cost-{candidate.node_id}-{candidate.machine_id}"
    return Caption(key=key, title=f"{name}: {', '.join(parts)}{saved}")


def _offer(alternative: Alternative, objective: str, fmt: Formats) -> AlternativeOffer:
    asked = _OBJECTIVE_OF.get(alternative.label)
    words = difference_words(
        fmt, landed_minor=alternative.landed_minor, hours=alternative.hours, co2e_g=alternative.co2e_g
    )
    return AlternativeOffer(
        label=_LABELS.get(alternative.label, alternative.label.replace("_", " ").capitalize()),
        city=place_name(alternative.candidate),
        words=words,
        objective=None if asked == objective else asked,
    )
