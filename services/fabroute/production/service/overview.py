"""The network as one table: each node's state, how full it is, what ends or runs out soonest, how it did lately."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.database.pages import Page
from fabroute.identity.rules import Principal
from fabroute.kernel.ids import sandbox_of
from fabroute.network import service as network
from fabroute.network.service import NodeView
from fabroute.network.service.overview import MaterialRunway, NodeLoad, read_loads, read_runways
from fabroute.production.repository import overview as rows
from fabroute.production.repository.overview import FigureWindow
from fabroute.production.service.scores import Rate
from fabroute.production.states import LIVE_STATES
from fabroute.qualification.service.expiring import LastDay, read_last_days

JUDGED_DAYS = 90
MOST_AT_A_NODE = 200
"""Of each state."""
MOST_OF_AN_OWNER = 5_000
_OPEN_STATES = LIVE_STATES - {"planned", "shipped", "delivered"}
_SEEN_STATES = _OPEN_STATES | {"shipped", "delivered", "declined"}
_NOTHING: Mapping[str, Any] = {
    "open_jobs": 0,
    "offered_jobs": 0,
    "stuck_jobs": 0,
    "judged_jobs": 0,
    "punctual_jobs": 0,
    "answered_offers": 0,
    "median_answer_seconds": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStanding:
    """A node in one line. What the caller may not see of it is ``None``, or 0 where it counts jobs."""

    node: NodeView
    load: NodeLoad | None
    certificate: LastDay | None
    """Of its certificates the one that ends first."""
    runways: tuple[MaterialRunway, ...]
    open_jobs: int
    offered_jobs: int
    """Of the open ones: not answered yet."""
    stuck_jobs: int
    """Of the open ones: held or suspect."""
    on_time: Rate
    """Of the jobs of ``JUDGED_DAYS`` days, the newest first: shipped by their last day of production."""
    answered_offers: int
    median_answer_seconds: float | None

    @property
    def shortest_runway(self) -> MaterialRunway | None:
        """The material that runs out first; ``None`` where none is used."""
        used = [runway for runway in self.runways if runway.days is not None]
        return min(used, key=lambda runway: (runway.days or 0.0, runway.material), default=None)


def list_standings(
    session: Session, *, principal: Principal, now: datetime, cursor: str | None = None, limit: int = 50
) -> Page[NodeStanding]:
    """Return a page of nodes, by id, with how they stand: to the operator and a node itself by all of its jobs.

    To an owner of parts by its own jobs; to a bureau other nodes show nothing but what they are.
    """
    page = network.list_nodes(session, cursor=cursor, limit=limit, seen_from=sandbox_of(principal.organisation_id))
    node_ids = [node.node_id for node in page.items]
    loads = read_loads(session, node_ids=node_ids, now=now)
    runways = read_runways(session, node_ids=node_ids, now=now)
    certificates = read_last_days(session, node_ids=node_ids, today=now.date())
    figures = {row["node_id"]: row for row in _figures(session, principal, page.items, now)}
    return Page(
        items=tuple(
            _standing(
                node,
                figures.get(node.node_id),
                load=loads.get(node.node_id),
                certificate=certificates.get(node.node_id),
                runways=runways.get(node.node_id, ()),
            )
            for node in page.items
        ),
        next_cursor=page.next_cursor,
    )


def get_standing(session: Session, *, principal: Principal, node_id: str, now: datetime) -> NodeStanding:
    """Return how one node stands, as ``list_standings`` does; ``UnknownNode``."""
    node = network.find_node(session, node_id=node_id)
    figures = _figures(session, principal, (node,), now)
    return _standing(
        node,
        next(iter(figures), None),
        load=read_loads(session, node_ids=(node_id,), now=now).get(node_id),
        certificate=read_last_days(session, node_ids=(node_id,), today=now.date()).get(node_id),
        runways=read_runways(session, node_ids=(node_id,), now=now).get(node_id, ()),
    )


def _figures(session: Session, principal: Principal, nodes: Sequence[NodeView], now: datetime) -> Sequence[RowMapping]:
    own = [node.node_id for node in nodes if node.organisation_id == principal.organisation_id]
    seen = [node.node_id for node in nodes] if principal.kind == "operator" else own
    since = now - timedelta(days=JUDGED_DAYS)
    window = FigureWindow(since=since, now=now, open_states=_OPEN_STATES, most=MOST_AT_A_NODE)
    found = [*rows.read_figures_at_nodes(session, node_ids=seen, states=_SEEN_STATES, window=window)] if seen else []
    others = [node.node_id for node in nodes if node.node_id not in seen]
    if principal.kind == "owner" and others:
        window = FigureWindow(since=since, now=now, open_states=_OPEN_STATES, most=MOST_OF_AN_OWNER)
        found += rows.read_figures_of_owner(
            session, organisation_id=principal.organisation_id, node_ids=others, window=window
        )
    return found


def _standing(
    node: NodeView,
    figures: RowMapping | None,
    *,
    load: NodeLoad | None,
    certificate: LastDay | None,
    runways: tuple[MaterialRunway, ...],
) -> NodeStanding:
    counted: Mapping[str, Any] = _NOTHING if figures is None else dict(figures)
    return NodeStanding(
        node=node,
        load=load,
        certificate=certificate,
        runways=runways,
        open_jobs=counted["open_jobs"],
        offered_jobs=counted["offered_jobs"],
        stuck_jobs=counted["stuck_jobs"],
        on_time=Rate(so=counted["punctual_jobs"], counted=counted["judged_jobs"]),
        answered_offers=counted["answered_offers"],
        median_answer_seconds=counted["median_answer_seconds"],
    )
