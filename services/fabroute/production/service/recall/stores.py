"""What a node does with the lots in its store, and what that means for the jobs that draw from them."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database import act_for_everyone
from fabroute.identity.rules import Principal
from fabroute.network import service as network
from fabroute.network.service import Keeper, LotState, LotStock, LotView, NewLot
from fabroute.production.repository import recalls as rows
from fabroute.production.service.holds import hold_closed
from fabroute.production.service.recall.data import LotRecalled


@dataclass(frozen=True, slots=True, kw_only=True)
class LotChange:
    """A lot as it is after a change, and how many jobs were held by it."""

    lot: LotStock
    held: int = 0


def require_store_of_lot(session: Session, *, lot_id: str, principal: Principal) -> LotView:
    """Return a lot to its store's organisation or the operator; ``UnknownLot`` to everyone else."""
    lot = network.find_lot(session, lot_id=lot_id)
    if principal.kind != "operator":
        store = network.find_node(session, node_id=lot.node_id)
        if store.organisation_id != principal.organisation_id:
            raise network.UnknownLot(f"there is no material lot {lot_id} of yours")
    return lot


def _reach_jobs(session: Session, lot_id: str, principal: Principal) -> None:
    """Require the store; from here on the transaction reaches the owners of the jobs that draw from it."""
    require_store_of_lot(session, lot_id=lot_id, principal=principal)
    act_for_everyone(session)


def read_store(session: Session, *, lot_id: str, principal: Principal, now: datetime) -> LotStock:
    """Return a lot with its figures to its store's organisation or the operator; ``UnknownLot`` to everyone else."""
    require_store_of_lot(session, lot_id=lot_id, principal=principal)
    return network.get_lot(session, lot_id=lot_id, now=now)


def receive_lot(session: Session, *, lot: NewLot, actor: str, now: datetime) -> LotStock:
    """Put a lot into a node's store. Audited, ``network.changed``; ``LotRecalled`` where it was recalled before.

    A lot of a recalled number may come in as blocked only. Raises what ``network.add_lot`` does.
    """
    network.reach_everyone_from(session, node_id=lot.node_id)
    recalled = rows.recalled_supplier_lot(session, supplier_lot=lot.supplier_lot, material=lot.material)
    if lot.supplier_lot and recalled is not None and lot.state != "blocked":
        raise LotRecalled(
            f"lot {lot.supplier_lot} of {lot.material} was recalled ({recalled}): send it back, or receive it as "
            "blocked"
        )
    added = network.add_lot(session, lot=lot, actor=actor, now=now)
    return network.get_lot(session, lot_id=added.lot_id, now=now)


def set_lot_state(
    session: Session, *, lot_id: str, state: LotState, reason: str, principal: Principal, now: datetime
) -> LotChange:
    """Quarantine, block or release a lot, and hold the jobs that draw from it in the same transaction. Audited.

    Held jobs that nobody has started go to other nodes or lots (``take_back_held``); the rest waits for a person.
    Raises ``UnknownLot``, also to everyone but the store's organisation and the operator, and ``LotIsBlocked``.
    """
    _reach_jobs(session, lot_id, principal)
    rows.lock_drawing(session, lot_ids=[lot_id])
    by = Keeper(actor=principal.key_id, now=now, note=reason)
    changed = network.set_lot_states(session, lot_ids=[lot_id], state=state, by=by)
    held = 0
    if changed and state != "available":
        drawing = rows.read_drawing(session, lot_ids=[lot_id])
        held = hold_closed(session, job_ids=drawing, actor=principal.key_id, now=now)
    return LotChange(lot=network.get_lot(session, lot_id=lot_id, now=now), held=held)


def count_lot(
    session: Session, *, lot_id: str, counted_grams: int, note: str, principal: Principal, now: datetime
) -> LotChange:
    """Correct a lot to what was weighed. Audited; see ``network.take_stock`` for what counts and what is refused.

    What jobs that are shipped had reserved counts as used where no build of theirs was closed: it is in no store.
    """
    _reach_jobs(session, lot_id, principal)
    gone = rows.read_gone(session, lot_id=lot_id)
    network.settle_use(session, job_ids=gone, actor=principal.key_id, now=now)
    by = Keeper(actor=principal.key_id, now=now, note=note)
    network.take_stock(session, lot_id=lot_id, counted_grams=counted_grams, by=by)
    return LotChange(lot=network.get_lot(session, lot_id=lot_id, now=now))


def refresh_lot(
    session: Session, *, lot_id: str, fresh_grams: int, note: str, principal: Principal, now: datetime
) -> LotChange:
    """Mix fresh powder into a used lot, and hold the jobs for which it is re-used too often now. Audited.

    Raises ``UnknownLot``, ``LotIsBlocked`` and ``LotTooLarge``.
    """
    _reach_jobs(session, lot_id, principal)
    rows.lock_drawing(session, lot_ids=[lot_id])
    by = Keeper(actor=principal.key_id, now=now, note=note)
    network.refresh_lot(session, lot_id=lot_id, fresh_grams=fresh_grams, by=by)
    drawing = rows.read_drawing(session, lot_ids=[lot_id])
    held = hold_closed(session, job_ids=drawing, actor=principal.key_id, now=now)
    return LotChange(lot=network.get_lot(session, lot_id=lot_id, now=now), held=held)
