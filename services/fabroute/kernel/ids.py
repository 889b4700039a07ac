"""Identifiers that sort by time of birth and name their kind."""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26


def new_id(prefix: str) -> str:
    """Return ``<prefix>_<26 characters>``: 48 bits of milliseconds, then 80 random bits, in Crockford's base 32.

    Ids made later sort later (to the millisecond), so they serve as cursors and keep index inserts local.
    """
    value = (int(time.time() * 1000) << 80) | secrets.randbits(80)
    characters = []
    for _ in range(_LENGTH):
        value, index = divmod(value, 32)
        characters.append(_ALPHABET[index])
    return f"{prefix}_{''.join(reversed(characters))}"
