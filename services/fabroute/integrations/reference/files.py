"""The reference files as typed rows: each value read, each file's own rules checked."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypedDict, TypeVar
from zoneinfo import available_timezones

from fabroute.estimation.facts import (
    HEAVIEST_G_PER_CM3,
    LARGEST_SIDE_MM,
    MOST_HOURS,
    MOST_MINOR_PER_HOUR,
    MOST_MINOR_PER_KG,
    SMALLEST_SIDE_MM,
    SMALLEST_VOLUME_CM3,
    Process,
)
from fabroute.integrations.reference.rows import (
    AssetRow,
    CertificateRow,
    InstallationRow,
    NodeRow,
    NumberRow,
    PartRow,
)
from fabroute.integrations.reference.tables import Problems, Row, read_rows
from fabroute.inventory.rules import words
from fabroute.inventory.service import ConventionalMethod
from fabroute.kernel.errors import FieldProblem
from fabroute.logistics.rules import Duty, Mode, Service, Tariff, Zone, any_weight, transit_of
from fabroute.logistics.rules.grids import EVERYWHERE_ELSE
from fabroute.logistics.rules.places import CONTINENTS
from fabroute.logistics.service import ExchangeRate, GridRow, NewCarbonFactor, NewDutyRule, NewTariff, PlaceView
from fabroute.network.rules import WORKING_WEEKS
from fabroute.network.service import NewMachineModel, NewMaterial

PROCESSES = tuple(process.value for process in Process)
KINDS = {"in_house": "in_house", "bureau": "service_bureau", "hub": "regional_hub"}
"""The files' words for kinds of nodes, and ours."""
_REFRESHED = ("SLS", "MJF")
EXPORT_CLASSES = ("none", "dual_use", "itar")
IP_ZONES = ("any", "EU", "US", "EU_US", "same_country")
CRITICALITIES = ("aog", "line_down", "routine", "consumer", "patient", "safety")
_PAIR = r"[A-Z]+:[A-Za-z0-9-]+"
_CENT_EUR = 0.01
"""What is never free costs a cent at least: fractions of it are stored as 0."""
_MOST_EUR_PER_HOUR = MOST_MINOR_PER_HOUR / 100
_MOST_EUR_PER_KG = MOST_MINOR_PER_KG / 100
_MOST_EUR_PER_ORDER = 10_000_000
_SLOWEST_CM3_PER_HOUR = 0.001
_LIGHTEST_G_PER_CM3 = 0.001
_LEAST_YIELD = 0.001
_ID = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}"

_Value = TypeVar("_Value")


class _Dated(TypedDict):
    """What all rows of dated data have."""

    valid_from: date
    valid_to: date
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Generic[_Value]):
    """A typed row and the line that it came from."""

    row: Row
    value: _Value


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceFiles:
    """All files, read."""

    nodes: Sequence[Read[NodeRow]]
    models: Sequence[Read[NewMachineModel]]
    materials: Sequence[Read[NewMaterial]]
    assets: Sequence[Read[AssetRow]]
    certificates: Sequence[Read[CertificateRow]]
    parts: Sequence[Read[PartRow]]
    part_numbers: Sequence[Read[NumberRow]]
    part_installations: Sequence[Read[InstallationRow]]
    places: Sequence[Read[PlaceView]]
    tariffs: Sequence[Read[NewTariff]]
    duty_rules: Sequence[Read[NewDutyRule]]
    carbon_factors: Sequence[Read[NewCarbonFactor]]
    grid_intensities: Sequence[Read[GridRow]]
    exchange_rates: Sequence[Read[ExchangeRate]]


