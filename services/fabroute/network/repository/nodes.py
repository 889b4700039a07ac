"""Statements on nodes, machines, materials and lots."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Executable, Label, Text, inspect, not_, or_, select, text, type_coerce, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import RowMapping
from sqlmodel import Session, SQLModel, col

from fabroute.database.bulk import upsert
from fabroute.kernel.ids import SANDBOX_PREFIX
from fabroute.network.models import Machine, MachineModel, MachineOffer, Material, MaterialLot, Node

_KEPT: Mapping[type[SQLModel], frozenset[str]] = {
    Node: frozenset({"status", "status_reason", "version", "queue_version", "offer_seconds", "offline_seconds"}),
    Machine: frozenset({"status"}),
    MachineOffer: frozenset({"id"}),
    MaterialLot: frozenset({"initial_grams", "remaining_grams", "state", "reuse_count"}),
}
"""What only the running network changes: saving a description of it again leaves these alone."""

_KEYS: Mapping[type[SQLModel], tuple[str, ...]] = {
    MachineModel: ("model",),
    Material: ("code",),
    MachineOffer: ("machine_id", "material", "parameter_set"),
}


def save(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, object]]) -> int:
    """Save rows of a table; return how many were new or different."""
    return upsert(session, model, rows, key=_KEYS.get(model, ("id",)), keep=_KEPT.get(model, frozenset()))


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFilter:
    """Which nodes to read: all, or those of a country or kind, after an id."""

    after: str = ""
    limit: int | None = None
    country: str | None = None
    kind: str | None = None
    seen_from: str | None = None
    """Only real nodes and those of this sandbox; empty: no sandbox's; ``None``: those of all."""


def read_nodes(session: Session, wanted: NodeFilter) -> Sequence[RowMapping]:
    """Return nodes in the order of their ids."""
    statement = select(*_columns(Node, id="node_id")).where(col(Node.id) > wanted.after).order_by(col(Node.id))
    if wanted.country is not None:
        statement = statement.where(col(Node.country) == wanted.country)
    if wanted.kind is not None:
        statement = statement.where(col(Node.kind) == wanted.kind)
    if wanted.seen_from is not None:
        statement = statement.where(_in_sight(wanted.seen_from))
    return _rows(session, statement.limit(wanted.limit))


def _in_sight(sandbox: str) -> ColumnElement[bool]:
    owner = col(Node.organisation_id)
    is_real = not_(owner.startswith(SANDBOX_PREFIX, autoescape=True))
    own = f"{SANDBOX_PREFIX}{sandbox}"
    return or_(is_real, owner == own, owner.startswith(f"{own}_", autoescape=True)) if sandbox else is_real


def read_node_ids(session: Session, *, organisation_id: str) -> Sequence[str]:
    """Return the ids of an organisation's nodes."""
    return session.scalars(select(col(Node.id)).where(col(Node.organisation_id) == organisation_id)).all()


def read_existing_ids(session: Session, node_ids: Collection[str]) -> Sequence[str]:
    """Return those of ``node_ids`` that there are."""
    return session.scalars(select(col(Node.id)).where(col(Node.id).in_(node_ids))).all()


def read_nodes_named(session: Session, node_ids: Collection[str]) -> Sequence[RowMapping]:
    """Return those of ``node_ids`` that there are, in the order of their ids."""
    statement = select(*_columns(Node, id="node_id")).where(col(Node.id).in_(node_ids)).order_by(col(Node.id))
    return _rows(session, statement)


def find_node(session: Session, node_id: str) -> RowMapping | None:
    """Return one node."""
    return next(iter(_rows(session, select(*_columns(Node, id="node_id")).where(col(Node.id) == node_id))), None)


def read_models(session: Session) -> Sequence[RowMapping]:
    """Return all machine models."""
    return _rows(session, select(*_columns(MachineModel)))


def read_materials(session: Session) -> Sequence[RowMapping]:
    """Return all materials."""
    return _rows(session, select(*_columns(Material)))


