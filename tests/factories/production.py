"""Jobs in a node's queue, with what is held for them, made without routing; and those who act on them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, OrganisationKind, Principal
from fabroute.kernel.ids import new_id
from fabroute.network.service import Reservation, reserve
from fabroute.orders.service import ClaimedLine, LineOutcome, record_outcomes
from fabroute.production.service import (
    FileRelease,
    NewEvidence,
    PrintReport,
    PrintView,
    accept_job,
    add_evidence,
    issue_ticket,
    offer_jobs,
    redeem_ticket,
    report_print,
)
from fabroute.qualification.service import NewCertificate, save_certificates
from fabroute.routing.ports import JobOffer
from tests.factories.databases import Result, in_transaction, rows
from tests.factories.network import save_a_network
from tests.factories.orders import Owner, claim_all_lines, given_orders, given_owner, make_order
from tests.factories.organisations import BUREAU, NOW

PRODUCE_BY = date(2026, 6, 16)
CERTIFICATE = "crt_N101"
_LONG_AGO = (
    "UPDATE jobs SET accepted_at = accepted_at - interval '100 days',"
    " file_released_at = file_released_at - interval '100 days' WHERE id = :it RETURNING id"
)
_FREE_SINCE = (
    "SELECT coalesce(max(build.finished_at), job.file_released_at) FROM jobs job"
    " LEFT JOIN build_times build ON build.machine_id = job.machine_id WHERE job.id = :it GROUP BY job.id"
)
CENTURY = (date(2020, 1, 1), date(2099, 12, 31))


def a_principal(
    *, organisation_id: str = BUREAU, kind: OrganisationKind = "bureau", key_id: str = "key_bureau"
) -> Principal:
    """Return the bureau that runs node ``N101``, with a key that opens everything."""
    return Principal(organisation_id=organisation_id, kind=kind, key_id=key_id, scopes=ALL_SCOPES)


BUREAU_KEY = a_principal()
RIVAL_KEY = a_principal(organisation_id="org_rival", key_id="key_rival")
OPERATOR_KEY = a_principal(organisation_id="org_operator", kind="operator", key_id="key_operator")


def key_of(owner: Owner) -> Principal:
    """Return the principal of an owner of parts."""
    return a_principal(organisation_id=owner.organisation_id, kind="owner", key_id=owner.key_id)


def an_offered_job(
    *,
    line_id: str = "line_1",
    order_id: str = "ord_1",
    organisation_id: str = "org_owner",
    node_id: str = "N101",
    machine_id: str = "N101-A",
    lot_id: str | None = "lot_1",
    quantity: int = 1,
    grams: int = 100,
    minutes: int = 120,
) -> JobOffer:
    """Return an offer of two hours' work on the machine of ``tests.factories.network``."""
    return JobOffer(
        job_id=new_id("job"),
        organisation_id=organisation_id,
        node_id=node_id,
        order_id=order_id,
        order_line_id=line_id,
        decision_id=new_id("dec"),
        revision_id="rev_1",
        part_no="RL-0001",
        quantity=quantity,
        machine_id=machine_id,
        material="PA12-MJF",
        parameter_set="PS-1",
        lot_id=lot_id,
        grams=grams,
        machine_minutes=minutes,
        price_minor=2_000,
        produce_by=PRODUCE_BY,
        shipping_service="express",
        packaging="plain",
        ship_to_city="Hamburg",
        ship_to_country="DE",
        promised_at=datetime(2026, 6, 19, 15, 0, tzinfo=NOW.tzinfo),
    )


