"""What the network loses: a machine goes down, a node closes for good, a machine has less time than was planned."""

from dataclasses import dataclass
from datetime import date, datetime
from math import floor

from sqlmodel import Session

from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.events import JsonScalar
from fabroute.network.events import network_changed
from fabroute.network.repository import nodes, outages
from fabroute.network.service.auditing import audit
from fabroute.network.service.nodes import NODE_STATUSES, StaleVersion, UnknownNode
from fabroute.outbox.service import record

LONGEST_CUT_DAYS = 400


class UnknownMachine(DomainError):
    """There is no such machine."""

    code = "unknown_machine"
    status = 404


class InvalidCut(DomainError):
    """A cut that names no days, or no share of their time."""

    code = "invalid_cut"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineChange:
    """What a machine's status shall be and why; ``expected_version`` is its node's as the caller saw it."""

    status: str
    reason: str
    expected_version: int | None = None

    def __post_init__(self) -> None:
        if self.status not in NODE_STATUSES:
            raise ValueError(f"a machine is {' or '.join(NODE_STATUSES)}, not {self.status!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityCut:
    """What is left of a machine's days from ``first_day`` through ``last_day``: minutes a day, or a share of the plan.

    Raises ``InvalidCut`` unless exactly one of the two is given.
    """

    first_day: date
    last_day: date
    reason: str
    minutes_per_day: int | None = None
    fraction: float | None = None

    def __post_init__(self) -> None:
        if not self.first_day <= self.last_day or (self.last_day - self.first_day).days >= LONGEST_CUT_DAYS:
            _refuse("/last_day", f"give a last day from the first one on, at most {LONGEST_CUT_DAYS} days in all")
        if (self.minutes_per_day is None) == (self.fraction is None):
            _refuse("/minutes_per_day", "give either minutes_per_day or fraction: what is left of each day")

    def left(self, planned_minutes: int) -> int:
        """Return how many of a day's planned minutes are left: a cut never adds any."""
        if self.minutes_per_day is not None:
            return min(planned_minutes, self.minutes_per_day)
        return floor(planned_minutes * (self.fraction or 0.0))


def node_of_machine(session: Session, *, machine_id: str) -> str:
    """Return the node at which a machine stands. Raises ``UnknownMachine``."""
    node_id = outages.node_of_machine(session, machine_id)
    if node_id is None:
        raise UnknownMachine(f"there is no machine {machine_id}: GET /v1/nodes/{{id}} lists those of a node")
    return node_id


def set_machine_status(session: Session, *, machine_id: str, change: MachineChange, actor: str, now: datetime) -> None:
    """Take a machine down or up; its node has a new version then. Audited; ``network.changed``.

    Raises ``UnknownMachine``, and ``StaleVersion`` when the node's version is another than ``expected_version``.
    """
    node_id = node_of_machine(session, machine_id=machine_id)
    node = nodes.lock_node(session, node_id)
    if node is not None and change.expected_version not in (None, node["version"]):
        raise StaleVersion(
            f"node {node_id} is at version {node['version']}, not {change.expected_version}: read it again, and send "
            "its new ETag in If-Match if you still want the change"
        )
    if outages.set_machine_status(session, machine_id=machine_id, node_id=node_id, status=change.status):
        data: dict[str, JsonScalar] = {"node_id": node_id, "to": change.status, "reason": change.reason}
        audit(session, action="machine.status_set", subject=("machine", machine_id), actor=actor, now=now, data=data)
        reason = f"machine_{change.status}"
        record(session, network_changed(subject=("machine", machine_id), reason=reason, now=now))


def over_a_cut(session: Session, *, machine_id: str, cut: CapacityCut) -> dict[date, int]:
    """Return by how many minutes what jobs hold of a machine's days is more than a cut leaves; those days only."""
    days = outages.read_days(session, machine_id=machine_id, first_day=cut.first_day, last_day=cut.last_day)
    over = {each.day: each.held_minutes - cut.left(each.initial_minutes) for each in days}
    return {day: minutes for day, minutes in over.items() if minutes > 0}


def cut_capacity(session: Session, *, machine_id: str, cut: CapacityCut, actor: str, now: datetime) -> dict[date, int]:
    """Reduce the days of a machine to what a cut leaves; return by how many minutes jobs still hold more, by day.

    What jobs hold stays held: such a day has nothing free. Audited; ``network.changed``. Raises ``UnknownMachine``.
    """
    node_id = node_of_machine(session, machine_id=machine_id)
    days = outages.read_days(session, machine_id=machine_id, first_day=cut.first_day, last_day=cut.last_day, lock=True)
    left = {each.day: max(cut.left(each.initial_minutes), each.held_minutes) for each in days}
    outages.cut_days(session, machine_id=machine_id, minutes=left)
    lost = sum(each.initial_minutes - left[each.day] for each in days)
    data: dict[str, JsonScalar] = {
        "node_id": node_id,
        "first_day": cut.first_day.isoformat(),
        "last_day": cut.last_day.isoformat(),
        "lost_minutes": lost,
        "reason": cut.reason,
    }
    audit(session, action="machine.capacity_cut", subject=("machine", machine_id), actor=actor, now=now, data=data)
    over = {each.day: each.held_minutes - cut.left(each.initial_minutes) for each in days}
    return {day: minutes for day, minutes in over.items() if minutes > 0}


def close_node(session: Session, *, node_id: str, reason: str, actor: str, now: datetime) -> None:
    """Close a node for good: it gets no job any more, and can't be taken up again. Audited; ``network.changed``.

    Nothing happens to one that is closed already. Raises ``UnknownNode``.
    """
    before = nodes.lock_node(session, node_id)
    if before is None:
        raise UnknownNode(f"there is no node {node_id}: GET /v1/nodes lists them")
    if before["status"] == "closed":
        return
    nodes.set_status(session, node_id=node_id, status="closed", reason=reason)
    data: dict[str, JsonScalar] = {"from": before["status"], "reason": reason}
    audit(session, action="node.closed", subject=("node", node_id), actor=actor, now=now, data=data)
    record(session, network_changed(subject=("node", node_id), reason="node_closed", now=now))


def _refuse(pointer: str, advice: str) -> None:
    raise InvalidCut(advice, problems=(FieldProblem(pointer=pointer, message=advice),))
