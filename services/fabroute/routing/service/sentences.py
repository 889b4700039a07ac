"""Why a line went where it went, in one sentence of at most 200 bytes."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from fabroute.routing.service.options import BuildShare, ExcludedNode, Option, Price
from fabroute.routing.service.splits_documents import place_words

LONGEST_BYTES = 200
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NOT_IN_THE_GAME = frozenset({"PROCESS_MATERIAL"})
_TO_BE_DONE = frozenset({"licence", "waiting"})
"""Figures of reasons that a person at the owner or the operator can end."""
_DECLINED = "DECLINED"
_TOP_UP = "minimum_order_top_up"
_EQUAL = "as good"
NO_NODE = "NO_NODE"
"""Beside the codes of exclusions: there is no node in the network."""
_OUTBID = "went to orders that gain more"


def why_routed(
    chosen: Option,
    *,
    best: Option,
    runner_up: Option | None,
    exclusions: Sequence[ExcludedNode],
    objective: str,
    promised_at: datetime,
    dearest_rule: str = "",
    lost_to: str = "",
) -> str:
    """Return why ``chosen`` was taken: what it costs, what it would have been alone, the next node, the others.

    ``best`` is the line's own best option, which other orders may have taken; ``runner_up`` the best of other nodes;
    ``dearest_rule`` what the rule that costs most costs, said as far as there is room; ``lost_to`` what kept ``best``
    from the line, other orders if nothing is said.
    """
    parts = [f"{place_words(chosen)}: {_price(chosen.price)}, arrives {day_name(promised_at)}"]
    if chosen.build is not None:
        parts.append(_shared_build(chosen.build))
    outbid = best.cost_millis < chosen.cost_millis
    if outbid:
        parts.append(_what_others_took(chosen, best, lost_to or _OUTBID))
    if runner_up is None:
        parts.append("no other node can")
    elif not (outbid and runner_up.way.node.node_id == best.way.node.node_id):
        parts.append(f"{runner_up.way.node.city} {difference(runner_up, chosen, objective=objective)}")
    return _joined([*parts, *([dearest_rule] if dearest_rule else []), *_ruled_out(exclusions)])


def _shared_build(build: BuildShare) -> str:
    others = build.lines - 1
    return f"a build shared with {others} other{'s' if others > 1 else ''} saves {euro(build.saved_minor)} EUR"


def why_not_routed(exclusions: Sequence[ExcludedNode], *, outbid: Option | None) -> str:
    """Return why a line has no place; ``outbid`` is its best option if it had one, but other orders took it."""
    if outbid is not None:
        price = euro(outbid.price.landed_minor)
        return _joined([f"{outbid.way.node.city} at {price} EUR was taken by other orders", *_ruled_out(exclusions)])
    if not exclusions:
        return "there is no node in the network"
    declined = [each for each in _playing(exclusions) if _codes(each) == {_DECLINED}]
    if declined:
        return _joined(_without_those_who_could(declined, exclusions))
    code, count = binding_reason(exclusions)
    said = _said(exclusions, code)
    if len(exclusions) == 1:
        return _joined([f"the only node can't make it: {code}", *said])
    return _joined([f"none of the {len(exclusions)} nodes can make it; the nearest ({count}) fail by {code}", *said])


def _without_those_who_could(declined: Sequence[ExcludedNode], exclusions: Sequence[ExcludedNode]) -> list[str]:
    """Return who could make it and did not want to or failed, each in its own words, and what rules out the others."""
    words = [next(reason.message for reason in each.reasons) for each in declined]
    others = [each for each in exclusions if each not in declined]
    if not others:
        return words
    code, count = binding_reason(others)
    if len(others) == 1:
        return [*words, f"the other node can't make it: {code}"]
    first = f"{words[0]}; of the {len(others)} others the nearest ({count}) fail by {code}"
    return [first, *_said(others, code), *words[1:]]


def binding_code(exclusions: Sequence[ExcludedNode]) -> str:
    """Return what keeps a line without a place, in one code: the binding reason's, or ``NO_NODE`` where none is."""
    return binding_reason(exclusions)[0] if exclusions else NO_NODE


def binding_reason(exclusions: Sequence[ExcludedNode]) -> tuple[str, int]:
    """Return the code that rules out most of the nodes that come nearest, and how many of them.

    Nodes without the process or material are not in the game, unless all are; of the others those with the fewest
    reasons come nearest.
    """
    playing = _playing(exclusions)
    fewest = min(len(each.reasons) for each in playing)
    counts = Counter(code for each in playing if len(each.reasons) == fewest for code in _codes(each))
    return min(counts.items(), key=lambda item: (-item[1], item[0]))


