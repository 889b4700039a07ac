"""A node would make a job at another price or by another day: the owner's band decides at once, or the owner does."""

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from fractions import Fraction

from sqlmodel import Session

from fabroute.database import act_for_everyone
from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.ids import new_id
from fabroute.production.models import CounterOffer, Job
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository import remarks as rows
from fabroute.production.rules import LONGEST_TEXT
from fabroute.production.service.access import conflict, lock_of_owner, require_state
from fabroute.production.service.leases import Lease, lock_for_work
from fabroute.production.service.phases.accepting import require_answerable, take
from fabroute.production.service.phases.bands import Counter, Limits, arrival_after, outside
from fabroute.production.service.phases.late_arrivals import tell_later_arrival
from fabroute.production.service.phases.notes import may_see
from fabroute.production.service.phases.policies import policy_of
from fabroute.production.service.recheck import require_qualified
from fabroute.production.service.rerouting import lock_for_reroute, reroute_jobs
from fabroute.production.service.telling import tell
from fabroute.production.service.views import JobView, job_view
from fabroute.routing.rules import price_cap_minor

_TIME_OF_OWNERS = timedelta(hours=24)
"""So long after the deadline of the offer an owner may answer; then the line goes to another node."""
_MOST_AHEAD = timedelta(days=366)
_MOST_MINOR = 1_000_000_000
_WAITS = "it waits for the owner's decision"


class InvalidCounterOffer(DomainError):
    """A price or a day that nobody can accept, or nothing that differs from the offer."""

    code = "invalid_counter_offer"
    status = 422


class UnknownCounterOffer(DomainError):
    """No such counter-offer, or not one that the asking organisation may see."""

    code = "unknown_counter_offer"
    status = 404


