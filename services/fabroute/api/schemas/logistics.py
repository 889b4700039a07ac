"""Dated tables of logistics over the wire: rows as they come in, items as they go out."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, LiteralString

import pycountry
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from fabroute.api.schemas.base import COUNTRIES, Label, MoneyOut, RequestModel, ResponseModel
from fabroute.kernel.money import Money
from fabroute.logistics.rules import Mode, Service, Zone, customs_territory
from fabroute.logistics.rules.duties import ELSEWHERE
from fabroute.logistics.rules.exchange import EURO
from fabroute.logistics.rules.grids import EVERYWHERE_ELSE
from fabroute.logistics.service import ExchangeRate, GridRow, NewCarbonFactor, NewDutyRule, NewTariff

_NO_MONEY = frozenset(
    ["XXX", "XTS", "XAU", "XAG", "XPT", "XPD", "XBA", "XBB", "XBC", "XBD", "XDR", "XSU", "XUA", "XAD"]
)
"""Codes of ISO 4217 for metals, units of account, tests and no currency at all: nobody asks prices in them."""
CURRENCIES = frozenset(currency.alpha_3 for currency in pycountry.currencies) - _NO_MONEY
"""ISO 4217."""
_MOST_EURO = 20_000_000
_CENT = Decimal("0.01")
_GRAM = Decimal("0.001")


def _in_steps(step: Decimal, message: LiteralString) -> AfterValidator:
    def check(value: float) -> float:
        if Decimal(str(value)) % step:
            raise PydanticCustomError("not_in_steps", message)
        return value

    return AfterValidator(check)


def _step_of(value: Any) -> Any:
    if not isinstance(value, str):
        return tuple(value) if isinstance(value, list) else value
    days, _, share = value.partition(":")
    numbers = (days.strip(), share.strip())
    if not all(map(str.isdecimal, numbers)):
        raise PydanticCustomError("transit_form", "is not days:per mille, as in 1:500|2:450|3:50")
    return tuple(int(number) for number in numbers)


def _known_currency(code: str) -> str:
    if code not in CURRENCIES:
        raise PydanticCustomError("unknown_currency", "is no currency: use three capital letters of ISO 4217, as USD")
    if code == EURO:
        raise PydanticCustomError("euro", "a euro is always one euro: leave the row out")
    return code


def _known_territory(code: str) -> str:
    if code in (ELSEWHERE, "EU"):
        return code
    if code not in COUNTRIES:
        raise PydanticCustomError(
            "unknown_territory", "use *, EU or a country's code of ISO 3166-1 alpha-2, such as US"
        )
    if (territory := customs_territory(code)) != code:
        advice = "belongs to the customs territory of {territory}: give its rules"
        raise PydanticCustomError("other_territory", advice, {"territory": territory})
    return code


def _share(value: float) -> float:
    if not value <= 1:
        raise PydanticCustomError("share", "is a share: 0.05 for 5 %, 1 at the most")
    return value


def _known_grid(code: str) -> str:
    if code != EVERYWHERE_ELSE and code not in COUNTRIES:
        raise PydanticCustomError("unknown_country", "use * or a country's code of ISO 3166-1 alpha-2, such as DE")
    return code


Day = Annotated[date, Field(strict=False)]
Euro = Annotated[float, Field(ge=0, le=_MOST_EURO), _in_steps(_CENT, "has parts of a cent: give two decimals")]
Kilograms = Annotated[float, Field(ge=0, le=100_000), _in_steps(_GRAM, "has parts of a gram: give three decimals")]
Share = Annotated[float, Field(ge=0), AfterValidator(_share)]
Fraction = Annotated[float, Field(ge=0, le=10)]
TransitStep = Annotated[tuple[int, int], BeforeValidator(_step_of)]
"""``2:500``, or an array ``[2, 500]``: within two working days, 500 of a thousand parcels more."""


class DatedRow(RequestModel):
    """The days of a row, and where it comes from. What is optional here is asked for all the same, with the rest."""

    valid_from: Day
    valid_to: Day | None = None
    source: Label | None = None


class TariffRow(DatedRow):
    """A weight band of a carrier's tariff; the rows of one carrier, zone, service and first day are one tariff."""

    carrier: Label
    zone: Zone
    service: Service
    over_kg: Kilograms | None = None
    up_to_kg: Kilograms | None = None
    base_eur: Euro | None = None
    per_kg_eur: Euro | None = None
    minimum_eur: Euro | None = None
    fuel_fraction: Fraction | None = None
    surcharge_eur: Euro | None = None
    transit: list[TransitStep] = Field(default=[], max_length=60)
    transit_p50_days: int | None = Field(default=None, ge=0, le=364)
    transit_p95_days: int | None = Field(default=None, ge=0, le=364)
    mode: Mode | None = None


class DutyRuleRow(DatedRow):
    """A rule for what customs take."""

    rule_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")]
    territory: Annotated[str, AfterValidator(_known_territory)]
    consignment: Literal["b2c", "b2b"]
    maximum_value_eur: Euro | None = None
    fixed_eur: Euro | None = None
    fraction: Share | None = None


