"""Facts for estimates: made-up ones with round figures, and the rows of the reference network."""

import csv
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from fabroute.estimation.calibration import NO_EVIDENCE, Evidence
from fabroute.estimation.facts import (
    Box,
    MachineModelFacts,
    MaterialFacts,
    NodeRates,
    PartGeometry,
    Process,
)

REFERENCE = Path(__file__).parents[2] / "infra" / "reference"


def a_part(
    *, box_mm: Box = (40.0, 30.0, 20.0), volume_cm3: float = 10.0, orientation_mm: Box | None = None
) -> PartGeometry:
    """Return a small part."""
    return PartGeometry(box_mm=box_mm, volume_cm3=volume_cm3, orientation_mm=orientation_mm)


def a_machine(
    *,
    process: Process = Process.MEX,
    box_mm: Box = (206.0, 206.0, 206.0),
    layer_um: float = 200,
    layer_fixed_s: float = 0,
    rate_cm3_per_hour: float = 20,
    cooldown_hours: float = 0.5,
) -> MachineModelFacts:
    """Return a machine that offers 200 mm each way, 1 h of warm-up, set-up and unloading each, at 10.00 an hour."""
    return MachineModelFacts(
        model=f"Model {process}",
        process=process,
        box_mm=box_mm,
        layer_um=layer_um,
        layer_fixed_s=layer_fixed_s,
        rate_cm3_per_hour=rate_cm3_per_hour,
        warmup_hours=1,
        cooldown_hours=cooldown_hours,
        setup_hours=1,
        unload_hours=1,
        rate_minor_per_hour=1000,
        power_kw=2,
        source="V box; the rest M",
    )


def a_material(
    *,
    process: Process = Process.MEX,
    code: str = "STUFF",
    support_fraction: float = 0.0,
    bulk_density_g_per_cm3: float | None = 0.5,
    refresh_ratio: float | None = None,
) -> MaterialFacts:
    """Return a material of 1 g/cm3 at 50.00 a kilogram."""
    return MaterialFacts(
        code=code,
        process=process,
        density_g_per_cm3=1.0,
        price_minor_per_kg=5000,
        support_fraction=support_fraction,
        bulk_density_g_per_cm3=bulk_density_g_per_cm3,
        refresh_ratio=refresh_ratio,
        source="V density",
    )


def some_rates(
    *,
    labour_minor_per_hour: int = 4000,
    margin: float = 0.0,
    minimum_order_minor: int = 0,
    first_pass_yield: float = 1.0,
    grid_g_co2_per_kwh: float = 400.0,
    machine_minor_per_hour: int | None = None,
    material_minor_per_kg: int | None = None,
) -> NodeRates:
    """Return a node that charges its costs, states no price of its own and never fails."""
    return NodeRates(
        labour_minor_per_hour=labour_minor_per_hour,
        margin=margin,
        minimum_order_minor=minimum_order_minor,
        first_pass_yield=first_pass_yield,
        grid_g_co2_per_kwh=grid_g_co2_per_kwh,
        machine_minor_per_hour=machine_minor_per_hour,
        material_minor_per_kg=material_minor_per_kg,
    )


def evidence_of(ratios: Iterable[float] = (), *, good: int = 0, failed: int = 0) -> Evidence:
    """Return what builds taught that took these multiples of their estimates, and prints of which some failed."""
    evidence = NO_EVIDENCE.with_prints(good=good, failed=failed)
    for ratio in ratios:
        evidence = evidence.with_build(real_minutes=600 * ratio, estimated_minutes=600)
    return evidence


@lru_cache
def _rows(file: str) -> tuple[dict[str, str], ...]:
    with (REFERENCE / file).open(encoding="utf-8", newline="") as handle:
        return tuple(csv.DictReader(handle))


def _row(file: str, column: str, value: str) -> dict[str, str]:
    return next(row for row in _rows(file) if row[column] == value)


def reference_part(part_no: str) -> PartGeometry:
    """Return the geometry of a reference part."""
    row = _row("parts.csv", "part_no", part_no)
    return PartGeometry(
        box_mm=(float(row["bx_mm"]), float(row["by_mm"]), float(row["bz_mm"])), volume_cm3=float(row["volume_cm3"])
    )


def reference_machine(model: str) -> MachineModelFacts:
    """Return a reference machine model."""
    row = _row("machine_models.csv", "model", model)
    return MachineModelFacts(
        model=model,
        process=Process(row["process"]),
        box_mm=(float(row["x_mm"]), float(row["y_mm"]), float(row["z_mm"])),
        layer_um=float(row["layer_um"]),
        layer_fixed_s=float(row["layer_fixed_s"]),
        rate_cm3_per_hour=float(row["rate_cm3_h"]),
        warmup_hours=float(row["warmup_h"]),
        cooldown_hours=float(row["cooldown_h"]),
        setup_hours=float(row["setup_h"]),
        unload_hours=float(row["unload_h"]),
        rate_minor_per_hour=round(float(row["machine_rate_eur_h"]) * 100),
        power_kw=float(row["avg_power_kw"]),
        source=row["source"],
    )


def reference_machines() -> tuple[MachineModelFacts, ...]:
    """Return every machine model of the reference network."""
    return tuple(reference_machine(row["model"]) for row in _rows("machine_models.csv"))


def reference_material(code: str) -> MaterialFacts:
    """Return a reference material."""
    row = _row("materials.csv", "code", code)
    return MaterialFacts(
        code=code,
        process=Process(row["process"]),
        density_g_per_cm3=float(row["density_g_cm3"]),
        price_minor_per_kg=round(float(row["price_eur_kg"]) * 100),
        support_fraction=float(row["support_fraction"]),
        bulk_density_g_per_cm3=float(row["bulk_density_g_cm3"]) if row["bulk_density_g_cm3"] else None,
        refresh_ratio=float(row["refresh_ratio"]) if row["refresh_ratio"] else None,
        source=row["source"],
    )


def reference_materials() -> tuple[MaterialFacts, ...]:
    """Return every material of the reference network."""
    return tuple(reference_material(row["code"]) for row in _rows("materials.csv"))


def reference_rates(node_id: str) -> NodeRates:
    """Return the rates of a reference node."""
    row = _row("nodes.csv", "node_id", node_id)
    return NodeRates(
        labour_minor_per_hour=round(float(row["labour_eur_h"]) * 100),
        margin=float(row["margin"]),
        minimum_order_minor=round(float(row["min_order_eur"]) * 100),
        first_pass_yield=float(row["first_pass_yield"]),
        grid_g_co2_per_kwh=float(row["grid_g_co2_kwh"]),
    )


def reference_asset_rows() -> tuple[dict[str, str], ...]:
    """Return the machines of the reference nodes, a row for each material that one prints."""
    return _rows("node_assets.csv")


def reference_offers() -> tuple[tuple[str, str, str], ...]:
    """Return every (part number, machine model, material) that the reference network offers for a part."""
    offered = {(row["model"], row["process"], row["material"]) for row in _rows("node_assets.csv")}
    return tuple(
        sorted(
            (part["part_no"], model, material)
            for part in _rows("parts.csv")
            for model, process, material in offered
            if f"{process}:{material}" in part["allowed_process_material"].split("|")
        )
    )
