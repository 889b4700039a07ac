"""Tables of nodes, machines, materials, lots, capacity and what is reserved of them."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from fabroute.database.columns import instant, sequence_number, texts


class Node(SQLModel, table=True):
    """A place that prints: an in-house machine park, a service bureau or a regional hub."""

    __tablename__ = "nodes"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id", index=True)
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
    """``HH:MM``; what comes later starts on the next working day."""
    labour_minor_per_hour: int
    grid_g_co2_per_kwh: float | None = None
    """Of its own supply; None where it is its country's grid."""
    minimum_order_minor: int
    minimum_order_policy: str
    """``top_up`` (the price is lifted to the minimum) or ``refuse``."""
    margin: float
    on_time_score: float
    first_pass_yield: float
    packaging: list[str] = Field(sa_column=texts())
    export_permissions: list[str] = Field(sa_column=texts())
    status: str = "up"
    """``up`` or ``down``."""
    status_reason: str = ""
    version: int = 1
    offer_seconds: int | None = None
    """How long it has to answer an offer; None: as long as the installation says."""
    offline_seconds: int = 0
    """How long it may hold a lease without a sign of life, because it has no link; 0: not at all."""
    queue_version: int = 1
    """Counts up in every transaction that changes the node's jobs: the ETag of its queue."""


class MachineModel(SQLModel, table=True):
    """What every machine of one model has in common."""

    __tablename__ = "machine_models"

    model: str = Field(primary_key=True)
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


class Material(SQLModel, table=True):
    """A printing material of one process family."""

    __tablename__ = "materials"

    code: str = Field(primary_key=True)
    process: str
    density_g_per_cm3: float
    bulk_density_g_per_cm3: float | None = None
    price_minor_per_kg: int
    refresh_ratio: float | None = None
    support_fraction: float
    source: str


class Machine(SQLModel, table=True):
    """One machine at a node; its working minutes are the capacity pool."""

    __tablename__ = "machines"

    id: str = Field(primary_key=True)
    node_id: str = Field(foreign_key="nodes.id", index=True)
    model: str = Field(foreign_key="machine_models.model")
    utilisation: float
    """Share of its working time that is taken by work outside fabroute."""
    status: str = "up"


class MachineOffer(SQLModel, table=True):
    """A machine with a material and a parameter set: the smallest thing that can be qualified and priced."""

    __tablename__ = "machine_offers"
    __table_args__ = (UniqueConstraint("machine_id", "material", "parameter_set"),)

    id: str = Field(primary_key=True)
    machine_id: str = Field(foreign_key="machines.id", index=True)
    process: str
    material: str = Field(foreign_key="materials.code")
    parameter_set: str
    parameter_set_state: str = "qualified"
    """``qualified`` or ``development``."""


class MaterialLot(SQLModel, table=True):
    """A lot of material in a node's store. Conditional decrements and this CHECK keep it from being sold twice."""

    __tablename__ = "material_lots"
    __table_args__ = (
        CheckConstraint("remaining_grams >= 0 AND remaining_grams <= initial_grams", name="never_over_allocated"),
        Index("ix_material_lots_place", "node_id", "material"),
    )

    id: str = Field(primary_key=True)
    node_id: str = Field(foreign_key="nodes.id")
    material: str = Field(foreign_key="materials.code")
    initial_grams: int
    remaining_grams: int
    expires_on: date
    state: str = "available"
    """``available``, ``quarantined`` or ``blocked``."""
    reuse_count: int = 0
    supplier_lot: str = ""
    """The manufacturer's lot number, which stores of several nodes may share; the lot's own id where it is empty."""
    state_reason: str = ""
    state_changed_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class LotMovement(SQLModel, table=True):
    """Grams that came into a lot or left it otherwise than by a job's reservation, or a change of its state."""

    __tablename__ = "lot_movements"
    __table_args__ = (
        Index("ix_lot_movements_lot", "lot_id", "id"),
        Index(
            "ix_lot_movements_consumed",
            "lot_id",
            "moved_at",
            postgresql_include=["grams"],
            postgresql_where=text("kind = 'consumed'"),
        ),
        Index("ix_lot_movements_job", "job_id", postgresql_where=text("job_id IS NOT NULL")),
    )

    id: int | None = Field(default=None, sa_column=sequence_number())
    lot_id: str = Field(foreign_key="material_lots.id")
    kind: str
    """``received``, ``consumed``, ``corrected``, ``refreshed``, ``quarantined``, ``released`` or ``blocked``."""
    grams: int = 0
    """What came in; what went out is negative."""
    remaining_grams: int
    """After it."""
    reuse_count: int
    job_id: str | None = None
    build_id: str | None = None
    actor: str
    note: str = ""
    moved_at: datetime = Field(sa_column=instant())


