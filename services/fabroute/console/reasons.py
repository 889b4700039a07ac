"""Why a node can't, and what would change it: words made of figures, as the viewer reads days and money.

What has no figures, as in older decisions, is said as it was stored.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Protocol

from fabroute.console.formats import Formats
from fabroute.solver.eligibility.codes import ExclusionCode
from fabroute.solver.eligibility.supply import MAXIMUM_REUSE

Figures = Mapping[str, Any]
_Words = Callable[[Figures, Formats], str]
_CODE = re.compile(r"\b[A-Z]{2,}(?:_[A-Z]+)*\b")
_WHEN = re.compile(r"\b(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d) UTC)?\b")
_EUROS = re.compile(r"\b(\d+(?:,\d{3})*)\.(\d\d) EUR\b")
_MASS = re.compile(r"\b(\d+(?:,\d{3})*(?:\.\d+)?) (k?g)\b")
_NAMES: Mapping[str, str] = {
    "same_country": "the country of delivery",
    "EU_US": "EU and US",
    "dual_use": "dual-use",
    "itar": "ITAR",
    "in_house": "in-house",
    "service_bureau": "service bureau",
    "regional_hub": "regional hub",
}
"""What stands in stored sentences as programs write it."""
_NAME = re.compile(rf"\b(?:{'|'.join(_NAMES)})\b")
_NOT_FOR_PEOPLE = re.compile(r"^needs attention: |\blot (?=lot_)| with (?:GET|POST|PUT|PATCH) /v1/[^\s,.;]+")
"""That a line needs somebody, before ids of lots that they are lots, and requests of programs."""
_WHAT_HAPPENED = {
    "declined": "declined this line",
    "lapsed": "didn't answer in time",
    "counter_refused": "wanted other terms than its owner",
    "print_failed": "could not make it",
    "suspect": "fell silent over it",
}
_REASONS_OF = {
    "capacity": ("CAPACITY",),
    "certificate": ("CERTIFICATE_EXPIRES", "CERTIFICATE_MISSING"),
    "material": ("MATERIAL_SHORT", "LOT_BLOCKED"),
    "minimum_order": ("MIN_ORDER",),
    "need_by": ("NEED_BY",),
    "price_cap": ("PRICE_CAP",),
}
"""The codes of the reasons that have the figures of a step, where it has none itself."""


class SaidReason(Protocol):
    """A reason as a decision has it."""

    @property
    def code(self) -> str: ...

    @property
    def message(self) -> str: ...

    @property
    def figures(self) -> Figures: ...

    @property
    def machine_id(self) -> str | None: ...


class SaidStep(Protocol):
    """A change that somebody would have to make, as a decision has it."""

    @property
    def rule(self) -> str: ...

    @property
    def words(self) -> str: ...

    @property
    def figures(self) -> Figures: ...


def meaning_of(code: str) -> str:
    """Return the code of a reason in a few words."""
    known = ExclusionCode.__members__.get(code)
    return code.replace("_", " ").lower() if known is None else known.meaning


def stored_words(sentence: str, fmt: Formats) -> str:
    """Return a sentence that was stored as the viewer reads it: codes in words, its days, euros and masses as usual."""
    told = _NAME.sub(lambda it: _NAMES[it[0]], _NOT_FOR_PEOPLE.sub("", sentence))
    told = _CODE.sub(lambda it: meaning_of(it[0]) if it[0] in ExclusionCode.__members__ else it[0], told)
    for pattern, words in ((_WHEN, _when), (_EUROS, _euros), (_MASS, _mass)):
        told = pattern.sub(partial(words, fmt=fmt), told)
    return told


def _euros(found: re.Match[str], *, fmt: Formats) -> str:
    return fmt.money(int(f"{found[1].replace(',', '')}{found[2]}"))


def _mass(found: re.Match[str], *, fmt: Formats) -> str:
    return fmt.weight(float(found[1].replace(",", "")) * (1000 if found[2] == "kg" else 1))


def _when(found: re.Match[str], *, fmt: Formats) -> str:
    try:
        if found[2] is None:
            return fmt.day(date.fromisoformat(found[1]))
        return fmt.instant(datetime.fromisoformat(f"{found[1]}T{found[2]}:00+00:00"))
    except ValueError:
        return found[0]


def reason_words(reason: SaidReason, fmt: Formats) -> str:
    """Return why a node can't, with its figures; what a split would come to is told behind it."""
    words = _told(_REASONS.get(reason.code), reason.figures, fmt) or stored_words(reason.message, fmt)
    pieces, nodes = (reason.figures.get(name) for name in ("together_pieces", "together_nodes"))
    if pieces is None or nodes is None or "split, " in words:
        return words
    return f"{words}; split, {fmt.quantity(nodes, 'node')} could make {fmt.number(pieces)} in time"