def reason_counts(exclusions: Sequence[ExcludedNode]) -> dict[str, int]:
    """Return the number of nodes that each code bites at, the most frequent first."""
    counts = Counter(code for each in exclusions for code in _codes(each))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def difference(other: Option, chosen: Option, *, objective: str) -> str:
    """Return how much worse another option is in what the objective looks at; where it isn't, what else differs."""
    money = other.price.landed_minor - chosen.price.landed_minor
    hours = round((other.minutes - chosen.minutes) / 60)
    grams = other.price.co2e_g - chosen.price.co2e_g
    worse, *words = {
        "cheapest": (money, _money(money), _hours(hours)),
        "fastest": (hours, _hours(hours), _money(money)),
        "greenest": (grams, carbon(grams), _money(money)),
    }.get(objective, (0, _money(money), _hours(hours)))
    said = [word for word in words if word]
    return " and ".join(said[:1] if worse > 0 else said) or _EQUAL


def euro(minor: int) -> str:
    """Return cents as euro: ``1130`` → ``11.30``."""
    whole, cents = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{whole:,}.{cents:02d}"


def day_name(instant: datetime) -> str:
    """Return the day of an instant: ``19 Jun``."""
    return f"{instant.day} {_MONTHS[instant.month - 1]}"


def _price(price: Price) -> str:
    lifted = any(row.code == _TOP_UP for row in price.breakdown)
    return f"{euro(price.landed_minor)} EUR" + (" (minimum order)" if lifted else "")


def _what_others_took(chosen: Option, best: Option, lost_to: str) -> str:
    if best.way.node.node_id != chosen.way.node.node_id:
        return f"{best.way.node.city} at {euro(best.price.landed_minor)} {lost_to}"
    better = difference(best, chosen, objective="balanced")
    return f"alone it would be {better}" if better != _EQUAL else f"its first machine there {lost_to}"


def _ruled_out(exclusions: Sequence[ExcludedNode]) -> list[str]:
    if not exclusions:
        return []
    playing = _playing(exclusions)
    code, _ = next(iter(reason_counts(playing).items()))
    if len(exclusions) == 1:
        return [f"1 node ruled out by {code}"]
    if len(playing) == len(exclusions):
        return [f"{len(exclusions)} nodes ruled out, mostly {code}"]
    unable = f"{len(exclusions) - len(playing)} by PROCESS_MATERIAL"
    rest = f"1 by {code}" if len(playing) == 1 else f"{len(playing)} mostly by {code}"
    return [f"{len(exclusions)} nodes ruled out: {unable}, {rest}"]


def _said(exclusions: Sequence[ExcludedNode], code: str) -> list[str]:
    """Return what someone can do something about: a licence that is used up, a certificate that waits."""
    found = (
        reason
        for each in sorted(_playing(exclusions), key=lambda each: len(each.reasons))
        for reason in each.reasons
        if reason.code.value == code and _TO_BE_DONE & reason.figures.keys()
    )
    return [reason.message for reason in found][:1]


def _playing(exclusions: Sequence[ExcludedNode]) -> list[ExcludedNode]:
    """Return the nodes that offer the process and material; all of them if none does."""
    return [each for each in exclusions if not _NOT_IN_THE_GAME & _codes(each)] or list(exclusions)


def _codes(exclusion: ExcludedNode) -> set[str]:
    return {reason.code.value for reason in exclusion.reasons}


def _money(minor: int) -> str:
    return f"{euro(abs(minor))} {'dearer' if minor > 0 else 'cheaper'}" if minor else ""


def _hours(hours: int) -> str:
    return f"{abs(hours)} h {'later' if hours > 0 else 'sooner'}" if hours else ""


def carbon(grams: int) -> str:
    """Return a difference in carbon: ``-1048`` → ``1.05 kg CO2e less``; nothing for 0."""
    amount = f"{abs(grams)} g" if abs(grams) < 100 else f"{abs(grams) / 1000:.2f} kg"
    return f"{amount} CO2e {'more' if grams > 0 else 'less'}" if grams else ""


def _joined(parts: Sequence[str]) -> str:
    """Return as many parts as fit, the first ones first."""
    sentence = parts[0]
    for part in parts[1:]:
        longer = f"{sentence}; {part}"
        if len(longer.encode()) <= LONGEST_BYTES:
            sentence = longer
    return sentence.encode()[:LONGEST_BYTES].decode(errors="ignore")
