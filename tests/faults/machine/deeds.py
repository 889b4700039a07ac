"""What can be done in one transaction: how the product does it, and what the model says of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError
from fabroute.network.service import LotState, StatusChange
from fabroute.orders.service import requeue_unroutable
from fabroute.production.models import CounterOffer
from fabroute.production.service import accept_job, issue_ticket, redeem_ticket, report_print
from fabroute.production.service.claims import AskedClaim, Claimed, ClaimTerms, claim_jobs
from fabroute.production.service.claims.packets import Packet
from fabroute.production.service.ending import cancel_order, take_back_held, take_back_job
from fabroute.production.service.holds import hold_unqualified, resume_job, revoke_certificate
from fabroute.production.service.leases import Lease
from fabroute.production.service.phases.beating import heartbeat
from fabroute.production.service.phases.cancelling import CancellationAnswer, answer_cancellation
from fabroute.production.service.phases.countering import NewCounterOffer, counter_job, decide_counter
from fabroute.production.service.phases.declining import Decline, decline_job
from fabroute.production.service.phases.starting import start_job
from fabroute.production.service.phases.suspecting import decide_suspicion
from fabroute.production.service.phases.watching import watch_leases
from fabroute.production.service.prints import PrintReport
from fabroute.production.service.recall.stores import receive_lot, set_lot_state
from fabroute.production.service.reports.inbox import take_reports
from fabroute.production.service.reports.rules import NewReport
from fabroute.production.service.rerouting.attention import retry_line
from fabroute.production.service.rerouting.failing import JobFailure, report_failure
from fabroute.production.service.rerouting.outages import leave_down_nodes, set_node_status
from fabroute.production.service.rerouting.settling import settle_reroutes
from fabroute.qualification.service import save_certificates
from tests.factories.network import a_lot
from tests.factories.organisations import NOW
from tests.factories.production import OPERATOR_KEY, a_certificate, a_principal, key_of
from tests.faults.machine import jobs, lines, losses
from tests.faults.machine.place import Place
from tests.faults.machine.state import Held, World

CLIENTS = (a_principal(key_id="key_first"), a_principal(key_id="key_second"))
"""Two clients of the one bureau."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the product answered."""

    code: str = "ok"
    lease_id: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something to be done in a transaction of its own, and what the model makes of it."""

    name: str
    work: Callable[[Session, datetime], Told]
    model: Callable[[World, Told], str]


def claim_named(job_id: str, node: str, client: Principal, key: str) -> Deed:
    """Claim a job by its id."""
    ask = _ask(node, client, key, job_id)
    return Deed(
        name="claim",
        work=lambda session, now: _claim(session, ask, now),
        model=lambda world, told: jobs.claim_named(world, job_id, lease_id=told.lease_id, by=client.key_id),
    )


def claim_oldest(node: str, client: Principal, key: str) -> Deed:
    """Claim whatever is due soonest at a node."""
    ask = _ask(node, client, key, None)
    return Deed(
        name="claim",
        work=lambda session, now: _claim(session, ask, now),
        model=lambda world, told: jobs.claim_oldest(world, node, lease_id=told.lease_id, by=client.key_id),
    )


def beat(job_id: str, lease: Held | None, client: Principal) -> Deed:
    """Send a sign of life."""

    def work(session: Session, now: datetime) -> Told:
        heartbeat(session, principal=client, job_id=job_id, lease=_lease(lease), now=now)
        return Told()

    return Deed(name="heartbeat", work=work, model=lambda world, told: jobs.heartbeat(world, job_id, lease))


def accept(job_id: str, lease: Held | None, client: Principal) -> Deed:
    """Accept an offer."""

    def work(session: Session, now: datetime) -> Told:
        job = accept_job(session, principal=client, job_id=job_id, lease=_lease(lease), now=now)
        return Told(lease_id=job.lease_id or "")

    return Deed(
        name="accept",
        work=work,
        model=lambda world, told: jobs.accept(world, job_id, lease, lease_id=told.lease_id, by=client.key_id),
    )


def decline(job_id: str, lease: Held | None, client: Principal, reason: str) -> Deed:
    """Decline an offer, or what was accepted."""

    def work(session: Session, now: datetime) -> Told:
        said = Decline(reason=reason)
        decline_job(session, principal=client, job_id=job_id, decline=said, lease=_lease(lease), now=now)
        return Told()

    return Deed(name="decline", work=work, model=lambda world, told: jobs.decline(world, job_id, lease, reason=reason))


def counter(job_id: str, lease: Held | None, client: Principal, price: int) -> Deed:
    """Ask for another price than was offered."""

    def work(session: Session, now: datetime) -> Told:
        wanted = NewCounterOffer(price_minor=price, produce_by=None)
        counter_job(session, principal=client, job_id=job_id, wanted=wanted, lease=_lease(lease), now=now)
        return Told()

    return Deed(
        name="counter-offer",
        work=work,
        model=lambda world, told: jobs.counter(world, job_id, lease, by=client.key_id),
    )


def answer_counter(place: Place, job_id: str, *, yes: bool) -> Deed:
    """Let the owner answer a counter-offer."""

    def work(session: Session, now: datetime) -> Told:
        found = session.exec(select(CounterOffer.id).where(col(CounterOffer.job_id) == job_id)).one()
        principal = key_of(place.plain)
        said = decide_counter(session, principal=principal, counter_id=found, accept=yes, reason="", now=now)
        return Told(lease_id=said.job.lease_id or "")

    return Deed(
        name="answer counter-offer",
        work=work,
        model=lambda world, told: jobs.decide_counter(world, job_id, yes=yes, lease_id=told.lease_id),
    )


def fetch(job_id: str, lease: Held | None, client: Principal) -> Deed:
    """Fetch the print file with a ticket."""

    def work(session: Session, now: datetime) -> Told:
        ticket = issue_ticket(session, principal=client, job_id=job_id, lease=_lease(lease), now=now)
        redeem_ticket(session, principal=client, token=ticket.token, now=now)
        return Told()

    return Deed(name="fetch file", work=work, model=lambda world, told: jobs.fetch(world, job_id, lease))


def start(job_id: str, lease: Held | None, client: Principal) -> Deed:
    """Say that it is printed."""

    def work(session: Session, now: datetime) -> Told:
        start_job(session, principal=client, job_id=job_id, lease=_lease(lease), now=now)
        return Told()

    return Deed(name="start", work=work, model=lambda world, told: jobs.start(world, job_id, lease))


def complete(job_id: str, lease: Held | None, client: Principal, *, result: str, number: int | None) -> Deed:
    """Report a print, good or failed."""

    def work(session: Session, now: datetime) -> Told:
        report = PrintReport(result=result, number=number)
        report_print(session, principal=client, job_id=job_id, report=report, lease=_lease(lease), now=now)
        return Told()

    return Deed(
        name=f"complete {result}",
        work=work,
        model=lambda world, told: jobs.report_print(world, job_id, lease, result=result, number=number),
    )


def report(job_id: str, lease: Held | None, client: Principal, sequences: Sequence[int]) -> Deed:
    """Send numbered reports in any order, some of them twice."""
    reports = tuple(
        NewReport(sequence=it, name=jobs.STORY[it - 1], occurred_at=NOW + timedelta(minutes=it)) for it in sequences
    )

    def work(session: Session, now: datetime) -> Told:
        take_reports(session, principal=client, job_id=job_id, reports=reports, lease=_lease(lease), now=now)
        return Told()

    return Deed(name="reports", work=work, model=lambda world, told: jobs.take_reports(world, job_id, lease, sequences))


def fail(job_id: str, lease: Held | None, client: Principal) -> Deed:
    """Give a job up."""

    def work(session: Session, now: datetime) -> Told:
        failure = JobFailure(reason="machine_broke")
        report_failure(session, principal=client, job_id=job_id, failure=failure, lease=_lease(lease), now=now)
        return Told()

    return Deed(name="give up", work=work, model=lambda world, told: jobs.fail(world, job_id, lease))


def answer_stop(job_id: str, lease: Held | None, client: Principal, *, agreed: bool) -> Deed:
    """Answer the request to stop."""

    def work(session: Session, now: datetime) -> Told:
        said = CancellationAnswer(agreed=agreed)
        answer_cancellation(session, principal=client, job_id=job_id, answer=said, lease=_lease(lease), now=now)
        return Told()

    return Deed(
        name="answer stop",
        work=work,
        model=lambda world, told: jobs.answer_stop(world, job_id, lease, agreed=agreed),
    )


def revoke(node: str, certificate_id: str) -> Deed:
    """Revoke the certificate of a node."""

    def work(session: Session, now: datetime) -> Told:
        revoke_certificate(
            session, certificate_id=certificate_id, reason="audit failed", principal=OPERATOR_KEY, now=now
        )
        return Told()

    return Deed(name="revoke certificate", work=work, model=lambda world, told: losses.revoke(world, node))


def certify(node: str, certificate_id: str) -> Deed:
    """Give a node a new certificate."""

    def work(session: Session, now: datetime) -> Told:
        certificate = a_certificate(certificate_id=certificate_id, node_id=node)
        save_certificates(session, certificates=(certificate,), now=now)
        return Told()

    return Deed(
        name="new certificate", work=work, model=lambda world, told: losses.certify(world, node, certificate_id)
    )


def set_lot(lot_id: str, state: LotState) -> Deed:
    """Quarantine, block or release a lot."""

    def work(session: Session, now: datetime) -> Told:
        set_lot_state(session, lot_id=lot_id, state=state, reason="found wet", principal=OPERATOR_KEY, now=now)
        return Told()

    return Deed(name="block lot", work=work, model=lambda world, told: losses.set_lot_state(world, lot_id, state))


def receive(node: str, lot_id: str, grams: int) -> Deed:
    """Receive a lot."""

    def work(session: Session, now: datetime) -> Told:
        receive_lot(session, lot=a_lot(lot_id=lot_id, node_id=node, grams=grams), actor="key_store", now=now)
        return Told()

    return Deed(
        name="receive lot",
        work=work,
        model=lambda world, told: losses.receive(world, lot_id, node=node, grams=grams),
    )


def set_node(node: str, status: str) -> Deed:
    """Take a node down or up."""

    def work(session: Session, now: datetime) -> Told:
        change = StatusChange(status=status, reason="no power", expected_version=None)
        set_node_status(session, node_id=node, change=change, actor="key_operator", now=now)
        return Told()

    change = losses.node_up if status == "up" else losses.node_down
    return Deed(name=f"node {status}", work=work, model=lambda world, told: change(world, node))


def resume(place: Place, job_id: str) -> Deed:
    """Resume a held job."""

    def work(session: Session, now: datetime) -> Told:
        resume_job(session, principal=key_of(place.plain), job_id=job_id, now=now)
        return Told()

    return Deed(name="resume", work=work, model=lambda world, told: losses.resume(world, job_id))


def take_back(job_id: str) -> Deed:
    """Let the operator route a job again."""

    def work(session: Session, now: datetime) -> Told:
        take_back_job(session, principal=OPERATOR_KEY, job_id=job_id, reason="they asked us to", now=now)
        return Told()

    return Deed(name="re-route", work=work, model=lambda world, told: losses.take_back(world, job_id))


def suspicion(place: Place, job_id: str, *, reroute: bool) -> Deed:
    """Decide about a silent node."""

    def work(session: Session, now: datetime) -> Told:
        decide_suspicion(
            session,
            principal=key_of(place.plain),
            job_id=job_id,
            decision="reroute" if reroute else "wait",
            reason="nobody answers",
            now=now,
        )
        return Told()

    return Deed(
        name="decide suspicion",
        work=work,
        model=lambda world, told: losses.decide_suspicion(world, job_id, reroute=reroute),
    )


def cancel(place: Place, order_id: str) -> Deed:
    """Cancel an order."""
    owner = place.plain

    def work(session: Session, now: datetime) -> Told:
        cancel_order(session, organisation_id=owner.organisation_id, order_id=order_id, actor=owner.key_id, now=now)
        return Told()

    return Deed(name="cancel order", work=work, model=lambda world, told: losses.cancel_order(world, order_id))


def retry(place: Place, line_id: str, order_id: str, position: int) -> Deed:
    """Send a line on its way again."""

    def work(session: Session, now: datetime) -> Told:
        retry_line(session, principal=key_of(place.plain), order_id=order_id, position=position, now=now)
        return Told()

    return Deed(name="retry line", work=work, model=lambda world, told: lines.retry(world, line_id))


def _worker(name: str, work: Callable[[Session, datetime], object], model: Callable[[World], str]) -> Deed:
    def done(session: Session, now: datetime) -> Told:
        work(session, now)
        return Told()

    return Deed(name=name, work=done, model=lambda world, told: model(world))


WORKERS = (
    _worker("watch leases", lambda session, now: watch_leases(session, now=now), losses.pass_watch),
    _worker("take back held", lambda session, now: take_back_held(session, now=now), losses.take_back_held),
    _worker("hold unqualified", lambda session, now: hold_unqualified(session, now=now), losses.hold_unqualified),
    _worker("leave down nodes", lambda session, now: leave_down_nodes(session, now=now), losses.leave_down_nodes),
    _worker("settle", lambda session, now: settle_reroutes(session, now=now), lines.settle),
    _worker("requeue", lambda session, now: requeue_unroutable(session, scope=None, now=now), lines.requeue),
)
"""What workers do whenever they look, each in a transaction."""


def _ask(node: str, client: Principal, key: str, job_id: str | None) -> AskedClaim:
    return AskedClaim(principal=client, node_id=node, idempotency_key=key, request_sha256=key, job_id=job_id)


def _claim(session: Session, ask: AskedClaim, now: datetime) -> Told:
    terms = ClaimTerms(answer=_answer, offer_seconds=900)
    (result,) = claim_jobs(session, asked=(ask,), terms=terms, now=now)
    if isinstance(result, DomainError):
        return Told(code=result.code)
    if not isinstance(result, Claimed):
        return Told(code=jobs.NOTHING)
    return Told(lease_id=result.body.decode().split()[1], body=result.body)


def _answer(packets: Sequence[Packet]) -> bytes:
    return " ".join(f"{packet.job.job_id} {packet.job.lease_id}" for packet in packets).encode()


def _lease(lease: Held | None) -> Lease | None:
    return None if lease is None else Lease(lease_id=lease[0], epoch=lease[1])
