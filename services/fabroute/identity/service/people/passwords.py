"""Passwords: which are taken, and how they are kept (argon2id, RFC 9106)."""

import unicodedata
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from fabroute.kernel.errors import DomainError, FieldProblem

SHORTEST = 12
LONGEST = 256
_LIST = Path(__file__).with_name("common_passwords.txt")
_ENDINGS = "0123456789!@#$%&*?.,;:+-_=/ "
_SPELLINGS = str.maketrans("@4031$57!", "aaoeissti")
_OURS = "fabroute"


class PasswordUnacceptable(DomainError):
    """The password is too short, too long, or among the first that somebody else would try."""

    code = "password_unacceptable"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a password is right, and whether its hash should be made anew with today's parameters."""

    is_right: bool
    is_outdated: bool = False


class PasswordHashing:
    """Hashes and compares; an account without a password takes as long as one with a wrong one."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher

    @classmethod
    def standard(cls) -> "PasswordHashing":
        """Return argon2-cffi's defaults: RFC 9106's second choice, 64 MiB, 3 passes, 4 lanes."""
        return cls(PasswordHasher())

    @classmethod
    def cheap(cls) -> "PasswordHashing":
        """Return one that takes no time, for tests that sign many people in; it protects nothing."""
        return cls(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("the password of nobody")

    def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        return self._hasher.hash(_composed(password))

    def check(self, stored: str | None, password: str) -> Verdict:
        """Compare with what is kept; with nothing kept it is wrong, after the same work."""
        kept = self._nobodys if stored is None else stored
        try:
            self._hasher.verify(kept, _composed(password))
        except (VerificationError, InvalidHashError):
            return Verdict(is_right=False)
        is_right = stored is not None
        return Verdict(is_right=is_right, is_outdated=is_right and self._hasher.check_needs_rehash(kept))


def require_acceptable(password: str, *, email: str, name: str) -> None:
    """Raise ``PasswordUnacceptable`` for a password that is short, the person's own address or name, or common.

    No rules of composition (NIST SP 800-63B, 3.1.1): capitals, digits and signs behind a common word don't help.
    """
    composed = _composed(password)
    if len(composed) < SHORTEST:
        raise _refusal(f"take at least {SHORTEST} characters: a few words that only you would put together")
    if len(composed) > LONGEST:
        raise _refusal(f"take at most {LONGEST} characters")
    if composed.casefold() in {email.casefold(), email.partition("@")[0].casefold(), name.casefold()}:
        raise _refusal("take something else than your own address or name")
    if is_common(composed):
        raise _refusal("this is one of the first passwords that anybody would try: put a few words together instead")


def is_common(password: str) -> bool:
    """Tell whether a password is a common one, whatever capitals, digits, signs and look-alikes it is dressed in."""
    plain = "".join(password.casefold().split())
    stems = {plain, plain.strip(_ENDINGS)}
    stems |= {stem.translate(_SPELLINGS) for stem in stems} | {plain.translate(_SPELLINGS).strip(_ENDINGS)}
    return any(stem in _common() or _repeats_a_common_one(stem) for stem in stems)


def _repeats_a_common_one(stem: str) -> bool:
    """Tell whether a text is one short piece over and over, or a common password twice or more."""
    for length in range(1, len(stem) // 2 + 1):
        if len(stem) % length == 0 and stem == stem[:length] * (len(stem) // length):
            return length <= 4 or stem[:length].strip(_ENDINGS) in _common()
    return False


@cache
def _common() -> frozenset[str]:
    return frozenset(_LIST.read_text(encoding="utf-8").split()) | {_OURS, ""}


def _composed(password: str) -> str:
    """Return a password the same from every keyboard: composed characters (NFKC, as SP 800-63B asks)."""
    return unicodedata.normalize("NFKC", password)


def _refusal(words: str) -> PasswordUnacceptable:
    return PasswordUnacceptable(words, problems=(FieldProblem(pointer="/password", message=words),))
