"""What needs a person now: sections, each with what it is about and where it is settled."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that waits: its name (as a user gave it), what is the case, and the one thing to do about it."""

    name: str
    words: str
    path: str
    action: str
    """What the button says: what is done where it leads."""
    state: str = ""
    since: datetime | None = None
    until: datetime | None = None
    """When it lapses, if nobody sees to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Things of one kind that wait. ``count`` may be more than the ``items`` that are shown."""

    key: str
    title: str
    advice: str
    count: int
    items: tuple[Item, ...]
    path: str = ""
    """Where all of them are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPage:
    """The start page; sections without anything in them are left out."""

    sections: tuple[Section, ...]

    @property
    def count(self) -> int:
        """How much waits in all."""
        return sum(section.count for section in self.sections)
