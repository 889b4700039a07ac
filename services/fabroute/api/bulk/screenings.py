"""Spare-part lists as they come in, with a column for every month if need be, and screened lists as they go out."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from sqlmodel import Session

from fabroute.advice.rules.screening_terms import ScreeningTerms
from fabroute.advice.service import screenings
from fabroute.advice.service.screening_facts import ListedPart
from fabroute.advice.service.screenings import NewScreening, ScreenedRow
from fabroute.api.bulk.cells import Column
from fabroute.api.bulk.importing import ImportTerms, TableKind, judged
from fabroute.api.bulk.tables import Row, RowProblem, Table, TableFormat, read_table
from fabroute.api.schemas.imports import Outcome
from fabroute.api.schemas.screenings import ScreeningRowIn, listed_of
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.logistics import service as logistics
from fabroute.logistics.service import CurrencyWithoutRate

COLUMNS = (
    Column(name="part_no", required=True),
    Column(name="name"),
    Column(name="demand", kind="number"),
    Column(name="demand_history", kind="texts"),
    Column(name="need", kind="number"),
    Column(name="unit_price", kind="number"),
    Column(name="currency"),
    Column(name="moq", kind="whole"),
    Column(name="lead_days", kind="number"),
    Column(name="tooling", kind="number"),
    Column(name="stock", kind="number"),
    Column(name="stockout_cost_per_day", kind="number"),
    Column(name="box_x_mm", kind="number"),
    Column(name="box_y_mm", kind="number"),
    Column(name="box_z_mm", kind="number"),
    Column(name="volume_cm3", kind="number"),
    Column(name="mass_g", kind="number"),
    Column(name="process_materials", kind="texts"),
    Column(name="required_certificates", kind="texts"),
    Column(name="tolerance_mm", kind="number"),
    Column(name="printable", kind="flag"),
)
_MONTH = re.compile(r"demand_(\d{4})-(0[1-9]|1[0-2])")
_MONTHS_IN_HEADER = re.compile(rb"demand_\d{4}-(?:0[1-9]|1[0-2])(?!\d)")
_MOST = 1_000_000_000
_MONTHS_A_YEAR = 12
_FAR_APART = 2.0
"""Demand and history that differ by more contradict each other."""


class DemandContradicts(DomainError):
    """A row states a demand that its own history is far from."""

    code = "demand_contradicts"
    status = 422


def read_list(content: bytes, *, format: TableFormat) -> Table:
    """Return the rows of a spare-part list, their months ``demand_2026-01`` … as one history; nothing else checked."""
    named = sorted({found.decode() for found in _MONTHS_IN_HEADER.findall(content.partition(b"\n")[0])})
    months = [Column(name=name, kind="number") for name in named] if format == "csv" else []
    table = read_table(content, format=format, columns=(*COLUMNS, *months))
    problems = [*table.problems, *_gaps([column.name for column in months], row=0, line=1)]
    return Table(rows=tuple(_with_history(row, problems) for row in table.rows), problems=tuple(problems))


def screening_kind(terms: ScreeningTerms, *, name: str, made: list[str]) -> "TableKind[ScreeningRowIn]":
    """Return the table of a list to be screened; the id of its screening is added to ``made`` once it is kept."""

    def take(session: Session, rows: Sequence[ScreeningRowIn], how: ImportTerms) -> list[Outcome | DomainError]:
        rates = _rates(session, {row.currency for row in rows}, how.now.date())
        found = judged(lambda row: _listed(row, rates, terms), rows)
        listed = tuple(item for item in found if isinstance(item, ListedPart))
        asked = NewScreening(organisation_id=how.caller.organisation_id, name=name, terms=terms, rows=listed)
        if listed:
            made.append(screenings.request_screening(session, asked=asked, actor=how.caller.key_id, now=how.now))
        return ["created" if isinstance(item, ListedPart) else item for item in found]

    return TableKind(columns=COLUMNS, model=ScreeningRowIn, key_of=lambda row: f"part {row.part_no}", take=take)


def _rates(session: Session, currencies: Collection[str], on: date) -> dict[str, float | CurrencyWithoutRate]:
    """Return what a euro buys of each currency on a day, or why that is not known."""
    rates: dict[str, float | CurrencyWithoutRate] = {}
    for currency in currencies:
        try:
            rates[currency] = logistics.exchange_rate(session, currency, on).per_eur
        except CurrencyWithoutRate as error:
            rates[currency] = error
    return rates


def _listed(row: ScreeningRowIn, rates: Mapping[str, float | CurrencyWithoutRate], terms: ScreeningTerms) -> ListedPart:
    _require_one_demand(row, terms.period_months)
    per_eur = rates[row.currency]
    if isinstance(per_eur, CurrencyWithoutRate):
        raise per_eur
    return listed_of(row, per_eur=per_eur)


def _require_one_demand(row: ScreeningRowIn, period_months: float) -> None:
    """Raise ``DemandContradicts`` where a year's demand is far from what a year or more of history comes to."""
    months = len(row.demand_history) * period_months
    if row.demand is None or months < _MONTHS_A_YEAR:
        return
    yearly = sum(row.demand_history) * _MONTHS_A_YEAR / months
    if max(row.demand, yearly) <= _FAR_APART * min(row.demand, yearly):
        return
    message = (
        f"demand says {row.demand:g} a year, the history comes to {yearly:g}: give the one that is right, and leave "
        "the other out"
    )
    raise DemandContradicts(message, problems=(FieldProblem(pointer="/demand", message=message),))


