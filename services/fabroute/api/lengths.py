"""How long a body says that it is."""

import sys

_MOST_DIGITS = 18


def declared_length(value: bytes) -> int | None:
    """Return the bytes that a ``Content-Length`` declares; ``None`` where it is no number.

    Zeros in front say nothing, however many: Python refuses to read a number of more than 4,300 digits.
    """
    if not value.isdigit():
        return None
    digits = value.lstrip(b"0")
    return sys.maxsize if len(digits) > _MOST_DIGITS else int(digits or b"0")
