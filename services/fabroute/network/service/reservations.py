"""Hold material and machine time for jobs, so that nothing is promised twice; and let go of it again."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from sqlmodel import Session

from fabroute.network.repository import capacity
from fabroute.network.repository.capacity import SlotKey

_Key = TypeVar("_Key")


class ReservationBroken(RuntimeError):
    """Rows that were locked and had enough were not there when it was taken: a fault in fabroute, never in its data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What one job needs: grams of a lot (or none), and minutes of a machine by day."""

    job_id: str
    lot_id: str | None
    grams: int
    machine_id: str
    minutes_by_day: tuple[tuple[date, int], ...]

    def __post_init__(self) -> None:
        if (self.lot_id is None) != (self.grams == 0) or self.grams < 0:
            raise ValueError(f"job {self.job_id}: give a lot and whole grams over 0, or neither (grams 0)")
        if not self.minutes_by_day or any(minutes <= 0 for _, minutes in self.minutes_by_day):
            raise ValueError(f"job {self.job_id}: give at least one day, each with minutes over 0")

    @property
    def grams_by_lot(self) -> Mapping[str, int]:
        """The grams by lot: one lot or none."""
        return {} if self.lot_id is None else {self.lot_id: self.grams}

    @property
    def minutes_by_slot(self) -> Mapping[SlotKey, int]:
        """The minutes by machine and day; a day that is named twice counts together."""
        minutes: Counter[SlotKey] = Counter()
        for day, wanted in self.minutes_by_day:
            minutes[(self.machine_id, day)] += wanted
        return minutes


def reserve(session: Session, *, reservations: tuple[Reservation, ...], now: datetime) -> frozenset[str]:
    """Reserve what fits, in the given order, and return the ids of the jobs that were refused.

    A job is reserved whole or not at all. It is refused when a lot or a day has not enough left, when its lot is not
    available any more, and when its machine or node is down or unknown. Lots, slots and nodes stay locked until the
    transaction ends, so keep it short; it must be read committed (the default), and a job id is new.
    """
    stock = capacity.lock_lots(session, _named(reservation.grams_by_lot for reservation in reservations))
    free = capacity.lock_slots(session, _named(reservation.minutes_by_slot for reservation in reservations))
    running = capacity.lock_machines_of_nodes_that_are_up(session, {job.machine_id for job in reservations})
    accepted = []
    for job in reservations:
        if job.machine_id in running and _fits(job.grams_by_lot, stock) and _fits(job.minutes_by_slot, free):
            _take(job.grams_by_lot, stock)
            _take(job.minutes_by_slot, free)
            accepted.append(job)
    if accepted:
        _hold(session, accepted, now=now)
    return frozenset(job.job_id for job in reservations) - {job.job_id for job in accepted}


def release(session: Session, *, job_ids: Collection[str], now: datetime) -> None:
    """Give back what jobs hold; what was given back before, or never held, is left alone.

    Grams that builds of a job have used (``consume_lot``) don't come back: the lot weighs so much less from now on.
    """
    grams = capacity.end_material_allocations(session, job_ids=job_ids, now=now)
    minutes = _summed(capacity.end_capacity_allocations(session, job_ids=job_ids, now=now))
    capacity.lock_lots(session, grams)
    capacity.lock_slots(session, minutes)
    capacity.give_grams_back(session, grams)
    capacity.give_minutes_back(session, minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a job holds now: grams by lot, and minutes by machine and day."""

    grams: Mapping[str, int]
    minutes: Mapping[SlotKey, int]


def read_held(session: Session, *, job_ids: Collection[str]) -> dict[str, Held]:
    """Return what jobs hold, by job; those that hold nothing are left out."""
    grams: defaultdict[str, dict[str, int]] = defaultdict(dict)
    minutes: defaultdict[str, dict[SlotKey, int]] = defaultdict(dict)
    for job_id, lot_id, amount in capacity.read_held_grams(session, job_ids=job_ids):
        grams[job_id][lot_id] = amount
    for job_id, slot, amount in capacity.read_held_minutes(session, job_ids=job_ids):
        minutes[job_id][slot] = amount
    return {job_id: Held(grams=grams[job_id], minutes=minutes[job_id]) for job_id in sorted({*grams, *minutes})}


def lock_stores(session: Session, *, lot_ids: Collection[str], slots: Collection[SlotKey]) -> None:
    """Lock lots and slots, in the order in which all lock them, before some are given back and others taken."""
    capacity.lock_lots(session, frozenset(lot_ids))
    capacity.lock_slots(session, frozenset(slots))


def _hold(session: Session, jobs: Sequence[Reservation], *, now: datetime) -> None:
    held_grams = [(job.job_id, lot_id, grams) for job in jobs for lot_id, grams in job.grams_by_lot.items()]
    held_minutes = [(job.job_id, slot, minutes) for job in jobs for slot, minutes in job.minutes_by_slot.items()]
    grams = _summed((lot_id, grams) for _, lot_id, grams in held_grams)
    minutes = _summed((slot, minutes) for _, slot, minutes in held_minutes)
    taken = capacity.take_grams(session, grams), capacity.take_minutes(session, minutes)
    if taken != (len(grams), len(minutes)):
        raise ReservationBroken(f"took from {taken} of {(len(grams), len(minutes))} locked lots and slots")
    capacity.insert_material_allocations(session, held_grams, now=now)
    capacity.insert_capacity_allocations(session, held_minutes, now=now)


def _fits(wanted: Mapping[_Key, int], left: Mapping[_Key, int]) -> bool:
    return all(left.get(key, 0) >= amount for key, amount in wanted.items())


def _take(wanted: Mapping[_Key, int], left: dict[_Key, int]) -> None:
    for key, amount in wanted.items():
        left[key] -= amount


def _summed(amounts: Iterable[tuple[_Key, int]]) -> dict[_Key, int]:
    total: Counter[_Key] = Counter()
    for key, amount in amounts:
        total[key] += amount
    return dict(total)


def _named(wanted: Iterable[Mapping[_Key, int]]) -> frozenset[_Key]:
    return frozenset(key for amounts in wanted for key in amounts)
