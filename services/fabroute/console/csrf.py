"""CSRF tokens as they stand in pages: each answer has other letters for the same token.

An answer that is compressed tells by its length what in it repeats what somebody slipped into the address. A token that
reads differently each time can't be found out that way (BREACH, 2013).
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode


def masked(token: str) -> str:
    """Return a token (hexadecimal) behind random bytes; empty for none."""
    plain = bytes.fromhex(token)
    pad = secrets.token_bytes(len(plain))
    return urlsafe_b64encode(pad + _either(pad, plain)).decode().rstrip("=")


def unmasked(text: str) -> str:
    """Return the token that ``masked`` made the text of; of any other text something that is nobody's token."""
    try:
        found = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return text
    half = len(found) // 2
    return _either(found[:half], found[half : 2 * half]).hex()


def _either(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
