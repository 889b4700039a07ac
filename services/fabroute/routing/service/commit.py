"""Writing a run down: fence, reservations, decisions, jobs, outcomes, audit and events in one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from sqlmodel import Session

from fabroute.identity.service import AuditRecord, record_audits
from fabroute.inventory.service import LicenceLease, lease_prints, return_leases
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.network.service import Reservation, release, reserve
from fabroute.orders.service import ClaimedLine, LineOutcome, lock_fenced_lines, record_outcomes
from fabroute.routing import repository
from fabroute.routing.ports import JobDispatch, JobOffer
from fabroute.routing.service.archive import store_archive
from fabroute.routing.service.builds import build_mates, with_mates
from fabroute.routing.service.decided import Decided
from fabroute.routing.service.documents import Verdict, decision_document, nearest_fix, promised_at, why
from fabroute.routing.service.facts import licence_facts, node_facts
from fabroute.routing.service.options import Option, Share, pieces_by_node
from fabroute.routing.service.policies import policy_document, policy_for
from fabroute.routing.service.policy_costs import store_costs
from fabroute.routing.service.scopes import ScopeLease, require_scope
from fabroute.routing.service.sentences import binding_code, reason_counts
from fabroute.routing.service.splits import ways_of
from fabroute.routing.service.timing import Calendars
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.eligibility import LicenceFacts
from fabroute.solver.eligibility.commerce import wanted_packaging
from fabroute.solver.eligibility.law import usable_licences

_ACTOR = "system:routing"
_TAKEN_MEANWHILE = "another order took the machine time, material or print licence in the same moment: routed again"
_NOT_ALL_PLACES = "other orders took the best places, and not all were looked at: routed again in a smaller run"
_PATIENT_ATTEMPTS = 3

RunKind = Literal["joint", "quote", "online", "improve"]
_DECISION_KINDS: Mapping[RunKind, str] = {"joint": "first", "quote": "first", "online": "online", "improve": "improved"}


class MovesContended(DomainError):
    """What moved lines were to get was taken in the same moment: nothing of the moves may be committed."""

    code = "moves_contended"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Which run it is, for which planning scope, under which limits, and how long it has taken so far."""

    run_id: str
    scope: str
    limits: Mapping[str, object]
    wall_ms: int
    kind: RunKind = "joint"
    scope_lease: ScopeLease | None = None
    """Of a run over a planning scope, which must still be held; ``None`` for a line that somebody decides alone."""
    may_repeat: bool = False
    """Whether the caller decides again at once what lost a race; else those lines go back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How many lines got a job, have no place, or got nothing because what they were to get was gone."""

    routed: int
    no_route: int
    deferred: int
    again: frozenset[str] = frozenset()
    """Of the deferred ones, those that are still the caller's: it is to decide them again at once."""
    offers: tuple[JobOffer, ...] = ()
    """The jobs that were handed out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A verdict on its way into the database, with the ids of what it makes."""

    verdict: Verdict
    decision_id: str
    job_ids: tuple[str, ...]
    """One for each part of the chosen option; none for a line without a place."""
    sentence: str

    @property
    def line(self) -> ClaimedLine:
        return self.verdict.choices.line


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """A job on its way into the database: the whole of a routed line, or one share of it."""

    entry: _Entry
    share: Share
    share_no: int
    job_id: str
    minutes_by_day: tuple[tuple[date, int], ...]

    @property
    def line(self) -> ClaimedLine:
        return self.entry.line

    @property
    def build_key(self) -> str | None:
        chosen = self.entry.verdict.chosen
        return None if chosen is None or chosen.build is None else chosen.build.key


def write_run(
    session: Session, *, facts: RunFacts, snapshot: RoutingSnapshot, decided: Decided, dispatch: JobDispatch
) -> Written:
    """Write down what a run decided, as far as it still holds.

    Lines that someone else took over, or that were cancelled, are left alone. Lines whose machine time, material or
    print licence is gone are routed again, by the caller or later; so are those that had to yield to lines which get no
    job now. Locks are taken in one order: scope, lines, licences, lots, slots, nodes, orders. Raises ``ScopeLost`` if
    another worker has the scope.
    """
    now = snapshot.now
    if facts.scope_lease is not None:
        require_scope(session, facts.scope_lease)
    held = lock_fenced_lines(session, fences={line.line_id: line.fence for line in snapshot.lines})
    entries = [_entry(verdict, decided) for verdict in decided.verdicts if _line_id(verdict) in held]
    refused = _hold(session, _works(entries, decided), snapshot, decided)
    refused = frozenset(refused) | _yielded(entries, refused, decided)
    kept = [entry for entry in entries if entry.line.line_id not in refused and entry.verdict.is_final]
    deferred = [entry for entry in entries if entry.line.line_id in refused or not entry.verdict.is_final]
    again = refused if facts.may_repeat else frozenset()
    written = Written(
        routed=len(_routed(kept)), no_route=len(kept) - len(_routed(kept)), deferred=len(deferred), again=again
    )
    repository.insert_run(session, _run_row(facts, snapshot, decided, written) | _comparison(kept, decided))
    repository.insert_decisions(session, [_decision_row(entry, facts, decided, now=now) for entry in kept])
    offers = tuple(_offer(work, snapshot, decided) for work in _works(kept, decided))
    dispatch(session, offers=offers, now=now)
    sent_back = [_sent_back(entry, now=now) for entry in deferred if entry.line.line_id not in again]
    outcomes = (*(_outcome(entry, decided.calendars) for entry in kept), *sent_back)
    record_outcomes(session, outcomes=outcomes, now=now)
    record_audits(session, entries=[_audit(entry, run_id=facts.run_id, now=now) for entry in kept])
    _keep_run(session, facts.run_id, decided, now=now)
    return replace(written, offers=offers)


