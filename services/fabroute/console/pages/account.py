"""A person's own account: who they are here, their second factor, and where they are signed in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fabroute.console.drawing.markup import Caption, Svg
from fabroute.console.drawing.qr import qr_code
from fabroute.identity.service.people.second_factor import RECOVERY_CODES
from fabroute.identity.service.people.sessions import SessionView

PATH = "/console/account"
_GROUP = 4
_METHODS: Mapping[str, str] = {
    "password": "with the password",
    "invitation": "by an invitation",
    "oidc": "at your organisation's account",
}
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
"""The first that a browser names: all but the last two name others as well."""
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)
_PRODUCT = re.compile(r"[A-Za-z][\w.-]{0,30}(?=/)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInPlace:
    """A browser that somebody is signed in with."""

    session_id: str
    browser: str
    address: str
    method: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    is_here: bool
    """Whether it is the one that looks at the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """What somebody can see and change of their own account."""

    places: tuple[SignedInPlace, ...]
    """The one that looks first, then the latest first."""
    recovery_codes_left: int
    recovery_codes: int = RECOVERY_CODES

    @property
    def others(self) -> int:
        """How many other browsers they are signed in with."""
        return sum(not it.is_here for it in self.places)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorPage:
    """What an authenticator app is told."""

    groups: tuple[str, ...]
    """The secret in groups of four, to type in."""
    uri: str
    picture: Svg


def account_page(found: Sequence[SessionView], *, here: str, codes_left: int) -> AccountPage:
    """Return the account of somebody who is signed in by the session ``here``."""
    places = tuple(_place(it, is_here=it.session_id == here) for it in found)
    return AccountPage(
        places=tuple(sorted(places, key=lambda it: (not it.is_here, -it.seen_at.timestamp()))),
        recovery_codes_left=codes_left,
    )


def second_factor_page(secret: str, uri: str) -> SecondFactorPage:
    """Return how an authenticator app learns a secret: by its camera, by a link, or typed in."""
    caption = Caption(key="second-factor", title="QR code for your authenticator app")
    groups = tuple(secret[at : at + _GROUP] for at in range(0, len(secret), _GROUP))
    return SecondFactorPage(groups=groups, uri=uri, picture=qr_code(caption, uri))


def browser_words(user_agent: str) -> str:
    """Return what a browser is in words: ``Firefox on Linux``; of what is none, the name that it gives itself."""
    browser = next((words for name, words in _BROWSERS if f"{name}/" in user_agent), "")
    system = next((words for name, words in _SYSTEMS if name in user_agent), "")
    if browser:
        return f"{browser} on {system}" if system else browser
    product = _PRODUCT.match(user_agent)
    return product[0] if product else "An unnamed browser"


def _place(found: SessionView, *, is_here: bool) -> SignedInPlace:
    return SignedInPlace(
        session_id=found.session_id,
        browser=browser_words(found.user_agent),
        address=found.address,
        method=_METHODS.get(found.method, found.method),
        created_at=found.created_at,
        seen_at=found.seen_at,
        ends_at=found.ends_at,
        is_here=is_here,
    )
