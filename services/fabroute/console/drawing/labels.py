"""Names beside marks, none over another: the important ones first, each where there is room for it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fabroute.console.drawing.text import clipped, text_width

LINE = 1.25
"""Height of a line of text, in sizes of the font."""
ASCENT = 0.95
_GAP = 3.0
_CELL = 48.0
_SHORTER = (1.0, 0.6)
"""Shares of the widest label that are tried."""
_FEWEST = 5
"""So many characters a shortened name keeps at least, the ellipsis among them."""
TextAnchor = Literal["start", "middle", "end"]
_POSITIONS: tuple[tuple[float, float], ...] = ((1, 0), (1, -1), (1, 1), (-1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1))
"""East, north-east, south-east, west, north, south, north-west, south-west of the mark."""

_FARTHER: tuple[tuple[float, float], ...] = ((1, -2), (1, 2), (-1, -2), (-1, 2), (0, -2), (0, 2))
"""The same a line farther off, where marks stand side by side: for the most important name only."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a picture: its upper left corner, width and height."""

    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: "Box") -> bool:
        """Return whether two rectangles have more than an edge in common."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )

    def is_in(self, other: "Box") -> bool:
        """Return whether the rectangle is wholly in another one."""
        return (
            self.x >= other.x
            and self.y >= other.y
            and self.x + self.width <= other.x + other.width
            and self.y + self.height <= other.y + other.height
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A mark that wants its name beside it; ``rank`` 0 is served first, and an empty name is none."""

    x: float
    y: float
    radius: float
    name: str
    rank: int = 1
    bold: bool = False
    numbered: bool = True
    """Whether a number may stand for the name."""

    @property
    def box(self) -> Box:
        """The rectangle that the mark takes."""
        return Box(self.x - self.radius, self.y - self.radius, 2 * self.radius, 2 * self.radius)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A text that found its place; ``number`` is set where only a number had room, and a legend tells the name."""

    index: int
    text: str
    box: Box
    x: float
    baseline: float
    anchor: TextAnchor
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegendEntry:
    """What a number in a drawing stands for."""

    number: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What is written in a drawing, what its numbers mean, and the marks for which there was no room at all."""

    placed: tuple[Label, ...]
    legend: tuple[LegendEntry, ...]
    left_out: tuple[int, ...]


@dataclass(slots=True)
class Room:
    """What is taken in a picture already, in a grid so that a question looks at neighbours only."""

    area: Box
    _cells: dict[tuple[int, int], list[Box]] = field(default_factory=lambda: defaultdict(list))

    def take(self, box: Box) -> None:
        """Keep a rectangle from all that comes later."""
        for cell in _cells(box):
            self._cells[cell].append(box)

    def is_free(self, box: Box) -> bool:
        """Return whether a rectangle is in the picture and over nothing."""
        return box.is_in(self.area) and not any(
            box.overlaps(taken) for cell in _cells(box) for taken in self._cells.get(cell, ())
        )


def place_labels(
    marks: Sequence[Marked],
    *,
    area: Box,
    size: float,
    written: Iterable[Box] = (),
    lines: Iterable[Box] = (),
    most_numbers: int = 24,
) -> Labels:
    """Return names beside marks without any overlap of names; ``written`` is text that is there already.

    They keep off marks and ``lines`` too, but for those of rank 0 that have no room elsewhere. A name that has no room
    at any of eight places becomes a number, for which a legend tells the name; where not even that has room, or there
    are enough numbers, the mark is left out.
    """
    free, crowded = Room(area), Room(area)
    _take(written, free, crowded)
    _take([*lines, *(mark.box for mark in marks)], free)
    placed: list[Label] = []
    legend: list[LegendEntry] = []
    left_out: list[int] = []
    for index in sorted(range(len(marks)), key=lambda it: (marks[it].rank, it)):
        mark, number = marks[index], len(legend) + 1
        label = _named(index, mark, free, size)
        if label is None and mark.rank == 0:
            label = _named(index, mark, free, size, _FARTHER) or _named(index, mark, crowded, size)
        if label is None and mark.name and mark.numbered and number <= most_numbers:
            label = _placed(index, mark, str(number), free, size, number=number)
        if label is None:
            left_out.append(index)
            continue
        placed.append(label)
        _take([label.box], free, crowded)
        if label.number is not None:
            legend.append(LegendEntry(number=label.number, name=mark.name))
    return Labels(placed=tuple(placed), legend=tuple(legend), left_out=tuple(left_out))


def _take(boxes: Iterable[Box], *rooms: Room) -> None:
    for box in boxes:
        for room in rooms:
            room.take(box)


def _named(
    index: int, mark: Marked, room: Room, size: float, positions: Sequence[tuple[float, float]] = _POSITIONS
) -> Label | None:
    widest = room.area.width * 0.4
    seen = set()
    for share in _SHORTER:
        text = clipped(mark.name, size=size, width=widest * share, bold=mark.bold)
        if text not in seen and (len(text) >= _FEWEST or text == mark.name):
            seen.add(text)
            if text and (label := _placed(index, mark, text, room, size, positions=positions)) is not None:
                return label
    return None


def _placed(
    index: int,
    mark: Marked,
    text: str,
    room: Room,
    size: float,
    *,
    number: int | None = None,
    positions: Sequence[tuple[float, float]] = _POSITIONS,
) -> Label | None:
    width, height = text_width(text, size=size, bold=mark.bold), size * LINE
    for across, down in positions:
        box = _beside(mark, across, down, width, height)
        if room.is_free(box):
            x, anchor = _anchored(box, across)
            return Label(
                index=index,
                text=text,
                box=box,
                x=x,
                baseline=box.y + size * ASCENT,
                anchor=anchor,
                number=number,
            )
    return None


def _beside(mark: Marked, across: float, down: float, width: float, height: float) -> Box:
    """Return the rectangle of a text at one of eight places around a mark, nearer at the corners."""
    away = mark.radius + (0 if across and down else _GAP)
    middle_x = mark.x + across * (away + width / 2)
    middle_y = mark.y + down * (away + height / 2)
    return Box(middle_x - width / 2, middle_y - height / 2, width, height)


def _anchored(box: Box, across: float) -> tuple[float, TextAnchor]:
    """Return where a text is held so that it stays by its mark where the viewer's font is narrower."""
    if across > 0:
        return box.x, "start"
    return (box.x + box.width, "end") if across < 0 else (box.x + box.width / 2, "middle")


def _cells(box: Box) -> Iterator[tuple[int, int]]:
    for column in range(int(box.x // _CELL), int((box.x + box.width) // _CELL) + 1):
        for row in range(int(box.y // _CELL), int((box.y + box.height) // _CELL) + 1):
            yield column, row