def _yielded(entries: Sequence[_Entry], refused: Collection[str], decided: Decided) -> frozenset[str]:
    """Return the lines that were outbid, where one that a place was planned for gets no job: it may be free again."""
    written = {entry.line.line_id for entry in entries} - set(refused)
    if all(_line_id(verdict) in written for verdict in decided.verdicts if verdict.chosen is not None):
        return frozenset()
    return frozenset(entry.line.line_id for entry in entries if entry.verdict.was_outbid)


def _keep_run(session: Session, run_id: str, decided: Decided, *, now: datetime) -> None:
    """Keep what a plan was made from, and what the rules of policies cost in it."""
    if decided.archive is not None:
        store_archive(session, run_id=run_id, content=decided.archive, now=now)
    store_costs(session, run_id=run_id, costs=decided.rule_costs, now=now)


def write_moves(
    session: Session, *, facts: RunFacts, snapshot: RoutingSnapshot, decided: Decided, dispatch: JobDispatch
) -> Mapping[str, str]:
    """Write new decisions, reservations and jobs for lines that move; return by line the id of its decision.

    The caller has locked the lines and taken their jobs back in this transaction, with all that these held. Raises
    ``MovesContended``, and nothing may be committed then, if one of the lines does not get all of what it is to get.
    """
    now, entries = snapshot.now, [_entry(verdict, decided) for verdict in decided.verdicts]
    works = _works(entries, decided)
    refused = _hold(session, works, snapshot, decided)
    if refused:
        raise MovesContended(f"{len(refused)} of {len(entries)} lines can't have what they were to move to")
    written = Written(routed=len(entries), no_route=0, deferred=0)
    repository.insert_run(session, _run_row(facts, snapshot, decided, written) | _comparison(entries, decided))
    repository.insert_decisions(session, [_decision_row(entry, facts, decided, now=now) for entry in entries])
    dispatch(session, offers=tuple(_offer(work, snapshot, decided) for work in works), now=now)
    record_audits(session, entries=[_audit(entry, run_id=facts.run_id, now=now) for entry in entries])
    _keep_run(session, facts.run_id, decided, now=now)
    return {entry.line.line_id: entry.decision_id for entry in entries}


def _run_row(facts: RunFacts, snapshot: RoutingSnapshot, decided: Decided, written: Written) -> dict[str, object]:
    plan = decided.plan
    return {
        "id": facts.run_id,
        "planning_scope": facts.scope,
        "kind": facts.kind,
        "started_at": snapshot.now,
        "finished_at": snapshot.now + timedelta(milliseconds=facts.wall_ms),
        "engine": plan.engine,
        "status": plan.status.value,
        "seed": plan.seed,
        "limits": dict(facts.limits),
        "snapshot_sha256": decided.snapshot_sha256,
        "lines": len(snapshot.lines),
        "options": decided.options,
        "routed": written.routed,
        "no_route": written.no_route,
        "deferred": written.deferred,
        "prices": decided.prices,
        "cost_millis": plan.cost,
        "bound_millis": plan.bound,
        "gap": plan.gap,
        "solve_ms": plan.wall_ms,
        "wall_ms": facts.wall_ms,
    }


def _comparison(entries: Sequence[_Entry], decided: Decided) -> dict[str, object]:
    """Return the plan beside one-by-one, cheapest-first routing, over the lines that were written down."""
    chosen = {entry.line.line_id: option for entry, option in _routed(entries)}
    lines = {entry.line.line_id for entry in entries}
    baseline = {line_id: option for line_id, option in decided.baseline.items() if line_id in lines}
    both = chosen.keys() & baseline.keys()
    return {
        "landed_minor": _landed(chosen.values()),
        "baseline_landed_minor": _landed(baseline.values()),
        "baseline_no_route": len(lines) - len(baseline),
        "both_lines": len(both),
        "both_landed_minor": _landed(chosen[line_id] for line_id in both),
        "baseline_both_landed_minor": _landed(baseline[line_id] for line_id in both),
    }


