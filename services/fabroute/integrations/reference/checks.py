"""What must fit together between the reference files: no id twice, none that leads nowhere, one truth a machine."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from fabroute.integrations.reference.files import PROCESSES, Read, ReferenceFiles
from fabroute.integrations.reference.rows import AssetRow
from fabroute.integrations.reference.tables import Problems, Row
from fabroute.logistics.rules import Mode
from fabroute.logistics.rules.periods import Period, period_problems
from fabroute.logistics.service import (
    CARBON_FACTORS,
    CARRIER_TARIFFS,
    DUTY_RULES,
    EXCHANGE_RATES,
    GRID_INTENSITIES,
    DatedTable,
    city_key,
)

_Value = TypeVar("_Value")
_SHOWN = 60
"""Characters of a name in an advice."""


def check_together(files: ReferenceFiles, problems: Problems) -> None:
    """Note everything in ``files`` that doesn't fit together."""
    _check_duplicates(files)
    _check_nothing_is_empty(files, problems)
    _check_assets(files)
    _check_machines_have_one_home(files.assets)
    _check_certificates(files)
    _check_parts(files)
    _check_names_of_parts(files)
    _check_modes(files, problems)
    _check_periods(files)


def _check_duplicates(files: ReferenceFiles) -> None:
    _no_key_twice(files.nodes, "node_id", lambda node: node.node_id)
    _no_key_twice(files.models, "model", lambda model: model.model)
    _no_key_twice(files.materials, "code", lambda material: material.code)
    _no_key_twice(files.assets, "material", lambda row: (row.machine_id, row.material, row.parameter_set))
    _no_key_twice(files.certificates, "cert", lambda row: (row.node_id, row.scheme, row.scope, row.valid_from))
    _no_key_twice(files.parts, "part_no", lambda part: part.part_no)
    _no_key_twice(files.part_numbers, "number", lambda row: row.number)
    _no_key_twice(files.part_installations, "asset", lambda row: (row.part_no, row.asset, row.position))
    _no_key_twice(files.places, "city", lambda place: (place.country, city_key(place.city)))
    _no_key_twice(files.tariffs, "zone", CARRIER_TARIFFS.identity)
    _no_key_twice(files.duty_rules, "rule_id", DUTY_RULES.identity)
    _no_key_twice(files.carbon_factors, "mode", CARBON_FACTORS.identity)
    _no_key_twice(files.grid_intensities, "country", GRID_INTENSITIES.identity)
    _no_key_twice(files.exchange_rates, "currency", EXCHANGE_RATES.identity)


def _no_key_twice(rows: Sequence[Read[_Value]], column: str, key: Callable[[_Value], Hashable]) -> None:
    first: dict[Hashable, int] = {}
    for read in rows:
        line = first.setdefault(key(read.value), read.row.line)
        if line != read.row.line:
            read.row.refuse(column, f"stands on line {line} already: remove or rename one of the two")


def _check_nothing_is_empty(files: ReferenceFiles, problems: Problems) -> None:
    """Note each file without a row that the machines' lines name something of, unless it couldn't be read."""
    tables = (
        ("nodes.csv", files.nodes, "node_id"),
        ("machine_models.csv", files.models, "model"),
        ("materials.csv", files.materials, "material"),
    )
    unread = {problem.file for problem in problems.found}
    for file, rows, column in tables:
        if files.assets and not rows and file not in unread:
            named = files.assets[0].row.values[column][:_SHOWN]
            problems.add(file=file, advice=f"has no rows, but node_assets.csv names {named}: add all that it names")


def _check_assets(files: ReferenceFiles) -> None:
    nodes = {node.value.node_id for node in files.nodes}
    models = {model.value.model: model.value.process for model in files.models}
    materials = {material.value.code: material.value.process for material in files.materials}
    for read in files.assets:
        asset = read.value
        _known(read.row, "node_id", asset.node_id, nodes, "nodes.csv")
        _known(read.row, "model", asset.model, models, "machine_models.csv")
        _known(read.row, "material", asset.material, materials, "materials.csv")
        _same_process(read.row, "model", asset.process, models.get(asset.model))
        _same_process(read.row, "material", asset.process, materials.get(asset.material))


