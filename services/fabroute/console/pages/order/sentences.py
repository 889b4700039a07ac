"""Why this node, in one sentence; and where there is none, what keeps all of them off."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from fabroute.console.drawing.text import isolated
from fabroute.console.formats import Formats
from fabroute.console.pages.order.reading import Candidate, Decided

_BEST = {
    "cheapest": "the cheapest",
    "fastest": "the fastest",
    "greenest": "the one with the least CO₂e",
    "balanced": "the best balance of price, time and CO₂e",
}
_AND = " and "


def why_this_node(decided: Decided, fmt: Formats, *, need_by: datetime | None) -> str:
    """Return why a line goes where it goes: how it compares, what it costs, and whether it is in time."""
    chosen = decided.chosen
    if chosen is None:
        return why_none(decided)
    others = [it for it in decided.candidates if it.key != chosen.key and it.node_id not in chosen.node_ids]
    parts = [
        f"{_where(chosen)}, {_because(decided, chosen, others)}: {fmt.money(chosen.landed_minor)}",
        *_beside_the_next(decided, chosen, others, fmt),
    ]
    return f"{', '.join(parts)}, and there by {_arrival(chosen, fmt, need_by)}. {_ruled_out(decided)}".strip()


def why_none(decided: Decided) -> str:
    """Return what keeps all nodes from a line, in one sentence."""
    count = len(decided.exclusions)
    if len(decided.candidates) == 1:
        return "One node could make it, but all that it has went to orders that gain more."
    if decided.candidates:
        return f"{len(decided.candidates)} nodes could make it, but all that they have went to orders that gain more."
    if not count:
        return "There is no node in the network yet."
    nodes = "The only node cannot" if count == 1 else f"None of the {count} nodes can"
    if not decided.conflict:
        return f"{nodes} make it as it is ordered."
    rules = _listed([words for _, words in decided.conflict])
    together = "rules it out" if len(decided.conflict) == 1 else "together leave no way"
    return f"{nodes} make it as it is ordered: {rules} {together}."


def difference_words(fmt: Formats, *, landed_minor: int, hours: float, co2e_g: int) -> str:
    """Return what another way costs or saves: ``+€9.80, −1 d 7 h, −2.2 kg CO₂e``; equal figures are left out."""
    words = [
        fmt.money_difference(landed_minor) if landed_minor else "same price",
        fmt.span_difference(timedelta(hours=round(hours))) if round(hours) else "",
        f"{fmt.weight_difference(co2e_g)} CO₂e" if co2e_g else "",
    ]
    return ", ".join(word for word in words if word)


def scarcity_words(decided: Decided, fmt: Formats) -> str:
    """Return what the time and the material that the line takes are worth to others; empty where nobody wants them."""
    scarce, chosen = decided.scarcity, decided.chosen
    if scarce is None:
        return ""
    if chosen is None or scarce.node_id not in chosen.node_ids or scarce.until is None:
        return scarce.words
    until = fmt.day(scarce.until)
    worth = [
        words
        for amount, words in (
            (scarce.hour_minor, f"an hour of {chosen.process} until {until} is worth {fmt.money(scarce.hour_minor)}"),
            (scarce.kilogram_minor, f"a kilogram of {chosen.material} is worth {fmt.money(scarce.kilogram_minor)}"),
        )
        if amount
    ]
    return f"Others want it too: in {_where(chosen)} {_listed(worth)}." if worth else ""


def _where(chosen: Candidate) -> str:
    cities = list(dict.fromkeys(share.city for share in chosen.shares)) or [chosen.city]
    return _listed([isolated(city) for city in cities])


def _because(decided: Decided, chosen: Candidate, others: Sequence[Candidate]) -> str:
    if not others:
        return "because no other node can"
    count = len(others) + 1
    if all(chosen.cost_millis <= it.cost_millis for it in others):
        return f"because it is {_BEST.get(decided.objective, 'the best')} of {count} qualified nodes"
    better = min(others, key=lambda it: it.cost_millis)
    return f"because {isolated(better.city)}, better for it alone, is taken in the plan for all orders together"


def _beside_the_next(decided: Decided, chosen: Candidate, others: Sequence[Candidate], fmt: Formats) -> list[str]:
    """Return how it compares with the next best: in what the objective looks at, or else in money and time."""
    if not others:
        return []
    after = min(others, key=lambda it: it.cost_millis)
    money = _compared(chosen.landed_minor - after.landed_minor, fmt.money, "more", "less")
    hours = _compared(chosen.hours - after.hours, lambda it: fmt.span(timedelta(hours=it)), "later", "sooner")
    grams = _compared(chosen.co2e_g - after.co2e_g, lambda it: f"{fmt.weight(it)} CO₂e", "more", "less")
    first = {"cheapest": money, "fastest": hours, "greenest": grams}.get(decided.objective, "")
    words = [first] if first else [it for it in (money, hours) if it]
    return [f"{' and '.join(words)} than the next best ({isolated(after.city)})"] if words else []


def _compared(difference: float, figure: Callable[[int], str], more: str, less: str) -> str:
    amount = round(difference)
    return f"{figure(abs(amount))} {more if amount > 0 else less}" if amount else ""


def _arrival(chosen: Candidate, fmt: Formats, need_by: datetime | None) -> str:
    day = fmt.day(chosen.promised_at)
    if need_by is None:
        return day
    left = need_by - chosen.promised_at
    if abs(left) < timedelta(minutes=1):
        return f"{day}, just at the deadline"
    return f"{day}, {fmt.span(left)} {'before' if left > timedelta() else 'after'} the deadline"


def _ruled_out(decided: Decided) -> str:
    count = len(decided.exclusions)
    if not count:
        return ""
    return "1 node was ruled out." if count == 1 else f"{count} nodes were ruled out."


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])}{_AND}{words[-1]}"
