"""The tables of dated data that have one row for each thing and period: duties, carbon, grids, exchange rates."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlmodel import Session

from fabroute.api.bulk.cells import Column
from fabroute.api.bulk.importing import ImportTerms, RowRefused, TableKind
from fabroute.api.schemas.imports import Outcome
from fabroute.api.schemas.logistics import CarbonFactorRow, DatedRow, DutyRuleRow, ExchangeRateRow, GridIntensityRow
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.money import minor_from_major
from fabroute.logistics import service as logistics
from fabroute.logistics.rules import Duty
from fabroute.logistics.service import DatedTable, ExchangeRate, GridRow, NewCarbonFactor, NewDutyRule

Row = TypeVar("Row", bound=DatedRow)
Item = TypeVar("Item")
DATES = (Column(name="valid_from", required=True), Column(name="valid_to", required=True))
_HIGH_DUTY = 0.5
SOURCE = Column(name="source", required=True)


def missing(row: BaseModel, names: Sequence[str]) -> tuple[FieldProblem, ...]:
    """Return a problem for each field that has no value."""
    return tuple(
        FieldProblem(pointer=f"/{name}", message="is missing: give it in every row")
        for name in names
        if getattr(row, name) is None
    )


def put(
    session: Session, table: DatedTable[Item], items: Sequence[Item], terms: ImportTerms
) -> list[Outcome | DomainError]:
    """Save items of a table and return what became of each."""
    return list(logistics.put_rows(session, table=table, items=items, principal=terms.caller, now=terms.now))


def both(problems: Sequence[FieldProblem], outcome: Outcome | DomainError) -> Outcome | DomainError:
    """Return what became of a row that has problems of its own beside what the others make of it."""
    if not problems:
        return outcome
    own = logistics.invalid_row(problems)
    return RowRefused((own, outcome)) if isinstance(outcome, DomainError) else own


def euro_of(minor: int | None) -> float | None:
    """Return cents as an amount in euro, exact to the cent."""
    return None if minor is None else minor / 100


def minor_of(euro: float | None) -> int:
    """Return an amount in euro as cents; nothing is 0."""
    return 0 if euro is None else minor_from_major(str(euro))


def as_text(days: Mapping[str, object]) -> dict[str, object]:
    """Return a row with its dates as a table holds them."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in days.items()}


def _taker(
    table: DatedTable[Item], item_of: Callable[[Row], Item], needed: Sequence[str]
) -> Callable[[Session, Sequence[Row], ImportTerms], Sequence[Outcome | DomainError]]:
    """Return what takes rows of which each is one item; ``item_of`` puts something in for what is missing."""

    def take(session: Session, rows: Sequence[Row], terms: ImportTerms) -> list[Outcome | DomainError]:
        outcomes = put(session, table, [item_of(row) for row in rows], terms)
        return [both(missing(row, needed), outcome) for row, outcome in zip(rows, outcomes, strict=True)]

    return take


def warner(
    table: DatedTable[Item], unlikely: Callable[[Row], str | None] = lambda _: None
) -> Callable[[Session, Sequence[Row], ImportTerms], Sequence[str]]:
    """Return what tells of days to come without a row, and of rows with ``unlikely`` values."""

    def warn(session: Session, rows: Sequence[Row], terms: ImportTerms) -> list[str]:
        told = [message for row in rows if (message := unlikely(row)) is not None]
        return told + logistics.coverage_warnings(session, table=table, today=terms.now.date())

    return warn


def _high_duty(row: DutyRuleRow) -> str | None:
    if row.fraction is None or row.fraction <= _HIGH_DUTY:
        return None
    return f"duty rule {row.rule_id}: fraction {row.fraction:g} takes {row.fraction:.0%} of the value: 5 % are 0.05"


def _dates(row: DatedRow) -> dict[str, Any]:
    return {"valid_from": row.valid_from, "valid_to": row.valid_to or row.valid_from, "source": row.source or ""}


def _duty_rule(row: DutyRuleRow) -> NewDutyRule:
    days = _dates(row)
    source = days.pop("source")
    duty = Duty(
        territory=row.territory,
        consignment=row.consignment,
        maximum_value_minor=None if row.maximum_value_eur is None else minor_of(row.maximum_value_eur),
        fixed_minor=minor_of(row.fixed_eur),
        fraction=row.fraction or 0.0,
        **days,
    )
    return NewDutyRule(rule_id=row.rule_id, duty=duty, source=source)


DUTY_RULES = TableKind(
    columns=(
        Column(name="rule_id", required=True),
        Column(name="territory", required=True),
        Column(name="consignment", required=True),
        Column(name="maximum_value_eur", kind="number", required=True),
        Column(name="fixed_eur", kind="number", required=True),
        Column(name="fraction", kind="number", required=True),
        *DATES,
        SOURCE,
    ),
    model=DutyRuleRow,
    key_of=lambda row: f"duty rule {row.rule_id}",
    take=_taker(logistics.DUTY_RULES, _duty_rule, ("fixed_eur", "fraction", "valid_to", "source")),
    warn=warner(logistics.DUTY_RULES, _high_duty),
)
CARBON_FACTORS = TableKind(
    columns=(
        Column(name="mode", required=True),
        Column(name="g_per_tonne_km", kind="number", required=True),
        *DATES,
        SOURCE,
    ),
    model=CarbonFactorRow,
    key_of=lambda row: f"{row.mode} from {row.valid_from}",
    take=_taker(
        logistics.CARBON_FACTORS,
        lambda row: NewCarbonFactor(mode=row.mode, g_per_tonne_km=row.g_per_tonne_km or 0.0, **_dates(row)),
        ("g_per_tonne_km", "valid_to", "source"),
    ),
    warn=warner(logistics.CARBON_FACTORS),
)
GRID_INTENSITIES = TableKind(
    columns=(
        Column(name="country", required=True),
        Column(name="g_per_kwh", kind="number", required=True),
        *DATES,
        SOURCE,
    ),
    model=GridIntensityRow,
    key_of=lambda row: f"{row.country} from {row.valid_from}",
    take=_taker(
        logistics.GRID_INTENSITIES,
        lambda row: GridRow(country=row.country, g_per_kwh=row.g_per_kwh or 0.0, **_dates(row)),
        ("g_per_kwh", "valid_to", "source"),
    ),
    warn=warner(logistics.GRID_INTENSITIES),
)
EXCHANGE_RATES = TableKind(
    columns=(
        Column(name="currency", required=True),
        Column(name="per_eur", kind="number", required=True),
        *DATES,
        SOURCE,
    ),
    model=ExchangeRateRow,
    key_of=lambda row: f"{row.currency} from {row.valid_from}",
    take=_taker(
        logistics.EXCHANGE_RATES,
        lambda row: ExchangeRate(currency=row.currency, per_eur=row.per_eur or 1.0, **_dates(row)),
        ("per_eur", "valid_to", "source"),
    ),
)


def duty_rule_row(rule: NewDutyRule) -> dict[str, object]:
    """Return a duty rule as an import takes it."""
    duty = rule.duty
    money = {"maximum_value_eur": euro_of(duty.maximum_value_minor), "fixed_eur": euro_of(duty.fixed_minor)}
    days = {"valid_from": duty.valid_from, "valid_to": duty.valid_to, "source": rule.source}
    what = {"territory": duty.territory, "consignment": duty.consignment, "fraction": duty.fraction}
    return as_text({"rule_id": rule.rule_id, **what, **money, **days})


def plain_row(item: NewCarbonFactor | GridRow | ExchangeRate) -> dict[str, object]:
    """Return a row of the other tables as an import takes it."""
    return as_text(asdict(item))