def given_routed_lines(
    engine: Engine, *, grams: int = 100, minutes: int = 120, produce_by: date = PRODUCE_BY
) -> tuple[JobOffer, ...]:
    """Route every due line to the one machine of ``tests.factories.network``, and return the jobs."""
    with unit_of_work(engine) as session:
        lines = claim_all_lines(session)
        made = (_offer(line, grams=grams, minutes=minutes) for line in lines)
        offers = tuple(replace(offer, produce_by=produce_by) for offer in made)
        refused = reserve(session, reservations=tuple(_reservation(offer) for offer in offers), now=NOW)
        offer_jobs(session, offers=offers, now=NOW)
        record_outcomes(session, outcomes=tuple(_routed(offer) for offer in offers), now=NOW)
    assert not refused
    return offers


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """A bureau's node ``N101`` with a certificate, an owner, and ways to make jobs and look at what became of them."""

    engine: Engine
    owner: Owner

    def offered(self, *quantities: int) -> tuple[JobOffer, ...]:
        """Place an order with a line for each quantity (one of 1 by default), offer all due lines, return its jobs."""
        (order,) = given_orders(self.engine, make_order(self.owner, quantities=quantities or (1,)))
        offers = given_routed_lines(self.engine, minutes=20)
        return tuple(offer for offer in offers if offer.order_id == order.id)

    def accepted(self, quantity: int = 1) -> str:
        """Return the id of a job that the bureau accepted."""
        (offer,) = self.offered(quantity)
        self.do(lambda session: accept_job(session, principal=BUREAU_KEY, job_id=offer.job_id, now=NOW))
        return offer.job_id

    def token(self, job_id: str) -> str:
        """Return the token of a new file ticket of the bureau."""
        return self.do(lambda session: issue_ticket(session, principal=BUREAU_KEY, job_id=job_id, now=NOW)).token

    def fetched(self, job_id: str) -> FileRelease:
        """Have the bureau fetch the file of a job."""
        token = self.token(job_id)
        return self.do(lambda session: redeem_ticket(session, principal=BUREAU_KEY, token=token, now=NOW))

    def fetched_long_ago(self, quantity: int = 1) -> str:
        """Return the id of a job that the bureau accepted, and whose file it fetched, a hundred days ago."""
        job_id = self.accepted(quantity)
        self.fetched(job_id)
        self.table(_LONG_AGO, it=job_id)
        return job_id

    def next_end(self, job_id: str, minutes: int) -> datetime:
        """Return when a build of so many minutes ends that begins as soon as the job's machine was free again."""
        ((free,),) = self.table(_FREE_SINCE, it=job_id)
        assert isinstance(free, datetime)
        return free + timedelta(minutes=minutes)

    def printed(self, job_id: str, result: str) -> PrintView:
        """Have the bureau report a print."""
        report = PrintReport(result=result)
        return self.do(
            lambda session: report_print(session, principal=BUREAU_KEY, job_id=job_id, report=report, now=NOW)
        )

    def photographed(self, job_id: str, *, name: str = "crack.jpg") -> str:
        """Have the bureau add a photo; return its id."""
        photo = a_photo(name=name)
        return self.do(
            lambda session: add_evidence(session, principal=BUREAU_KEY, job_id=job_id, evidence=photo, now=NOW)
        ).evidence_id

    def do(self, work: Callable[[Session], Result]) -> Result:
        """Do something in a unit of work of its own."""
        return in_transaction(self.engine, work)

    def table(self, sql: str, **values: object) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        return in_transaction(self.engine, lambda session: rows(session, sql, **values))

    def audited(self, action: str) -> list[tuple[object, ...]]:
        """Return actor, subject and data of the audit entries of an action, oldest first."""
        return self.table("SELECT actor, subject_id, data FROM audit_entries WHERE action = :it ORDER BY id", it=action)

    def told(self, name: str) -> list[object]:
        """Return the subjects of the events of a name, oldest first."""
        found = self.table("SELECT subject_id FROM outbox_events WHERE name = :it ORDER BY id", it=name)
        return [subject for (subject,) in found]


def given_floor(engine: Engine, *, certified: bool = True) -> Floor:
    """Save the network of ``tests.factories.network`` with an ISO 9001 certificate, and an owner of a released part."""
    in_transaction(engine, save_a_network)
    if certified:
        given_certificates(engine, a_certificate())
    return Floor(engine=engine, owner=given_owner(engine))


def a_certificate(*, certificate_id: str = CERTIFICATE, node_id: str = "N101") -> NewCertificate:
    """Return an ISO 9001 certificate of a site for a century."""
    return NewCertificate(
        certificate_id=certificate_id,
        node_id=node_id,
        scheme="ISO9001",
        scope="*",
        valid_from=CENTURY[0],
        valid_to=CENTURY[1],
    )


def given_certificates(engine: Engine, *certificates: NewCertificate) -> None:
    """Save certificates that count."""
    in_transaction(engine, lambda session: save_certificates(session, certificates=certificates, now=NOW))


def a_photo(*, name: str = "crack.jpg", content: bytes = b"photo") -> NewEvidence:
    """Return a photo as evidence: ``content`` with a mark before it that makes it a JPEG."""
    content = b"\xff\xd8" + content
    return NewEvidence(
        kind="photo",
        name=name,
        media_type="image/jpeg",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        head=content,
    )


def _offer(line: ClaimedLine, *, grams: int, minutes: int) -> JobOffer:
    job = an_offered_job(
        line_id=line.line_id, order_id=line.order_id, grams=grams, minutes=minutes, quantity=line.quantity
    )
    return replace(job, organisation_id=line.organisation_id, revision_id=line.revision_id)


def _reservation(offer: JobOffer) -> Reservation:
    return Reservation(
        job_id=offer.job_id,
        lot_id=offer.lot_id,
        grams=offer.grams,
        machine_id=offer.machine_id,
        minutes_by_day=((offer.produce_by, offer.machine_minutes),),
    )


def _routed(offer: JobOffer) -> LineOutcome:
    return LineOutcome(line_id=offer.order_line_id, state="routed", decision_id=offer.decision_id)
