"""The versions of the nodes' queues: what is asked about them while clients poll."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection
from sqlmodel import Session

from fabroute.network.repository import queues
from fabroute.network.service.nodes import UnknownNode


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePosition:
    """How far a node's queue has come; equal positions, equal queues."""

    epoch: str
    """Of the installation and of this life of its database."""
    version: int
    organisation_id: str
    """The node's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePositions:
    """How far all queues have come: version and organisation by node."""

    epoch: str
    nodes: Mapping[str, tuple[int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimingNode:
    """A node that asks for jobs."""

    node_id: str
    organisation_id: str
    offer_seconds: int | None
    """How long it has to answer; ``None``: as long as the installation says."""


def find_queue(session: Session, *, node_id: str) -> QueuePosition:
    """Return how far a node's queue has come, as the transaction sees it now; ``UnknownNode`` if there is none."""
    found = queues.find_queue(session, node_id)
    if found is None:
        raise UnknownNode(f"there is no node {node_id}: GET /v1/nodes lists them")
    epoch, version, organisation_id = found
    return QueuePosition(epoch=epoch, version=version, organisation_id=organisation_id)


async def read_queues(connection: AsyncConnection[Any]) -> QueuePositions:
    """Return how far all queues have come, by one statement."""
    row = await (await connection.execute(queues.READ_ALL)).fetchone()
    assert row is not None, "an aggregate has a row"
    epoch, nodes = row
    return QueuePositions(epoch=epoch, nodes={node_id: (found[0], found[1]) for node_id, found in nodes.items()})


def claiming_nodes(session: Session, *, node_ids: Collection[str]) -> dict[str, ClaimingNode]:
    """Return those of these nodes that there are, by id, by one query."""
    found = queues.read_claiming(session, node_ids)
    return {
        node_id: ClaimingNode(node_id=node_id, organisation_id=organisation_id, offer_seconds=seconds)
        for node_id, organisation_id, seconds in found
    }
