"""What a store does with its lots: put them aside, weigh them, mix fresh powder in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.identity.service import AuditRecord, record_audits
from fabroute.kernel.errors import DomainError
from fabroute.kernel.events import DomainEvent, JsonScalar
from fabroute.network.events import lot_event, network_changed
from fabroute.network.repository import lots
from fabroute.network.repository.lots import Movement
from fabroute.network.service.lots import UnknownLot
from fabroute.outbox import service as outbox

LotState = Literal["available", "quarantined", "blocked"]
_KINDS = {"available": "released", "quarantined": "quarantined", "blocked": "blocked"}
LARGEST_GRAMS = 2_000_000_000


class LotIsBlocked(DomainError):
    """A blocked lot stays so: it is never used again."""

    code = "lot_is_blocked"
    status = 409


class StocktakeBelowReserved(DomainError):
    """Less was counted than jobs have reserved and not used yet."""

    code = "stocktake_below_reserved"
    status = 409


class LotTooLarge(DomainError):
    """A lot would weigh more than lots can."""

    code = "lot_too_large"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Who does something with a lot, when, and what there is to say about it."""

    actor: str
    now: datetime
    note: str = ""


def set_lot_states(session: Session, *, lot_ids: Collection[str], state: LotState, by: Keeper) -> frozenset[str]:
    """Set the state of lots and return which were in another one before. Audited; each has a movement and an event.

    ``network.changed`` where lots became available. Raises ``UnknownLot``, and ``LotIsBlocked`` where a blocked lot
    shall be used again. The caller has locked the jobs that draw from them.
    """
    rows = _locked(session, lot_ids)
    changing = [row for row in rows if row["state"] != state]
    blocked = next((row["lot_id"] for row in changing if row["state"] == "blocked"), None)
    if blocked is not None:
        raise LotIsBlocked(f"lot {blocked} is blocked for good: receive its replacement as a new lot")
    if not changing:
        return frozenset()
    names = [row["lot_id"] for row in changing]
    lots.set_states(session, names, state=state, reason=by.note, now=by.now)
    _note(session, changing, kind=_KINDS[state], by=by)
    if state == "available":
        outbox.record_all(session, [_changed(name, "lot_released", by) for name in names])
    return frozenset(names)


def take_stock(session: Session, *, lot_id: str, counted_grams: int, by: Keeper) -> int:
    """Correct a lot to what was weighed, and return by how many grams. Audited, ``corrected``.

    ``counted_grams`` is all that lies in the store, with what jobs have reserved and not used yet;
    ``StocktakeBelowReserved`` where even that is not there. Raises ``UnknownLot`` and ``LotTooLarge``.
    """
    (row,) = _locked(session, [lot_id])
    reserved = lots.reserved_unused(session, lot_id=lot_id)
    if counted_grams < reserved:
        raise StocktakeBelowReserved(
            f"{counted_grams} g were counted in lot {lot_id}, and jobs have reserved {reserved} g that they have not "
            "used: close the builds that used some of it, or quarantine the lot so that its jobs are held and go to "
            "other nodes, then count again"
        )
    more: int = counted_grams - reserved - row["remaining_grams"]
    _weigh(session, row, more=more, kind="corrected", by=by)
    if more > 0:
        outbox.record(session, _changed(lot_id, "lot_corrected", by))
    return more


def refresh_lot(session: Session, *, lot_id: str, fresh_grams: int, by: Keeper) -> None:
    """Mix fresh powder into used one: so many grams more, and one re-use more. Audited, ``refreshed``.

    Raises ``UnknownLot``, ``LotIsBlocked`` and ``LotTooLarge``.
    """
    (row,) = _locked(session, [lot_id])
    if row["state"] == "blocked":
        raise LotIsBlocked(f"lot {lot_id} is blocked for good: mix the fresh powder into another one")
    _weigh(session, row, more=fresh_grams, kind="refreshed", by=by)
    outbox.record(session, _changed(lot_id, "lot_refreshed", by))


def refreshes_since(session: Session, *, lot_id: str, since: datetime) -> int:
    """Return how often fresh powder was mixed into a lot after an instant: its re-uses were so many fewer then."""
    return lots.count_refreshes(session, lot_id=lot_id, since=since)


def settle_use(session: Session, *, job_ids: Collection[str], actor: str, now: datetime) -> int:
    """Note as used what finished jobs have reserved of lots, where no build of theirs was closed; return how many.

    The grams stay what they are: only reports of use, runway and stocktakes learn that the material is gone.
    """
    return lots.settle_use(session, job_ids=job_ids, actor=actor, now=now) if job_ids else 0


def _locked(session: Session, lot_ids: Collection[str]) -> list[RowMapping]:
    rows = lots.lock_lots(session, lot_ids)
    missing = sorted(set(lot_ids) - set(rows))
    if missing:
        raise UnknownLot(f"there is no material lot {missing[0]} of yours")
    return list(rows.values())


def _weigh(session: Session, row: RowMapping, *, more: int, kind: str, by: Keeper) -> None:
    if row["initial_grams"] + more > LARGEST_GRAMS:
        raise LotTooLarge(f"lot {row['lot_id']} would weigh over {LARGEST_GRAMS} g: receive the rest as another lot")
    lots.weigh(session, lot_id=row["lot_id"], more=more, reuses=int(kind == "refreshed"))
    _note(session, [row], kind=kind, by=by, grams=more)


def _note(session: Session, rows: Sequence[RowMapping], *, kind: str, by: Keeper, grams: int = 0) -> None:
    """Note the same of lots: a movement, an event and an audit entry each."""
    lots.note_movements(
        session,
        [
            Movement(lot_id=row["lot_id"], kind=kind, grams=grams, actor=by.actor, moved_at=by.now, note=by.note)
            for row in rows
        ],
    )
    facts = [(row["lot_id"], _facts(row, grams, by)) for row in rows]
    outbox.record_all(session, [lot_event(kind, lot_id=lot_id, now=by.now, **data) for lot_id, data in facts])
    record_audits(session, entries=[_entry(lot_id, kind, data, by) for lot_id, data in facts])


def _facts(row: RowMapping, grams: int, by: Keeper) -> dict[str, JsonScalar]:
    return {
        "node_id": row["node_id"],
        "material": row["material"],
        "supplier_lot": row["supplier_lot"],
        "from": row["state"],
        "grams": grams,
        "note": by.note,
    }


def _entry(lot_id: str, kind: str, data: dict[str, JsonScalar], by: Keeper) -> AuditRecord:
    return AuditRecord(
        organisation_id=None,
        occurred_at=by.now,
        actor=by.actor,
        action=f"lot.{kind}",
        subject_type="material_lot",
        subject_id=lot_id,
        data=data,
    )


def _changed(lot_id: str, reason: str, by: Keeper) -> DomainEvent:
    return network_changed(subject=("material_lot", lot_id), reason=reason, now=by.now)
