"""Lines of those reference files that are more than one thing of the network."""

from dataclasses import dataclass
from datetime import date

from fabroute.inventory.service import ConventionalMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """A line of nodes.csv."""

    node_id: str
    kind: str
    city: str
    country: str
    latitude: float
    longitude: float
    timezone: str
    labour_minor_per_hour: int
    grid_g_co2_per_kwh: float
    cutoff_local: str
    working_days: str
    minimum_order_minor: int
    margin: float
    on_time_score: float
    first_pass_yield: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRow:
    """A line of node_assets.csv: a machine with one of its materials."""

    node_id: str
    machine_id: str
    model: str
    process: str
    material: str
    parameter_set: str
    utilisation: float

    @property
    def pair(self) -> str:
        """``PROCESS:MATERIAL``."""
        return f"{self.process}:{self.material}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRow:
    """A line of node_certs.csv."""

    node_id: str
    scheme: str
    scope_kind: str
    scope: str
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """A line of parts.csv."""

    part_no: str
    name: str
    sector: str
    box_mm: tuple[float, float, float]
    volume_cm3: float
    process_materials: tuple[str, ...]
    required_certificates: tuple[str, ...]
    part_qualification: bool
    criticality: str
    annual_demand: int
    hs_code: str
    export_class: str
    ip_zone: str
    note: str
    conventional: ConventionalMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRow:
    """A line of part_numbers.csv: another number of a part."""

    part_no: str
    kind: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationRow:
    """A line of part_installations.csv: a machine that a part belongs to."""

    part_no: str
    asset: str
    position: str
    quantity: int
    note: str
