"""Words and amounts that stand nowhere else: whoever finds one in an answer knows whose row it came from."""

from dataclasses import dataclass
from typing import Literal

Name = Literal["alpha", "bravo", "charlie", "delta"]
"""Two owners of parts, and the bureaus that make theirs: charlie alpha's, delta bravo's."""

_BASES: dict[Name, int] = {"alpha": 7_131_000, "bravo": 7_252_000, "charlie": 7_364_000, "delta": 7_487_000}
_FIELDS = (
    "name",
    "part",
    "note",
    "customer",
    "street",
    "reference",
    "number",
    "asset",
    "document",
    "file",
    "licence",
    "why",
    "screening",
    "policy",
    "price",
    "budget",
    "tool",
    "rate",
    "wage",
    "photo",
    "serial",
    "inspector",
    "lot",
    "decline",
    "counter",
    "brand",
    "issuer",
    "build",
    "secret",
    "remark",
    "proof",
    "person",
    "key",
    "hook",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """Something that only one organisation's rows say."""

    of: Name
    field: str
    text: str


def word(name: Name, field: str) -> str:
    """Return the word that stands in a field of an organisation."""
    return f"zq{name}{_known(field)}"


def amount(name: Name, field: str) -> int:
    """Return the amount, in minor units, that stands in a field of an organisation; some 70,000 euros."""
    return _BASES[name] + 37 * (1 + _FIELDS.index(_known(field)))


def canaries_of(*names: Name) -> tuple[Canary, ...]:
    """Return all that could be told of organisations: each field's word, and its amount as answers write it."""
    return tuple(
        Canary(of=name, field=field, text=text)
        for name in names
        for field in _FIELDS
        for text in (word(name, field), str(amount(name, field)), f"{amount(name, field) / 100:.2f}")
    )


def found_in(content: str, canaries: tuple[Canary, ...]) -> tuple[Canary, ...]:
    """Return the canaries that a text holds, in whatever case."""
    small = content.lower()
    if "zq" not in small and not any(str(base)[:4] in small for base in _BASES.values()):
        return ()
    return tuple(canary for canary in canaries if canary.text in small)


def _known(field: str) -> str:
    if field not in _FIELDS:
        raise KeyError(f"{field} is no field of a canary: add it to the list")
    return field
