"""What describes a network: nodes, machines, what they offer, and the material in their stores."""

from dataclasses import dataclass
from datetime import date

from fabroute.kernel.errors import DomainError, FieldProblem

LOT_STATES = frozenset({"available", "quarantined", "blocked"})


class InvalidLot(DomainError):
    """A material lot that can't be taken as described."""

    code = "invalid_lot"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNode:
    """A place that prints, with what it charges (minor units of EUR) and what it may ship and to whom."""

    node_id: str
    organisation_id: str
    kind: str
    """``in_house``, ``service_bureau`` or ``regional_hub``."""
    city: str
    country: str
    latitude: float
    longitude: float
    timezone: str
    working_days: str
    """``Mon-Fri``, ``Mon-Sat`` or ``Mon-Sun``."""
    cutoff_local: str
    """``HH:MM`` of the node's clock."""
    labour_minor_per_hour: int
    grid_g_co2_per_kwh: float | None
    """Of its own supply; ``None`` where it is its country's grid."""
    minimum_order_minor: int
    minimum_order_policy: str
    """``top_up`` or ``refuse``."""
    margin: float
    on_time_score: float
    first_pass_yield: float
    packaging: tuple[str, ...]
    export_permissions: tuple[str, ...]
    offer_seconds: int | None = None
    """How long it has to answer an offer, unless it states another time; ``None``: as long as the installation says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMachineModel:
    """What all machines of a model share."""

    model: str
    process: str
    x_mm: float
    y_mm: float
    z_mm: float
    layer_um: float
    layer_fixed_s: float
    rate_cm3_per_hour: float
    warmup_hours: float
    cooldown_hours: float
    setup_hours: float
    unload_hours: float
    rate_minor_per_hour: int
    power_kw: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMaterial:
    """A printing material of one process."""

    code: str
    process: str
    density_g_per_cm3: float
    bulk_density_g_per_cm3: float | None
    price_minor_per_kg: int
    refresh_ratio: float | None
    support_fraction: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMachine:
    """One machine; ``utilisation`` is the share of its working time that others have."""

    machine_id: str
    node_id: str
    model: str
    utilisation: float
    status: str = "up"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOffer:
    """A machine with a material and a parameter set."""

    offer_id: str
    machine_id: str
    process: str
    material: str
    parameter_set: str
    parameter_set_state: str = "qualified"
    """``qualified`` or ``development``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLot:
    """A lot of material that comes into a node's store; ``grams`` are whole and over 0."""

    node_id: str
    material: str
    grams: int
    expires_on: date
    state: str = "available"
    reuse_count: int = 0
    lot_id: str | None = None
    supplier_lot: str = ""
    """The manufacturer's lot number, by which it is recalled; empty: the lot's own id."""

    def __post_init__(self) -> None:
        problems = []
        if not 0 < self.grams <= 2_000_000_000:
            problems.append(FieldProblem(pointer="/grams", message="give whole grams, 1 g to 2,000 t"))
        if self.state not in LOT_STATES:
            problems.append(FieldProblem(pointer="/state", message=f"use {', '.join(sorted(LOT_STATES))}"))
        if not 0 <= self.reuse_count <= 1_000:
            problems.append(FieldProblem(pointer="/reuse_count", message="count re-uses from 0 to 1,000"))
        if problems:
            raise InvalidLot("; ".join(problem.message for problem in problems), problems=tuple(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkData:
    """A network, or a piece of one, to be saved as a whole. What it names is in it or known already."""

    nodes: tuple[NewNode, ...] = ()
    models: tuple[NewMachineModel, ...] = ()
    materials: tuple[NewMaterial, ...] = ()
    machines: tuple[NewMachine, ...] = ()
    offers: tuple[NewOffer, ...] = ()
    lots: tuple[NewLot, ...] = ()