class Installation(SQLModel, table=True):
    """What there is once in a database: its one row."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(default=1, primary_key=True)
    queue_epoch: str
    """Stands in the ETags of queues: another one after a restore, so that nobody takes old versions for new ones."""


class CapacitySlot(SQLModel, table=True):
    """Minutes of one machine on one day (the node's local calendar)."""

    __tablename__ = "capacity_slots"
    __table_args__ = (
        CheckConstraint("remaining_minutes >= 0 AND remaining_minutes <= initial_minutes", name="never_over_allocated"),
    )

    machine_id: str = Field(primary_key=True, foreign_key="machines.id")
    day: date = Field(primary_key=True)
    initial_minutes: int
    remaining_minutes: int


class MaterialAllocation(SQLModel, table=True):
    """Grams of a lot held for a job until ``released_at``."""

    __tablename__ = "material_allocations"
    __table_args__ = (CheckConstraint("grams > 0", name="positive_grams"),)

    job_id: str = Field(primary_key=True)
    lot_id: str = Field(primary_key=True, foreign_key="material_lots.id", index=True)
    grams: int
    allocated_at: datetime = Field(sa_column=instant())
    released_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class CapacityAllocation(SQLModel, table=True):
    """Minutes of a machine's day held for a job until ``released_at``."""

    __tablename__ = "capacity_allocations"
    __table_args__ = (
        CheckConstraint("minutes > 0", name="positive_minutes"),
        Index("ix_capacity_allocations_slot", "machine_id", "day", postgresql_where=text("released_at IS NULL")),
    )

    job_id: str = Field(primary_key=True)
    machine_id: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    minutes: int
    allocated_at: datetime = Field(sa_column=instant())
    released_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class NodeRate(SQLModel, table=True):
    """A price that a node states itself; it replaces what its machine model or material would be taken to cost."""

    __tablename__ = "node_rates"
    __table_args__ = (CheckConstraint("amount_minor >= 0", name="not_negative"),)

    node_id: str = Field(primary_key=True, foreign_key="nodes.id")
    code: str = Field(primary_key=True)
    """``machine_hour``, ``material_kg`` or ``labour_hour``."""
    subject: str = Field(primary_key=True, default="")
    """A machine's id, a material's code, or empty for the whole node."""
    valid_from: date = Field(primary_key=True)
    amount_minor: int
    source: str
    stated_by: str
    stated_at: datetime = Field(sa_column=instant())


class Calibration(SQLModel, table=True):
    """What builds and prints on a machine with a parameter set have taught so far: the sums to learn from."""

    __tablename__ = "calibrations"
    __table_args__ = (
        CheckConstraint("builds >= 0 AND good_prints >= 0 AND failed_prints >= 0", name="counts_not_negative"),
    )

    machine_id: str = Field(primary_key=True, foreign_key="machines.id")
    parameter_set: str = Field(primary_key=True)
    builds: int = 0
    log_ratio_sum: float = 0
    """Over builds: the sum of ln(real / estimated machine minutes)."""
    log_ratio_sum_squares: float = 0
    good_prints: int = 0
    failed_prints: int = 0
    learnt_at: datetime = Field(sa_column=instant())
