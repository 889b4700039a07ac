"""The list of parts: those of the inventory by number, or those that words find, and how ready the network is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fabroute.console.pages.order_a_part.finding import HOW_FOUND, part_path, terms_path
from fabroute.console.pages.part.outlook import state_badge
from fabroute.console.words import Kind
from fabroute.inventory.service import PartView
from fabroute.inventory.service.matching import PartMatch


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """A part in the list."""

    part_no: str
    name: str
    how: str
    """By which other number or place it was found; empty where number or name did."""
    revision: str
    """The released one; empty where there is none."""
    is_on_hold: bool
    readiness: tuple[str, Kind] | None
    """How ready the network is to make it; ``None`` where no report tells."""
    path: str
    order_path: str
    """Where its offers are asked for; empty where it can't be ordered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsPage:
    """The page."""

    words: str
    rows: tuple[PartRow, ...]
    has_more: bool
    """Whether words found more than are shown."""
    first_path: str
    next_path: str


def row_of_part(part: PartView, states: Mapping[str, str]) -> PartRow:
    """Return a part of the inventory as a row; ``states`` by part."""
    released = part.released
    return PartRow(
        part_no=part.part_no,
        name=part.name,
        how="",
        revision="" if released is None else released.revision,
        is_on_hold=released is not None and released.on_hold_since is not None,
        readiness=_readiness(states.get(part.part_id)),
        path=part_path(part.part_no),
        order_path="" if released is None else terms_path(part.part_no),
    )


def row_of_match(match: PartMatch, states: Mapping[str, str]) -> PartRow:
    """Return a part that words found as a row."""
    how = HOW_FOUND[match.found_in]
    return PartRow(
        part_no=match.part_no,
        name=match.name,
        how=f"{how} {match.found}" if how else "",
        revision=match.revision or "",
        is_on_hold=match.is_on_hold,
        readiness=_readiness(states.get(match.part_id)),
        path=part_path(match.part_no),
        order_path="" if match.revision is None else terms_path(match.part_no),
    )


def found_page(words: str, matches: Sequence[PartMatch], states: Mapping[str, str], *, most: int) -> PartsPage:
    """Return what words found; one match more than ``most`` says that there are more."""
    rows = tuple(row_of_match(it, states) for it in matches[:most])
    return PartsPage(words=words, rows=rows, has_more=len(matches) > most, first_path="", next_path="")


def _readiness(state: str | None) -> tuple[str, Kind] | None:
    return None if state is None else state_badge(state)
