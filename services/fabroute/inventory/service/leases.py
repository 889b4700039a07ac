"""Prints of licences held for jobs: taken when a line is routed, counted when they are made, given back otherwise."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from fabroute.identity.service import AuditedRefusal
from fabroute.inventory.repository import licences
from fabroute.inventory.repository.licences import LeaseRow
from fabroute.inventory.service.moves import Mover, Subject, audit_record
from fabroute.kernel.events import JsonScalar

_ACTOR = "system:production"


class LicenceExhausted(AuditedRefusal):
    """A good print more than the licence holds for the job."""

    code = "licence_exhausted"
    status = 409


class LicenceFrozen(AuditedRefusal):
    """The licence was frozen or revoked, or it has ended: nothing more is printed on it."""

    code = "licence_frozen"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceLease:
    """So many prints of a licence, wanted for a job."""

    job_id: str
    licence_id: str
    prints: int

    def __post_init__(self) -> None:
        if self.prints < 1:
            raise ValueError(f"job {self.job_id} asks for {self.prints} prints of a licence: ask for at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseView:
    """What is held for a job, and the state of the licence it is held of."""

    job_id: str
    licence_id: str
    prints: int
    good_prints: int
    leased_at: datetime
    released_at: datetime | None
    licence_state: str
    licence_reason: str
    valid_to: date | None

    @property
    def left(self) -> int:
        """Good prints that may still be made; none once it was given back."""
        return 0 if self.released_at else self.prints - self.good_prints

    def usable(self, *, today: date) -> bool:
        """Return whether the job may print on it today: held, active, not ended."""
        in_time = self.valid_to is None or today <= self.valid_to
        return self.released_at is None and self.licence_state == "active" and in_time


def lease_prints(session: Session, *, leases: Collection[LicenceLease], now: datetime) -> frozenset[str]:
    """Hold prints for jobs, all of a job or none; return the ids of the jobs that got none.

    Licences are locked in the order of their ids; jobs that ask for the same one are served in the order of theirs.
    Refused: what is not left, and licences that are not active or have ended. ``now`` is the wall clock's.
    """
    if not leases:
        return frozenset()
    free = licences.lock_usable(session, licence_ids={lease.licence_id for lease in leases}, today=now.date())
    granted = []
    for lease in sorted(leases, key=lambda lease: (lease.licence_id, lease.job_id)):
        if free.get(lease.licence_id, 0) >= lease.prints:
            free[lease.licence_id] -= lease.prints
            granted.append(lease)
    if granted:
        _take(session, granted, now)
    return frozenset(lease.job_id for lease in leases) - {lease.job_id for lease in granted}


def lock_licences(session: Session, *, licence_ids: Collection[str], now: datetime) -> None:
    """Lock licences in the order in which all lock them, before prints are given back and others taken."""
    if licence_ids:
        licences.lock_usable(session, licence_ids=licence_ids, today=now.date())


def return_leases(session: Session, *, job_ids: Collection[str], now: datetime) -> None:
    """Give back what was held for jobs and not printed; jobs that hold nothing are left out."""
    given = licences.end_leases(session, job_ids=job_ids, now=now)
    if given:
        licences.give_back(session, given)


def count_good_print(session: Session, *, job_id: str, now: datetime, actor: str = _ACTOR) -> None:
    """Count a good print on the licence that is held for a job; nothing for a job that needs none.

    Raises ``LicenceExhausted`` (all are printed, or were given back) and ``LicenceFrozen``; both go on the audit log.
    """
    found = licences.find_lease(session, job_id=job_id, lock=True)
    if found is None:
        return
    view = _lease_view(found)
    by = Mover(actor=actor, now=now)
    if view.left == 0:
        raise _refusal(LicenceExhausted, found, _exhausted(view), by)
    if not view.usable(today=now.date()):
        raise _refusal(LicenceFrozen, found, _frozen(view), by)
    if not licences.count_good(session, job_id=job_id):
        raise _refusal(LicenceExhausted, found, _exhausted(view), by)


def return_good_print(session: Session, *, job_id: str) -> None:
    """Give a good print that was scrapped back to the licence: only good parts count, so it may be made once more.

    While the job lives, it holds that print; afterwards anybody may. Nothing for a job that needs no licence.
    """
    if licences.find_lease(session, job_id=job_id, lock=True) is not None:
        licences.take_off_good(session, job_id=job_id)


def lease_of(session: Session, *, job_id: str) -> LeaseView | None:
    """Return what is held for a job and the state of its licence; ``None`` for a job that needs no licence."""
    found = licences.find_lease(session, job_id=job_id)
    return None if found is None else _lease_view(found)


def leases_of(session: Session, *, job_ids: Collection[str]) -> Mapping[str, LeaseView]:
    """Return what is held for each of the jobs, by one query; jobs that need no licence are left out."""
    return {found.lease.job_id: _lease_view(found) for found in licences.read_leases(session, job_ids)}


def _take(session: Session, granted: Collection[LicenceLease], now: datetime) -> None:
    wanted: dict[str, int] = {}
    for lease in granted:
        wanted[lease.licence_id] = wanted.get(lease.licence_id, 0) + lease.prints
    taken = licences.take(session, wanted)
    if taken != wanted.keys():
        raise RuntimeError(f"licences {sorted(wanted.keys() - taken)} changed under their lock")
    licences.insert_leases(session, [(it.job_id, it.licence_id, it.prints) for it in granted], now=now)


def _lease_view(found: LeaseRow) -> LeaseView:
    lease, licence = found.lease, found.licence
    return LeaseView(
        job_id=lease.job_id,
        licence_id=licence.id,
        prints=lease.prints,
        good_prints=lease.good_prints,
        leased_at=lease.leased_at,
        released_at=lease.released_at,
        licence_state=licence.state,
        licence_reason=licence.state_reason,
        valid_to=licence.valid_to,
    )


def _exhausted(view: LeaseView) -> str:
    if view.released_at is not None:
        return f"the licence's prints of job {view.job_id} were given back on {view.released_at:%Y-%m-%d}"
    return f"licence {view.licence_id} holds {view.prints} prints for job {view.job_id}, all of them are made"


def _frozen(view: LeaseView) -> str:
    if view.licence_state == "active":
        return f"licence {view.licence_id} ended on {view.valid_to}"
    return f"licence {view.licence_id} is {view.licence_state} ({view.licence_reason})"


def _refusal(kind: type[AuditedRefusal], found: LeaseRow, why: str, by: Mover) -> AuditedRefusal:
    lease, licence = found.lease, found.licence
    subject = Subject(kind="print_licence", id=licence.id, organisation_id=licence.organisation_id)
    figures: dict[str, JsonScalar] = {"job_id": lease.job_id, "code": kind.code}
    figures |= {"good_prints": lease.good_prints, "prints": lease.prints}
    entry = audit_record(subject, "print_licence.print_refused", by=by, **figures)
    return kind(f"{why}: this print doesn't count, ask the owner for another licence", entry=entry)
