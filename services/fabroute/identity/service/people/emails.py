"""E-mail addresses in one spelling, so that one person is not two."""

import re
import unicodedata

from fabroute.kernel.errors import DomainError

_LONGEST = 254
_LONGEST_LOCAL = 64
_LOCAL = re.compile(r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f]+")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class InvalidEmail(DomainError):
    """This is no e-mail address that mail could go to."""

    code = "invalid_email"
    status = 422


def normalised(email: str) -> str:
    """Return an address as fabroute keeps and compares it: composed (NFC), in small letters, no spaces around it.

    Dots and what stands behind a plus sign are kept: they mean something to some providers. A domain with letters
    beyond ASCII is written as mail servers know it (``xn--…``). Raises ``InvalidEmail``.
    """
    written = unicodedata.normalize("NFC", unicodedata.normalize("NFC", email).strip().lower())
    local, _, domain = written.rpartition("@")
    if len(written) > _LONGEST or not (_is_local(local) and _is_domain(domain)):
        raise InvalidEmail("this is no e-mail address: write it like ada@example.com, a domain abroad as xn--…")
    return written


def _is_local(local: str) -> bool:
    dots_are_between = not (local.startswith(".") or local.endswith(".") or ".." in local)
    is_shown = all(unicodedata.category(character)[0] != "C" for character in local)
    return len(local) <= _LONGEST_LOCAL and _LOCAL.fullmatch(local) is not None and dots_are_between and is_shown


def _is_domain(domain: str) -> bool:
    labels = domain.split(".")
    return len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdecimal()