class CarbonFactorRow(DatedRow):
    """What a transport mode emits."""

    mode: Mode
    g_per_tonne_km: float | None = Field(default=None, ge=0, le=100_000)


class GridIntensityRow(DatedRow):
    """What a country's grid emits."""

    country: Annotated[str, AfterValidator(_known_grid)]
    g_per_kwh: float | None = Field(default=None, ge=0, le=5_000)


class ExchangeRateRow(DatedRow):
    """What a euro buys."""

    currency: Annotated[str, AfterValidator(_known_currency)]
    per_eur: float | None = Field(default=None, gt=0, le=1_000_000_000)


class DatedOut(ResponseModel):
    """Something that holds from a day to a day."""

    valid_from: date
    valid_to: date = Field(description="The last day, included.")
    source: str = Field(
        description="Reference data begin with a mark: V vendor or primary source, V2 second-hand, M memory, "
        "D assumption."
    )


class WeightBandOut(ResponseModel):
    """The price of parcels up to a weight."""

    up_to_grams: int | None = Field(description="Chargeable weight; null for any.")
    base: MoneyOut
    per_kg: MoneyOut = Field(description="For every kilogram of the parcel.")


class TransitStepOut(ResponseModel):
    """How many parcels arrive after so many working days."""

    working_days: int
    per_mille: int


class CarrierTariffOut(DatedOut):
    """What a carrier asks for a service into a zone, and how long it takes.

    A parcel costs max(minimum, base + per_kg x kg) x (1 + fuel_fraction) + surcharge.
    """

    carrier: str
    zone: Zone
    service: Service
    bands: list[WeightBandOut] = Field(description="The lightest first; heavier parcels are not taken.")
    minimum: MoneyOut
    fuel_fraction: float
    surcharge: MoneyOut
    transit: list[TransitStepOut] = Field(description="Adds up to 1000 per mille.")
    transit_p50_days: int
    transit_p95_days: int
    mode: Mode


class DutyRuleOut(DatedOut):
    """What customs of a territory take."""

    rule_id: str
    territory: str = Field(description="`EU`, a country, or `*`: every place without rules of its own.")
    consignment: str
    maximum_value: MoneyOut | None = Field(description="The rule holds up to this value of the goods.")
    fixed: MoneyOut = Field(description="Per item category.")
    fraction: float = Field(description="Of the value of the goods.")


class CarbonFactorOut(DatedOut):
    """What a transport mode emits."""

    mode: Mode
    g_per_tonne_km: float


class GridIntensityOut(DatedOut):
    """What a country's grid emits."""

    country: str = Field(description="ISO 3166-1 alpha-2, or `*`: every country without a figure of its own.")
    g_per_kwh: float


class ExchangeRateOut(DatedOut):
    """What a euro buys."""

    currency: str
    per_eur: float


def carrier_tariff_out(row: NewTariff) -> CarrierTariffOut:
    """Return a tariff for an answer."""
    tariff = row.tariff
    return CarrierTariffOut(
        carrier=tariff.carrier,
        zone=tariff.zone,
        service=tariff.service,
        valid_from=tariff.valid_from,
        valid_to=tariff.valid_to,
        bands=[
            WeightBandOut(up_to_grams=band.up_to_grams, base=_euro(band.base_minor), per_kg=_euro(band.per_kg_minor))
            for band in tariff.bands
        ],
        minimum=_euro(tariff.minimum_minor),
        fuel_fraction=tariff.fuel_fraction,
        surcharge=_euro(tariff.surcharge_minor),
        transit=[TransitStepOut(working_days=days, per_mille=share) for days, share in tariff.transit],
        transit_p50_days=tariff.transit_p50_days,
        transit_p95_days=tariff.transit_p95_days,
        mode=tariff.mode,
        source=row.source,
    )


def duty_rule_out(row: NewDutyRule) -> DutyRuleOut:
    """Return a duty rule for an answer."""
    duty = row.duty
    return DutyRuleOut(
        rule_id=row.rule_id,
        territory=duty.territory,
        consignment=duty.consignment,
        maximum_value=None if duty.maximum_value_minor is None else _euro(duty.maximum_value_minor),
        fixed=_euro(duty.fixed_minor),
        fraction=duty.fraction,
        valid_from=duty.valid_from,
        valid_to=duty.valid_to,
        source=row.source,
    )


def carbon_factor_out(row: NewCarbonFactor) -> CarbonFactorOut:
    """Return a carbon factor for an answer."""
    return CarbonFactorOut.model_validate(row, from_attributes=True)


def grid_intensity_out(row: GridRow) -> GridIntensityOut:
    """Return a grid figure for an answer."""
    return GridIntensityOut.model_validate(row, from_attributes=True)


def exchange_rate_out(row: ExchangeRate) -> ExchangeRateOut:
    """Return an exchange rate for an answer."""
    return ExchangeRateOut.model_validate(row, from_attributes=True)


def _euro(minor: int) -> MoneyOut:
    return MoneyOut.of(Money(amount_minor=minor, currency=EURO))