def read_files(folder: Path, problems: Problems) -> ReferenceFiles:
    """Return the typed rows of all files in ``folder``; what can't be taken is noted in ``problems``.

    Other numbers of parts and where they are installed may be left out: a folder without these files has none.
    """

    def read(file: str, columns: str, convert: Callable[[Row], _Value]) -> Sequence[Read[_Value]]:
        rows = read_rows(folder, file, columns.split(), problems)
        return [Read(row=row, value=convert(row)) for row in rows]

    def read_if_there(file: str, columns: str, convert: Callable[[Row], _Value]) -> Sequence[Read[_Value]]:
        return read(file, columns, convert) if (folder / file).exists() else ()

    return ReferenceFiles(
        nodes=read("nodes.csv", _NODE_COLUMNS, _node),
        models=read("machine_models.csv", _MODEL_COLUMNS, _model),
        materials=read("materials.csv", _MATERIAL_COLUMNS, _material),
        assets=read("node_assets.csv", _ASSET_COLUMNS, _asset),
        certificates=read("node_certs.csv", _CERTIFICATE_COLUMNS, _certificate),
        parts=read("parts.csv", _PART_COLUMNS, _part),
        part_numbers=read_if_there("part_numbers.csv", "part_no kind number", _number),
        part_installations=read_if_there("part_installations.csv", _INSTALLATION_COLUMNS, _installation),
        places=read("places.csv", "country city latitude longitude is_capital population", _place),
        tariffs=read("carrier_tariffs.csv", _TARIFF_COLUMNS, _tariff),
        duty_rules=read("duty_rules.csv", _DUTY_COLUMNS, _duty_rule),
        carbon_factors=read("carbon_factors.csv", "mode g_per_tonne_km valid_from valid_to source", _carbon_factor),
        grid_intensities=read("grid_intensities.csv", "country g_per_kwh valid_from valid_to source", _grid_intensity),
        exchange_rates=read("exchange_rates.csv", "currency per_eur valid_from valid_to source", _exchange_rate),
    )


_NODE_COLUMNS = (
    "node_id kind city country lat lon timezone labour_eur_h grid_g_co2_kwh cutoff_local calendar min_order_eur "
    "margin on_time_score first_pass_yield"
)
_MODEL_COLUMNS = (
    "model process x_mm y_mm z_mm layer_um layer_fixed_s rate_cm3_h warmup_h cooldown_h setup_h unload_h "
    "machine_rate_eur_h avg_power_kw source"
)
_MATERIAL_COLUMNS = "code process density_g_cm3 bulk_density_g_cm3 price_eur_kg refresh_ratio support_fraction source"
_ASSET_COLUMNS = "node_id machine_id model process material parameter_set utilisation"
_CERTIFICATE_COLUMNS = "node_id cert scope_kind scope_process_material valid_from valid_to"
_PART_COLUMNS = (
    "part_no name sector bx_mm by_mm bz_mm volume_cm3 allowed_process_material required_certs part_qualification "
    "criticality annual_demand hs_code export_class ip_zone note conv_unit_eur conv_moq conv_tooling_eur conv_lead_days"
)
_INSTALLATION_COLUMNS = "part_no asset position quantity note"
_TARIFF_COLUMNS = (
    "carrier zone service valid_from valid_to base_eur per_kg_eur fuel_fraction surcharge_eur transit_p50_days "
    "transit_p95_days mode source"
)
_DUTY_COLUMNS = "rule_id territory consignment maximum_value_eur fixed_eur fraction valid_from valid_to source"


def _node(row: Row) -> NodeRow:
    return NodeRow(
        node_id=_id(row, "node_id"),
        kind=KINDS.get(row.choice("kind", KINDS), ""),
        city=row.text("city"),
        country=_country(row, "country"),
        latitude=row.number("lat", minimum=-90, maximum=90),
        longitude=row.number("lon", minimum=-180, maximum=180),
        timezone=_timezone(row, "timezone"),
        labour_minor_per_hour=row.minor("labour_eur_h", maximum=_MOST_EUR_PER_HOUR),
        grid_g_co2_per_kwh=row.number("grid_g_co2_kwh", maximum=5000),
        cutoff_local=row.matching("cutoff_local", r"([01]\d|2[0-3]):[0-5]\d", "give a time of day as HH:MM"),
        working_days=row.choice("calendar", WORKING_WEEKS),
        minimum_order_minor=row.minor("min_order_eur", maximum=_MOST_EUR_PER_ORDER),
        margin=row.number("margin", maximum=5),
        on_time_score=row.number("on_time_score", maximum=1),
        first_pass_yield=row.number("first_pass_yield", minimum=_LEAST_YIELD, maximum=1),
    )


