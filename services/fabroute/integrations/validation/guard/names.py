"""Names of parts in a package, by ISO/IEC 29500-2 (OPC) clause 6.2.2 and annex B."""

import re
from collections.abc import Iterable

from fabroute.integrations.validation.guard.refusals import PACK_AGAIN, refuse, shown

_UTF8_FLAG = 0x800
_LONGEST = 1_024
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\:*?\"<>|]|%(?:2f|5c|00)", re.IGNORECASE)
_CONTENT_TYPES = "[content_types].xml"


def decoded_name(raw: bytes, flags: int) -> str:
    """Return an item's name; ``Refusal`` if programs would disagree about its letters."""
    try:
        return raw.decode("utf-8" if flags & _UTF8_FLAG else "ascii")
    except UnicodeDecodeError:
        refuse(
            "PART_NAME",
            f"A part's name is in an unknown encoding: {shown(raw.decode('latin-1'))}.",
            "Use only letters of the English alphabet in the names of parts, pictures and materials.",
        )


def check_names(names: Iterable[str]) -> None:
    """Refuse names that leave the package, that are not names of parts, and two names that mean one part.

    OPC compares names without regard to case, and no part's name may continue another's.
    """
    seen: dict[str, str] = {}
    for name in names:
        _check_name(name)
        key = name.rstrip("/").lower()
        if key in seen:
            refuse(
                "PART_DUPLICATE",
                f"The archive holds {shown(name)} and {shown(seen[key])}: one name for two parts.",
                PACK_AGAIN,
                where=name,
            )
        seen[key] = name
    _refuse_nested(seen)


def _check_name(name: str) -> None:
    segments = name.removesuffix("/").split("/")
    if not name or name == "/" or len(name) > _LONGEST:
        reason = "is empty or too long"
    elif name.startswith("/"):
        reason = "begins with a slash"
    elif _FORBIDDEN.search(name):
        reason = "has characters that a part's name must not have"
    elif any(not segment.strip(". ") for segment in segments):
        reason = "has an empty segment or one of dots only"
    elif any(segment.endswith(".") for segment in segments):
        reason = "has a segment that ends with a dot"
    else:
        return
    refuse("PART_NAME", f"The name {shown(name)} {reason}.", PACK_AGAIN)


def _refuse_nested(names: dict[str, str]) -> None:
    files = {key for key, name in names.items() if not name.endswith("/")}
    for key in names:
        parents = [key[:place] for place, letter in enumerate(key) if letter == "/"]
        for parent in parents:
            if parent in files and parent != _CONTENT_TYPES:
                refuse("PART_NAME", f"{shown(names[key])} lies inside the part {shown(names[parent])}.", PACK_AGAIN)
