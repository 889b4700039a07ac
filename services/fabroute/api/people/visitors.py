"""Who stands at the door: where a request comes from, and what its browser has kept."""

from dataclasses import dataclass

from fastapi import Request

from fabroute.api.callers.addresses import client_address
from fabroute.api.people.cookies import Cookies
from fabroute.identity.service.people.sessions import Browser
from fabroute.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A browser before it is signed in; ``device`` and ``session`` are what its cookies hold."""

    browser: Browser
    device: str | None = None
    session: str | None = None


def visitor_of(request: Request, cookies: Cookies) -> Visitor:
    """Return who sends a request."""
    settings: Settings = request.app.state.resources.settings
    address = client_address(request.scope, trusted_proxies=settings.trusted_proxies)
    return Visitor(
        browser=Browser(address=address, user_agent=request.headers.get("User-Agent", "")),
        device=cookies.read(request, "device"),
        session=cookies.read(request, "session"),
    )
