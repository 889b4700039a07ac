"""The gates asked again about jobs: at acceptance, at every file release, at good prints, and when things change."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from fabroute.identity.service import AuditedRefusal
from fabroute.inventory import service as inventory
from fabroute.inventory.service import LeaseView, RevisionView
from fabroute.network import service as network
from fabroute.network.service import LotView, NodeDetail, OfferView
from fabroute.production.models import Job
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository.jobs import CheckedJob
from fabroute.production.service.telling import audit_entry
from fabroute.qualification import service as qualification
from fabroute.qualification.service import Qualifications
from fabroute.routing.rules import SAME_COUNTRY
from fabroute.routing.service.facts import (
    certificate_facts,
    first_article_facts,
    line_facts,
    lot_facts,
    node_facts,
    offer_facts,
)
from fabroute.routing.service.gates import same_country
from fabroute.solver.eligibility import Exclusion, ExclusionCode, LineFacts, ProductionWindow
from fabroute.solver.eligibility.law import export_control, ip_policy
from fabroute.solver.eligibility.machine import file_validated, parameter_set_allowed, parameter_set_qualified
from fabroute.solver.eligibility.proofs import certificate_expires, certificate_missing, part_qualified
from fabroute.solver.eligibility.supply import lot_usable
from fabroute.solver.eligibility.worlds import same_world

Reasons = tuple[Exclusion, ...]
Window = Callable[[CheckedJob, date], ProductionWindow]


class JobUnqualified(AuditedRefusal):
    """A gate has closed since the job was offered: certificate, first article, export, owner's policy, lot, licence."""

    code = "job_unqualified"
    status = 409


def recheck_jobs(session: Session, *, job_ids: Collection[str], now: datetime) -> dict[str, Reasons]:
    """Return, for each of these jobs, the gates that are closed to it from today through its last day of production."""
    return closed_gates(session, job_rows.read_checked(session, job_ids=job_ids), today=now.date())


def require_qualified(session: Session, *, job: Job, wish: str, actor: str, now: datetime) -> None:
    """Raise ``JobUnqualified``, for the audit log, if a gate is closed to the job; ``wish`` is what is refused then."""
    closed = recheck_jobs(session, job_ids=[job.id], now=now)[job.id]
    if closed:
        codes = ", ".join(reason.code for reason in closed)
        entry = audit_entry(job.id, job.organisation_id, "job.refused", actor=actor, now=now, wish=wish, codes=codes)
        raise JobUnqualified(
            f"job {job.id} can't be {wish}: {words_of(closed)}. Nobody may make it here until that is put right",
            entry=entry,
        )


def without_first_article(session: Session, *, job_ids: Collection[str], now: datetime) -> frozenset[str]:
    """Return those of these jobs whose machine has no first article that counts through their production."""
    closed = recheck_jobs(session, job_ids=job_ids, now=now)
    lacking = ExclusionCode.PART_NOT_QUALIFIED
    return frozenset(job_id for job_id, reasons in closed.items() if any(it.code is lacking for it in reasons))


def words_of(closed: Iterable[Exclusion]) -> str:
    """Return the closed gates as one sentence: codes with figures."""
    return "; ".join(f"{reason.code}: {reason.message}" for reason in closed)


def through_production(job: CheckedJob, today: date) -> ProductionWindow:
    """The days from today to the job's last day of production: what has to hold when something is given out."""
    return ProductionWindow(first_day=today, last_day=max(today, job.produce_by))


def at_the_end(job: CheckedJob, today: date) -> ProductionWindow:
    """The job's last day of production: what will be proved by then is no reason to hold a job now."""
    last_day = max(today, job.produce_by)
    return ProductionWindow(first_day=last_day, last_day=last_day)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """What gates look at beside the job itself and its licence."""

    revisions: Mapping[str, RevisionView]
    nodes: Mapping[str, NodeDetail]
    proofs: Qualifications


def read_gate_facts(session: Session, *, revision_ids: Collection[str], node_ids: Collection[str]) -> GateFacts:
    """Return the facts about these revisions and nodes, by three queries and six for each node."""
    return GateFacts(
        revisions=inventory.read_revisions(session, revision_ids=revision_ids),
        nodes={node_id: network.get_node(session, node_id=node_id) for node_id in sorted(node_ids)},
        proofs=qualification.read_qualifications(session, revision_ids=revision_ids, node_ids=node_ids),
    )


def closed_gates(
    session: Session,
    jobs: Sequence[CheckedJob],
    *,
    today: date,
    window: Window = through_production,
    facts: GateFacts | None = None,
) -> dict[str, Reasons]:
    """Return the closed gates of each job, by some queries for any number of jobs; none where all are open.

    ``facts`` are those of now, where the caller has them.
    """
    if facts is None:
        revision_ids, node_ids = {job.revision_id for job in jobs}, {job.node_id for job in jobs}
        facts = read_gate_facts(session, revision_ids=revision_ids, node_ids=node_ids)
    gates = _Gates(session, jobs, facts)
    return {job.job_id: gates.closed_to(job, window(job, today)) for job in jobs}


