"""What builds take from a lot."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.kernel.errors import DomainError
from fabroute.network.events import network_changed
from fabroute.network.repository import lots
from fabroute.network.repository.lots import Movement
from fabroute.outbox.service import record


class UnknownLot(DomainError):
    """There is no such lot, or not one of yours."""

    code = "unknown_lot"
    status = 404


class LotShort(DomainError):
    """A lot has not as many grams beside what jobs have reserved."""

    code = "lot_short"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class LotUse:
    """What a job has used of a lot, in grams: by this build, by all of its builds so far, and what it holds now."""

    lot_id: str
    grams: int
    used_grams: int
    held_grams: int


def consume_lot(
    session: Session,
    *,
    lot_id: str,
    job_id: str,
    build_id: str,
    grams: int,
    actor: str,
    now: datetime,
    still_needed_grams: int = 0,
) -> LotUse:
    """Book what a closed build really took of a lot for a job, and return what the job has used of it so far.

    The job's reservation becomes what its builds have used, and what its coming builds still need
    (``still_needed_grams``; never more than it holds). What is over goes back to the store, and what is missing is
    taken from what nobody has reserved: ``LotShort`` where that is not enough. A job that drew from another lot than
    the one reserved for it holds that one instead; one that has ended holds nothing, so the lot weighs so much less.
    The caller has locked all jobs of the build. Raises ``UnknownLot``.
    """
    if grams < 0 or still_needed_grams < 0:
        raise ValueError(f"a build takes 0 g or more, not {grams} ({still_needed_grams} still needed)")
    held = lots.lock_allocations(session, job_id=job_id)
    rows = lots.lock_lots(session, {lot_id, *held})
    if lot_id not in rows:
        raise UnknownLot(f"there is no material lot {lot_id}: GET /v1/nodes/{{id}}/lots lists those of a node")
    used = lots.read_used(session, job_id=job_id)
    if used.get(lot_id, 0) + grams == 0:
        return LotUse(lot_id=lot_id, grams=0, used_grams=0, held_grams=held.get(lot_id, 0))
    use = _use(lot_id, grams, still_needed_grams, held=held, used_before=used.get(lot_id, 0))
    others = {other: amount for other, amount in held.items() if other != lot_id and not used.get(other)}
    _book(session, rows[lot_id], use, held=held, job_id=job_id, now=now)
    if lot_id not in held:
        _give_back(session, others, job_id=job_id, now=now)
    movement = Movement(
        lot_id=lot_id, kind="consumed", grams=-grams, actor=actor, moved_at=now, job_id=job_id, build_id=build_id
    )
    lots.note_movement(session, movement)
    if use.held_grams < held.get(lot_id, 0):
        record(session, network_changed(subject=("material_lot", lot_id), reason="lot_given_back", now=now))
    return use


def _use(lot_id: str, grams: int, still_needed: int, *, held: dict[str, int], used_before: int) -> LotUse:
    used = used_before + grams
    to_hold = max(used, min(held.get(lot_id, 0), used + still_needed)) if held else 0
    return LotUse(lot_id=lot_id, grams=grams, used_grams=used, held_grams=to_hold)


def _book(session: Session, lot: RowMapping, use: LotUse, *, held: dict[str, int], job_id: str, now: datetime) -> None:
    """Move the grams of one use between the lot and the job; ``LotShort`` where the lot has not enough."""
    if use.lot_id in held:
        more = use.held_grams - held[use.lot_id]
        done = lots.resize_allocation(session, job_id=job_id, lot_id=use.lot_id, grams=use.held_grams, more=more)
    elif held:
        more = use.held_grams
        done = lots.open_allocation(session, job_id=job_id, lot_id=use.lot_id, grams=more, now=now)
    else:
        more = use.grams
        done = lots.take_for_good(session, lot_id=use.lot_id, grams=more)
    if not done:
        raise LotShort(
            f"the build took {use.grams} g for job {job_id}, {more} g more than it has reserved, and lot {use.lot_id} "
            f"has {lot['remaining_grams']} g that nobody has: name the lot that it really came from, or weigh this "
            f"one and correct it first (POST /v1/lots/{use.lot_id}/stocktakes)"
        )


def _give_back(session: Session, held: dict[str, int], *, job_id: str, now: datetime) -> None:
    for lot_id, grams in held.items():
        lots.close_allocation(session, job_id=job_id, lot_id=lot_id, grams=grams, now=now)
