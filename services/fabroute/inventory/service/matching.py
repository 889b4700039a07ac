"""Find a part by what a person has in hand: its number, an old one, the machine that it belongs to, its name."""

from dataclasses import dataclass
from typing import Literal

from sqlmodel import Session

from fabroute.inventory.repository import matching

FoundIn = Literal["part_no", "alias", "asset", "name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartMatch:
    """A part that words found, where they found it, and the revision that can be ordered."""

    part_id: str
    part_no: str
    name: str
    found_in: FoundIn
    found: str
    """The number, place or name that holds the words: "pump P-17 · 4"."""
    revision_id: str | None
    """The released one; ``None``: it can't be ordered yet."""
    revision: str | None
    is_on_hold: bool
    """Whether nobody may print that revision for now."""


def match_parts(session: Session, *, organisation_id: str, words: str, limit: int = 20) -> tuple[PartMatch, ...]:
    """Return an owner's parts that words find in any case, the nearest first: whole numbers before parts of names.

    A number or an asset has to hold the words as they are, a name each of them. No words find nothing.
    """
    wanted = " ".join(words.split())
    if not wanted:
        return ()
    found = matching.match_parts(session, organisation_id=organisation_id, words=wanted, limit=limit)
    return tuple(PartMatch(**row) for row in found)
