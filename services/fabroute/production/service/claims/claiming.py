"""Claim jobs: any number of clients, of any number of nodes, in one transaction."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fabroute.identity.service import record_audits
from fabroute.inventory.service import RevisionView
from fabroute.kernel.ids import new_id
from fabroute.network import service as network
from fabroute.network.service.queues import ClaimingNode, claiming_nodes
from fabroute.outbox import service as outbox
from fabroute.production.events import job_event
from fabroute.production.models import Job
from fabroute.production.repository import claims as claim_rows
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository.claims import NewLease, StoredClaim
from fabroute.production.service.access import UnknownJob, conflict
from fabroute.production.service.claims.asking import (
    AskedClaim,
    Claimed,
    ClaimKeyContended,
    ClaimKeyReused,
    ClaimResult,
    ClaimTerms,
    JobAlreadyClaimed,
    NothingToClaim,
)
from fabroute.production.service.claims.following import tell_claims
from fabroute.production.service.claims.packets import packets_of
from fabroute.production.service.holds import hold_closed
from fabroute.production.service.phases.accepting import is_offer_over, offer_lapsed
from fabroute.production.service.recheck import JobUnqualified, Reasons, closed_gates, words_of
from fabroute.production.service.telling import audit_entry
from fabroute.production.service.views import JobView

_ACTOR = "system:production"
_ROUNDS = 3
"""How often others are looked for where jobs turned out to be unqualified; the next claim looks on."""
_MOST_AT_ONCE = 500


@dataclass(slots=True, kw_only=True)
class _Batch:
    """Claims that are answered together: by their numbers, what each gets and what became of it."""

    session: Session
    asked: Sequence[AskedClaim]
    terms: ClaimTerms
    now: datetime
    nodes: Mapping[str, ClaimingNode] = field(default_factory=dict)
    revisions: dict[str, RevisionView] = field(default_factory=dict)
    granted: dict[int, list[str]] = field(default_factory=dict)
    results: dict[int, ClaimResult] = field(default_factory=dict)

    def open(self) -> list[tuple[int, AskedClaim]]:
        """Return the claims without a result so far."""
        return [(number, ask) for number, ask in enumerate(self.asked) if number not in self.results]


def claim_jobs(session: Session, *, asked: Sequence[AskedClaim], terms: ClaimTerms, now: datetime) -> list[ClaimResult]:
    """Answer claims, in their order: each gets the soonest due of its node's offered jobs that nobody holds.

    Only jobs whose gates are all open now are given out; others are held. Every claimed job has a lease until its node
    must have answered. Audited, ``job.claimed``. The answers are kept with their keys; that nothing was there is not.
    Raises ``ClaimKeyContended`` for all of them where another transaction has taken one of the keys meanwhile.
    """
    batch = _Batch(session=session, asked=asked, terms=terms, now=now)
    _recall(batch)
    _refuse_strangers(batch)
    _grant_named(batch)
    _grant_oldest(batch)
    _give(batch)
    return [batch.results.get(number, NothingToClaim()) for number in range(len(asked))]


def _recall(batch: _Batch) -> None:
    keys = [(ask.principal.organisation_id, ask.idempotency_key) for ask in batch.asked]
    known = claim_rows.find_answers(batch.session, keys)
    for number, (ask, key) in enumerate(zip(batch.asked, keys, strict=True)):
        if key not in known:
            continue
        if known[key].request_sha256 == ask.request_sha256:
            batch.results[number] = Claimed(body=bytes(known[key].body), is_replay=True)
        else:
            advice = "this Idempotency-Key belongs to a request with another body: use a new key"
            batch.results[number] = ClaimKeyReused(advice)


def _refuse_strangers(batch: _Batch) -> None:
    batch.nodes = claiming_nodes(batch.session, node_ids={ask.node_id for ask in batch.asked})
    for number, ask in batch.open():
        node = batch.nodes.get(ask.node_id)
        if node is None or (ask.principal.kind != "operator" and node.organisation_id != ask.principal.organisation_id):
            batch.results[number] = network.UnknownNode(f"there is no node {ask.node_id} of yours")


def _grant_named(batch: _Batch) -> None:
    """Grant jobs that are asked for by their ids: each to the first that asks for it."""
    named = {number: ask.job_id for number, ask in batch.open() if ask.job_id is not None}
    if not named:
        return
    jobs = claim_rows.lock_named(batch.session, set(named.values()))
    wanted: dict[str, int] = {}
    for number, job_id in named.items():
        job = jobs.get(job_id)
        if job is None or job.node_id != batch.asked[number].node_id or not job.known_to_node:
            batch.results[number] = UnknownJob(f"there is no job {job_id} in this queue")
        elif job.state == "offered" and (job.lease_id is not None or job_id in wanted):
            batch.results[number] = JobAlreadyClaimed(
                f"job {job_id} was claimed by another client: claim without job_id to get another one"
            )
        elif job.state != "offered":
            batch.results[number] = conflict(job, wish="claimed")
        elif is_offer_over(job, now=batch.now):
            batch.results[number] = offer_lapsed(job)
        else:
            wanted[job_id] = number
    closed = _hold_unqualified(batch, wanted)
    for job_id, number in wanted.items():
        if closed.get(job_id):
            batch.results[number] = _unqualified(batch, jobs[job_id], number, closed[job_id])
        else:
            batch.granted[number] = [job_id]


def _grant_oldest(batch: _Batch) -> None:
    """Grant the soonest due jobs of each node to its claims, whoever came first first."""
    asking = [(number, ask) for number, ask in batch.open() if ask.job_id is None]
    wanted = Counter[str]()
    for _, ask in asking:
        wanted[ask.node_id] += ask.most
    found = _qualified(batch, wanted) if wanted else {}
    for number, ask in asking:
        free = found.get(ask.node_id, [])
        if free:
            batch.granted[number], found[ask.node_id] = free[: ask.most], free[ask.most :]


def _qualified(batch: _Batch, wanted: Counter[str]) -> dict[str, list[str]]:
    """Return, by node, so many offered jobs with open gates, or more, locked; those with closed ones are held."""
    besides = {job_id for job_ids in batch.granted.values() for job_id in job_ids}
    found: dict[str, list[str]] = {}
    for number in range(_ROUNDS):
        missing = {node_id: count - len(found.get(node_id, ())) for node_id, count in wanted.items()}
        missing = {node_id: _at_once(count, number) for node_id, count in missing.items() if count > 0}
        locked = _lock_claimable(batch, missing, besides) if missing else []
        besides.update(job_id for _, job_id in locked)
        closed = _hold_unqualified(batch, [job_id for _, job_id in locked])
        for node_id, job_id in locked:
            if not closed.get(job_id):
                found.setdefault(node_id, []).append(job_id)
        if not any(closed.values()):
            break
    return found


def _lock_claimable(batch: _Batch, missing: Mapping[str, int], besides: Collection[str]) -> list[tuple[str, str]]:
    return claim_rows.lock_claimable(batch.session, missing, besides=besides, now=batch.now)


def _at_once(count: int, number: int) -> int:
    """Return how many jobs to look at in a round: where many are unqualified, ever more of them at once."""
    return max(count, min(count << (3 * number), _MOST_AT_ONCE))


def _hold_unqualified(batch: _Batch, job_ids: Collection[str]) -> dict[str, Reasons]:
    """Return the closed gates of the jobs, by their ids, and hold those that have any."""
    if not job_ids:
        return {}
    checked = job_rows.read_checked(batch.session, job_ids=job_ids)
    revision_ids, node_ids = {job.revision_id for job in checked}, {job.node_id for job in checked}
    facts = batch.terms.book.facts(batch.session, revision_ids=revision_ids, node_ids=node_ids)
    closed = closed_gates(batch.session, checked, today=batch.now.date(), facts=facts)
    batch.revisions |= {revision_id: facts.revisions[revision_id] for revision_id in revision_ids}
    unqualified = [job_id for job_id, reasons in closed.items() if reasons]
    if unqualified:
        hold_closed(batch.session, job_ids=unqualified, actor=_ACTOR, now=batch.now)
    return closed


def _unqualified(batch: _Batch, job: Job, number: int, closed: Reasons) -> JobUnqualified:
    codes = ", ".join(reason.code for reason in closed)
    actor = batch.asked[number].principal.key_id
    entry = audit_entry(
        job.id, job.organisation_id, "job.refused", actor=actor, now=batch.now, wish="claimed", codes=codes
    )
    return JobUnqualified(f"job {job.id} can't be claimed: {words_of(closed)}. It is held now", entry=entry)


def _give(batch: _Batch) -> None:
    """Lease the granted jobs, tell of it, and keep the answers."""
    if not batch.granted:
        return
    leases = [_lease(batch, number, job_id) for number, job_ids in batch.granted.items() for job_id in job_ids]
    rows = claim_rows.give_leases(batch.session, leases, now=batch.now)
    jobs = [_view(rows[lease.job_id]) for lease in leases]
    packets = {packet.job.job_id: packet for packet in packets_of(batch.session, jobs, batch.revisions)}
    for number, job_ids in batch.granted.items():
        batch.results[number] = Claimed(body=batch.terms.answer([packets[job_id] for job_id in job_ids]))
    _tell(batch, jobs)
    _store(batch)
    asked = {job_id: batch.asked[number].traceparent for number, job_ids in batch.granted.items() for job_id in job_ids}
    tell_claims(batch.session, jobs, requests=asked, now=batch.now)


def _view(row: dict[str, Any]) -> JobView:
    return JobView(job_id=row.pop("id"), **row)


def _lease(batch: _Batch, number: int, job_id: str) -> NewLease:
    ask = batch.asked[number]
    seconds = batch.nodes[ask.node_id].offer_seconds or batch.terms.offer_seconds
    return NewLease(job_id=job_id, lease_id=new_id("lse"), claimed_by=ask.principal.key_id, seconds=seconds)


def _tell(batch: _Batch, jobs: Sequence[JobView]) -> None:
    """Tell of claimed jobs: as ``telling.tell_all``, but each by whoever claimed it."""
    outbox.record_all(
        batch.session,
        [
            job_event(
                "job.claimed",
                job_id=job.job_id,
                organisation_id=job.organisation_id,
                node_id=job.node_id,
                order_line_id=job.order_line_id,
                occurred_at=batch.now,
                epoch=job.lease_epoch,
            )
            for job in jobs
        ],
    )
    record_audits(
        batch.session,
        entries=[
            audit_entry(
                job.job_id,
                job.organisation_id,
                "job.claimed",
                actor=job.claimed_by or _ACTOR,
                now=batch.now,
                node_id=job.node_id,
                epoch=job.lease_epoch,
            )
            for job in jobs
        ],
    )
    network.bump_queue_versions(batch.session, node_ids=sorted({job.node_id for job in jobs}))


def _store(batch: _Batch) -> None:
    kept = [
        StoredClaim(
            organisation_id=batch.asked[number].principal.organisation_id,
            key=batch.asked[number].idempotency_key,
            request_sha256=batch.asked[number].request_sha256,
            body=result.body,
            claim_id=new_id("clm"),
        )
        for number, result in batch.results.items()
        if isinstance(result, Claimed) and not result.is_replay
    ]
    if claim_rows.store_answers(batch.session, kept, now=batch.now) < len(kept):
        raise ClaimKeyContended("a request with this Idempotency-Key is being answered: repeat it in a second")
