"""Secrets that people and their browsers hold: made here, kept as SHA-256 only."""

import hashlib
import hmac
import secrets

_BYTES = 32


def new_token(kind: str) -> str:
    """Return ``<kind>_`` and 256 random bits; the kind lets a scanner that finds one say what leaked."""
    return f"{kind}_{secrets.token_urlsafe(_BYTES)}"


def digest_of(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def csrf_token_of(session_token: str) -> str:
    """Return what a page sends along with a session's cookie when it changes something.

    Another site can make a browser send the cookie, but can't read this, nor reckon the cookie out of it.
    """
    return hmac.new(session_token.encode(), b"fabroute csrf", hashlib.sha256).hexdigest()
