"""What an estimate stands on: the part's geometry, a machine model, a material and a node's rates."""

import math
from dataclasses import dataclass
from enum import StrEnum

from fabroute.kernel.errors import DomainError

Box = tuple[float, float, float]
"""Width, depth and height in mm."""

SMALLEST_SIDE_MM, LARGEST_SIDE_MM = 0.01, 100_000
"""Nothing is printed finer than 0.01 mm or larger than 100 m: figures beyond come from a mistaken unit."""
SMALLEST_VOLUME_CM3 = 1e-9
HEAVIEST_G_PER_CM3 = 25.0
"""Osmium, the densest there is, has 22.6; a density in kg/m3 is over 100."""
MOST_HOURS = 1_000
MOST_MINOR_PER_HOUR = 10_000_000
MOST_MINOR_PER_KG = 100_000_000


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
            require_positive("a side of the box in mm", side, least=SMALLEST_SIDE_MM, most=LARGEST_SIDE_MM)
        require_positive("volume_cm3", self.volume_cm3, least=SMALLEST_VOLUME_CM3)
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
            require_positive("a side of the build volume in mm", side, least=SMALLEST_SIDE_MM, most=LARGEST_SIDE_MM)
        require_positive("layer_um", self.layer_um, least=0.1, most=100_000)
        for name in ("warmup_hours", "cooldown_hours", "setup_hours", "unload_hours"):
            require_not_negative(name, getattr(self, name), most=MOST_HOURS)
        require_not_negative("layer_fixed_s", self.layer_fixed_s, most=86_400)
        require_not_negative("power_kw", self.power_kw, most=10_000)
        require_not_negative("rate_minor_per_hour", self.rate_minor_per_hour, most=MOST_MINOR_PER_HOUR)
        if self.rate_minor_per_hour == 0:
            raise InvalidFact(
                f"{self.model} has no rate: give rate_minor_per_hour, or let a node state 0 of its own machine"
            )
        self._check_exposure()

    def _check_exposure(self) -> None:
        require_not_negative("rate_cm3_per_hour", self.rate_cm3_per_hour)
        if self.rate_cm3_per_hour:
            require_positive("rate_cm3_per_hour", self.rate_cm3_per_hour, least=0.001, most=1_000_000)
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
        require_positive("density_g_per_cm3", self.density_g_per_cm3, least=0.001, most=HEAVIEST_G_PER_CM3)
        require_not_negative("price_minor_per_kg", self.price_minor_per_kg, most=MOST_MINOR_PER_KG)
        if self.price_minor_per_kg == 0:
            raise InvalidFact(f"{self.code} has no price: give price_minor_per_kg, or let a node state 0 of its own")
        require_not_negative("support_fraction", self.support_fraction, most=5)
        if self.bulk_density_g_per_cm3 is not None:
            # Loose powder is no denser than what it melts to.
            require_positive("bulk_density_g_per_cm3", self.bulk_density_g_per_cm3, most=self.density_g_per_cm3)
        if self.refresh_ratio is not None:
            require_share("refresh_ratio", self.refresh_ratio)


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
        for name, most in _MOST_OF_RATES.items():
            if getattr(self, name) is not None:
                require_not_negative(name, getattr(self, name), most=most)
        require_share("first_pass_yield", self.first_pass_yield)
        require_positive("first_pass_yield", self.first_pass_yield, least=0.001)


_MOST_OF_RATES = {
    "labour_minor_per_hour": MOST_MINOR_PER_HOUR,
    "margin": 10,
    "minimum_order_minor": 1_000_000_000,
    "grid_g_co2_per_kwh": 5_000,
    "machine_minor_per_hour": MOST_MINOR_PER_HOUR,
    "material_minor_per_kg": MOST_MINOR_PER_KG,
}


def require_positive(name: str, value: float, *, least: float = 0.0, most: float = math.inf) -> None:
    """Check a figure that is above 0; ``InvalidFact`` says its name, the limit that it breaks and what to check."""
    if not (math.isfinite(value) and value > 0):
        raise InvalidFact(f"{name} must be a number above 0, not {value}")
    if not least <= value <= most:
        limit = f"less than {least:,g}" if value < least else f"more than {most:,g}"
        raise InvalidFact(f"{name} is {value:,g}, {limit}, which nothing has: check its unit")


def require_not_negative(name: str, value: float, *, most: float = math.inf) -> None:
    """Check a figure that is 0 or more; ``InvalidFact`` says its name, the limit that it breaks and what to check."""
    if not (math.isfinite(value) and value >= 0):
        raise InvalidFact(f"{name} must be a number, 0 or more, not {value}")
    if value > most:
        raise InvalidFact(f"{name} is {value:,g}, more than {most:,g}, which nothing has: check its unit")


def require_share(name: str, value: float) -> None:
    """Check a figure from 0 to 1; ``InvalidFact`` otherwise."""
    if not 0 <= value <= 1:
        raise InvalidFact(f"{name} must be a share from 0 to 1, not {value}")