def _with_history(row: Row, problems: list[RowProblem]) -> Row:
    """Return a row with its months as a history, the oldest first.

    A row in which all months are empty has no history. A month that is left out or empty where others are filled, or
    a history beside months, is a problem: nobody can tell whether nothing was wanted, or nothing is known.
    """
    months = sorted(name for name in row.values if _MONTH.fullmatch(name))
    if not months:
        return row
    wrong = list(_month_problems(row, months))
    if row.line is None:
        wrong += _gaps(months, row=row.number, line=None)
    problems += wrong
    rest = {name: value for name, value in row.values.items() if name not in months}
    cells = [row.values[name] for name in months]
    if not wrong and any(cell is not None for cell in cells):
        rest["demand_history"] = cells
    return Row(number=row.number, line=row.line, values=rest)


def _month_problems(row: Row, months: Sequence[str]) -> Iterator[RowProblem]:
    if row.values.get("demand_history") and any(row.values[name] is not None for name in months):
        yield _problem(row, "demand_history", "is there beside columns of months: give one of them")
    is_filled = any(row.values[name] is not None for name in months)
    for name in months:
        cell = row.values[name]
        if cell is None and is_filled:
            yield _problem(row, name, "is empty: write 0 for a month in which nothing was wanted")
        if cell is not None and not _is_quantity(cell):
            yield _problem(row, name, "must be a number from 0 to 1,000,000,000")


def _gaps(months: Sequence[str], *, row: int, line: int | None) -> Iterator[RowProblem]:
    for before, after in pairwise(months):
        if _month_number(after) - _month_number(before) > 1:
            message = f"does not follow {before}: give a column for every month"
            yield RowProblem(row=row, line=line, field=after, code="validation_failed", message=message)


def _is_quantity(cell: object) -> bool:
    return isinstance(cell, (int, float)) and not isinstance(cell, bool) and 0 <= cell <= _MOST


def _month_number(name: str) -> int:
    year, month = name.removeprefix("demand_").split("-")
    return int(year) * 12 + int(month)


def _problem(row: Row, column: str, message: str) -> RowProblem:
    return RowProblem(row=row.number, line=row.line, field=column, code="validation_failed", message=message)


# ---------------------------------------------------------------- out again

_AMOUNTS = (
    *("purchase", "tooling", "moq_scrap", "holding", "obsolescence", "stockout"),
    *("printing", "freight", "printed_stock", "digitisation", "qualification", "upkeep"),
)
_FIGURES = ("demand_class", "adi", "cv2", "yearly_demand", "need", "to_buy", "scrap_quantity", "crossover", "zone")
_PRINTED = ("node_id", "machine_id", "machine_model", "process", "material")
RESULT_COLUMNS = tuple(
    Column(name=name)
    for name in (
        *("rank", "part_no", "name", "verdict", "yearly_saving_eur", "at_most_eur", "reason", "message"),
        *_FIGURES,
        *("unit_price_eur", "printed_unit_eur", "printed_quantity"),
        *_PRINTED,
        *(f"{code}_eur" for code in _AMOUNTS),
        *("missing", "assumed"),
    )
)


@dataclass(slots=True)
class RankedRows:
    """Counts ranks over the pages of one download."""

    rank: int = 0

    def rows_of(self, rows: Sequence[ScreenedRow]) -> Iterator[dict[str, object]]:
        """Yield screened rows as a table, each with its rank."""
        for row in rows:
            self.rank += 1
            yield {"rank": self.rank} | _result_row(row)


def _result_row(row: ScreenedRow) -> dict[str, object]:
    found, printed = row.judgement, row.judgement.get("printed") or {}
    reason = next(iter(found.get("reasons", ())), {"code": None, "message": None})
    amounts = {item["code"]: item["amount_minor"] for item in found.get("rows", ())}
    return {
        "part_no": row.part_no,
        "name": row.name,
        "verdict": row.verdict,
        "yearly_saving_eur": _euro(row.yearly_saving_minor),
        "at_most_eur": _euro(found.get("at_most_minor")),
        "reason": reason["code"],
        "message": reason["message"],
        **{name: found.get(name) for name in _FIGURES},
        "unit_price_eur": _euro(row.given.get("unit_price_minor")),
        "printed_unit_eur": _euro(_unit_minor(printed)),
        "printed_quantity": printed.get("quantity"),
        **{name: printed.get(name) for name in _PRINTED},
        **{f"{code}_eur": _euro(amounts.get(code)) for code in _AMOUNTS},
        "missing": found.get("missing", []),
        "assumed": found.get("assumed", []),
    }


def _unit_minor(printed: Mapping[str, int]) -> float | None:
    return printed["price_minor"] / printed["quantity"] if printed else None


def _euro(amount_minor: float | None) -> float | None:
    return None if amount_minor is None else round(amount_minor / 100, 6)
