"""Bringing dated rows in: all of a table or nothing, each judged beside what is there already."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Literal

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.logistics import repository
from fabroute.logistics.events import network_changed
from fabroute.logistics.rules.coverage import uncovered_days
from fabroute.logistics.rules.periods import Problems, period_problems
from fabroute.logistics.service.tables import DatedTable, Item
from fabroute.outbox.service import record

RowOutcome = Literal["created", "changed", "unchanged"]


class InvalidDatedRow(DomainError):
    """A row of dated data that can't stand, by itself or beside the others."""

    code = "invalid_dated_row"
    status = 422


def put_rows(
    session: Session, *, table: DatedTable[Item], items: Sequence[Item], principal: Principal, now: datetime
) -> list[RowOutcome | InvalidDatedRow]:
    """Save rows by their key and return what became of each; with any refused, nothing is saved.

    Other imports of the table wait until this transaction ends. If anything was new or different: audited, and
    ``network.changed``, so that routing and quotes look again.
    """
    repository.hold(session, table.model)
    known = repository.read_all(session, table.model)
    refusals = _refusals(table, items, known)
    rows = [table.row_of(item) for item in items]
    outcomes = _outcomes(table, rows, known)
    if not refusals and any(outcome != "unchanged" for outcome in outcomes):
        repository.save(session, table.model, rows)
        _tell(session, table.name, outcomes, principal=principal, now=now)
    return [refusals.get(place, outcome) for place, outcome in enumerate(outcomes)]


def coverage_warnings(session: Session, *, table: DatedTable[Item], today: date) -> list[str]:
    """Return what holds today and does not hold on a day within a year, with the days, as the table is now."""
    covers = table.covers
    if covers is None:
        return []
    items = [table.item_of(row) for row in repository.read_all(session, table.model)]
    periods = [replace(table.period_of(item), subject=covers(item)) for item in items]
    return [str(days) for days in uncovered_days(periods, today=today)]


def _refusals(table: DatedTable[Item], items: Sequence[Item], known: Sequence[Any]) -> dict[int, InvalidDatedRow]:
    days: Problems = period_problems(
        [table.period_of(item) for item in items],
        known=[table.period_of(table.item_of(row)) for row in known],
        seamless=table.seamless,
    )
    found = {place: (*table.problems_of(item), *days.get(place, ())) for place, item in enumerate(items)}
    return {place: invalid_row(problems) for place, problems in found.items() if problems}


def invalid_row(problems: Sequence[FieldProblem]) -> InvalidDatedRow:
    """Return the refusal of a row for these problems, whose pointers are its fields."""
    said = ". ".join(f"{problem.pointer.removeprefix('/')} {problem.message}" for problem in problems)
    return InvalidDatedRow(said, problems=tuple(problems))


def _outcomes(table: DatedTable[Item], rows: Sequence[dict[str, object]], known: Sequence[Any]) -> list[RowOutcome]:
    key = repository.key_of(table.model)
    before = {tuple(getattr(row, name) for name in key): row for row in known}
    found = [(before.get(tuple(row[name] for name in key)), row) for row in rows]
    return ["created" if old is None else _difference(old, row) for old, row in found]


def _difference(old: Any, row: dict[str, object]) -> RowOutcome:
    return "unchanged" if all(getattr(old, name) == value for name, value in row.items()) else "changed"


def _tell(session: Session, table: str, outcomes: Sequence[RowOutcome], *, principal: Principal, now: datetime) -> None:
    entry = AuditRecord(
        organisation_id=principal.organisation_id,
        occurred_at=now,
        actor=principal.key_id,
        action=f"{table}.imported",
        subject_type=table,
        subject_id="*",
        data={"created": outcomes.count("created"), "changed": outcomes.count("changed")},
    )
    record_audit(session, entry=entry)
    record(session, network_changed(table=table, now=now))
