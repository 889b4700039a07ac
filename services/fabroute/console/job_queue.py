"""The queue of a node as its page shows it, asked of the services."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from fabroute.console.pages.jobs.queue import BEGUN, NO_NODE, OFFERED, QueuePage, groups_of, node_choices
from fabroute.database.pages import Page
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.kernel.ids import sandbox_of
from fabroute.network import service as network
from fabroute.network.service import NodeView
from fabroute.network.service.queues import find_queue
from fabroute.production.service import JobView, claims
from fabroute.production.service.claims import QueueFilter
from fabroute.production.service.overview import get_standing

MOST_JOBS = 50
"""Offers, and as many of those that are begun."""
_MOST_NODES = 200


def read_queue_page(session: Session, *, caller: Principal, node_id: str, seen: int, now: datetime) -> QueuePage | None:
    """Return the queue of a node, of the caller's first one without an id; ``None`` if it is as far as was ``seen``.

    Raises ``UnknownNode`` for a rival's.
    """
    nodes = _nodes(session, caller)
    chosen = node_id or next((node.node_id for node in nodes), "")
    if not chosen:
        return NO_NODE
    position = find_queue(session, node_id=chosen)
    if position.version == seen and position.organisation_id == caller.organisation_id:
        return None
    pages = [_page(session, caller, QueueFilter(node_id=chosen, states=states), now) for states in (OFFERED, BEGUN)]
    jobs = [job for page in pages for job in page.items]
    revisions = inventory.read_revisions(session, revision_ids={job.revision_id for job in jobs})
    standing = get_standing(session, principal=caller, node_id=chosen, now=now)
    return QueuePage(
        node_id=chosen,
        title=standing.node.city,
        standing=standing,
        groups=groups_of(jobs, revisions, now=now),
        choices=node_choices(nodes, chosen=chosen),
        version=position.version,
        has_more=any(page.next_cursor is not None for page in pages),
    )


def _page(session: Session, caller: Principal, wanted: QueueFilter, now: datetime) -> Page[JobView]:
    return claims.list_queue(session, principal=caller, wanted=wanted, cursor=None, limit=MOST_JOBS, now=now).page


def _nodes(session: Session, caller: Principal) -> Sequence[NodeView]:
    if caller.kind == "operator":
        return network.list_nodes(session, limit=_MOST_NODES, seen_from=sandbox_of(caller.organisation_id)).items
    own = network.nodes_of(session, organisation_id=caller.organisation_id)
    return [network.find_node(session, node_id=node_id) for node_id in sorted(own)]
