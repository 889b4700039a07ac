"""Nodes: who prints what where, and taking a node down or up."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import json_body
from fabroute.api.caching import conditional, require_match
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Identifier,
    ManagedNode,
    NetworkReader,
    NetworkWriter,
    Now,
    PageQuery,
    ReadSession,
    WriteSession,
)
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.nodes import (
    NodeDetailOut,
    NodeKind,
    NodeOut,
    NodeStatusIn,
    node_detail_out,
    node_out,
)
from fabroute.api.schemas.rerouting import NodeChangedOut, node_changed_out
from fabroute.identity.rules import Principal
from fabroute.kernel.ids import sandbox_of
from fabroute.network import service as network
from fabroute.network.service.nodes import NodeClosed
from fabroute.production.service.rerouting import outages

router = APIRouter(prefix="/v1", tags=["nodes"], route_class=ContractRoute)

_BODY_PROBLEMS = (errors.MalformedJson, errors.BodyTooLarge, errors.UnsupportedMediaType)


@router.get("/nodes", responses=docs.NEXT_PAGE | docs.problems())
def list_nodes(
    request: Request,
    response: Response,
    caller: NetworkReader,
    session: ReadSession,
    page: PageQuery,
    country: Annotated[str | None, Query(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2.")] = None,
    kind: NodeKind | None = None,
) -> Listing[NodeOut]:
    """List the nodes of the network in the order of their ids."""
    found = network.list_nodes(
        session, cursor=page.cursor, limit=page.limit, country=country, kind=kind, seen_from=_world_of(caller)
    )
    return listing(request, response, found, node_out)


@router.get(
    "/nodes/{node_id}",
    response_model=NodeDetailOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(network.UnknownNode),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_node(request: Request, node_id: Identifier, caller: NetworkReader, session: ReadSession) -> Response:
    """Read a node with its machines and what they print. Its ETag is what a change has to send in If-Match."""
    node, version = _node(session, caller, node_id)
    return conditional(request, node, version=version)


@router.patch(
    "/nodes/{node_id}",
    response_model=NodeChangedOut,
    responses=docs.TAGGED
    | docs.problems(
        network.UnknownNode,
        network.StaleVersion,
        NodeClosed,
        errors.PreconditionRequired,
        errors.UnknownTag,
        errors.NodeNotYours,
        *_BODY_PROBLEMS,
    ),
    openapi_extra=docs.IF_MATCH | docs.request_body(NodeStatusIn),
)
def set_node_status(
    request: Request,
    caller: NetworkWriter,
    node_id: ManagedNode,
    version: Annotated[int | None, Depends(require_match)],
    asked: Annotated[NodeStatusIn, Depends(json_body(NodeStatusIn))],
    session: WriteSession,
    now: Now,
) -> Response:
    """Take a node down or up, or change how long it may be silent.

    A node that is down gets no jobs; lines without a route are looked at again. Jobs that nobody has started leave at
    once, as `outage` lists; the node is asked to stop the others. Up again, requests that nobody has answered are
    withdrawn. New times count for offers and leases that begin after it.
    """
    done = outages.Outage(rerouted=())
    if asked.status is not None:
        change = network.StatusChange(status=asked.status, reason=asked.reason, expected_version=version)
        done = outages.set_node_status(session, node_id=node_id, change=change, actor=caller.key_id, now=now)
        version = None
    times = network.AnswerTimes(
        offer_seconds=asked.offer_seconds,
        offline_seconds=asked.offline_seconds,
        reason=asked.reason,
        expected_version=version,
    )
    if times.values:
        network.set_answer_times(session, node_id=node_id, times=times, actor=caller.key_id, now=now)
    node, version = _node(session, caller, node_id)
    return conditional(request, node_changed_out(node, done), version=version)


def _world_of(caller: Principal) -> str | None:
    """Return the sandbox that a caller is in, empty for the real world; ``None`` for the operator, who sees all."""
    return None if caller.kind == "operator" else sandbox_of(caller.organisation_id)


def _node(session: Session, caller: Principal, node_id: str) -> tuple[NodeDetailOut, int]:
    node = network.get_node(session, node_id=node_id)
    if _world_of(caller) is not None and sandbox_of(node.organisation_id) not in ("", _world_of(caller)):
        raise network.UnknownNode(f"there is no node {node_id}")
    may_see_store = caller.kind == "operator" or caller.organisation_id == node.organisation_id
    return node_detail_out(node, with_store=may_see_store), node.version