def _model(row: Row) -> NewMachineModel:
    found = NewMachineModel(
        model=row.text("model"),
        process=row.choice("process", PROCESSES),
        x_mm=_side(row, "x_mm"),
        y_mm=_side(row, "y_mm"),
        z_mm=_side(row, "z_mm"),
        layer_um=row.number("layer_um", minimum=0.1, maximum=100_000),
        layer_fixed_s=row.number("layer_fixed_s", maximum=86_400),
        rate_cm3_per_hour=row.number("rate_cm3_h", maximum=1_000_000),
        warmup_hours=row.number("warmup_h", maximum=MOST_HOURS),
        cooldown_hours=row.number("cooldown_h", maximum=MOST_HOURS),
        setup_hours=row.number("setup_h", maximum=MOST_HOURS),
        unload_hours=row.number("unload_h", maximum=MOST_HOURS),
        rate_minor_per_hour=row.minor("machine_rate_eur_h", minimum=_CENT_EUR, maximum=_MOST_EUR_PER_HOUR),
        power_kw=row.number("avg_power_kw", maximum=10_000),
        source=row.text("source"),
    )
    if found.layer_fixed_s == found.rate_cm3_per_hour == 0:
        row.refuse("rate_cm3_h", "is 0 like layer_fixed_s: such a machine prints in no time, give one of them")
    if 0 < found.rate_cm3_per_hour < _SLOWEST_CM3_PER_HOUR:
        row.refuse("rate_cm3_h", f"is less than {_SLOWEST_CM3_PER_HOUR:g}: check its unit, or give 0 if layers count")
    return found


def _material(row: Row) -> NewMaterial:
    found = NewMaterial(
        code=_id(row, "code"),
        process=row.choice("process", PROCESSES),
        density_g_per_cm3=_density(row, "density_g_cm3"),
        bulk_density_g_per_cm3=_density(row, "bulk_density_g_cm3") if row.values["bulk_density_g_cm3"] else None,
        price_minor_per_kg=row.minor("price_eur_kg", minimum=_CENT_EUR, maximum=_MOST_EUR_PER_KG),
        refresh_ratio=row.optional_number("refresh_ratio", maximum=1),
        support_fraction=row.number("support_fraction", maximum=5),
        source=row.text("source"),
    )
    for column in ("bulk_density_g_cm3", "refresh_ratio"):
        if found.process in _REFRESHED and not row.values[column]:
            row.refuse(column, f"is needed: {found.process} refreshes used powder")
    bulk, solid = found.bulk_density_g_per_cm3, found.density_g_per_cm3
    if bulk is not None and bulk > solid and not row.refused("bulk_density_g_cm3", "density_g_cm3"):
        row.refuse("bulk_density_g_cm3", f"is more than density_g_cm3 ({solid:g}): loose powder holds air, swap them")
    return found


def _asset(row: Row) -> AssetRow:
    return AssetRow(
        node_id=row.text("node_id"),
        machine_id=_id(row, "machine_id"),
        model=row.text("model"),
        process=row.choice("process", PROCESSES),
        material=row.text("material"),
        parameter_set=_id(row, "parameter_set"),
        utilisation=row.number("utilisation", maximum=1),
    )


