"""Lines that are parked: whose they are, why, and what to do about each."""

from dataclasses import dataclass
from datetime import datetime

from fabroute.console.formats import Formats
from fabroute.console.reasons import stored_words
from fabroute.orders.service.waiting import ParkedLine, ParkedLines

PATH = "/console/parked"
_DECLINED, _BROKEN, _TRIED = "could not make it", "runs broke", "without an outcome"
_OF_NETWORK = {
    _DECLINED: "Ask these nodes why. Then send it on: to all of them again, or never to some.",
    _BROKEN: "The worker's log says how it broke the routing. Once that is mended, send it on.",
    _TRIED: "The worker's log says why. Its owner cancels it and places it again.",
}
_OF_OWNER = {
    _DECLINED: _OF_NETWORK[_DECLINED],
    _BROKEN: "Ask the operator of the network, who finds more in the log. Then send it on, or cancel it.",
    _TRIED: "Ask the operator of the network why. Then cancel it and place it again.",
}
_ELSE = "Mend what is said here, then send it on."


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedRow:
    """A line that waits for somebody to look."""

    path: str
    name: str
    number: str
    quantity: int
    order: str
    owner: str
    """Whose it is; empty where the viewer sees their own alone."""
    why: str
    advice: str
    need_by: datetime | None
    is_late: bool
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedPage:
    """All parked lines that the viewer may see, those needed soonest first."""

    rows: tuple[ParkedRow, ...]
    total: int
    shows_owners: bool


def parked_page(found: ParkedLines, fmt: Formats, *, whole_network: bool, now: datetime) -> ParkedPage:
    """Return the page of an owner's parked lines, or of those of the whole network."""
    return ParkedPage(
        rows=tuple(_row(line, fmt, whole_network=whole_network, now=now) for line in found.lines),
        total=found.total,
        shows_owners=whole_network,
    )


def _row(line: ParkedLine, fmt: Formats, *, whole_network: bool, now: datetime) -> ParkedRow:
    words = stored_words(line.reason, fmt)
    return ParkedRow(
        path=f"/console/orders/{line.order_id}?line={line.position}",
        name=line.part_name or line.part_no,
        number=line.part_no,
        quantity=line.quantity,
        order=line.reference or line.order_id,
        owner=(line.organisation_name or line.organisation_id) if whole_network else "",
        why=f"{words[:1].upper()}{words[1:]}" or "It could not be decided.",
        advice=_advice(line.reason, _OF_NETWORK if whole_network else _OF_OWNER),
        need_by=line.need_by,
        is_late=line.need_by is not None and line.need_by < now,
        since=line.updated_at,
    )


def _advice(reason: str, known: dict[str, str]) -> str:
    return next((words for said, words in known.items() if said in reason), _ELSE)
