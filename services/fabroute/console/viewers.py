"""Who looks at a page, and how they read: language, zone, light or dark."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from fastapi import Request, Response

from fabroute.api.people.callers import people_of, session_cookie
from fabroute.console.csrf import masked
from fabroute.console.formats import DEFAULT_ZONE, Formats, formats_for, zone_named
from fabroute.console.navigation import HOME, Entry, entries_for, landing_of
from fabroute.console.typed import NOTHING_TYPED, Typed
from fabroute.identity.service.people.sessions import OpenSession
from fabroute.kernel.time import utc_now

Scheme = Literal["auto", "light", "dark"]
FlashKind = Literal["done", "note", "problem"]
ZONE_COOKIE = "fabroute_zone"
SCHEME_COOKIE = "fabroute_scheme"
FLASH_COOKIE = "fabroute_flash"
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
_YEAR = 365 * 86_400
_FLASH_SECONDS = 120
_LONGEST_FLASH = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    """What is said on the page after a form was taken."""

    kind: FlashKind
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Somebody in front of a page; ``opened`` is ``None`` before they have signed in."""

    formats: Formats
    scheme: Scheme
    path: str
    """Of the page with its query: forms say by it where they stand."""
    now: datetime
    opened: OpenSession | None
    typed: Typed
    flash: Flash | None
    is_zone_known: bool
    csrf_token: str
    """For forms: masked, so that it reads differently in each answer. Empty before somebody has signed in."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Where they may go."""
        return () if self.opened is None else entries_for(self.opened.principal)

    @property
    def home(self) -> str:
        """Where they begin."""
        return HOME if self.opened is None else landing_of(self.opened.principal)

    def goes_to(self, key: str) -> bool:
        """Tell whether a place of the bar is theirs: pages lead nobody elsewhere."""
        return any(entry.key == key for entry in self.entries)

    def may(self, scope: str) -> bool:
        """Tell whether they hold a scope: pages leave out what they could not do."""
        return self.opened is not None and scope in self.opened.principal.scopes


def viewer_of(request: Request, opened: OpenSession | None) -> Viewer:
    """Return who looks at the page that a request asks for."""
    zone = request.cookies.get(ZONE_COOKIE)
    state = request.state
    return Viewer(
        formats=formats_for(accept_language=request.headers.get("Accept-Language", ""), zone=zone),
        scheme=_scheme(request.cookies.get(SCHEME_COOKIE)),
        path=_path(request),
        now=utc_now(),
        opened=opened,
        typed=getattr(state, "typed", NOTHING_TYPED),
        flash=_flash(request.cookies.get(FLASH_COOKIE)),
        is_zone_known=zone is not None and zone_named(zone).key == zone and zone != DEFAULT_ZONE,
        csrf_token="" if opened is None else masked(opened.csrf_token),
    )


def known_viewer(request: Request) -> Viewer:
    """Return who looks at a page that needs nobody to be signed in, without a query: who was seen a second ago."""
    token = session_cookie(request)
    opened = None if token is None else people_of(request).sessions.recall(token, now=utc_now())
    return viewer_of(request, opened)


def remember_scheme(response: Response, scheme: str, *, is_secure: bool) -> None:
    """Have the browser keep whether its person likes it light or dark."""
    response.set_cookie(
        SCHEME_COOKIE, _scheme(scheme), max_age=_YEAR, path="/console", httponly=True, samesite="lax", secure=is_secure
    )


def say(response: Response, flash: Flash, *, is_secure: bool) -> None:
    """Have the next page say something, once."""
    text = json.dumps([flash.kind, flash.words[:_LONGEST_FLASH]])
    value = urlsafe_b64encode(text.encode()).decode()
    response.set_cookie(
        FLASH_COOKIE, value, max_age=_FLASH_SECONDS, path="/console", httponly=True, samesite="lax", secure=is_secure
    )


def said(response: Response) -> None:
    """Have the browser forget what was said."""
    response.delete_cookie(FLASH_COOKIE, path="/console", httponly=True, samesite="lax")


def _scheme(value: str | None) -> Scheme:
    return next((it for it in SCHEMES if it == value), "auto")


def _flash(value: str | None) -> Flash | None:
    try:
        kind, words = json.loads(urlsafe_b64decode(value or ""))
    except (ValueError, TypeError):
        return None
    is_one = kind in get_args(FlashKind) and isinstance(words, str)
    return Flash(kind=kind, words=words[:_LONGEST_FLASH]) if is_one else None


def _path(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
