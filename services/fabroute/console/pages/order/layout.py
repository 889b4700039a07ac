"""Which cards of an order's page stand beside which: above the nodes that are ruled out, and below."""

from collections.abc import Iterator
from dataclasses import dataclass

from fabroute.console.pages.columns import Card, Columns, balanced, filled

_ROWS_SHOWN, _RECORDS_SHOWN = 8, 6
_LINE, _ROW, _CANDIDATE, _STEP = 24, 68, 142, 62
_MAP, _PLOT, _RECORD, _NOTHING = 440, 470, 300, 60
_NAMES_IN_LINE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much stands in each card; ``None`` where there is no such card."""

    candidates: int = 0
    steps_out: int | None = None
    """Of the ways out of having no route."""
    outside: int = 0
    """Names beyond the map."""
    alternatives: int | None = None
    """Beside the plot."""
    jobs: int = 0
    rules: int = 0
    has_record: bool = False
    happenings: int = 0
    papers: int = 0
    may_cancel: bool = False
    deliveries: int | None = None
    acts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLayout:
    """Names of cards, in two columns above those that are ruled out, and in two below."""

    above: Columns
    below: Columns


def order_layout(has: Amounts) -> OrderLayout:
    """Return where the cards of an order's page stand: what was decided above, what came of it below.

    Before anything is decided, what happened stands beside the map.
    """
    decided, story = tuple(_decided(has)), (Card("story", has.happenings * _ROW),)
    above = filled(decided or story, tuple(_pictures(has)), tuple(_beside(has)))
    below = balanced(story if decided else (), (), (*above.left_over, *_records(has)))
    return OrderLayout(above=above.columns, below=below)


def _decided(has: Amounts) -> Iterator[Card]:
    if has.steps_out is not None:
        yield Card("no-way", 3 * _LINE + has.steps_out * _STEP)
    if has.candidates:
        yield Card("candidates", 2 * _LINE + min(has.candidates, _ROWS_SHOWN) * _CANDIDATE)


def _pictures(has: Amounts) -> Iterator[Card]:
    yield Card("map", _MAP + has.outside // _NAMES_IN_LINE * _LINE)
    if has.alternatives is not None:
        yield Card("plot", _PLOT + has.alternatives * _ROW)


def _beside(has: Amounts) -> Iterator[Card]:
    if has.jobs:
        yield Card("jobs", _LINE + has.jobs * _ROW)
    if has.rules:
        yield Card("rules", has.rules * _LINE * 2)
    if has.has_record:
        yield Card("record", _RECORD)


def _records(has: Amounts) -> Iterator[Card]:
    yield Card("papers", has.papers * _ROW or _NOTHING)
    if has.deliveries is not None:
        yield Card("deliveries", _LINE + (min(has.deliveries, _RECORDS_SHOWN) * _ROW or _NOTHING))
    if has.acts is not None:
        yield Card("acts", min(has.acts, _RECORDS_SHOWN) * _ROW or _NOTHING)
    if has.may_cancel:
        yield Card("cancelling", _NOTHING)