class _Gates:
    """What is known of the jobs' revisions, nodes and proofs; like jobs are looked at once."""

    def __init__(self, session: Session, jobs: Sequence[CheckedJob], facts: GateFacts) -> None:
        self._revisions, self._nodes, self._proofs = facts.revisions, facts.nodes, facts.proofs
        node_ids = {job.node_id for job in jobs}
        self._lots = {lot.lot_id: lot for node_id in node_ids for lot in self._nodes[node_id].lots}
        licensed = [job.job_id for job in jobs if self._revisions[job.revision_id].licence_required]
        self._leases = inventory.leases_of(session, job_ids=licensed) if licensed else {}
        self._like: dict[tuple[object, ...], Reasons] = {}

    def closed_to(self, job: CheckedJob, window: ProductionWindow) -> Reasons:
        """Return the gates that are closed to a job in the days of ``window``."""
        key = (
            *(job.revision_id, job.node_id, job.machine_id, job.material, job.parameter_set),
            *(job.ship_to_country, job.criticality, job.first_article, window),
        )
        if key not in self._like:
            self._like[key] = self._closed_to_all_like(job, window)
        own = (lot_released(self._lots.get(job.lot_id or ""), job, window), self._licence(job, window))
        return (*self._like[key], *(reason for reason in own if reason is not None))

    def _closed_to_all_like(self, job: CheckedJob, window: ProductionWindow) -> Reasons:
        node = self._nodes[job.node_id]
        line = line_facts(
            self._revisions[job.revision_id],
            criticality=job.criticality,
            destination_country=job.ship_to_country,
            packaging=job.packaging,
            first_article=job.first_article,
        )
        facts = node_facts(node)
        found = (
            same_world(line, facts),
            file_validated(line),
            export_control(line, facts),
            ip_policy(line, facts),
            same_country(line, facts) if job.criticality in SAME_COUNTRY else None,
            *self._of_machine(job, line, window),
        )
        return tuple(reason for reason in found if reason is not None)

    def _of_machine(self, job: CheckedJob, line: LineFacts, window: ProductionWindow) -> tuple[Exclusion | None, ...]:
        offer = next((offer for offer in self._nodes[job.node_id].offers if _is_of(offer, job)), None)
        if offer is None:
            return (offer_gone(job),)
        offered = offer_facts(offer, machine_status="up")
        held = [certificate_facts(certificate) for certificate in self._proofs.certificates.get(job.node_id, ())]
        key = (job.revision_id, job.machine_id, job.material, job.parameter_set)
        return (
            parameter_set_qualified(offered),
            parameter_set_allowed(line, offered),
            certificate_missing(line, offered, held),
            certificate_expires(line, offered, held, window),
            part_qualified(line, offered, first_article_facts(self._proofs.first_articles.get(key)), window),
        )

    def _licence(self, job: CheckedJob, window: ProductionWindow) -> Exclusion | None:
        if not self._revisions[job.revision_id].licence_required:
            return None
        return licence_held(self._leases.get(job.job_id), job, window)


def lot_released(lot: LotView | None, job: CheckedJob, window: ProductionWindow) -> Exclusion | None:
    """Require that the lot that the job draws from may still be used through production."""
    if lot is None:
        return None
    wrong = lot_usable(lot_facts(lot), window)
    if wrong is None:
        return None
    return Exclusion(
        code=ExclusionCode.LOT_BLOCKED,
        message=f"lot {lot.lot_id} of {lot.material} {wrong}",
        figures={"lot_id": lot.lot_id, "state": lot.state, "expires_on": lot.expires_on.isoformat()},
        machine_id=job.machine_id,
    )


def licence_held(lease: LeaseView | None, job: CheckedJob, window: ProductionWindow) -> Exclusion | None:
    """Require that the job holds prints of a licence that is active through production."""
    if lease is None:
        message, state = "the owner's print licence holds nothing for this job", "none"
    elif lease.licence_state != "active":
        reason = f" ({lease.licence_reason})" if lease.licence_reason else ""
        message, state = f"the print licence is {lease.licence_state}{reason}", lease.licence_state
    elif lease.valid_to is not None and lease.valid_to < window.last_day:
        message, state = f"the print licence ends {lease.valid_to}, build ends {window.last_day}", "expired"
    else:
        return None
    licence_id = "none" if lease is None else lease.licence_id
    return Exclusion(
        code=ExclusionCode.IP_POLICY,
        message=message,
        figures={"licence": licence_id, "state": state, "node_id": job.node_id},
    )


def offer_gone(job: CheckedJob) -> Exclusion:
    """Say that the node doesn't offer the job's machine with this material and parameter set any more."""
    return Exclusion(
        code=ExclusionCode.NO_PARAMETER_SET,
        message=f"{job.machine_id} is not offered with {job.material} and {job.parameter_set} any more",
        figures={"parameter_set": job.parameter_set, "material": job.material},
        machine_id=job.machine_id,
    )


def _is_of(offer: OfferView, job: CheckedJob) -> bool:
    wanted = (job.machine_id, job.material, job.parameter_set)
    return (offer.machine_id, offer.material.code, offer.parameter_set) == wanted
