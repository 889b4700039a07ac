"""Bring a table in: every row is tried, every problem told, and all of it kept or nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.api.bodies import field_problems
from fabroute.api.bulk.cells import Column
from fabroute.api.bulk.tables import Row, RowProblem, Table
from fabroute.api.schemas.imports import Outcome
from fabroute.database import unit_of_work
from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError, FieldProblem

Model = TypeVar("Model", bound=BaseModel)
Judgement = TypeVar("Judgement")
_SHOWN = 3


class ImportRefused(DomainError):
    """Rows that can't be taken; nothing was imported. ``errors`` names every row and field."""

    code = "import_refused"
    status = 422


class RowRefused(DomainError):
    """Several reasons against one row; the transport of ``refusals``, never an answer."""

    code = "row_refused"
    status = 422

    def __init__(self, refusals: Sequence[DomainError]) -> None:
        super().__init__("; ".join(refusal.message for refusal in refusals))
        self.refusals = tuple(refusals)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRow:
    """What became of one row."""

    number: int
    key: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What became of a table: its rows that could be taken, and what is wrong with the others."""

    rows: tuple[ImportedRow, ...]
    problems: tuple[RowProblem, ...]
    warnings: tuple[str, ...] = ()

    def count(self, outcome: Outcome) -> int:
        """Return how many rows came out so."""
        return sum(row.outcome == outcome for row in self.rows)


Around = Callable[[Session], AbstractContextManager[Callable[[ImportResult], None]]]
"""Begins and ends with the transaction of an import, and is told what came of it while it lasts."""


@contextmanager
def _nothing_around(session: Session) -> Iterator[Callable[[ImportResult], None]]:
    yield lambda result: None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTerms:
    """Who imports, when, and whether it is only tried."""

    caller: Principal
    now: datetime
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TableKind(Generic[Model]):
    """What a table of some kind looks like, and who takes its rows."""

    columns: tuple[Column, ...]
    model: type[Model]
    key_of: Callable[[Model], str]
    """What a row is about, in words; no two rows of a table may be about the same."""
    take: Callable[[Session, Sequence[Model], ImportTerms], Sequence[Outcome | DomainError]]
    """Does what all rows say and returns what became of each: its outcome, or a refusal with pointers into the row.

    Several reasons against one row are a ``RowRefused``. Where any is refused, everything is rolled back.
    """
    warn: Callable[[Session, Sequence[Model], ImportTerms], Sequence[str]] = lambda *_: ()
    """Returns what people may want to look at once the rows are in; it keeps nothing out."""
    together: frozenset[str] = frozenset()
    """Fields that say something only together: with one of them wrong, none is judged any further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parsed(Generic[Model]):
    row: Row
    content: Model
    """Without the fields that are ``wrong``: the rest is tried all the same, to tell what else is wrong."""
    key: str
    wrong: frozenset[str]


def import_table(
    engine: Engine, *, kind: TableKind[Model], table: Table, terms: ImportTerms, around: Around = _nothing_around
) -> ImportResult:
    """Do what a table says, all of it or nothing; a dry run does it too, and undoes it.

    Raises ``ImportRefused`` with every problem of every row; a dry run returns them instead.
    """
    problems = list(table.problems)
    parsed = list(_parsed(kind, table.rows, problems))
    with unit_of_work(engine, tenant=terms.caller.tenant) as session, around(session) as tell:
        with _undone(session, terms.dry_run):
            rows = tuple(_taken(session, kind, parsed, terms, problems))
            contents = [item.content for item in parsed]
            warnings = () if problems else tuple(kind.warn(session, contents, terms))
        if problems and not terms.dry_run:
            raise refusal_of(problems)
        ordered = tuple(sorted(problems, key=lambda problem: problem.row))
        result = ImportResult(rows=rows, problems=ordered, warnings=warnings)
        tell(result)
    return result


@contextmanager
def _undone(session: Session, is_dry_run: bool) -> Iterator[None]:
    """Undo what is done inside the block, if it is a dry run; the transaction goes on."""
    if not is_dry_run:
        yield
        return
    savepoint = session.begin_nested()
    yield
    savepoint.rollback()


def refusal_of(problems: Sequence[RowProblem]) -> ImportRefused:
    """Return the refusal of a table with these problems, by row."""
    ordered = sorted(problems, key=lambda problem: problem.row)
    shown = "; ".join(f"{_place(problem)}: {problem.message}" for problem in ordered[:_SHOWN])
    more = f" (and {len(ordered) - _SHOWN:,} more)" if len(ordered) > _SHOWN else ""
    return ImportRefused(
        f"nothing was imported: {shown}{more}",
        problems=tuple(FieldProblem(pointer=problem.pointer, message=problem.message) for problem in ordered),
    )