def _landed(options: Iterable[Option]) -> int:
    return sum(option.price.landed_minor for option in options)


def _sent_back(entry: _Entry, *, now: datetime) -> LineOutcome:
    """A line that lost a race goes on at once; one that loses again and again lets the others pass."""
    line, reason = entry.line, _TAKEN_MEANWHILE if entry.verdict.is_final else _NOT_ALL_PLACES
    pause = timedelta(seconds=max(0, line.attempts - _PATIENT_ATTEMPTS))
    return LineOutcome(line_id=line.line_id, state="pending", reason=reason, next_attempt_at=now + pause)


def _entry(verdict: Verdict, decided: Decided) -> _Entry:
    sentence = decided.sentences.get(_line_id(verdict)) or why(verdict, decided.calendars)
    return _Entry(
        verdict=verdict,
        decision_id=new_id("dec"),
        job_ids=tuple(new_id("job") for _ in _parts(verdict)),
        sentence=sentence,
    )


def _parts(verdict: Verdict) -> tuple[Share, ...]:
    return () if verdict.chosen is None else verdict.chosen.parts(verdict.choices.line.quantity)


def _works(entries: Iterable[_Entry], decided: Decided) -> list[_Work]:
    """Return the jobs of all routed lines: one for each machine that works for the line."""
    works = []
    for entry in entries:
        days = {each.machine_id: each.minutes_by_day for each in decided.days.get(entry.line.line_id, ())}
        works += [
            _Work(
                entry=entry,
                share=share,
                share_no=entry.line.next_share_no + number,
                job_id=job_id,
                minutes_by_day=days[share.way.offer.machine_id],
            )
            for number, (share, job_id) in enumerate(zip(_parts(entry.verdict), entry.job_ids, strict=True))
        ]
    return works


def _line_id(verdict: Verdict) -> str:
    return verdict.choices.line.line_id


def _routed(entries: Sequence[_Entry]) -> list[tuple[_Entry, Option]]:
    return [(entry, entry.verdict.chosen) for entry in entries if entry.verdict.chosen is not None]


def _hold(session: Session, works: Sequence[_Work], snapshot: RoutingSnapshot, decided: Decided) -> Collection[str]:
    """Hold licensed prints, material and machine time; return the lines that don't get all of them for all jobs.

    A line gets everything or nothing: what some of its jobs got is given back where another of them was refused. So do
    the lines of a build, of which each pays its part only: all of them or none.
    """
    now, line_of = snapshot.now, {work.job_id: work.line.line_id for work in works}
    mates = build_mates({_line_id(verdict): verdict.chosen for verdict in decided.verdicts})
    unlicensed = {line_of[job_id] for job_id in _lease(session, works, snapshot, decided.calendars)}
    unlicensed = with_mates(unlicensed | (mates.keys() - line_of.values()), mates)
    licensed = [work for work in works if work.line.line_id not in unlicensed]
    refused = _reserve(session, licensed, now=now)
    lost = with_mates({line_of[job_id] for job_id in refused}, mates)
    half_held = [work.job_id for work in licensed if work.line.line_id in lost and work.job_id not in refused]
    if half_held:
        release(session, job_ids=half_held, now=now)
    if unlicensed or lost:
        given_up = [work.job_id for work in works if work.line.line_id in unlicensed | lost]
        return_leases(session, job_ids=given_up, now=now)
    return (unlicensed | lost) & set(line_of.values())


def _lease(session: Session, works: Sequence[_Work], snapshot: RoutingSnapshot, calendars: Calendars) -> frozenset[str]:
    """Lease prints for the jobs whose revisions need a licence; return the ids of the jobs that got none."""
    licences = {key: list(map(licence_facts, held)) for key, held in snapshot.licences.items()}
    leases, refused = [], set()
    for work in works:
        if not snapshot.revisions[work.line.revision_id].licence_required:
            continue
        taken = _taken(licences.get(work.line.revision_id, []), work.share, through=calendars.day(work.share.bucket))
        if taken is None:
            refused.add(work.job_id)
        else:
            leases.append(LicenceLease(job_id=work.job_id, licence_id=taken, prints=work.share.quantity))
    return frozenset(refused) | lease_prints(session, leases=tuple(leases), now=snapshot.now)


def _taken(licences: list[LicenceFacts], share: Share, *, through: date) -> str | None:
    """Take a job's prints from the licence to be used up first and return its id; None if there is none any more."""
    node, prints = node_facts(share.way.node), share.quantity
    usable = usable_licences(node, licences, prints=prints, through=through)
    if not usable:
        return None
    licences[licences.index(usable[0])] = replace(usable[0], left=usable[0].left - prints)
    return usable[0].licence_id


