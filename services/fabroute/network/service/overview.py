"""Many nodes at once: how full each is, how long its material lasts, which are out and which run out."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.network.repository import overview as rows
from fabroute.network.service.stock import RUNWAY_DAYS

LOAD_DAYS = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLoad:
    """Machine minutes of a node that is up: today, where it stands, and over the next ``LOAD_DAYS`` days."""

    node_id: str
    planned_minutes: int
    held_minutes: int
    planned_today_minutes: int
    held_today_minutes: int

    @property
    def share(self) -> float | None:
        """How much of the next days is held for jobs, 0 to 1; None without any planned time."""
        return self.held_minutes / self.planned_minutes if self.planned_minutes else None

    @property
    def share_today(self) -> float | None:
        """How much of today is held for jobs, 0 to 1; None on a day without planned time."""
        return self.held_today_minutes / self.planned_today_minutes if self.planned_today_minutes else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineDay:
    """What a machine has on a day, and what jobs hold of it; both 0 where it stands still."""

    day: date
    planned_minutes: int
    held_minutes: int

    @property
    def share(self) -> float:
        """How much of the day is held for jobs, 0 to 1; 0 on a day without planned time."""
        return self.held_minutes / self.planned_minutes if self.planned_minutes else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialRunway:
    """A material in a node's store: what nobody has reserved, and what was used in the last ``RUNWAY_DAYS`` days."""

    node_id: str
    material: str
    free_grams: int
    lately_grams: int
    next_expires_on: date | None
    """The last day of the lot that expires first, of those with something left."""

    @property
    def days(self) -> float | None:
        """How many days it lasts at the mean use of the last days; None without any use."""
        return self.free_grams * RUNWAY_DAYS / self.lately_grams if self.lately_grams else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningOut:
    """The materials that run out first, and how many there are in all."""

    runways: tuple[MaterialRunway, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOut:
    """A node that is down, or one that is up with machines that are down."""

    node_id: str
    city: str
    country: str
    status: str
    reason: str
    machine_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesOut:
    """Nodes that are out, wholly or in part, those that are down first; and how many there are in all."""

    nodes: tuple[NodeOut, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineCount:
    """Machines of some nodes: how many there are, how many of them are down, and the first of these."""

    machines: int
    down: int
    named: tuple[tuple[str, str], ...]
    """Machine and node."""


def read_loads(session: Session, *, node_ids: Collection[str], now: datetime) -> Mapping[str, NodeLoad]:
    """Return how full nodes are, by node; those whose calendar the caller may not see are left out."""
    found = rows.read_loads(session, node_ids=node_ids, days=LOAD_DAYS, now=now)
    return {row["node_id"]: NodeLoad(**row) for row in found}


def read_calendar(session: Session, *, node_id: str, now: datetime) -> Mapping[str, tuple[MachineDay, ...]]:
    """Return the next ``LOAD_DAYS`` days of each machine of a node, from the day that it is there on.

    A machine whose calendar the caller may not see, or that has none planned, is left out.
    """
    by_machine: dict[str, list[MachineDay]] = {}
    for row in rows.read_calendar(session, node_id=node_id, days=LOAD_DAYS, now=now):
        found = {name: value for name, value in row.items() if name != "machine_id"}
        by_machine.setdefault(row["machine_id"], []).append(MachineDay(**found))
    return {machine_id: tuple(days) for machine_id, days in by_machine.items()}


def read_runways(
    session: Session, *, node_ids: Collection[str], now: datetime
) -> Mapping[str, tuple[MaterialRunway, ...]]:
    """Return how long the materials of nodes last, by node, as far as the caller may see their stores."""
    found = rows.read_runways(session, node_ids=node_ids, since=now - timedelta(days=RUNWAY_DAYS), now=now)
    by_node: dict[str, list[MaterialRunway]] = {}
    for runway in _runways(found):
        by_node.setdefault(runway.node_id, []).append(runway)
    return {node_id: tuple(runways) for node_id, runways in by_node.items()}


def list_running_out(
    session: Session, *, node_ids: Collection[str] | None, within_days: int, now: datetime, limit: int = 20
) -> RunningOut:
    """Return materials of these nodes (``None``: of all) that last ``within_days`` days at most, the shortest first."""
    since = now - timedelta(days=RUNWAY_DAYS)
    found = rows.read_running_out(
        session, node_ids=node_ids, since=since, now=now, within_days=within_days, limit=limit
    )
    return RunningOut(runways=tuple(_runways(found)), total=found[0]["total"] if found else 0)


def list_out(session: Session, *, organisation_id: str | None, limit: int = 20) -> NodesOut:
    """Return an organisation's nodes (``None``: all) that are down, or up with a machine down; not closed ones."""
    found = rows.read_out(session, organisation_id=organisation_id, limit=limit)
    return NodesOut(nodes=tuple(_out(row) for row in found), total=found[0]["total"] if found else 0)


def count_machines(session: Session, *, node_ids: Collection[str], limit: int = 3) -> MachineCount:
    """Return how many machines these nodes have, and how many are down; ``limit`` of them are named."""
    found = rows.read_machines(session, node_ids=node_ids, limit=limit)
    named = tuple((row["machine_id"], row["node_id"]) for row in found if row["machine_id"] is not None)
    return MachineCount(machines=found[0]["machines"], down=found[0]["down"], named=named)


def _runways(found: Iterable[RowMapping]) -> Iterable[MaterialRunway]:
    for row in found:
        yield MaterialRunway(
            node_id=row["node_id"],
            material=row["material"],
            free_grams=row["free_grams"] or 0,
            lately_grams=row["lately_grams"],
            next_expires_on=row["next_expires_on"],
        )


def _out(row: RowMapping) -> NodeOut:
    return NodeOut(
        node_id=row["node_id"],
        city=row["city"],
        country=row["country"],
        status=row["status"],
        reason=row["reason"],
        machine_ids=tuple(row["machine_ids"] or ()),
    )