@contextmanager
def within(field: str) -> Iterator[None]:
    """Let refusals of a piece of a row point to where that piece stands."""
    try:
        yield
    except DomainError as error:
        found = error.problems or (FieldProblem(pointer="", message=error.message),)
        error.problems = tuple(FieldProblem(pointer=f"/{field}{it.pointer}", message=it.message) for it in found)
        raise


@contextmanager
def collecting(refusals: list[DomainError]) -> Iterator[None]:
    """Add a refusal inside the block to ``refusals`` and go on after it: there may be more."""
    try:
        yield
    except DomainError as error:
        if error.status >= 500:
            raise
        refusals.append(error)


def judged(judge: Callable[[Model], Judgement], rows: Sequence[Model]) -> list[Judgement | DomainError]:
    """Return what ``judge`` makes of each row, or why it refuses it."""
    found: list[Judgement | DomainError] = []
    for row in rows:
        refusals: list[DomainError] = []
        with collecting(refusals):
            found.append(judge(row))
        found += refusals
    return found


def raise_all(refusals: Sequence[DomainError]) -> None:
    """Raise what was collected, if there is anything."""
    if refusals:
        raise refusals[0] if len(refusals) == 1 else RowRefused(refusals)


def _place(problem: RowProblem) -> str:
    words = [_where(problem.row, problem.line) if problem.row else "", problem.field]
    return " ".join(word for word in words if word) or "the table"


def _where(row: int, line: int | None) -> str:
    """Return a row as people find it: by the line of their file, where it has lines."""
    return f"row {row}" if line is None else f"line {line}"


def _parsed(kind: TableKind[Model], rows: Sequence[Row], problems: list[RowProblem]) -> Iterator[_Parsed[Model]]:
    seen: dict[str, Row] = {}
    for row in rows:
        found: list[FieldProblem] = []
        content = _content(kind.model, row.values, found)
        wrong = frozenset(_column(problem) for problem in found)
        if content is None:
            left_out = wrong | (kind.together if wrong & kind.together else frozenset())
            rest = {name: value for name, value in row.values.items() if name not in left_out}
            content = _content(kind.model, rest, [])
        problems += [_problem(row, "validation_failed", problem) for problem in found]
        if content is None:
            continue
        key = kind.key_of(content)
        first = seen.setdefault(key, row)
        if first is row:
            yield _Parsed(row=row, content=content, key=key, wrong=wrong)
        else:
            message = f"{key} stands in {_where(first.number, first.line)} already: one row is enough"
            problems.append(_problem(row, "duplicate_row", FieldProblem(pointer="", message=message)))


def _content(model: type[Model], values: Mapping[str, object], found: list[FieldProblem]) -> Model | None:
    try:
        return model.model_validate_json(to_json(values, inf_nan_mode="constants"))
    except ValidationError as error:
        found += field_problems(error.errors(include_url=False, include_input=False))
    return None


def _column(problem: FieldProblem) -> str:
    return problem.pointer.removeprefix("/").partition("/")[0]


def _taken(
    session: Session,
    kind: TableKind[Model],
    parsed: Sequence[_Parsed[Model]],
    terms: ImportTerms,
    problems: list[RowProblem],
) -> Iterator[ImportedRow]:
    taken = kind.take(session, [item.content for item in parsed], terms)
    for item, outcome in zip(parsed, taken, strict=True):
        if isinstance(outcome, DomainError):
            problems += _told(item, outcome)
        elif not item.wrong:
            yield ImportedRow(number=item.row.number, key=item.key, outcome=outcome)


def _told(item: _Parsed[Model], refusal: DomainError) -> Iterator[RowProblem]:
    """Yield what a refusal says of a row, but for fields of which the model has said it already."""
    for error in refusal.refusals if isinstance(refusal, RowRefused) else (refusal,):
        for problem in error.problems or (FieldProblem(pointer="", message=error.message),):
            if _column(problem) not in item.wrong:
                yield _problem(item.row, error.code, problem)


def _problem(row: Row, code: str, problem: FieldProblem) -> RowProblem:
    return RowProblem(
        row=row.number,
        line=row.line,
        field=problem.pointer.removeprefix("/"),
        code=code,
        message=problem.message,
    )
