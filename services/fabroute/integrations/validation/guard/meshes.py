"""Vertices and triangles of a model part, checked in batches while they stream past; none is kept."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

from fabroute.integrations.validation.guard.attributes import checked
from fabroute.integrations.validation.guard.markup import Attributes
from fabroute.integrations.validation.guard.package import bear_counts
from fabroute.integrations.validation.guard.refusals import EXPORT_AGAIN, refuse, shown
from fabroute.integrations.validation.guard.schema import ELEMENTS, NUMBER, core
from fabroute.integrations.validation.types import Limits, MeshFacts

VERTEX, TRIANGLE = core("vertex"), core("triangle")
FEWEST_TRIANGLES = 4
"""Of an object of type model (3MF core 4.1.4)."""

_AXES, _CORNERS = ["x", "y", "z"], ["v1", "v2", "v3"]
_SEPARATOR = "\x01"
"""Between values that are checked together; no XML document can hold it."""
_NUMBERS = re.compile(f"(?:{NUMBER}{_SEPARATOR})*+")
_INDICES = re.compile(f"(?:[0-9]{{1,10}}{_SEPARATOR})*+")


@dataclass(slots=True, kw_only=True)
class Tally:
    """Vertices and triangles of all meshes so far."""

    limits: Limits
    vertices: int = 0
    triangles: int = 0

    def add(self, *, vertices: int = 0, triangles: int = 0, where: str) -> None:
        """Count more of them; ``Refusal`` beyond the limits."""
        self.vertices += vertices
        self.triangles += triangles
        bear_counts(self.vertices, self.triangles, self.limits, where=where)


class Properties(Protocol):
    """Judges the materials and colours of one triangle."""

    def __call__(self, values: dict[str, str], where: Callable[[], str]) -> None:
        """Take the attributes of a triangle; ``Refusal`` if they point to nothing."""
        ...


@dataclass(slots=True, kw_only=True)
class MeshCount:
    """What is known of a mesh while it streams past."""

    part: str
    object_id: int
    tally: Tally
    use_properties: Properties
    vertices: int = 0
    triangles: int = 0
    low: list[float] = field(default_factory=lambda: [float("inf")] * 3)
    high: list[float] = field(default_factory=lambda: [float("-inf")] * 3)
    index_sums: list[int] = field(default_factory=lambda: [0, 0, 0])

    def facts(self) -> MeshFacts:
        """Return what was counted."""
        return MeshFacts(
            part=self.part,
            object_id=self.object_id,
            vertices=self.vertices,
            triangles=self.triangles,
            low=(self.low[0], self.low[1], self.low[2]),
            high=(self.high[0], self.high[1], self.high[2]),
            index_sums=(self.index_sums[0], self.index_sums[1], self.index_sums[2]),
        )

    def take_vertices(self, rows: list[Attributes]) -> None:
        """Check and count some vertices."""
        flat = list(chain.from_iterable(rows))
        values = flat[1::2]
        if flat[::2] != _AXES * len(rows) or not _NUMBERS.fullmatch(_joined(values)):
            values = self._checked_rows(VERTEX, rows, _AXES)
        numbers = list(map(float, values))
        for axis in range(3):
            column = numbers[axis::3]
            self.low[axis] = min(self.low[axis], min(column))
            self.high[axis] = max(self.high[axis], max(column))
        largest = self.tally.limits.largest_coordinate
        if max(self.high) > largest or min(self.low) < -largest:
            self._refuse_far(numbers, largest)
        self.vertices += len(rows)
        self.tally.add(vertices=len(rows), where=self._where("mesh"))

    def take_triangles(self, rows: list[Attributes]) -> None:
        """Check and count some triangles; all vertices were taken before."""
        flat = list(chain.from_iterable(rows))
        values = flat[1::2]
        if flat[::2] != _CORNERS * len(rows) or not _INDICES.fullmatch(_joined(values)):
            values = self._checked_rows(TRIANGLE, rows, _CORNERS)
        indices = list(map(int, values))
        if max(indices) >= self.vertices:
            self._refuse_range(indices)
        first, second, third = indices[::3], indices[1::3], indices[2::3]
        for corners, others in ((first, second), (second, third), (third, first)):
            if any(map(operator.eq, corners, others)):
                self._refuse_equal(list(map(operator.eq, corners, others)).index(True), rows)
        for place, corners in enumerate((first, second, third)):
            self.index_sums[place] += sum(corners)
        self.triangles += len(rows)
        self.tally.add(triangles=len(rows), where=self._where("mesh"))

    def _checked_rows(self, name: str, rows: list[Attributes], wanted: list[str]) -> list[str]:
        """Return the values row by row, for those that are written in an unusual way, have properties or are wrong."""
        element = ELEMENTS[name]
        first = self.vertices if name == VERTEX else self.triangles
        values: list[str] = []
        for place, row in enumerate(rows, start=first):

            def where(place: int = place) -> str:
                return self._where(f"{element.local} {place}")

            found = checked(name, element, row, where)
            if name == TRIANGLE and len(found) > 3:
                self.use_properties(found, where)
            values.extend(found[key] for key in wanted)
        return values

    def _where(self, what: str) -> str:
        return f"{self.part}, object {self.object_id}, {what}"

    def _refuse_far(self, numbers: list[float], largest: float) -> None:
        place = next(place for place, number in enumerate(numbers) if not abs(number) <= largest)
        refuse(
            "COORDINATE_TOO_LARGE",
            f"A coordinate is {numbers[place]:g}; more than {largest:g} is a mistake in any unit.",
            "Look for a stray point far away from the part, or for a wrong unit, and export the part again.",
            where=self._where(f"vertex {self.vertices + place // 3}"),
        )

    def _refuse_range(self, indices: list[int]) -> None:
        place = next(place for place, index in enumerate(indices) if index >= self.vertices)
        refuse(
            "INDEX_OUT_OF_RANGE",
            f"A triangle has the corner {indices[place]:,}, but there are {self.vertices:,} vertices (from 0).",
            EXPORT_AGAIN,
            where=self._where(f"triangle {self.triangles + place // 3}"),
        )

    def _refuse_equal(self, place: int, rows: list[Attributes]) -> None:
        refuse(
            "TRIANGLE_CORNERS_EQUAL",
            f"A triangle has one corner twice: {shown(' '.join(rows[place][1:6:2]))}.",
            "Repair the mesh (remove degenerate triangles) and export it again.",
            where=self._where(f"triangle {self.triangles + place}"),
        )


@dataclass(slots=True, kw_only=True)
class Rows:
    """The rows of one ``vertices`` or ``triangles`` element, gathered to be checked in batches."""

    row: str
    """The full name of the element of which there are many."""
    take: Callable[[list[Attributes]], None]
    misplaced: Callable[[str], None]
    leave: Callable[[str], None]
    """Called at the end of the element around the rows, after all rows are taken."""
    _events: list[Attributes | str] = field(default_factory=list)

    def handlers(self) -> tuple[Callable[[str, Attributes], None], Callable[[str], None]]:
        """Return what expat is to call at starts and ends: as little Python for each as can be."""
        row, push = self.row, self._events.append

        def start(name: str, attributes: Attributes) -> None:
            if name != row:
                self.misplaced(name)
            push(attributes)

        def end(name: str) -> None:
            if name == row:
                push(name)
            else:
                self.drain()
                self.leave(name)

        return start, end

    def drain(self) -> None:
        """Hand on the rows that are complete."""
        events = self._events
        unfinished = events.pop() if len(events) % 2 else None
        starts = events[::2]
        if events[1::2].count(self.row) != len(starts) or isinstance(unfinished, str):
            self.misplaced(self.row)
        rows = [start for start in starts if not isinstance(start, str)]
        events.clear()
        if unfinished is not None:
            events.append(unfinished)
        if rows:
            self.take(rows)


def _joined(values: list[str]) -> str:
    return _SEPARATOR.join(values) + _SEPARATOR
