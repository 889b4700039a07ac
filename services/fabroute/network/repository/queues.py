"""Statements on the versions of the nodes' queues."""

from collections.abc import Collection

from sqlalchemy import text
from sqlmodel import Session

EPOCH = """
(SELECT queue_epoch FROM installation) || substr(md5(concat_ws(
    '/', (SELECT system_identifier FROM pg_control_system()), (SELECT timeline_id FROM pg_control_checkpoint()),
    (SELECT oid FROM pg_database WHERE datname = current_database())
)), 1, 6)
"""
"""What the installation is called, and which life of which database this is: another one after every restore."""

READ_ALL = f"""
SELECT {EPOCH}, coalesce(json_object_agg(id, json_build_array(queue_version, organisation_id)), '{{}}') FROM nodes
"""
"""One row of one document: five hundred nodes are understood in a tenth of the time that their rows would take."""

_FIND = text(f"SELECT {EPOCH} AS epoch, queue_version, organisation_id FROM nodes WHERE id = :node_id")

_CLAIMING = text("SELECT id, organisation_id, offer_seconds FROM nodes WHERE id = ANY(:node_ids)")


def find_queue(session: Session, node_id: str) -> tuple[str, int, str] | None:
    """Return epoch and version of a node's queue, and whose node it is."""
    found = session.connection().execute(_FIND, {"node_id": node_id}).one_or_none()
    return None if found is None else (found.epoch, found.queue_version, found.organisation_id)


def read_claiming(session: Session, node_ids: Collection[str]) -> list[tuple[str, str, int | None]]:
    """Return, of those of these nodes that there are, id, organisation and the time for answers."""
    rows = session.connection().execute(_CLAIMING, {"node_ids": list(node_ids)})
    return [(row.id, row.organisation_id, row.offer_seconds) for row in rows]
