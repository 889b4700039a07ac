"""Advice as a person reads it."""

from collections.abc import Iterator
from typing import cast

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json
from fabroute.kernel.money import Money

_MARKS = {"held": "✓", "not_held": "✗", "unknown": "?"}


def method_story(advice: JsonObject) -> str:
    """Return which way is advised, with what each costs and why, from the API's answer."""
    return "\n".join(_method_lines(advice))


def pathways_story(advice: JsonObject) -> str:
    """Return the pathways in their order, from the API's answer."""
    return "\n".join(_pathway_lines(advice))


def mass_production_story(advice: JsonObject) -> str:
    """Return the eight signals with their evidence, from the API's answer."""
    lines = [str(advice["headline"])]
    for it in _objects(advice["signals"]):
        lines.append(f"  {_MARKS[str(it['state'])]} {_words(it['signal'])}: {it['evidence']}")
        if it["state"] != "held":
            lines.append(f"      needed: {it['definition']}")
    if advice["horizon_assumed"]:
        lines.append(f"  a horizon of {advice['horizon_years']:g} years is assumed")
    return "\n".join(lines)


def viability_story(advice: JsonObject) -> str:
    """Return what the answers come to and which questions are open, from the API's answer."""
    lines = [str(advice["headline"])]
    for it in _objects(advice["dimensions"]):
        if it["yes"]:
            lines.append(f"  {_words(it['dimension'])}: {_listed(it['yes'])}; so {it['points_to']}")
    lines += [f"  open: {it['question']} ({it['code']})" for it in _objects(advice["unanswered"])]
    return "\n".join(lines)


def _method_lines(advice: JsonObject) -> Iterator[str]:
    yield str(advice["headline"])
    crossover = advice["crossover"]
    if isinstance(crossover, dict):
        yield f"  {crossover['sentence']}"
    yield from _way_lines(advice)
    for name, sign in (("reasons", "because"), ("conditions", "note")):
        for sentence in _texts(advice[name])[: -1 if name == "reasons" else None]:
            yield f"  {sign}: {sentence}"


def _way_lines(advice: JsonObject) -> Iterator[str]:
    printed, conventional = advice["printed"], cast("JsonObject", advice["conventional"])
    if isinstance(printed, dict):
        printer = printed["printer"]
        where = f", estimated at {printer['node_id']} on {printer['machine_id']}" if isinstance(printer, dict) else ""
        yield f"  printed: {_money(printed['total'])} ({_money(printed['unit'])} a piece{where})"
    if conventional["total"] is not None:
        scrap = f", {conventional['scrapped']} scrapped" if conventional["scrapped"] else ""
        lead = f", {conventional['lead_days']} days" if conventional["lead_days"] is not None else ""
        yield (
            f"  conventional: {_money(conventional['total'])} ({_money(conventional['unit'])} a piece, tooling "
            f"{_money(conventional['tooling_total'])}, {conventional['bought']} bought{scrap}{lead})"
        )


def _pathway_lines(advice: JsonObject) -> Iterator[str]:
    yield str(advice["headline"])
    for it in _objects(advice["pathways"]):
        unit, why_not = cast("JsonObject", it["unit"]), _texts(it["why_not"])
        days = f"{it['lead_days_low']} to {it['lead_days_high']} days"
        sign = "✓" if it["fits"] and not why_not else "✗" if not it["fits"] else "!"
        yield (
            f"  {sign} {it['name']}: {it['minimum_quantity']} to {it['maximum_quantity']} pieces, "
            f"{_money(unit['low'])} to {_money(unit['high'])} each, {days}"
        )
        if why_not:
            yield f"      {'; '.join(why_not)}"
    for note in _texts(advice["notes"]):
        yield f"  note: {note}"


def _money(value: Json) -> str:
    amount = cast("JsonObject", value)
    return str(Money(amount_minor=int(str(amount["amount_minor"])), currency=str(amount["currency"])))


def _objects(value: Json) -> list[JsonObject]:
    return cast("list[JsonObject]", value)


def _texts(value: Json) -> list[str]:
    return cast("list[str]", value)


def _listed(value: Json) -> str:
    return ", ".join(map(_words, _texts(value)))


def _words(value: Json) -> str:
    return str(value).replace("_", " ")