def _certificate(row: Row) -> CertificateRow:
    found = CertificateRow(
        node_id=row.text("node_id"),
        scheme=_id(row, "cert"),
        scope_kind=row.choice("scope_kind", ("site", "site+process+material")),
        scope=row.matching("scope_process_material", rf"\*|{_PAIR}", "use * or PROCESS:MATERIAL, such as LPBF:316L"),
        valid_from=row.day("valid_from"),
        valid_to=row.day("valid_to"),
    )
    _in_order(row, found.valid_from, found.valid_to)
    if (found.scope == "*") != (found.scope_kind == "site"):
        row.refuse(
            "scope_kind", f"does not go with the scope {found.scope}: * is site, a pair is site+process+material"
        )
    return found


def _part(row: Row) -> PartRow:
    found = PartRow(
        part_no=_id(row, "part_no"),
        name=row.text("name"),
        sector=row.text("sector"),
        box_mm=(_side(row, "bx_mm"), _side(row, "by_mm"), _side(row, "bz_mm")),
        volume_cm3=row.number("volume_cm3", minimum=SMALLEST_VOLUME_CM3),
        process_materials=row.several("allowed_process_material"),
        required_certificates=row.several("required_certs"),
        part_qualification=row.flag("part_qualification"),
        criticality=row.choice("criticality", CRITICALITIES, lower=True),
        annual_demand=row.whole("annual_demand"),
        hs_code=row.matching("hs_code", r"\d{4}(\.\d{2,4})*", "give a tariff number such as 8607.19"),
        export_class=row.choice("export_class", EXPORT_CLASSES),
        ip_zone=row.choice("ip_zone", IP_ZONES),
        note=row.optional_text("note"),
        conventional=_conventional(row),
    )
    if not found.process_materials or not all(re.fullmatch(_PAIR, pair) for pair in found.process_materials):
        row.refuse("allowed_process_material", "name at least one PROCESS:MATERIAL, several with | between them")
    if found.volume_cm3 * 1000 > math.prod(found.box_mm) and not row.refused("bx_mm", "by_mm", "bz_mm", "volume_cm3"):
        row.refuse("volume_cm3", "is more than the bounding box holds: check the units (cm3 and mm)")
    return found


def _conventional(row: Row) -> ConventionalMethod:
    return ConventionalMethod(
        unit_minor=row.optional_minor("conv_unit_eur"),
        tooling_minor=row.optional_minor("conv_tooling_eur"),
        minimum_quantity=row.optional_whole("conv_moq", minimum=1),
        lead_days=row.optional_whole("conv_lead_days", maximum=3_650),
    )


def _number(row: Row) -> NumberRow:
    found = NumberRow(
        part_no=row.text("part_no"), kind=row.choice("kind", words.ALIAS_KINDS), number=row.text("number")
    )
    if found.number:
        _take(row, "number", words.is_text(found.number, pointer="/number", longest=words.LONGEST_NUMBER))
        _take(row, "number", words.is_gtin(found.number, pointer="/number") if found.kind == "gtin" else ())
    return found


def _installation(row: Row) -> InstallationRow:
    found = InstallationRow(
        part_no=row.text("part_no"),
        asset=row.text("asset"),
        position=row.optional_text("position"),
        quantity=row.whole("quantity", minimum=1),
        note=row.optional_text("note"),
    )
    for column, value in (("asset", found.asset), ("position", found.position)):
        _take(row, column, words.is_text(value, pointer=f"/{column}", longest=words.LONGEST_NAME, empty=True))
    return found


def _take(row: Row, column: str, problems: Iterable[FieldProblem]) -> None:
    for problem in problems:
        row.refuse(column, problem.message)


def _place(row: Row) -> PlaceView:
    return PlaceView(
        city=row.text("city"),
        country=_country(row, "country"),
        latitude=row.number("latitude", minimum=-90, maximum=90),
        longitude=row.number("longitude", minimum=-180, maximum=180),
        is_capital=row.flag("is_capital"),
    )


