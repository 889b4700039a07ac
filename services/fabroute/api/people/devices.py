"""Browsers that an account was signed in from before: their cookie gives them a bucket of attempts of their own."""

import hmac
import secrets

from fabroute.identity.ports import Sealer

_PURPOSE = "known device"
_BYTES = 16


def device_cookie(email: str, *, sealer: Sealer) -> str:
    """Return the cookie of a browser that has signed in as ``email``; nobody else can make one."""
    nonce = secrets.token_hex(_BYTES)
    return f"{nonce}.{_tag(email, nonce, sealer)}"


def known_device(cookie: str | None, email: str, *, sealer: Sealer) -> str | None:
    """Return the name of the browser, if its cookie is one that was given for ``email``; else ``None``."""
    nonce, _, tag = (cookie or "").partition(".")
    expected = _tag(email, nonce, sealer)
    return nonce if hmac.compare_digest(tag.encode("utf-8", "replace"), expected.encode()) else None


def _tag(email: str, nonce: str, sealer: Sealer) -> str:
    return sealer.tag(f"{email} {nonce}", purpose=_PURPOSE)
