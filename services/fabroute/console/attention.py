"""What needs a person now, asked of the services: each source is one section of the start page."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Session

from fabroute.console.pages.start import Section, StartPage
from fabroute.identity.rules import Principal

Source = Callable[[Session, Principal, datetime], Section]
SOURCES: Sequence[Source] = ()
"""What may wait. Each asks a service, bounded by a limit, and returns a section, empty where nothing waits."""


def what_needs_a_person(session: Session, *, caller: Principal, now: datetime) -> StartPage:
    """Return what needs a person now, of what the caller may see."""
    found = (source(session, caller, now) for source in SOURCES)
    return StartPage(sections=tuple(section for section in found if section.count))