class CounterOfferDecided(DomainError):
    """The counter-offer was decided before, the other way, or its time is over."""

    code = "counter_offer_decided"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCounterOffer:
    """What a node wants: a price in cents, a last day of production, or both; None: as offered."""

    price_minor: int | None
    produce_by: date | None
    reason: str = ""

    def __post_init__(self) -> None:
        problems = []
        if self.price_minor is not None and not 0 < self.price_minor <= _MOST_MINOR:
            problems.append(FieldProblem(pointer="/price/amount_minor", message="use a price over zero"))
        if len(self.reason) > LONGEST_TEXT:
            problems.append(FieldProblem(pointer="/reason", message=f"use up to {LONGEST_TEXT:,} characters"))
        if problems:
            raise InvalidCounterOffer("; ".join(it.message for it in problems), problems=tuple(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterOfferView:
    """A counter-offer and what became of it; prices in cents."""

    counter_id: str
    job_id: str
    organisation_id: str
    node_id: str
    price_minor: int
    offered_price_minor: int
    produce_by: date
    offered_produce_by: date
    reason: str
    state: str
    """``open``, ``accepted``, ``refused`` or ``lapsed``."""
    automatic: bool
    """Whether the owner's band decided, not a person."""
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision_reason: str
    """What the owner said; why it waits for the owner, as long as it is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Countered:
    """A counter-offer, and its job as it is now."""

    counter: CounterOfferView
    job: JobView


def counter_job(
    session: Session, *, principal: Principal, job_id: str, wanted: NewCounterOffer, lease: Lease | None, now: datetime
) -> Countered:
    """Offer to make a job on other terms, for its node or the operator. Audited, ``job.countered``.

    Inside the owner's band, and if the promise to the customer and the cap of the order still hold, it is accepted at
    once: the job takes price and day, as by an acceptance. Else it waits for the owner, for a day longer than the
    offer would have. The same again, while it waits, changes nothing. Raises ``UnknownJob``, ``NotTheNode``,
    ``LeaseRequired``, ``LeaseLost``, ``OfferLapsed``, ``JobStateConflict``, ``InvalidCounterOffer`` and
    ``JobUnqualified``.
    """
    job = lock_for_work(session, principal=principal, job_id=job_id, lease=lease)
    if job.state == "countered":
        return _again(session, principal, job, wanted)
    require_answerable(job, wish="countered", now=now)
    counter = _new(job, wanted, by=principal.key_id, now=now)
    waits_for = outside(_terms(counter), _limits(session, job))
    if not waits_for:
        counter.state, counter.automatic = "accepted", True
        counter.decided_by, counter.decided_at = "system:production", now
    else:
        counter.decision_reason = "; ".join(waits_for)
    rows.add(session, counter)
    changed = _wait(session, job, counter, now=now) if waits_for else _accept(session, job, counter, now=now)
    return Countered(counter=counter_view(counter, principal), job=job_view(changed))


def list_counter_offers(
    session: Session, *, principal: Principal, state: str | None, cursor: str | None, limit: int
) -> Page[CounterOfferView]:
    """Return counter-offers, newest first: an owner's about its parts, a bureau's of its nodes, all to the operator."""
    own = None if principal.kind == "operator" else principal.organisation_id
    found = rows.read(session, CounterOffer, organisation_id=own, state=state, cursor=cursor, limit=limit + 1)
    return page_of([counter_view(row, principal) for row in found], limit=limit, cursor_of=lambda view: view.counter_id)


def decide_counter(
    session: Session, *, principal: Principal, counter_id: str, accept: bool, reason: str, now: datetime
) -> Countered:
    """Accept or refuse a counter-offer that waits, for the owner of the part or the operator. Audited.

    Refused, the line is routed again without that node. The same decision again changes nothing. Raises
    ``UnknownCounterOffer``, ``NotTheOwner``, ``CounterOfferDecided``, ``JobStateConflict`` and ``JobUnqualified``.
    """
    found = rows.find(session, CounterOffer, counter_id)
    if found is None or not may_see(session, principal, found):
        raise UnknownCounterOffer(f"there is no counter-offer {counter_id} that you may see: GET /v1/counter-offers")
    act_for_everyone(session)
    if not accept:
        lock_for_reroute(session, (found.job_id,))
    job = lock_of_owner(session, principal=principal, job_id=found.job_id)
    counter = rows.find(session, CounterOffer, counter_id, lock=True)
    assert counter is not None, "counter-offers are never deleted"
    if counter.state != "open":
        return _decided_before(principal, counter, job, accept=accept)
    require_state(job, "countered", wish="decided about")
    counter.state, counter.decision_reason = ("accepted" if accept else "refused"), reason
    counter.decided_by, counter.decided_at = principal.key_id, now
    session.flush()
    changed = _accept(session, job, counter, now=now) if accept else _refuse(session, job, counter, now=now)
    return Countered(counter=counter_view(counter, principal), job=job_view(changed))


def counter_view(counter: CounterOffer, principal: Principal) -> CounterOfferView:
    """Return the view of a counter-offer: the owner's limits, over which it waits, are the owner's and operator's."""
    named = {
        field.name: getattr(counter, field.name) for field in fields(CounterOfferView) if field.name != "counter_id"
    }
    is_owner = principal.kind == "operator" or principal.organisation_id == counter.organisation_id
    if counter.state == "open" and not is_owner:
        named["decision_reason"] = _WAITS
    return CounterOfferView(counter_id=counter.id, **named)


def _new(job: Job, wanted: NewCounterOffer, *, by: str, now: datetime) -> CounterOffer:
    price = job.price_minor if wanted.price_minor is None else wanted.price_minor
    produce_by = wanted.produce_by or job.produce_by
    if produce_by < now.date():
        raise _invalid("/produce_by", f"{produce_by} is over: name a day from today on")
    if produce_by > now.date() + _MOST_AHEAD:
        last = now.date() + _MOST_AHEAD
        raise _invalid("/produce_by", f"{produce_by} is more than {_MOST_AHEAD.days} days ahead: name {last} or before")
    if (price, produce_by) == (job.price_minor, job.produce_by):
        raise _invalid("/price", "that is what you were offered: accept it, or name another price or day")
    return CounterOffer(
        id=new_id("ctr"),
        job_id=job.id,
        organisation_id=job.organisation_id,
        node_id=job.node_id,
        price_minor=price,
        offered_price_minor=job.price_minor,
        produce_by=produce_by,
        offered_produce_by=job.produce_by,
        reason=wanted.reason,
        proposed_by=by,
        proposed_at=now,
    )


def _invalid(pointer: str, message: str) -> InvalidCounterOffer:
    return InvalidCounterOffer(message, problems=(FieldProblem(pointer=pointer, message=message),))


def _terms(counter: CounterOffer) -> Counter:
    return Counter(
        price_minor=counter.price_minor,
        produce_by=counter.produce_by,
        offered_price_minor=counter.offered_price_minor,
        offered_produce_by=counter.offered_produce_by,
    )


def _limits(session: Session, job: Job) -> Limits:
    policy = policy_of(session, organisation_id=job.organisation_id)
    terms = rows.customers_terms(session, job_id=job.id)
    if terms is None:
        return Limits(
            price_fraction=policy.counter_price_fraction,
            days=policy.counter_days,
            arrives_at=job.promised_at,
            promised_at=job.promised_at,
            landed_minor=None,
            cap_minor=None,
            duty=Fraction(0),
        )
    cap = price_cap_minor(terms.max_price_minor, criticality=terms.criticality)
    return Limits(
        price_fraction=policy.counter_price_fraction,
        days=policy.counter_days,
        arrives_at=job.promised_at,
        promised_at=terms.promised_at or job.promised_at,
        landed_minor=terms.landed_minor,
        cap_minor=cap if terms.agreed_price_minor is None else terms.agreed_price_minor,
        duty=Fraction(terms.duty_minor, terms.production_minor) if terms.production_minor else Fraction(0),
    )


def _wait(session: Session, job: Job, counter: CounterOffer, *, now: datetime) -> Job:
    until = max(job.offer_until or now, now) + _TIME_OF_OWNERS
    changed = job_rows.move_job(
        session, job.id, to="countered", values={"offer_until": until}, now=now, same_hands=True
    )
    assert changed is not None, "the job is locked and offered"
    tell(
        session,
        changed,
        "job.countered",
        actor=counter.proposed_by,
        now=now,
        counter_id=counter.id,
        price_minor=counter.price_minor,
        produce_by=counter.produce_by.isoformat(),
        waits_because=counter.decision_reason,
    )
    return changed


def _accept(session: Session, job: Job, counter: CounterOffer, *, now: datetime) -> Job:
    arrives = arrival_after(job.promised_at, offered=counter.offered_produce_by, countered=counter.produce_by)
    terms = {"price_minor": counter.price_minor, "produce_by": counter.produce_by, "promised_at": arrives}
    accepted = take(session, job, by=counter.proposed_by, now=now, terms=terms)
    actor = counter.decided_by or counter.proposed_by
    require_qualified(session, job=accepted, wish="accepted on other terms", actor=actor, now=now)
    tell(
        session,
        accepted,
        "job.accepted",
        actor=actor,
        now=now,
        counter_id=counter.id,
        price_minor=counter.price_minor,
        produce_by=counter.produce_by.isoformat(),
        promised_at=arrives.isoformat(),
    )
    tell_later_arrival(session, accepted, actor=actor, now=now)
    return accepted


def _refuse(session: Session, job: Job, counter: CounterOffer, *, now: datetime) -> Job:
    actor = counter.decided_by or ""
    reason = f"counter-offer refused: {counter.decision_reason}" if counter.decision_reason else "counter-offer refused"
    tell(session, job, "job.counter_refused", actor=actor, now=now, counter_id=counter.id)
    ended = reroute_jobs(
        session,
        job_ids=(job.id,),
        cause="counter_refused",
        reason=reason,
        actor=actor,
        now=now,
        state="declined",
        exclude=True,
    )
    return next(each for each in ended if each.id == job.id)


def _again(session: Session, principal: Principal, job: Job, wanted: NewCounterOffer) -> Countered:
    known = rows.find_open_counter(session, job_id=job.id)
    if known is None or (known.price_minor, known.produce_by) != (
        job.price_minor if wanted.price_minor is None else wanted.price_minor,
        wanted.produce_by or job.produce_by,
    ):
        raise conflict(job, wish="countered again")
    return Countered(counter=counter_view(known, principal), job=job_view(job))


def _decided_before(principal: Principal, counter: CounterOffer, job: Job, *, accept: bool) -> Countered:
    if counter.state != ("accepted" if accept else "refused"):
        raise CounterOfferDecided(f"counter-offer {counter.id} is {counter.state} already: {counter.decision_reason}")
    return Countered(counter=counter_view(counter, principal), job=job_view(job))