def _tariff(row: Row) -> NewTariff:
    typical = row.whole("transit_p50_days", maximum=365)
    late = row.whole("transit_p95_days", maximum=364)
    if late < typical:
        row.refuse("transit_p95_days", f"is less than transit_p50_days ({typical}): late is not sooner")
    tariff = Tariff(
        carrier=row.text("carrier"),
        zone=row.one_of("zone", Zone),
        service=row.one_of("service", Service),
        bands=any_weight(base_minor=row.minor("base_eur"), per_kg_minor=row.minor("per_kg_eur")),
        fuel_fraction=row.number("fuel_fraction", maximum=5),
        surcharge_minor=row.minor("surcharge_eur"),
        transit=transit_of(p50_days=typical, p95_days=late),
        mode=row.one_of("mode", Mode),
        valid_from=row.day("valid_from"),
        valid_to=row.day("valid_to"),
    )
    _in_order(row, tariff.valid_from, tariff.valid_to)
    return NewTariff(tariff=tariff, source=row.text("source"))


def _duty_rule(row: Row) -> NewDutyRule:
    maximum = row.optional_number("maximum_value_eur")
    duty = Duty(
        territory=row.matching("territory", r"\*|[A-Z]{2}", "use *, EU or a country's two-letter code"),
        consignment="b2c" if row.choice("consignment", ("b2c", "b2b")) == "b2c" else "b2b",
        maximum_value_minor=None if maximum is None else row.minor("maximum_value_eur"),
        fixed_minor=row.minor("fixed_eur"),
        fraction=row.number("fraction", maximum=10),
        valid_from=row.day("valid_from"),
        valid_to=row.day("valid_to"),
    )
    _in_order(row, duty.valid_from, duty.valid_to)
    return NewDutyRule(rule_id=_id(row, "rule_id"), duty=duty, source=row.text("source"))


def _carbon_factor(row: Row) -> NewCarbonFactor:
    return NewCarbonFactor(mode=row.one_of("mode", Mode), g_per_tonne_km=row.number("g_per_tonne_km"), **_dated(row))


def _grid_intensity(row: Row) -> GridRow:
    country = row.values["country"] if row.values["country"] == EVERYWHERE_ELSE else _country(row, "country")
    return GridRow(country=country, g_per_kwh=row.number("g_per_kwh", maximum=5000), **_dated(row))


def _exchange_rate(row: Row) -> ExchangeRate:
    currency = row.matching("currency", r"(?!EUR)[A-Z]{3}", "use three capital letters of ISO 4217; EUR is always 1")
    return ExchangeRate(currency=currency, per_eur=row.number("per_eur", above=True), **_dated(row))


def _dated(row: Row) -> _Dated:
    found = _Dated(valid_from=row.day("valid_from"), valid_to=row.day("valid_to"), source=row.text("source"))
    _in_order(row, found["valid_from"], found["valid_to"])
    return found


def _side(row: Row, column: str) -> float:
    return row.number(column, minimum=SMALLEST_SIDE_MM, maximum=LARGEST_SIDE_MM)


def _density(row: Row, column: str) -> float:
    return row.number(column, minimum=_LIGHTEST_G_PER_CM3, maximum=HEAVIEST_G_PER_CM3)


def _id(row: Row, column: str) -> str:
    return row.matching(column, _ID, "use letters, digits and . _ + -, 64 at most")


def _country(row: Row, column: str) -> str:
    if row.values[column] not in CONTINENTS:
        row.refuse(column, "is no two-letter code of ISO 3166, such as DE")
    return row.values[column]


def _timezone(row: Row, column: str) -> str:
    if row.values[column] not in _timezones():
        row.refuse(column, "is no time zone: use an IANA name such as Europe/Berlin")
    return row.values[column]


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _in_order(row: Row, first: date, last: date) -> None:
    if last != date.min and first > last:
        row.refuse("valid_to", f"is before valid_from ({first}): swap or correct them")
