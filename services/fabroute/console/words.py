"""States and codes in words, and the colour of what they mean."""

from collections.abc import Mapping
from typing import Literal

Kind = Literal["good", "busy", "waits", "bad", "over"]
"""``good``: all is well; ``busy``: something happens; ``waits``: a person is needed; ``bad``: it failed; ``over``."""

_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("routed", "released", "delivered", "shipped", "active", "passed", "valid", "ready"), "good"),
    **dict.fromkeys(
        ("pending", "routing", "offered", "claimed", "accepted", "printing", "printed", "inspected", "draft"), "busy"
    ),
    **dict.fromkeys(
        ("parked", "partly_routed", "suspect", "held", "countered", "proposed", "validated", "expiring"), "waits"
    ),
    **dict.fromkeys(("no_route", "failed", "revoked", "blocked", "expired", "declined", "rejected", "down"), "bad"),
    **dict.fromkeys(("cancelled", "withdrawn", "superseded", "lapsed", "past"), "over"),
}
_WORDS: Mapping[str, str] = {
    "no_route": "no route",
    "partly_routed": "partly routed",
    "pending": "being routed",
    "parked": "parked: needs a look",
    "countered": "other terms proposed",
}
_REGIONS: Mapping[str, str] = {
    "europe": "Europe",
    "north_america": "North America",
    "asia_pacific": "Asia and Pacific",
    "rest": "the rest of the world",
}


def region_words(region: str) -> str:
    """Return a region of the world as people say it."""
    return _REGIONS.get(region, region.replace("_", " "))


def state_words(state: str) -> str:
    """Return a state as people say it."""
    return _WORDS.get(state, state.replace("_", " "))


def state_kind(state: str) -> Kind:
    """Return what a state means, for its colour and sign; unknown ones are ``busy``."""
    return _KINDS.get(state, "busy")
