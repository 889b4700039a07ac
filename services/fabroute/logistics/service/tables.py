"""The tables of dated data: how a row is stored and read, and which days of which thing it speaks for."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from sqlmodel import SQLModel

from fabroute.kernel.errors import FieldProblem
from fabroute.logistics.models import CarbonFactor, CarrierTariff, DutyRule, GridIntensity
from fabroute.logistics.models import ExchangeRate as ExchangeRateRow
from fabroute.logistics.rules import ExchangeRate, GridRow, Mode, bands_problem, transit_problem
from fabroute.logistics.rules.periods import Period
from fabroute.logistics.service.data import NewCarbonFactor, NewDutyRule, NewTariff
from fabroute.logistics.snapshot import duty_of, exchange_rate_of, grid_row_of, tariff_of

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedTable(Generic[Item]):
    """One table of dated rows."""

    name: str
    """As the database has it; also the subject of audit entries and events."""
    model: type[SQLModel]
    row_of: Callable[[Item], dict[str, object]]
    item_of: Callable[[Any], Item]
    period_of: Callable[[Item], Period]
    problems_of: Callable[[Item], Iterable[FieldProblem]] = lambda _: ()
    """What is wrong with one row, whatever the others say."""
    covers: Callable[[Item], str] | None = None
    """What needs a row on every day to come, in words; ``None``: nothing does."""
    seamless: bool = False
    """Whether every day between the first and the last must have a row."""

    def identity(self, item: Item) -> tuple[str, ...]:
        """Return what a row is known by."""
        return self.period_of(item).identity


def _tariff_row(row: NewTariff) -> dict[str, object]:
    tariff = row.tariff
    plain = {"zone": tariff.zone.value, "service": tariff.service.value, "mode": tariff.mode.value}
    lists = {"bands": [asdict(band) for band in tariff.bands], "transit": [list(step) for step in tariff.transit]}
    return asdict(tariff) | plain | lists | {"source": row.source}


def _tariff_period(row: NewTariff) -> Period:
    tariff = row.tariff
    key = (tariff.carrier, tariff.zone.value, tariff.service.value)
    return Period(
        identity=(*key, tariff.valid_from.isoformat()),
        subject=" ".join(key),
        valid_from=tariff.valid_from,
        valid_to=tariff.valid_to,
    )


def _tariff_problems(row: NewTariff) -> Iterable[FieldProblem]:
    found = (("/up_to_kg", bands_problem(row.tariff.bands)), ("/transit", transit_problem(row.tariff.transit)))
    return tuple(FieldProblem(pointer=pointer, message=message) for pointer, message in found if message)


def _duty_row(row: NewDutyRule) -> dict[str, object]:
    return {"id": row.rule_id, **asdict(row.duty), "source": row.source}


def _duty_period(row: NewDutyRule) -> Period:
    duty = row.duty
    limit = "any value" if duty.maximum_value_minor is None else f"up to {duty.maximum_value_minor / 100:g} EUR"
    return Period(
        identity=(row.rule_id,),
        subject=f"{duty.territory} {duty.consignment} {limit}",
        valid_from=duty.valid_from,
        valid_to=duty.valid_to,
    )


def _factor_row(factor: NewCarbonFactor) -> dict[str, object]:
    return asdict(factor) | {"mode": factor.mode.value}


def _factor_of(row: CarbonFactor) -> NewCarbonFactor:
    return NewCarbonFactor(
        mode=Mode(row.mode),
        g_per_tonne_km=row.g_per_tonne_km,
        source=row.source,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


def _period(subject: str, row: NewCarbonFactor | GridRow | ExchangeRate) -> Period:
    return Period(
        identity=(subject, row.valid_from.isoformat()),
        subject=subject,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


CARRIER_TARIFFS: DatedTable[NewTariff] = DatedTable(
    name="carrier_tariffs",
    model=CarrierTariff,
    row_of=_tariff_row,
    item_of=lambda row: NewTariff(tariff=tariff_of(row), source=row.source),
    period_of=_tariff_period,
    problems_of=_tariff_problems,
    covers=lambda row: f"{row.tariff.zone.value} {row.tariff.service.value}",
)
DUTY_RULES: DatedTable[NewDutyRule] = DatedTable(
    name="duty_rules",
    model=DutyRule,
    row_of=_duty_row,
    item_of=lambda row: NewDutyRule(rule_id=row.id, duty=duty_of(row), source=row.source),
    period_of=_duty_period,
    covers=lambda row: f"{row.duty.territory} {row.duty.consignment}",
)
CARBON_FACTORS: DatedTable[NewCarbonFactor] = DatedTable(
    name="carbon_factors",
    model=CarbonFactor,
    row_of=_factor_row,
    item_of=_factor_of,
    period_of=lambda factor: _period(factor.mode.value, factor),
    covers=lambda factor: factor.mode.value,
    seamless=True,
)
GRID_INTENSITIES: DatedTable[GridRow] = DatedTable(
    name="grid_intensities",
    model=GridIntensity,
    row_of=asdict,
    item_of=grid_row_of,
    period_of=lambda row: _period(row.country, row),
    covers=lambda row: row.country,
)
EXCHANGE_RATES: DatedTable[ExchangeRate] = DatedTable(
    name="exchange_rates",
    model=ExchangeRateRow,
    row_of=asdict,
    item_of=exchange_rate_of,
    period_of=lambda rate: _period(rate.currency, rate),
)