def read_machines(session: Session, *, node_id: str | None = None) -> Sequence[RowMapping]:
    """Return machines in the order of their ids: all, or those of one node."""
    statement = select(*_columns(Machine, id="machine_id")).order_by(col(Machine.id))
    return _rows(session, statement if node_id is None else statement.where(col(Machine.node_id) == node_id))


def read_offers(session: Session, *, node_id: str | None = None) -> Sequence[RowMapping]:
    """Return what machines offer, with their node and model, in the order of the offers' ids."""
    statement = (
        select(*_columns(MachineOffer, id="offer_id"), col(Machine.node_id), col(Machine.model))
        .join(Machine, col(Machine.id) == col(MachineOffer.machine_id))
        .order_by(col(MachineOffer.id))
    )
    return _rows(session, statement if node_id is None else statement.where(col(Machine.node_id) == node_id))


def read_lots(session: Session, *, node_id: str | None = None) -> Sequence[RowMapping]:
    """Return material lots in the order of their ids: all, or those of one node."""
    statement = select(*_columns(MaterialLot, id="lot_id")).order_by(col(MaterialLot.id))
    return _rows(session, statement if node_id is None else statement.where(col(MaterialLot.node_id) == node_id))


def lock_node(session: Session, node_id: str) -> RowMapping | None:
    """Return a node that no other transaction can change until this one ends."""
    statement = select(*_columns(Node, id="node_id")).where(col(Node.id) == node_id)
    return next(iter(_rows(session, statement.with_for_update(key_share=True))), None)


def wait_for_other_saves(session: Session) -> None:
    """Wait until no other transaction saves a network: rows that it is about to insert can't be locked in any order."""
    session.connection().execute(_ONE_SAVES)


def lock_nodes(session: Session, node_ids: Collection[str]) -> None:
    """Lock nodes in the order of their ids; unknown ones are left out."""
    session.connection().execute(_LOCK, {"node_ids": list(node_ids)})


def set_status(session: Session, *, node_id: str, status: str, reason: str) -> None:
    """Write a node's status and count up its version."""
    changed = {"status": status, "status_reason": reason, "version": col(Node.version) + 1}
    session.exec(update(Node).where(col(Node.id) == node_id).values(changed))


def set_times(session: Session, *, node_id: str, values: Mapping[str, int]) -> None:
    """Write how long a node may be silent, and count up its version."""
    session.exec(update(Node).where(col(Node.id) == node_id).values({**values, "version": col(Node.version) + 1}))


def offers_material(session: Session, *, node_id: str, material: str) -> bool:
    """Return whether a machine of the node is offered with this material."""
    statement = (
        select(col(MachineOffer.id))
        .join(Machine, col(Machine.id) == col(MachineOffer.machine_id))
        .where(col(Machine.node_id) == node_id, col(MachineOffer.material) == material)
    )
    return bool(_rows(session, statement.limit(1)))


def bump_queue_versions(session: Session, *, node_ids: Collection[str]) -> None:
    """Count up the queue versions of nodes, locking them in the order of their ids.

    Two statements: one that locks rows and changes them can wait for a third transaction that waits for it, because it
    begins at versions of the rows that were current before it waited.
    """
    if len(node_ids) > 1:
        lock_nodes(session, node_ids)
    session.connection().execute(_BUMP, {"node_ids": sorted(node_ids)})


_ONE_SAVES = text("SELECT pg_advisory_xact_lock(hashtextextended('save_network', 0))")

_LOCK = text("SELECT FROM nodes WHERE id = ANY(:node_ids) ORDER BY id FOR NO KEY UPDATE")

_BUMP = text("UPDATE nodes SET queue_version = queue_version + 1 WHERE id = ANY(:node_ids)")


def _columns(model: type[SQLModel], **names: str) -> list[Label[object]]:
    table = inspect(model).local_table
    return [_hashable(column).label(names.get(column.name, column.name)) for column in table.columns]


def _hashable(column: ColumnElement[object]) -> ColumnElement[object]:
    return type_coerce(column, ARRAY(Text, as_tuple=True)) if isinstance(column.type, ARRAY) else column


def _rows(session: Session, statement: Executable) -> Sequence[RowMapping]:
    return session.connection().execute(statement).mappings().all()