def _same_process(row: Row, column: str, process: str, expected: str | None) -> None:
    if expected in PROCESSES and process in PROCESSES and process != expected:
        advice = f"the {column} {row.values[column][:_SHOWN]} is {expected}: correct the process or the {column}"
        row.refuse("process", advice)


def _check_machines_have_one_home(assets: Sequence[Read[AssetRow]]) -> None:
    first: dict[str, AssetRow] = {}
    for read in assets:
        known = first.setdefault(read.value.machine_id, read.value)
        machine = f"machine {known.machine_id[:_SHOWN]}"
        if known.node_id != read.value.node_id:
            home = known.node_id[:_SHOWN]
            read.row.refuse("node_id", f"{machine} stands at {home} on another line: it has one home")
        if known.model != read.value.model:
            model = known.model[:_SHOWN]
            read.row.refuse("model", f"{machine} is a {model} on another line: it has one model")


def _check_certificates(files: ReferenceFiles) -> None:
    nodes = {node.value.node_id for node in files.nodes}
    pairs = _pairs(files)
    for read in files.certificates:
        _known(read.row, "node_id", read.value.node_id, nodes, "nodes.csv")
        if ":" in read.value.scope:
            _known(read.row, "scope_process_material", read.value.scope, pairs, "materials.csv")


def _check_parts(files: ReferenceFiles) -> None:
    pairs = _pairs(files)
    for read in files.parts:
        for pair in (pair for pair in read.value.process_materials if ":" in pair):
            _known(read.row, "allowed_process_material", pair, pairs, "materials.csv")


def _check_names_of_parts(files: ReferenceFiles) -> None:
    parts = {part.value.part_no for part in files.parts}
    for read in files.part_numbers:
        _known(read.row, "part_no", read.value.part_no, parts, "parts.csv")
        if read.value.number in parts:
            read.row.refuse("number", "is the number of a part in parts.csv: a part goes by it already")
    for place in files.part_installations:
        _known(place.row, "part_no", place.value.part_no, parts, "parts.csv")


def _check_modes(files: ReferenceFiles, problems: Problems) -> None:
    missing = [mode.value for mode in Mode if mode not in {read.value.mode for read in files.carbon_factors}]
    if missing:
        problems.add(
            file="carbon_factors.csv", column="mode", advice=f"has no line for {', '.join(missing)}: add one for each"
        )


def _check_periods(files: ReferenceFiles) -> None:
    _no_day_twice(files.tariffs, CARRIER_TARIFFS)
    _no_day_twice(files.duty_rules, DUTY_RULES)
    _no_day_twice(files.carbon_factors, CARBON_FACTORS)
    _no_day_twice(files.grid_intensities, GRID_INTENSITIES)
    _no_day_twice(files.exchange_rates, EXCHANGE_RATES)


def _no_day_twice(rows: Sequence[Read[_Value]], table: DatedTable[_Value]) -> None:
    """Note rows of one thing that have a day in common; those that have been refused already are left out."""
    dated: dict[Hashable, tuple[Read[_Value], Period]] = {}
    for read in rows:
        period = table.period_of(read.value)
        if date.min < period.valid_from <= period.valid_to:
            dated.setdefault(period.identity, (read, period))
    judged = list(dated.values())
    found = period_problems([period for _, period in judged], known=(), seamless=table.seamless)
    for place, problems in found.items():
        for problem in problems:
            judged[place][0].row.refuse(problem.pointer.removeprefix("/"), problem.message)


def _pairs(files: ReferenceFiles) -> Mapping[str, str]:
    materials = (read.value for read in files.materials)
    return {f"{material.process}:{material.code}": material.code for material in materials}


def _known(row: Row, column: str, name: str, known: set[str] | Mapping[str, str], file: str) -> None:
    """Note a name that isn't known; but a file that couldn't be read, or has no rows, is problem enough."""
    if name and known and name not in known:
        row.refuse(column, f"{name[:_SHOWN]} is not in {file}: add it there, or correct it here")