def step_words(step: SaidStep, fmt: Formats, *, reasons: Sequence[SaidReason] = ()) -> str:
    """Return what would have to change. ``reasons`` are the node's own: they have figures that a step may lack."""
    kind, _, subject = step.rule.partition(":")
    figures = step.figures or _figures_of(kind, reasons)
    return _told(_STEPS.get(kind), {**figures, "certificate": subject}, fmt) or stored_words(step.words, fmt)


def fix_words(steps: Iterable[SaidStep], fmt: Formats, *, reasons: Sequence[SaidReason] = ()) -> str:
    """Return all that would have to change, in one sentence; those that permit the same are one."""
    said: dict[str, list[str]] = {}
    for step in steps:
        words = step_words(step, fmt, reasons=reasons)
        what, _, because = words.partition(": ") if words.startswith("permit ") else (words, "", "")
        said.setdefault(what, []).extend([because] if because else [])
    return " and ".join(f"{what}: {' and '.join(because)}" if because else what for what, because in said.items())


def _told(words: _Words | None, figures: Figures, fmt: Formats) -> str:
    """Return words made of figures; nothing where a figure is not there, or is no figure."""
    try:
        return "" if words is None else words(figures, fmt)
    except (KeyError, TypeError, ValueError):
        return ""


def _figures_of(kind: str, reasons: Sequence[SaidReason]) -> Figures:
    codes = _REASONS_OF.get(kind, ())
    found = next((it for it in reasons if it.code in codes), None)
    return {} if found is None else {"machine_id": found.machine_id, **found.figures}


# ---------------------------------------------------------------- reasons


def _over_the_cap(it: Figures, fmt: Formats) -> str:
    cap, lands = fmt.money(it["maximum_minor"]), fmt.money(it["landed_minor"])
    if "others_minor" not in it:
        return f"would cost {lands}, the cap is {cap}"
    together = fmt.money(it["order_minor"])
    return f"would cost {lands}, with the order's other lines {together}: the order's cap is {cap}"


def _too_late(it: Figures, fmt: Formats) -> str:
    late = fmt.span(timedelta(hours=it["late_hours"]))
    return f"arrives {_instant(it['earliest_arrival'], fmt)} at the earliest, {late} late"


def _no_time(it: Figures, fmt: Formats) -> str:
    needed, free = fmt.duration(it["needed_minutes"]), fmt.duration(it["free_minutes"])
    return f"needs {needed} of machine time by {_day(it['by'], fmt)}, has {free} free"


def _no_material(it: Figures, fmt: Formats) -> str:
    needed, has = (fmt.weight(it[name]) for name in ("needed_grams", "largest_lot_grams"))
    if needed == has:
        needed, has = (f"{fmt.number(it[name])}\N{NO-BREAK SPACE}g" for name in ("needed_grams", "largest_lot_grams"))
    return f"needs {needed} of {it['material']} in one lot, has {has}"


def _blocked_lot(it: Figures, fmt: Formats) -> str:
    lot = _lot(it["lot_id"])
    if it["state"] != "available":
        return f"{lot} is {it['state']}"
    if it["reuse_count"] > MAXIMUM_REUSE:
        return f"{lot} was re-used {fmt.number(it['reuse_count'])} times"
    return f"{lot} may be used until {_day(it['expires_on'], fmt)}"


def _lot(lot_id: str) -> str:
    """Return a lot by its id, which often says that it is one."""
    return lot_id if lot_id.lower().startswith("lot") else f"lot {lot_id}"


