"""What happened to an order, in words: each entry of its timeline, with re-routes and what caused them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeVar

from fabroute.console.drawing.text import isolated
from fabroute.console.formats import Formats
from fabroute.console.reasons import stored_words
from fabroute.console.words import Kind
from fabroute.kernel.events import JsonScalar
from fabroute.production.service.rerouting.timeline import TimelineEntry

T = TypeVar("T")
Figures = Mapping[str, JsonScalar]

_TITLES: Mapping[str, tuple[str, Kind]] = {
    "order.placed": ("Order placed", "good"),
    "order.cancelled": ("Order cancelled", "over"),
    "order.cancel_requested": ("Asked to cancel the order", "waits"),
    "order.line_retried": ("Sent on its way again", "busy"),
    "order.exclusion_lifted": ("A node may have the line again", "busy"),
    "order.promise_changed": ("It arrives later than promised", "waits"),
    "order.objective_changed": ("To be routed by another objective", "busy"),
    "line.decided": ("Routed", "good"),
    "line.rerouted": ("Left its node", "waits"),
    "line.promise_settled": ("Routed again", "busy"),
    "job.offered": ("Offered", "busy"),
    "job.claimed": ("Taken up by the node", "busy"),
    "job.accepted": ("Accepted", "good"),
    "job.countered": ("The node proposes other terms", "waits"),
    "job.counter_refused": ("Proposal refused", "waits"),
    "job.declined": ("Declined", "bad"),
    "job.lapsed": ("Not answered in time", "bad"),
    "job.failed": ("Could not be made there", "bad"),
    "job.cancelled": ("Job ended", "over"),
    "job.held": ("On hold", "waits"),
    "job.resumed": ("Goes on", "busy"),
    "job.suspect": ("The node fell silent", "bad"),
    "job.revived": ("The node is back", "good"),
    "job.suspicion_decided": ("Decided about the silent node", "busy"),
    "job.file_released": ("Print file fetched", "busy"),
    "job.started": ("Printing began", "busy"),
    "job.print_reported": ("A print was reported", "busy"),
    "job.print_scrapped": ("A print was scrapped", "waits"),
    "job.inspected": ("Made and inspected", "good"),
    "job.inspection_reported": ("Inspection reported", "busy"),
    "job.evidence_added": ("Evidence added", "busy"),
    "job.first_article_submitted": ("First article waits for approval", "waits"),
    "job.first_article_approved": ("First article approved", "good"),
    "job.first_article_refused": ("First article refused", "bad"),
    "job.reported_late": ("Reported after its lease had ended", "waits"),
    "job.shipped": ("Shipped", "good"),
    "job.delivered": ("Delivered", "good"),
    "job.returned": ("Sent back", "bad"),
    "job.cancel_requested": ("Node asked to stop", "waits"),
    "job.cancel_refused": ("The node goes on", "waits"),
    "job.parts_recalled": ("Parts recalled", "bad"),
    "conformity.issued": ("Certificate of conformity made", "good"),
    "conformity.withdrawn": ("Certificate of conformity withdrawn", "bad"),
    "parcel.delivered": ("Parcel delivered", "good"),
    "parcel.exception": ("The carrier has a problem", "waits"),
    "parcel.lost": ("Parcel lost", "bad"),
}
_CAUSES: Mapping[str, str] = {
    "declined": "the node declined it",
    "lapsed": "the node did not answer in time",
    "counter_refused": "the node's other terms were refused",
    "print_failed": "the print failed",
    "node_down": "the node went down",
    "machine_down": "the machine went down",
    "node_closed": "the node closed",
    "capacity_cut": "the machine lost time",
    "gate_closed": "a certificate or another proof was lost",
    "lot_blocked": "its material was blocked",
    "suspect": "the node fell silent",
    "owner": "you asked for it",
    "operator": "the operator asked for it",
    "cancel_acknowledged": "the node agreed to stop",
    "build_lost_line": "the build that it shared fell apart",
    "better_place": "a better place came free",
}
_OUTCOMES: Mapping[str, tuple[str, Kind]] = {
    "kept": ("Routed again, the promise is kept", "good"),
    "late": ("Routed again, later than promised", "waits"),
    "dearer": ("Routed again, dearer than promised", "waits"),
    "late_and_dearer": ("Routed again, later and dearer than promised", "waits"),
    "no_route": ("No node can make it now", "bad"),
    "parked": ("Waits for a person", "waits"),
    "cancelled": ("Cancelled meanwhile", "over"),
}

_ACTORS: Mapping[str, str] = {"key": "the API key ", "client": "the OAuth client "}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryEntry:
    """Something that happened, in words."""

    at: datetime
    title: str
    kind: Kind
    words: str
    position: int | None
    job_id: str
    decision_id: str
    by: str
    """Who did it, as far as the viewer may know; empty where nobody asked for it."""


def story_entries(
    entries: tuple[TimelineEntry, ...], fmt: Formats, *, cities: Mapping[str, str] | None = None
) -> tuple[StoryEntry, ...]:
    """Return what happened, oldest first; ``cities`` are those of nodes, as far as they are known.

    That a job ended because its line left the node is told once.
    """
    left = {(it.job_id, it.at) for it in entries if it.what == "line.rerouted"}
    told = [it for it in entries if it.what != "job.cancelled" or (it.job_id, it.at) not in left]
    return tuple(_entry(_named(it, cities or {}), fmt) for it in told)


def cause_words(cause: str) -> str:
    """Return why a job left its node."""
    return _CAUSES.get(cause, cause.replace("_", " "))


def _named(entry: TimelineEntry, cities: Mapping[str, str]) -> TimelineEntry:
    """Return an entry that names the city of its node beside the node's id."""
    node_id = entry.figures.get("node_id")
    city = cities.get(str(node_id)) if node_id else None
    named = f"{isolated(city)} ({node_id})" if city else node_id
    return replace(entry, figures={**entry.figures, "node_id": named}) if city else entry