def _reserve(session: Session, works: Sequence[_Work], *, now: datetime) -> frozenset[str]:
    reservations = tuple(
        Reservation(
            job_id=work.job_id,
            lot_id=work.share.way.lot.lot_id,
            grams=work.share.way.grams,
            machine_id=work.share.way.offer.machine_id,
            minutes_by_day=work.minutes_by_day,
        )
        for work in works
    )
    return reserve(session, reservations=reservations, now=now)


def _decision_row(entry: _Entry, facts: RunFacts, decided: Decided, *, now: datetime) -> dict[str, object]:
    verdict, chosen = entry.verdict, entry.verdict.chosen
    return {
        "id": entry.decision_id,
        "organisation_id": entry.line.organisation_id,
        "run_id": facts.run_id,
        "kind": _DECISION_KINDS[facts.kind],
        "order_id": entry.line.order_id,
        "order_line_id": entry.line.line_id,
        "fence": entry.line.fence,
        "outcome": "no_route" if chosen is None else "routed",
        "node_id": None if chosen is None else chosen.way.node.node_id,
        "machine_id": None if chosen is None else chosen.way.offer.machine_id,
        "revision_id": entry.line.revision_id,
        "placed": None if chosen is None else pieces_by_node(chosen, entry.line.quantity),
        "landed_minor": None if chosen is None else chosen.price.landed_minor,
        "promised_at": None if chosen is None else promised_at(chosen, decided.calendars),
        "co2e_g": None if chosen is None else chosen.price.co2e_g,
        "candidates": len({way.node.node_id for way in ways_of(verdict.candidates)}),
        "excluded": len(verdict.exclusions),
        "why": entry.sentence,
        "document": decision_document(
            verdict,
            sentence=entry.sentence,
            solver={"run_id": facts.run_id, **decided.solver_facts},
            calendars=decided.calendars,
        )
        | {"policy": policy_document(policy_for(decided.policies, entry.line.organisation_id))}
        | dict(decided.notes.get(entry.line.line_id, {})),
        "decided_at": now,
        "binding": binding_code(verdict.exclusions) if chosen is None else None,
        "fix": nearest_fix(verdict),
        "reasons": reason_counts(verdict.exclusions),
    }


def _offer(work: _Work, snapshot: RoutingSnapshot, decided: Decided) -> JobOffer:
    line, share, way = work.line, work.share, work.share.way
    revision = snapshot.revisions[line.revision_id]
    return JobOffer(
        job_id=work.job_id,
        organisation_id=line.organisation_id,
        node_id=way.node.node_id,
        order_id=line.order_id,
        order_line_id=line.line_id,
        share_no=work.share_no,
        decision_id=work.entry.decision_id,
        revision_id=line.revision_id,
        part_no=revision.part_no,
        quantity=share.quantity,
        machine_id=way.offer.machine_id,
        material=way.offer.material.code,
        parameter_set=way.offer.parameter_set,
        lot_id=way.lot.lot_id,
        grams=way.grams,
        machine_minutes=way.machine_minutes,
        price_minor=way.price.production_minor,
        produce_by=decided.calendars.day(share.bucket),
        shipping_service=way.service,
        packaging=", ".join(wanted_packaging(order=line.packaging, part=revision.packaging)),
        ship_to_city=line.ship_to_city,
        ship_to_country=line.ship_to_country,
        promised_at=decided.calendars.instant(share.minutes),
        dispatch_at=decided.dispatch_at.get(line.line_id),
        build_key=work.build_key,
        first_article=line.first_article,
    )


def _outcome(entry: _Entry, calendars: Calendars) -> LineOutcome:
    line_id, decision_id, chosen = entry.line.line_id, entry.decision_id, entry.verdict.chosen
    if chosen is not None:
        return LineOutcome(
            line_id=line_id,
            state="routed",
            decision_id=decision_id,
            promised_at=promised_at(chosen, calendars),
            promised_minor=chosen.price.landed_minor,
        )
    reason = binding_code(entry.verdict.exclusions)
    return LineOutcome(line_id=line_id, state="no_route", decision_id=decision_id, reason=reason)


def _audit(entry: _Entry, *, run_id: str, now: datetime) -> AuditRecord:
    chosen = entry.verdict.chosen
    return AuditRecord(
        organisation_id=entry.line.organisation_id,
        occurred_at=now,
        actor=_ACTOR,
        action="order_line.no_route" if chosen is None else "order_line.routed",
        subject_type="order_line",
        subject_id=entry.line.line_id,
        data={
            "run_id": run_id,
            "decision_id": entry.decision_id,
            "node_id": None if chosen is None else chosen.way.node.node_id,
            **({"shares": len(chosen.shares)} if chosen is not None and chosen.shares else {}),
        },
    )
