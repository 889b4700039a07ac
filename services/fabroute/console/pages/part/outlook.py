"""How ready the network is for a part, now and in some weeks, as the last readiness report has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fabroute.console.drawing.text import isolated
from fabroute.console.formats import Formats
from fabroute.console.reasons import stored_words
from fabroute.console.words import Kind, region_words
from fabroute.routing.rules.readiness import LOOKAHEAD_DAYS
from fabroute.routing.service.readiness import EntryView, PartReadiness

_MOST_SOURCES = 3
_STATES: Mapping[str, tuple[str, Kind]] = {
    "no_route": ("nobody can make it", "bad"),
    "ends_soon": (f"nobody can in {LOOKAHEAD_DAYS} days", "bad"),
    "one_failure_away": ("one failure away", "waits"),
    "ready": ("ready", "good"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """A node that can make the part now and won't later."""

    city: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondSource:
    """What one node would have to prove or store to make the part too, and what it would cost landed there."""

    what: str
    landed_minor: int
    extra_minor: int | None
    """Beside the cheapest node now; ``None`` where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionOutlook:
    """One part for one region."""

    region: str
    """As it stands in a sentence."""
    city: str
    """The place that stands for it: deliveries are reckoned to there."""
    is_ordered: bool
    """Whether the part was ordered for the region; else place and quantity are assumed."""
    quantity: int
    revision: str
    words: str
    kind: Kind
    nodes_now: int
    nodes_later: int
    ends: tuple[End, ...]
    sources: tuple[SecondSource, ...]

    @property
    def sent(self) -> str:
        """Where deliveries are reckoned to, and why there; empty where nobody knows."""
        place = f"sent to {isolated(self.city)}"
        if self.is_ordered:
            return f"{place}: most of what is ordered for {self.region} goes there"
        return f"{place} as an example: none had been ordered for {self.region} by then" if self.city else ""

    @property
    def title(self) -> str:
        """The region as a heading."""
        return self.region[:1].upper() + self.region[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the last report says of a part, and whether a newer one is under way."""

    as_of: datetime | None
    """``None`` before the first report."""
    regions: tuple[RegionOutlook, ...]
    asked_at: datetime | None
    failed_at: datetime | None

    @property
    def days(self) -> int:
        """How far ahead a report looks."""
        return LOOKAHEAD_DAYS


def state_badge(state: str) -> tuple[str, Kind]:
    """Return how ready the network is in a few words, with their colour."""
    return _STATES.get(state, (state.replace("_", " "), "busy"))


def outlook_of(found: PartReadiness, fmt: Formats) -> Outlook:
    """Return how ready the network is for a part, region by region."""
    return Outlook(
        as_of=found.as_of,
        regions=tuple(_region(entry, fmt) for entry in found.entries),
        asked_at=None if found.asked is None else found.asked.asked_at,
        failed_at=found.failed_at,
    )


def _region(entry: EntryView, fmt: Formats) -> RegionOutlook:
    told = entry.document
    words, kind = state_badge(entry.state)
    return RegionOutlook(
        region=region_words(entry.region),
        city=told.get("city", ""),
        is_ordered=bool(told.get("ordered")),
        quantity=entry.quantity,
        revision=told.get("revision", ""),
        words=words,
        kind=kind,
        nodes_now=entry.nodes_now,
        nodes_later=entry.nodes_later,
        ends=tuple(End(city=it["city"], why=stored_words(it["why"], fmt)) for it in told.get("ends", ())),
        sources=tuple(_source(it, fmt) for it in told.get("second_sources", ())[:_MOST_SOURCES]),
    )


def _source(told: Mapping[str, Any], fmt: Formats) -> SecondSource:
    return SecondSource(
        what=stored_words(told["what"], fmt), landed_minor=told["landed_minor"], extra_minor=told["extra_minor"]
    )
