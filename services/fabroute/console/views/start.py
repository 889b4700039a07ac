"""The start page: what needs a person now."""

from fastapi import Response

from fabroute.api.dependencies import Caller, Now, ReadSession
from fabroute.console.attention import what_needs_a_person
from fabroute.console.navigation import HOME, landing_of
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import console_router

router = console_router()


@router.get("/")
def show_start(console: ForPeople, caller: Caller, session: ReadSession, now: Now) -> Response:
    """Show what needs a person now; a bureau is led to its jobs."""
    if landing_of(caller) != HOME:
        return console.redirect(landing_of(caller))
    return console.page("start/start.html", it=what_needs_a_person(session, caller=caller, now=now))