def _entry(entry: TimelineEntry, fmt: Formats) -> StoryEntry:
    title, kind = _title(entry)
    words = _WORDS.get(entry.what, _anything)(entry.figures, fmt)
    return StoryEntry(
        at=entry.at,
        title=title,
        kind=kind,
        words=words,
        position=entry.position,
        job_id=entry.job_id or "",
        decision_id=str(entry.figures.get("decision_id", "")),
        by=_by(entry),
    )


def _by(entry: TimelineEntry) -> str:
    if entry.by != "person":
        return ""
    return f"by {_ACTORS.get(entry.who_kind, '')}{isolated(entry.who)}" if entry.who else "by a person"


def _title(entry: TimelineEntry) -> tuple[str, Kind]:
    figures = entry.figures
    if entry.what == "line.promise_settled":
        return _OUTCOMES.get(str(figures.get("outcome")), ("Routed again", "busy"))
    if entry.what == "line.decided" and figures.get("outcome") == "no_route":
        return "No node can make it", "bad"
    if entry.what == "line.decided" and figures.get("kind") == "improved":
        return "Moved to a better place", "good"
    usual = entry.what.partition(".")[2].replace("_", " ").capitalize()
    return _TITLES.get(entry.what, (usual or entry.what, "busy"))


def _decided(figures: Figures, fmt: Formats) -> str:
    times, landed, promised = figures.get("times"), _amount(figures, "landed_minor"), _instant(figures, "promised_at")
    again = f" (decided {times} times alike)" if times else ""
    if landed is None or promised is None:
        return f"{stored_words(str(figures.get('why', '')), fmt)}{again}"
    where = f"{figures['node_id']} for " if figures.get("node_id") else ""
    return f"{where}{fmt.money(landed)}, there by {fmt.day(promised)}{again}"


def _rerouted(figures: Figures, fmt: Formats) -> str:
    reason = stored_words(str(figures.get("reason", "")), fmt)
    words = f"{figures.get('node_id', 'The node')}: {cause_words(str(figures.get('cause', '')))}"
    return f"{words}. {reason[:1].upper()}{reason[1:]}".strip() if reason else f"{words}."


def _settled(figures: Figures, fmt: Formats) -> str:
    return "; ".join(
        words
        for words in (
            _moved(_instant(figures, "promised_at"), _instant(figures, "arrives_at"), fmt.day, "there by"),
            _moved(_amount(figures, "promised_minor"), _amount(figures, "landed_minor"), fmt.money, "for"),
        )
        if words
    )


def _promise_changed(figures: Figures, fmt: Formats) -> str:
    moved = _moved(_instant(figures, "promised_at"), _instant(figures, "arrives_at"), fmt.day, "There by")
    return f"{moved}, as you agreed." if figures.get("cause") == "counter_offer" else moved


def _offered(figures: Figures, fmt: Formats) -> str:
    produce_by = figures.get("produce_by")
    until = f", to be printed by {fmt.day(date.fromisoformat(str(produce_by)))}" if produce_by else ""
    return f"To {figures.get('node_id', 'the node')}: {fmt.quantity(int(str(figures.get('quantity', 0))))}{until}"


def _objective(figures: Figures, fmt: Formats) -> str:
    return f"{figures.get('objective')} instead of {figures.get('before')}"


def _anything(figures: Figures, fmt: Formats) -> str:
    """Return what there is to know: who, what was said, in which state of things."""
    told = [str(figures[name]) for name in ("node_id", "carrier", "tracking_number", "place") if name in figures]
    said = [
        stored_words(str(figures[name]), fmt).replace("_", " ")
        for name in ("reason", "code", "text", "result")
        if figures.get(name)
    ]
    if "price_minor" in figures:
        said.append(fmt.money(int(str(figures["price_minor"]))))
    if "produce_by" in figures:
        said.append(f"printed by {fmt.day(date.fromisoformat(str(figures['produce_by'])[:10]))}")
    return ": ".join(part for part in (", ".join(told), ", ".join(said)) if part)


_WORDS: Mapping[str, Callable[[Figures, Formats], str]] = {
    "line.decided": _decided,
    "line.rerouted": _rerouted,
    "line.promise_settled": _settled,
    "order.promise_changed": _promise_changed,
    "job.offered": _offered,
    "order.objective_changed": _objective,
}


def _moved(before: T | None, after: T | None, words: Callable[[T], str], lead: str) -> str:
    if after is None:
        return ""
    if before is None or before == after:
        return f"{lead} {words(after)}"
    return f"{lead} {words(after)} instead of {words(before)}"


def _instant(figures: Figures, name: str) -> datetime | None:
    found = figures.get(name)
    return datetime.fromisoformat(found) if isinstance(found, str) else None


def _amount(figures: Figures, name: str) -> int | None:
    found = figures.get(name)
    return found if isinstance(found, int) else None
