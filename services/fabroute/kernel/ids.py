"""Identifiers that sort by time of birth and name their kind."""

import os
import time
from typing import Final

EVERY_TENANT: Final = "*"
"""In the place of an organisation's id: the tenant of what works for all of them, and of the operator."""

SANDBOX_PREFIX: Final = "org_sandbox_"

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_SHIFTS = range(120, -1, -10)
"""26 characters of 5 bits, two at a time."""


def new_id(prefix: str) -> str:
    """Return ``<prefix>_<26 characters>``: 48 bits of milliseconds, then 80 random bits, in Crockford's base 32.

    Ids made later sort later (to the millisecond), so they serve as cursors and keep index inserts local.
    """
    value = (int(time.time() * 1000) << 80) | int.from_bytes(os.urandom(10))
    return f"{prefix}_{''.join([_PAIRS[(value >> shift) & 1023] for shift in _SHIFTS])}"


def sandbox_of(organisation_id: str) -> str:
    """Return the sandbox that an organisation belongs to, empty for one of the real world.

    It stands in the id (``org_sandbox_<sandbox>``, ``org_sandbox_<sandbox>_bureau``), so that no query is needed to
    tell, and nobody can be moved from one world to the other.
    """
    rest = organisation_id.removeprefix(SANDBOX_PREFIX)
    return "" if rest == organisation_id else rest.partition("_")[0]
