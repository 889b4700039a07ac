"""The network as one instant saw it: what routing plans with and what a reader of the API gets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.network.repository import calibrations, capacity, nodes, rates
from fabroute.network.repository.nodes import NodeFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A place that prints. Money in minor units of EUR; see the table for the words used."""

    node_id: str
    organisation_id: str
    kind: str
    city: str
    country: str
    latitude: float
    longitude: float
    timezone: str
    working_days: str
    cutoff_local: str
    labour_minor_per_hour: int
    grid_g_co2_per_kwh: float | None
    """Of its own supply; ``None`` where it is its country's grid."""
    minimum_order_minor: int
    minimum_order_policy: str
    margin: float
    on_time_score: float
    first_pass_yield: float
    packaging: tuple[str, ...]
    export_permissions: tuple[str, ...]
    status: str
    status_reason: str
    version: int
    queue_version: int
    offer_seconds: int | None = None
    """How long it has to answer an offer; ``None``: as long as the installation says."""
    offline_seconds: int = 0
    """How long it may hold a lease without a sign of life; 0: not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineModelView:
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
class MaterialView:
    """A printing material."""

    code: str
    process: str
    density_g_per_cm3: float
    bulk_density_g_per_cm3: float | None
    price_minor_per_kg: int
    refresh_ratio: float | None
    support_fraction: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineView:
    """One machine of a node."""

    machine_id: str
    node_id: str
    model: MachineModelView
    utilisation: float
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationView:
    """What builds and prints on a machine with a parameter set have taught: the sums to learn from."""

    builds: int
    log_ratio_sum: float
    """Over builds: the sum of ln(real / estimated machine minutes)."""
    log_ratio_sum_squares: float
    good_prints: int
    failed_prints: int
    learnt_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRates:
    """What the node itself states for an offer, in minor units of EUR; ``None`` where it states nothing."""

    machine_minor_per_hour: int | None = None
    material_minor_per_kg: int | None = None
    labour_minor_per_hour: int | None = None


NOTHING_STATED = OfferRates()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferView:
    """A machine with a material and a parameter set, and the facts about all of them."""

    offer_id: str
    machine_id: str
    node_id: str
    process: str
    material: MaterialView
    model: MachineModelView
    parameter_set: str
    parameter_set_state: str
    calibration: CalibrationView | None = None
    """``None`` without any evidence."""
    rates: OfferRates = NOTHING_STATED


@dataclass(frozen=True, slots=True, kw_only=True)
class LotView:
    """A lot in a node's store."""

    lot_id: str
    node_id: str
    material: str
    initial_grams: int
    remaining_grams: int
    expires_on: date
    state: str
    reuse_count: int
    supplier_lot: str = ""
    """The manufacturer's lot number; the lot's own id where it is empty."""
    state_reason: str = ""
    state_changed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDetail(NodeView):
    """A node with its machines, what they offer, and its store."""

    machines: tuple[MachineView, ...]
    offers: tuple[OfferView, ...]
    lots: tuple[LotView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkView:
    """All nodes with machines, offers, lots and free minutes; sequences and mappings in the order of ids."""

    first_day: date
    last_day: date
    nodes: Mapping[str, NodeView]
    machines: Mapping[str, MachineView]
    offers: tuple[OfferView, ...]
    lots: tuple[LotView, ...]
    capacity: Mapping[str, tuple[int, ...]]
    """Free minutes per machine, one number a day from ``first_day`` to ``last_day``; 0 where no slot is planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offerings:
    """Nodes with their machines and all that these offer, by id, with what was learnt and stated about them."""

    nodes: Mapping[str, NodeView]
    machines: Mapping[str, MachineView]
    offers: tuple[OfferView, ...]


def read_network(session: Session, *, first_day: date, last_day: date) -> NetworkView:
    """Return the network with the free capacity of the days from ``first_day`` to ``last_day``, both included.

    Offers carry what was learnt about them and what their nodes state for ``first_day``. Nine queries: read it in a
    repeatable-read unit of work if they are to see one instant.
    """
    found = read_offerings(session, on=first_day)
    return NetworkView(
        first_day=first_day,
        last_day=last_day,
        nodes=found.nodes,
        machines=found.machines,
        offers=found.offers,
        lots=tuple(LotView(**row) for row in nodes.read_lots(session)),
        capacity=_capacity(session, found.machines, first_day=first_day, last_day=last_day),
    )


def read_offerings(session: Session, *, on: date, node_id: str | None = None) -> Offerings:
    """Return what all nodes, or one, offer on a day, with what was learnt and stated about it; without stores."""
    if node_id is None:
        rows = nodes.read_nodes(session, NodeFilter())
    else:
        row = nodes.find_node(session, node_id)
        rows = [] if row is None else [row]
    machines, offers = _machines_and_offers(session, node_id=node_id, on=on)
    return Offerings(nodes={row["node_id"]: NodeView(**row) for row in rows}, machines=machines, offers=offers)


def read_catalogue(session: Session) -> tuple[tuple[MachineModelView, ...], tuple[MaterialView, ...]]:
    """Return all machine models and all materials, each in the order of their names."""
    models = sorted((MachineModelView(**row) for row in nodes.read_models(session)), key=lambda it: it.model)
    materials = sorted((MaterialView(**row) for row in nodes.read_materials(session)), key=lambda it: it.code)
    return tuple(models), tuple(materials)


def read_node_detail(session: Session, row: RowMapping, *, on: date | None = None) -> NodeDetail:
    """Return the node of ``row`` with its machines, offers and lots.

    What was learnt and stated about the offers is read, by two more queries, for the day ``on``; else left out.
    """
    machines, offers = _machines_and_offers(session, node_id=row["node_id"], on=on)
    return NodeDetail(
        **row,
        machines=tuple(machines.values()),
        offers=offers,
        lots=tuple(LotView(**lot) for lot in nodes.read_lots(session, node_id=row["node_id"])),
    )


def _machines_and_offers(
    session: Session, *, node_id: str | None, on: date | None
) -> tuple[dict[str, MachineView], tuple[OfferView, ...]]:
    models = {row["model"]: MachineModelView(**row) for row in nodes.read_models(session)}
    materials = {row["code"]: MaterialView(**row) for row in nodes.read_materials(session)}
    machines = {
        row["machine_id"]: MachineView(**{**row, "model": models[row["model"]]})
        for row in nodes.read_machines(session, node_id=node_id)
    }
    evidence = _calibrations(session, node_id=node_id) if on is not None else {}
    stated = _stated(session, node_id=node_id, on=on) if on is not None else {}
    offers = tuple(
        OfferView(
            **{**row, "model": models[row["model"]], "material": materials[row["material"]]},
            calibration=evidence.get((row["machine_id"], row["parameter_set"])),
            rates=_rates_of(row, stated.get(row["node_id"])),
        )
        for row in nodes.read_offers(session, node_id=node_id)
    )
    return machines, offers


def _calibrations(session: Session, *, node_id: str | None) -> dict[calibrations.MachineSet, CalibrationView]:
    found: dict[calibrations.MachineSet, CalibrationView] = {}
    for row in calibrations.read_calibrations(session, node_id=node_id):
        columns = dict(row)
        key = columns.pop("machine_id"), columns.pop("parameter_set")
        found[key] = CalibrationView(**columns)
    return found


_Stated = dict[tuple[str, str], int]
"""Amounts of one node by code and subject."""


def _stated(session: Session, *, node_id: str | None, on: date) -> dict[str, _Stated]:
    found: dict[str, _Stated] = {}
    for row in rates.read_rates_on(session, day=on, node_id=node_id):
        found.setdefault(row["node_id"], {})[row["code"], row["subject"]] = row["amount_minor"]
    return found


def _rates_of(offer: RowMapping, stated: _Stated | None) -> OfferRates:
    """Return what counts for an offer: what is stated for its machine or material, else for the whole node."""
    if stated is None:
        return NOTHING_STATED

    def amount(code: str, subject: str) -> int | None:
        return stated.get((code, subject), stated.get((code, "")))

    return OfferRates(
        machine_minor_per_hour=amount("machine_hour", offer["machine_id"]),
        material_minor_per_kg=amount("material_kg", offer["material"]),
        labour_minor_per_hour=amount("labour_hour", ""),
    )


def _capacity(
    session: Session, machines: Mapping[str, MachineView], *, first_day: date, last_day: date
) -> dict[str, tuple[int, ...]]:
    days = (last_day - first_day).days + 1
    free = {machine_id: [0] * days for machine_id in machines}
    for machine_id, offsets, minutes in capacity.read_capacity(session, first_day=first_day, last_day=last_day):
        for offset, remaining in zip(offsets, minutes, strict=True):
            free[machine_id][offset] = remaining
    return {machine_id: tuple(minutes) for machine_id, minutes in free.items()}
