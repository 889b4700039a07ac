"""What the gates look at: plain facts about a line, a node, a machine, and the proofs between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from fabroute.kernel.events import JsonScalar
from fabroute.solver.eligibility.codes import ExclusionCode

Box = tuple[float, float, float]
"""Three lengths in mm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A rule that a node breaks for a line: its code, words with figures, and the figures by themselves."""

    code: ExclusionCode
    message: str
    figures: Mapping[str, JsonScalar] = field(default_factory=dict)
    machine_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFacts:
    """What an order line asks of whoever makes it."""

    revision_state: str
    file_validated: bool
    box_mm: Box
    process_materials: frozenset[str]
    """Allowed ``PROCESS:MATERIAL`` pairs."""
    required_certificates: tuple[str, ...]
    part_qualification: bool
    export_class: str
    ip_zone: str
    destination_country: str
    """ISO 3166 alpha-2."""
    packaging: str
    """What the order wants; ``plain`` is no wish."""
    part_packaging: str = "plain"
    """What the part itself needs."""
    orientation_mm: Box | None = None
    """The qualified orientation: the box as it must stand, height last; any rotation where it is None."""
    parameter_sets: frozenset[str] = frozenset()
    """The only ones that may be used; any qualified one where it is empty."""
    ip_countries: frozenset[str] = frozenset()
    """Where the owner permits the part to be made; everywhere where it is empty. So are the next two."""
    ip_nodes: frozenset[str] = frozenset()
    ip_kinds: frozenset[str] = frozenset()
    licence_required: bool = False
    """Whether each good print takes one from a print licence."""
    on_hold_reason: str = ""
    """Why nobody may print the revision for now; empty while it is in use."""
    first_article: bool = False
    """Whether who has no first article of the part may make one with this line: one part first, then the rest."""
    sandbox: str = ""
    """The sandbox that its owner is in; empty: the real world."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What a node is, offers and may do."""

    node_id: str
    kind: str
    country: str
    status: str
    status_reason: str
    packaging: frozenset[str]
    export_permissions: frozenset[str]
    minimum_order_minor: int
    minimum_order_policy: str
    sandbox: str = ""
    """The sandbox that the node is in; empty: the real world."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFacts:
    """A machine with a material and a parameter set."""

    machine_id: str
    machine_status: str
    process: str
    material: str
    parameter_set: str
    parameter_set_state: str
    build_box_mm: Box

    @property
    def process_material(self) -> str:
        """The pair as certificates and parts write it."""
        return f"{self.process}:{self.material}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """A certificate of a node; both days included. ``scope`` is ``*``, ``PROCESS`` or ``PROCESS:MATERIAL``."""

    scheme: str
    scope: str
    valid_from: date
    valid_to: date
    verified: bool
    """Whether the operator has looked at it: without that it proves nothing."""
    machine_id: str | None = None
    """Where it is for one machine only."""
    parameter_set: str | None = None
    """Where it is for one parameter set only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstArticleFacts:
    """An approved first article of the line's revision on an offer."""

    approved_on: date
    last_production_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceFacts:
    """A licence to print the line's revision."""

    licence_id: str
    state: str
    granted: int
    left: int
    """Prints that are neither made nor held for a job."""
    node_ids: frozenset[str]
    """The nodes that may use it; every one where it is empty."""
    countries: frozenset[str]
    """Where it may be used; everywhere where it is empty."""
    valid_to: date | None
    """Its last day; None where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotFacts:
    """A lot of the offer's material in the node's store."""

    lot_id: str
    remaining_grams: int
    expires_on: date
    state: str
    reuse_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledOutFacts:
    """What happened when the node had the line before."""

    node_id: str
    cause: str
    """``declined``, ``lapsed``, ``print_failed``, ``counter_refused`` or ``suspect``."""
    reason: str
    excluded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionWindow:
    """The days in which a line would be made, both included: every proof must hold on all of them."""

    first_day: date
    last_day: date

    def __post_init__(self) -> None:
        if self.first_day > self.last_day:
            raise ValueError(f"production can't end ({self.last_day}) before it begins ({self.first_day})")
