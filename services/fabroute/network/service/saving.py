"""Take a network in, and plan its capacity ahead."""

from dataclasses import asdict
from datetime import date, timedelta

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.kernel.ids import new_id
from fabroute.network.models import Machine, MachineModel, MachineOffer, Material, MaterialLot, Node
from fabroute.network.repository import capacity, nodes
from fabroute.network.repository.nodes import NodeFilter
from fabroute.network.rules import NodeCalendar, daily_capacity_minutes
from fabroute.network.service.data import NetworkData, NewLot, NewNode

_NEW_NODE = {"status": "up", "status_reason": "", "version": 1, "queue_version": 1}


def save_network(session: Session, *, data: NetworkData) -> int:
    """Save nodes, machines, what they offer and their lots; return how many rows were new or different.

    Known rows take the new description, but keep what only the running network changes: a node's and a machine's
    status, and what a lot weighs, how often it was used and whether it is blocked. Saving the same twice returns 0.
    Whoever calls this and gets more than 0 tells it on (``network.changed``). One save waits for the other and
    finds what it made. Known lots and nodes are locked next, in the order in which reservations lock them.
    """
    nodes.wait_for_other_saves(session)
    capacity.lock_lots(session, [lot.lot_id for lot in data.lots if lot.lot_id is not None])
    nodes.lock_nodes(session, [node.node_id for node in data.nodes])
    return (
        nodes.save(session, Node, [_node_row(node) for node in data.nodes])
        + nodes.save(session, MachineModel, [asdict(model) for model in data.models])
        + nodes.save(session, Material, [asdict(material) for material in data.materials])
        + nodes.save(session, Machine, [_renamed(asdict(machine), machine_id="id") for machine in data.machines])
        + nodes.save(session, MachineOffer, [_renamed(asdict(offer), offer_id="id") for offer in data.offers])
        + nodes.save(session, MaterialLot, [lot_row(lot) for lot in data.lots])
    )


def extend_capacity(session: Session, *, today: date, horizon_days: int) -> int:
    """Plan the capacity of every machine for ``horizon_days`` days from ``today`` on; return how many slots are new.

    Slots that are planned already stay as they are, so a running network can be extended every day.
    """
    calendars = {row["node_id"]: _calendar(row) for row in nodes.read_nodes(session, NodeFilter())}
    days = [today + timedelta(days=offset) for offset in range(horizon_days)]
    slots = {
        (machine["machine_id"], day): daily_capacity_minutes(
            day, utilisation=machine["utilisation"], calendar=calendars[machine["node_id"]]
        )
        for machine in nodes.read_machines(session)
        for day in days
    }
    return capacity.insert_missing_slots(session, slots)


def lot_row(lot: NewLot) -> dict[str, object]:
    """Return the row of a lot that nothing was taken from yet."""
    return {
        "id": lot.lot_id or new_id("lot"),
        "node_id": lot.node_id,
        "material": lot.material,
        "initial_grams": lot.grams,
        "remaining_grams": lot.grams,
        "expires_on": lot.expires_on,
        "state": lot.state,
        "reuse_count": lot.reuse_count,
        "supplier_lot": lot.supplier_lot,
    }


def _node_row(node: NewNode) -> dict[str, object]:
    row = _renamed(asdict(node), node_id="id") | _NEW_NODE
    return row | {"packaging": list(node.packaging), "export_permissions": list(node.export_permissions)}


def _renamed(row: dict[str, object], **names: str) -> dict[str, object]:
    return {names.get(name, name): value for name, value in row.items()}


def _calendar(node: RowMapping) -> NodeCalendar:
    return NodeCalendar(
        country=node["country"],
        timezone=node["timezone"],
        working_days=node["working_days"],
        cutoff_local=node["cutoff_local"],
    )