def _certificate_ends(it: Figures, fmt: Formats) -> str:
    begins, ends = (_day(it[name], fmt) for name in ("valid_from", "valid_to"))
    first, last = (_day(it[name], fmt) for name in ("production_from", "production_to"))
    if date.fromisoformat(it["valid_to"]) < date.fromisoformat(it["production_to"]):
        return f"{it['certificate']} ends {ends}, production ends {last}"
    return f"{it['certificate']} begins {begins}, production begins {first}"


def _small_order(it: Figures, fmt: Formats) -> str:
    return f"takes orders from {fmt.money(it['minimum_minor'])}, this one is {fmt.money(it['price_minor'])}"


def _lost_before(it: Figures, fmt: Formats) -> str:
    what = _WHAT_HAPPENED.get(it["cause"], "lost this line")
    because = f": {it['reason']}" if it["reason"] else ""
    return f"{what} on {fmt.day(datetime.fromisoformat(it['excluded_at']))}{because}"


def _no_lane(it: Figures, fmt: Formats) -> str:
    if "ended_on" in it:
        return f"the last tariff to {it['ship_to']} ended {_day(it['ended_on'], fmt)}"
    if "begins_on" in it:
        return f"the first tariff to {it['ship_to']} begins {_day(it['begins_on'], fmt)}"
    return f"does not ship to {it['ship_to']}"


_REASONS: Mapping[str, _Words] = {
    "CAPACITY": _no_time,
    "CERTIFICATE_EXPIRES": _certificate_ends,
    "DECLINED": _lost_before,
    "LANE_MISSING": _no_lane,
    "LOT_BLOCKED": _blocked_lot,
    "MATERIAL_SHORT": _no_material,
    "MIN_ORDER": _small_order,
    "NEED_BY": _too_late,
    "PRICE_CAP": _over_the_cap,
}

# ---------------------------------------------------------------- steps


def _later_deadline(it: Figures, fmt: Formats) -> str:
    hours = it["later_hours"] if "later_hours" in it else it["late_hours"]
    arrival = it["need_by"] if "later_hours" in it else it["earliest_arrival"]
    return f"a deadline {fmt.span(timedelta(hours=hours))} later, {_instant(arrival, fmt)}"


def _more_time(it: Figures, fmt: Formats) -> str:
    more = max(0, it["needed_minutes"] - it["free_minutes"])
    if not more:
        return f"an earlier start on {it['machine_id']}"
    return f"{fmt.duration(more)} more on {it['machine_id']} by {_day(it['by'], fmt)}"


def _higher_cap(it: Figures, fmt: Formats) -> str:
    together = it["landed_minor"] + it.get("others_minor", 0)
    whose = "the order's cap" if "others_minor" in it else "the cap"
    return f"raise {whose} by {fmt.money(together - it['maximum_minor'])} to {fmt.money(together)}"


def _more_material(it: Figures, fmt: Formats) -> str:
    if "state" in it:
        return f"another lot, or this one again: {_blocked_lot(it, fmt)}"
    has = it["has_grams"] if "has_grams" in it else it["largest_lot_grams"]
    return f"{fmt.weight(max(0, it['needed_grams'] - has))} more of {it['material']} in one lot"


def _certificate(it: Figures, fmt: Formats) -> str:
    through = it["through"] if "through" in it else it["production_to"]
    until = f"certificate {it['certificate']} until {_day(through, fmt)}"
    if "valid_from" not in it:
        return f"{until} for {it['scope']}"
    return f"{until} (now {_day(it['valid_from'], fmt)} to {_day(it['valid_to'], fmt)})"


def _larger_order(it: Figures, fmt: Formats) -> str:
    return f"an order worth {fmt.money(it['minimum_minor'])} there"


_STEPS: Mapping[str, _Words] = {
    "capacity": _more_time,
    "certificate": _certificate,
    "material": _more_material,
    "minimum_order": _larger_order,
    "need_by": _later_deadline,
    "price_cap": _higher_cap,
}


def _day(text: str, fmt: Formats) -> str:
    return fmt.day(date.fromisoformat(text))


def _instant(text: str, fmt: Formats) -> str:
    return fmt.instant(datetime.fromisoformat(text))
