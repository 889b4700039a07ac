"""Cards in two columns that end about together: their heights are reckoned from what stands in them."""

from collections.abc import Sequence
from dataclasses import dataclass

Columns = tuple[tuple[str, ...], tuple[str, ...]]
_GAP = 24
_FRAME = 90
"""Title, padding and border of a card."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card by name, and about how many pixels its content is high on a desk."""

    name: str
    content: int

    @property
    def height(self) -> int:
        """With its frame, and the gap to the next one."""
        return self.content + _FRAME + _GAP


@dataclass(frozen=True, slots=True)
class Filled:
    """Two columns with cards, and the cards for which they have no room."""

    columns: Columns
    left_over: tuple[Card, ...]


def balanced(left: Sequence[Card], right: Sequence[Card], others: Sequence[Card] = ()) -> Columns:
    """Return two columns that begin with these cards; each other one, the highest first, goes where less stands."""
    columns = [list(left), list(right)]
    for card in sorted(others, key=lambda it: -it.height):
        min(columns, key=_height).append(card)
    return _names(columns[0]), _names(columns[1])


def filled(left: Sequence[Card], right: Sequence[Card], others: Sequence[Card]) -> Filled:
    """Return two columns that begin with these cards, with others in the shorter one as long as they have room there.

    What would be longer than the other column is left over: it stands better below.
    """
    columns, kept = [list(left), list(right)], []
    for card in others:
        shorter, longer = sorted(columns, key=_height)
        if _height(shorter) + card.height <= _height(longer) + _GAP + _FRAME:
            shorter.append(card)
        else:
            kept.append(card)
    return Filled((_names(columns[0]), _names(columns[1])), tuple(kept))


def _height(cards: Sequence[Card]) -> int:
    return sum(card.height for card in cards)


def _names(cards: Sequence[Card]) -> tuple[str, ...]:
    return tuple(card.name for card in cards)
