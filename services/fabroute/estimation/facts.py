"""What an estimate stands on: the part's geometry, a machine model, a material and a node's rates."""

import math
from dataclasses import dataclass
from enum import StrEnum

from fabroute.kernel.errors import DomainError

Box = tuple[float, float, float]
"""Width, depth and height in mm."""


class Process(StrEnum):
    """A family of printing processes."""

    MEX = "MEX"
    VPP = "VPP"
    SLS = "SLS"
    MJF = "MJF"
    LPBF = "LPBF"
    EBM = "EBM"
    BJT = "BJT"


class InvalidFact(DomainError):
    """A figure that no part, machine, material or node can have."""

    code = "estimation_fact_invalid"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class PartGeometry:
    """The bounding box and the volume of one part, and how it has to stand if that is fixed."""

    box_mm: Box
    volume_cm3: float
    orientation_mm: Box | None = None
    """The box as it stands in the machine (height last) where the qualified file fixes it; ``None``: free."""

    def __post_init__(self) -> None:
        for side in self.box_mm:
            _positive("a side of the box in mm", side)
        _positive("volume_cm3", self.volume_cm3)
        if self.volume_cm3 * 1000 > math.prod(self.box_mm) * (1 + 1e-9):
            raise InvalidFact(
                f"volume_cm3 is {self.volume_cm3:g}, more than the {math.prod(self.box_mm) / 1000:g} cm3 of the "
                "bounding box: check the units of both"
            )
        if self.orientation_mm is not None and sorted(self.orientation_mm) != sorted(self.box_mm):
            raise InvalidFact(f"orientation {self.orientation_mm} is not a rotation of the box {self.box_mm}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineModelFacts:
    """What every machine of a model has in common."""

    model: str
    process: Process
    box_mm: Box
    """Build volume."""
    layer_um: float
    layer_fixed_s: float
    """Seconds that every layer takes, whatever it holds."""
    rate_cm3_per_hour: float
    """Volume rate of serial exposure; 0 where the layer time carries it (parallel processes)."""
    warmup_hours: float
    cooldown_hours: float
    setup_hours: float
    unload_hours: float
    rate_minor_per_hour: int
    power_kw: float
    source: str = ""
    """Where the figures come from, led by a mark: ``V`` vendor, ``V2`` second-hand, ``M`` memory, ``D`` assumption."""

    def __post_init__(self) -> None:
        for side in self.box_mm:
            _positive("a side of the build volume in mm", side)
        _positive("layer_um", self.layer_um)
        for name in ("layer_fixed_s", "rate_cm3_per_hour", "warmup_hours", "cooldown_hours", "setup_hours"):
            _not_negative(name, getattr(self, name))
        for name in ("unload_hours", "rate_minor_per_hour", "power_kw"):
            _not_negative(name, getattr(self, name))
        if self.layer_fixed_s == 0 and self.rate_cm3_per_hour == 0:
            raise InvalidFact(
                f"{self.model} needs layer_fixed_s or rate_cm3_per_hour: without both it prints in no time"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialFacts:
    """A printing material."""

    code: str
    process: Process
    density_g_per_cm3: float
    price_minor_per_kg: int
    support_fraction: float
    """Support volume as a share of the part's volume."""
    bulk_density_g_per_cm3: float | None = None
    """Of the loose powder; needed where used powder has to be refreshed (SLS, MJF)."""
    refresh_ratio: float | None = None
    """SLS and MJF: share of virgin powder in every build. Metals: share of the melted mass that is lost."""
    source: str = ""

    def __post_init__(self) -> None:
        _positive("density_g_per_cm3", self.density_g_per_cm3)
        _not_negative("price_minor_per_kg", self.price_minor_per_kg)
        _not_negative("support_fraction", self.support_fraction)
        if self.bulk_density_g_per_cm3 is not None:
            _positive("bulk_density_g_per_cm3", self.bulk_density_g_per_cm3)
        if self.refresh_ratio is not None:
            _share("refresh_ratio", self.refresh_ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRates:
    """What a node charges, how often it gets a part right, and how clean its electricity is."""

    labour_minor_per_hour: int
    margin: float
    minimum_order_minor: int
    first_pass_yield: float
    grid_g_co2_per_kwh: float
    machine_minor_per_hour: int | None = None
    """What the node states for an hour of the machine, in place of its model's rate; ``None``: it states nothing."""
    material_minor_per_kg: int | None = None
    """What the node states for a kilogram of the material, in place of the usual price; ``None``: it states nothing."""

    def __post_init__(self) -> None:
        for name in ("labour_minor_per_hour", "margin", "minimum_order_minor", "grid_g_co2_per_kwh"):
            _not_negative(name, getattr(self, name))
        for name in ("machine_minor_per_hour", "material_minor_per_kg"):
            if getattr(self, name) is not None:
                _not_negative(name, getattr(self, name))
        _share("first_pass_yield", self.first_pass_yield)
        _positive("first_pass_yield", self.first_pass_yield)


def _positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise InvalidFact(f"{name} must be a number above 0, not {value}")


def _not_negative(name: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise InvalidFact(f"{name} must be a number, 0 or more, not {value}")


def _share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise InvalidFact(f"{name} must be a share from 0 to 1, not {value}")
