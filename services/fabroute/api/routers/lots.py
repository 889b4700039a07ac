"""Lots of material in the stores of nodes: received, put aside, weighed, refreshed; and what moved."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Filter,
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
from fabroute.api.schemas.lots import (
    LotChangedOut,
    LotMovementOut,
    LotStateIn,
    LotStateName,
    RefreshIn,
    StocktakeIn,
    StoredLotOut,
    lot_changed_out,
    movement_out,
    stored_lot_out,
)
from fabroute.api.schemas.nodes import LotIn, new_lot
from fabroute.identity.rules import Principal
from fabroute.network import service as network
from fabroute.network.service import StockFilter
from fabroute.production.service import recall

router = APIRouter(prefix="/v1", tags=["material lots"], route_class=ContractRoute)


def get_own_store(node_id: Identifier, principal: NetworkReader, session: ReadSession) -> str:
    """Return the id of a node whose store the caller may see; ``NodeNotYours`` for everyone else's."""
    _require_own(session, principal, node_id)
    return node_id


def _require_own(session: Session, principal: Principal, node_id: str) -> None:
    node = network.find_node(session, node_id=node_id)
    if principal.kind != "operator" and node.organisation_id != principal.organisation_id:
        raise errors.NodeNotYours(f"the store of node {node_id} is seen by its own organisation and the operator only")


OwnStore = Annotated[str, Depends(get_own_store)]


@router.post(
    "/nodes/{node_id}/lots",
    status_code=201,
    responses=docs.problems(
        network.UnknownNode,
        network.UnknownMaterial,
        network.InvalidLot,
        recall.LotRecalled,
        errors.NodeNotYours,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(LotIn),
)
def add_lot(
    caller: NetworkWriter,
    node_id: ManagedNode,
    asked: Annotated[LotIn, Depends(json_body(LotIn))],
    session: WriteSession,
    now: Now,
) -> StoredLotOut:
    """Put a lot of material into a node's store; lines without a route are looked at again."""
    added = recall.receive_lot(session, lot=new_lot(node_id, asked), actor=caller.key_id, now=now)
    return stored_lot_out(added, today=now.date())


@router.get("/nodes/{node_id}/lots", responses=docs.NEXT_PAGE | docs.problems(network.UnknownNode, errors.NodeNotYours))
def list_lots(
    request: Request,
    response: Response,
    node_id: OwnStore,
    session: ReadSession,
    page: PageQuery,
    now: Now,
    state: Annotated[LotStateName | None, Query(description="Only lots in this state.")] = None,
    material: Filter = None,
) -> Listing[StoredLotOut]:
    """List the lots of a node: what remains, is reserved and used, when it expires and how long it will last."""
    wanted = StockFilter(node_id=node_id, state=state, material=material, after=page.cursor or "", limit=page.limit)
    found = network.list_lots(session, wanted=wanted, now=now)
    return listing(request, response, found, lambda lot: stored_lot_out(lot, today=now.date()))


@router.get("/lots/{lot_id}", responses=docs.problems(network.UnknownLot))
def get_lot(lot_id: Identifier, caller: NetworkReader, session: ReadSession, now: Now) -> StoredLotOut:
    """Read a lot of your store; `GET /v1/lots/{lot_id}/movements` tells what came and went."""
    return stored_lot_out(recall.read_store(session, lot_id=lot_id, principal=caller, now=now), today=now.date())


@router.get("/lots/{lot_id}/movements", responses=docs.NEXT_PAGE | docs.problems(network.UnknownLot))
def list_lot_movements(
    request: Request,
    response: Response,
    lot_id: Identifier,
    caller: NetworkReader,
    session: ReadSession,
    page: PageQuery,
) -> Listing[LotMovementOut]:
    """List what came into a lot, what builds took of it, and how its state changed; oldest first."""
    recall.require_store_of_lot(session, lot_id=lot_id, principal=caller)
    found = network.list_movements(session, lot_id=lot_id, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, movement_out)


@router.patch(
    "/lots/{lot_id}",
    responses=docs.problems(network.UnknownLot, network.LotIsBlocked, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(LotStateIn),
)
def set_lot_state(
    lot_id: Identifier,
    caller: NetworkWriter,
    asked: Annotated[LotStateIn, Depends(json_body(LotStateIn))],
    session: WriteSession,
    now: Now,
) -> LotChangedOut:
    """Quarantine, block or release a lot of your store. It takes no If-Match: the state that it has decides.

    The jobs that draw from a lot that is put aside are held in the same transaction; those that nobody has started go
    to another lot or node, the others wait for a person. Once it is released, lines without a route get another look.
    """
    change = recall.set_lot_state(
        session, lot_id=lot_id, state=asked.state, reason=asked.reason, principal=caller, now=now
    )
    return lot_changed_out(change, today=now.date())


@router.post(
    "/lots/{lot_id}/stocktakes",
    responses=docs.problems(network.UnknownLot, network.StocktakeBelowReserved, network.LotTooLarge, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(StocktakeIn),
)
def count_lot(
    lot_id: Identifier,
    caller: NetworkWriter,
    asked: Annotated[StocktakeIn, Depends(json_body(StocktakeIn))],
    session: WriteSession,
    now: Now,
) -> LotChangedOut:
    """Correct a lot of your store to what was weighed; not below what jobs have reserved and not used."""
    change = recall.count_lot(
        session, lot_id=lot_id, counted_grams=asked.counted_grams, note=asked.note, principal=caller, now=now
    )
    return lot_changed_out(change, today=now.date())


@router.post(
    "/lots/{lot_id}/refreshes",
    responses=docs.problems(network.UnknownLot, network.LotIsBlocked, network.LotTooLarge, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(RefreshIn),
)
def refresh_lot(
    lot_id: Identifier,
    caller: NetworkWriter,
    asked: Annotated[RefreshIn, Depends(json_body(RefreshIn))],
    session: WriteSession,
    now: Now,
) -> LotChangedOut:
    """Mix fresh powder into a used lot of your store: its re-use count goes up by one.

    Jobs for which it is re-used too often now are held.
    """
    change = recall.refresh_lot(
        session, lot_id=lot_id, fresh_grams=asked.fresh_grams, note=asked.note, principal=caller, now=now
    )
    return lot_changed_out(change, today=now.date())
