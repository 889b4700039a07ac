"""Read CSV files so strictly that everything wrong with them is said at once: file, line, column, value, what to do."""

import csv
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.money import minor_from_major

_Kind = TypeVar("_Kind", bound=StrEnum)
_SHOWN_VALUE = 60
_BIGGEST = 1e12
_MOST_MONEY = 20_000_000
"""In euro; the database counts cents up to two thousand million."""
_LONGEST_VALUE = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in a file, and what to do about it."""

    file: str
    line: int
    """1 is the header; 0 is the file as a whole."""
    column: str
    value: str
    advice: str

    def __str__(self) -> str:
        line = f" line {self.line}" if self.line else ""
        column = f", {self.column[:_SHOWN_VALUE]}" if self.column else ""
        value = f" {self.value[:_SHOWN_VALUE]!r}:" if self.value else ""
        return f"{self.file}{line}{column}:{value} {self.advice}"


class InvalidReferenceData(DomainError):
    """Files that can't be loaded; nothing of them was."""

    code = "reference_data_invalid"
    status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        lines = "\n".join(f"  {problem}" for problem in problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(
            f"{count} in the reference data, so nothing was loaded:\n{lines}",
            problems=tuple(
                FieldProblem(pointer=f"/{problem.file}/{problem.line}/{problem.column}", message=problem.advice)
                for problem in problems
            ),
        )
        self.found = tuple(problems)


@dataclass(slots=True, kw_only=True)
class Problems:
    """Everything found so far."""

    found: list[Problem] = field(default_factory=list)

    def add(self, *, file: str, advice: str, line: int = 0, column: str = "", value: str = "") -> None:
        """Note a problem."""
        self.found.append(Problem(file=file, line=line, column=column, value=value, advice=advice))

    def require_none(self) -> None:
        """Raise ``InvalidReferenceData`` with all problems, by file and line, if there is one."""
        if self.found:
            raise InvalidReferenceData(sorted(self.found, key=lambda problem: (problem.file, problem.line)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a file. A value that can't be taken is noted, and a harmless one stands in until the end."""

    file: str
    line: int
    values: Mapping[str, str]
    problems: Problems

    def refuse(self, column: str, advice: str) -> None:
        """Note that the value in ``column`` can't be taken."""
        value = self.values.get(column, "")
        self.problems.add(file=self.file, line=self.line, column=column, value=value, advice=advice)

    def refused(self, *columns: str) -> bool:
        """Tell whether the value in one of ``columns`` is not the file's, because it couldn't be taken."""
        here = (problem for problem in self.problems.found if (problem.file, problem.line) == (self.file, self.line))
        return any(problem.column in columns for problem in here)

    def text(self, column: str) -> str:
        """Return a value that must not be empty."""
        value = self.values[column]
        if not value:
            self.refuse(column, "is empty: fill it in")
        return value

    def optional_text(self, column: str) -> str:
        """Return a value that may be empty."""
        return self.values[column]

    def number(self, column: str, *, minimum: float = 0, maximum: float = _BIGGEST, above: bool = False) -> float:
        """Return a number from ``minimum`` (or ``above`` it) to ``maximum``."""
        try:
            value = float(self.values[column])
        except ValueError:
            value = math.nan
        fits = minimum < value <= maximum if above else minimum <= value <= maximum
        if not fits:
            limit = f" up to {maximum:g}" if maximum < _BIGGEST else ""
            self.refuse(column, f"give a number {'over' if above else 'from'} {minimum:g}{limit}, such as 12.5")
            return 1.0
        return value

    def optional_number(self, column: str, *, minimum: float = 0, maximum: float = _BIGGEST) -> float | None:
        """Return a number, or nothing for an empty value."""
        return self.number(column, minimum=minimum, maximum=maximum) if self.values[column] else None

    def whole(self, column: str, *, minimum: int = 0, maximum: int = 2_000_000_000) -> int:
        """Return a whole number from ``minimum`` to ``maximum``."""
        value = self.values[column]
        if not re.fullmatch(r"-?[0-9]{1,10}", value) or not minimum <= int(value) <= maximum:
            self.refuse(column, f"give a whole number from {minimum:,} to {maximum:,}")
            return 1
        return int(value)

    def minor(self, column: str, *, minimum: float = 0, maximum: float = _MOST_MONEY) -> int:
        """Return cents for an amount in euro from ``minimum`` to ``maximum``."""
        before = len(self.problems.found)
        self.number(column, minimum=minimum, maximum=maximum)
        return minor_from_major(self.values[column]) if len(self.problems.found) == before else 100

    def optional_whole(self, column: str, *, minimum: int = 0, maximum: int = 2_000_000_000) -> int | None:
        """Return a whole number, or nothing for an empty value."""
        return self.whole(column, minimum=minimum, maximum=maximum) if self.values[column] else None

    def optional_minor(self, column: str) -> int | None:
        """Return cents for an amount in euro, or nothing for an empty value."""
        return self.minor(column) if self.values[column] else None

    def day(self, column: str) -> date:
        """Return a date."""
        try:
            return date.fromisoformat(self.values[column])
        except ValueError:
            self.refuse(column, "give a day as YYYY-MM-DD, such as 2026-06-15")
            return date.min

    def flag(self, column: str) -> bool:
        """Return whether the value is 1."""
        return self.choice(column, ("0", "1")) == "1"

    def choice(self, column: str, allowed: Collection[str], *, lower: bool = False) -> str:
        """Return one of ``allowed``; with ``lower``, capitals don't matter."""
        value = self.values[column].lower() if lower else self.values[column]
        if value not in allowed:
            self.refuse(column, f"use one of {', '.join(allowed)}")
        return value

    def one_of(self, column: str, kinds: type[_Kind]) -> _Kind:
        """Return a member of an enumeration by its value."""
        members = {member.value: member for member in kinds}
        return members.get(self.choice(column, members), next(iter(kinds)))

    def matching(self, column: str, pattern: str, advice: str) -> str:
        """Return a value that is like ``pattern``."""
        if not re.fullmatch(pattern, self.values[column]):
            self.refuse(column, advice)
        return self.values[column]

    def several(self, column: str) -> tuple[str, ...]:
        """Return the values between ``|``; none for an empty one."""
        return tuple(piece.strip() for piece in self.values[column].split("|")) if self.values[column] else ()


def read_rows(folder: Path, file: str, columns: Sequence[str], problems: Problems) -> Iterator[Row]:
    """Yield the rows of a CSV file that has at least ``columns``; what is wrong with the file itself is noted."""
    try:
        content = (folder / file).read_text(encoding="utf-8-sig")
    except OSError:
        problems.add(file=file, advice=f"is not in {folder}: put it there, or name the right folder")
        return
    except UnicodeDecodeError as error:
        problems.add(file=file, advice=f"is not UTF-8 (byte {error.start}): save it as UTF-8")
        return
    reader = csv.reader(content.splitlines(keepends=True), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if not _columns_are_there(file, header, columns, problems):
            return
        for values in reader:
            if values and _is_complete(file, reader.line_num, values, header, problems):
                found = {name: value.strip() for name, value in zip(header, values, strict=True)}
                row = Row(file=file, line=reader.line_num, values=found, problems=problems)
                _refuse_unstorable(row, columns)
                yield row
    except csv.Error as error:
        problems.add(file=file, line=reader.line_num, advice=f"is not well-formed CSV ({error}): check the quotes")


def _columns_are_there(file: str, header: list[str], columns: Sequence[str], problems: Problems) -> bool:
    missing = [name for name in columns if name not in header]
    twice = sorted({name for name in header if header.count(name) > 1})
    for name in missing:
        problems.add(file=file, line=1, column=name, advice=f"the column is missing: the header is {','.join(columns)}")
    for name in twice:
        problems.add(file=file, line=1, column=name, advice="the column is there twice: remove one")
    return not missing and not twice


def _refuse_unstorable(row: Row, columns: Sequence[str]) -> None:
    for column in columns:
        if len(row.values[column]) > _LONGEST_VALUE:
            row.refuse(column, f"is longer than {_LONGEST_VALUE} characters: shorten it")
        if _CONTROL.search(row.values[column]):
            row.refuse(column, "holds a control character: remove it")


def _is_complete(file: str, line: int, values: list[str], header: list[str], problems: Problems) -> bool:
    if len(values) == len(header):
        return True
    advice = f"has {len(values)} values, the header has {len(header)}: check commas and quotes"
    problems.add(file=file, line=line, advice=advice)
    return False
