"""The queue of a node as its page shows it, asked of the services."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.console.pages.jobs.queue import (
    MOST,
    NO_NODE,
    SHOWN,
    TITLES,
    QueuePage,
    groups_of,
    node_choices,
    queue_path,
    stage_path,
)
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.kernel.ids import sandbox_of
from fabroute.network import service as network
from fabroute.network.service import NodeView
from fabroute.network.service.queues import find_queue
from fabroute.production.service.claims import AskedStages, Stage, list_stages
from fabroute.production.service.overview import get_standing

_MOST_NODES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQueue:
    """What is asked for: a node's queue, of the caller's first node without an id; of one stage only, from a place on.

    ``seen``: how far the queue had come when it was last read, -1 before.
    """

    node_id: str = ""
    stage: Stage | None = None
    first: int = 0
    seen: int = -1


def is_news(session: Session, *, caller: Principal, asked: AskedQueue) -> bool:
    """Tell whether a queue went on since it was seen, by one statement; to a rival's it says so always."""
    if not asked.node_id or asked.seen < 0:
        return True
    position = find_queue(session, node_id=asked.node_id)
    return position.version != asked.seen or position.organisation_id != caller.organisation_id


def read_queue_page(session: Session, *, caller: Principal, asked: AskedQueue, now: datetime) -> QueuePage:
    """Return the queue of a node, by a fixed number of statements. Raises ``UnknownNode`` for a rival's."""
    nodes = _nodes(session, caller)
    chosen = asked.node_id or next((node.node_id for node in nodes), "")
    if not chosen:
        return NO_NODE
    limit = SHOWN if asked.stage is None else MOST
    wanted = AskedStages(node_id=chosen, limit=limit, first=asked.first, only=asked.stage)
    found = list_stages(session, principal=caller, asked=wanted, now=now)
    wanted_revisions = {job.revision_id for page in found.pages.values() for job in page.jobs}
    standing = get_standing(session, principal=caller, node_id=chosen, now=now)
    return QueuePage(
        node_id=chosen,
        title=standing.node.city,
        standing=standing,
        groups=groups_of(
            chosen,
            found.pages,
            inventory.read_revisions(session, revision_ids=wanted_revisions),
            now=now,
            first=asked.first,
        ),
        choices=node_choices(nodes, chosen=chosen),
        version=found.position.version,
        path=queue_path(chosen) if asked.stage is None else stage_path(chosen, asked.stage, asked.first),
        only="" if asked.stage is None else TITLES[asked.stage],
    )


def _nodes(session: Session, caller: Principal) -> Sequence[NodeView]:
    if caller.kind == "operator":
        return network.list_nodes(session, limit=_MOST_NODES, seen_from=sandbox_of(caller.organisation_id)).items
    own = network.nodes_of(session, organisation_id=caller.organisation_id)
    found = network.find_nodes(session, node_ids=own)
    return [found[node_id] for node_id in sorted(found)]
