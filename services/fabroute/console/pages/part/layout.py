"""Which cards of a part's page stand beside which: above the nodes by what is missing, and below."""

from collections.abc import Iterator
from dataclasses import dataclass

from fabroute.console.pages.columns import Card, Columns, balanced, filled
from fabroute.console.pages.part.outlook import Outlook
from fabroute.console.pages.part.print_file import Validation

_LINE, _ROW, _FINDING, _FACTS, _NOTHING = 24, 62, 96, 70, 40
_PICTURE, _NO_PICTURE, _MAKERS = 640, 330, 240
_REGION, _FOOT = 130, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLayout:
    """Names of cards, in two columns above the nodes, and in two below."""

    above: Columns
    below: Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much stands in each card; ``None`` where there is no such card."""

    has_picture: bool
    pairs: int
    """Of process and material."""
    places: int
    orders: int | None
    revisions: int
    licences: int
    documents: int


def part_layout(has: Amounts, *, outlook: Outlook | None, validation: Validation | None) -> PartLayout:
    """Return where the cards stand: the revision beside where it can be printed, and what belongs to both below."""
    revision = Card("revision", (_PICTURE if has.has_picture else _NO_PICTURE) + has.pairs * _LINE)
    readiness = Card("readiness", _MAKERS + (0 if outlook is None else _outlook(outlook)))
    above = filled((revision,), (readiness,), tuple(_known(has)))
    kept = (*above.left_over, *_papers(has))
    return PartLayout(above=above.columns, below=balanced((Card("validation", _validation(validation)),), (), kept))


def _known(has: Amounts) -> Iterator[Card]:
    yield Card("places", has.places * _LINE * 3 // 2 or _NOTHING)
    if has.orders is not None:
        yield Card("orders", has.orders * _ROW or _NOTHING)


def _papers(has: Amounts) -> Iterator[Card]:
    yield Card("revisions", has.revisions * _ROW)
    yield Card("licences", has.licences * _FINDING or _NOTHING)
    yield Card("documents", has.documents * _LINE * 3 // 2 or _NOTHING)


def _outlook(outlook: Outlook) -> int:
    lines = sum(len(it.ends) + len(it.sources) + bool(it.sources) for it in outlook.regions)
    return len(outlook.regions) * _REGION + lines * _LINE * 2 + _FOOT


def _validation(found: Validation | None) -> int:
    if found is None:
        return _NOTHING
    findings = len(found.findings) + sum(len(it.findings) for it in found.processes)
    return _FACTS * 2 + findings * _FINDING + len(found.processes) * _LINE * 2
