"""How ready the network is for one question: now, in some weeks, and with any one node gone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from fabroute.network.service import NodeView
from fabroute.routing.rules.readiness import ReadinessState, readiness_state
from fabroute.routing.service.readiness_asks import ReadinessAsk
from fabroute.routing.service.readiness_books import Books
from fabroute.routing.service.readiness_finding import Finding
from fabroute.routing.service.readiness_sources import second_sources

MOST_NODES_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """How ready the network is to make one part for one region; ``document`` says why, as plain JSON."""

    ask: ReadinessAsk
    state: ReadinessState
    nodes_now: int
    nodes_later: int
    document: Mapping[str, Any]


def readiness_of(books: Books, ask: ReadinessAsk) -> Readiness:
    """Return how ready the network is for one question. The same books and question give the same answer."""
    now, later = Finding(books.now, ask.question), Finding(books.later, ask.question)
    state = readiness_state(nodes_now=len(now.able), nodes_later=len(later.able))
    nodes = books.now.snapshot.network.nodes
    short = now if len(now.able) <= 1 else later
    sources = () if state == "ready" else short.sources()
    cheapest = next(iter(now.able.values()), None)
    return Readiness(
        ask=ask,
        state=state,
        nodes_now=len(now.able),
        nodes_later=len(later.able),
        document={
            **_about(ask),
            "cheapest_minor": cheapest,
            "nodes": [_place(nodes[node_id], landed) for node_id, landed in islice(now.able.items(), MOST_NODES_NAMED)],
            "only_node": _only(now.able) or _only(later.able),
            "loss_minor": _loss(now.able),
            "ends": [] if now.able.keys() <= later.able.keys() else list(_ends(now, later, nodes)),
            "reasons": {} if state == "ready" else short.codes(),
            "binding": [] if state == "ready" else short.binding(),
            "second_sources": second_sources(sources, part_no=ask.revision.part_no, cheapest_minor=cheapest),
        },
    )


def _about(ask: ReadinessAsk) -> dict[str, Any]:
    wanted, revision = ask.wanted, ask.revision
    return {
        "name": revision.name,
        "revision": revision.revision,
        "criticality": revision.criticality,
        "city": wanted.city,
        "country": wanted.location.country,
        "ordered": wanted.ordered,
    }


def _place(node: NodeView, landed_minor: int) -> dict[str, Any]:
    return {"node_id": node.node_id, "city": node.city, "country": node.country, "landed_minor": landed_minor}


def _only(able: Mapping[str, int]) -> str | None:
    return next(iter(able)) if len(able) == 1 else None


def _loss(able: Mapping[str, int]) -> int | None:
    """Return what the part costs more landed without its cheapest node; ``None`` where nobody else can make it."""
    first, second = (*islice(able.values(), 2), None, None)[:2]
    return None if first is None or second is None else second - first


def _ends(now: Finding, later: Finding, nodes: Mapping[str, NodeView]) -> Iterator[dict[str, Any]]:
    """Yield the nodes that can make it now, but will not then, each with the first reason why."""
    for node_id in now.able:
        if node_id in later.able:
            continue
        reasons = later.against.get(node_id, ())
        yield {
            "node_id": node_id,
            "city": nodes[node_id].city,
            "country": nodes[node_id].country,
            "codes": sorted({reason.code.value for reason in reasons}),
            "why": reasons[0].message if reasons else "",
        }
