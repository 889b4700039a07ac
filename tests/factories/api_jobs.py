"""A job over HTTP: an order of three prints that lies in a bureau's queue, and clients of all who might ask for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta

import httpx
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, OrganisationKind
from fabroute.identity.service import create_organisation, issue_api_key
from fabroute.kernel.time import utc_now
from fabroute.network.service import Reservation, reserve
from fabroute.orders.service import LineOutcome, record_outcomes
from fabroute.production.service import offer_jobs
from fabroute.qualification.service import NewCertificate, save_certificates
from fabroute.routing.ports import JobOffer
from tests.factories.api import Api, an_order
from tests.factories.databases import rows
from tests.factories.network import TODAY, a_lot, a_network, save_a_network
from tests.factories.orders import claim_all_lines
from tests.factories.organisations import BUREAU, NOW
from tests.factories.production import an_offered_job

CERTIFICATE = "crt_N101"
PRINTS = 3
_LONG_AGO = (
    "UPDATE jobs SET accepted_at = accepted_at - interval '100 days',"
    " file_released_at = file_released_at - interval '100 days'"
    " WHERE file_released_at > now() - interval '1 day' RETURNING id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWorld:
    """A job of three prints at node N101, and clients of its owner, its bureau, a rival, a stranger, the operator."""

    api: Api
    job_id: str
    order_id: str
    content: bytes
    """Of the print file, as it lies in the store."""
    owner: httpx.Client
    bureau: httpx.Client
    rival: httpx.Client
    stranger: httpx.Client
    operator: httpx.Client

    @property
    def job(self) -> str:
        """Where the job is read."""
        return f"/v1/jobs/{self.job_id}"

    def accepted(self) -> None:
        """Accept the job as its bureau."""
        assert self.bureau.post(f"{self.job}/acceptance").status_code == 200

    def ticket(self) -> str:
        """Return where the file is fetched with a new ticket."""
        answer = self.bureau.post(f"{self.job}/file-tickets")
        assert answer.status_code == 201, answer.text
        url: str = answer.json()["url"]
        return url

    def fetched(self) -> None:
        """Accept the job and fetch its file."""
        self.accepted()
        assert self.bureau.get(self.ticket()).status_code == 200

    def fetched_long_ago(self) -> None:
        """Accept the job and fetch its file as if that were a hundred days ago."""
        self.fetched()
        make_old(self.api.engine)

    def photo(self, name: str = "crack.jpg", content: bytes = b"\xff\xd8 a photo") -> str:
        """Add a photo as the bureau and return its id."""
        headers = {"Content-Type": "image/jpeg"}
        answer = self.bureau.put(f"{self.job}/evidence/{name}", content=content, headers=headers)
        assert answer.status_code == 200, answer.text
        evidence_id: str = answer.json()["id"]
        return evidence_id

    def printed(self, number: int, result: str, **more: object) -> httpx.Response:
        """Report a print as the bureau."""
        return self.bureau.post(f"{self.job}/prints", json={"number": number, "result": result, **more})


@contextmanager
def a_job_world(api: Api) -> Iterator[JobWorld]:
    """Yield a world with one offered job, all gates of which are open."""
    save_a_qualified_node(api.engine)
    order_id = api.place(an_order(lines=[{"part": "RL-0001", "quantity": PRINTS}])).json()["id"]
    (job_id,) = given_offered_jobs(api.engine)
    content = api.owner.revision_id.encode()
    api.resources.store.put(content)
    with (
        api.as_(token_of(api.engine, BUREAU, "bureau")) as bureau,
        api.as_(token_of(api.engine, "org_rival", "bureau")) as rival,
        api.as_(token_of(api.engine, "org_stranger", "owner")) as stranger,
        api.as_(token_of(api.engine, "org_operator", "operator")) as operator,
    ):
        yield JobWorld(
            api=api,
            job_id=job_id,
            order_id=order_id,
            content=content,
            owner=api.client,
            bureau=bureau,
            rival=rival,
            stranger=stranger,
            operator=operator,
        )


def make_old(engine: Engine) -> None:
    """Have what was accepted and fetched today been so a hundred days ago: time enough for builds."""
    with unit_of_work(engine) as session:
        rows(session, _LONG_AGO)


def save_a_qualified_node(engine: Engine) -> None:
    """Save node N101 of the bureau with a machine, an offer, a lot that keeps, and the certificate that parts need."""
    with unit_of_work(engine) as session:
        save_a_network(session, data=a_network(lots=(a_lot(expires_on=date(2099, 12, 31)),)))
    qualify_node(engine)


def qualify_node(engine: Engine) -> None:
    """Give node N101 the certificate that parts need, and have its lots keep."""
    certificate = NewCertificate(
        certificate_id=CERTIFICATE,
        node_id="N101",
        scheme="ISO9001",
        scope="*",
        valid_from=date(2020, 1, 1),
        valid_to=date(2099, 12, 31),
    )
    with unit_of_work(engine) as session:
        save_certificates(session, certificates=(certificate,), now=NOW)
        rows(session, "UPDATE material_lots SET expires_on = '2099-12-31' WHERE node_id = 'N101' RETURNING id")


def given_offered_jobs(engine: Engine) -> tuple[str, ...]:
    """Route every due line to the machine of N101, to be made within two days, and return the jobs' ids."""
    now = utc_now()
    with unit_of_work(engine) as session:
        lines = claim_all_lines(session)
        offers = tuple(
            replace(
                an_offered_job(line_id=line.line_id, order_id=line.order_id, organisation_id=line.organisation_id),
                revision_id=line.revision_id,
                quantity=line.quantity,
                produce_by=now.date() + timedelta(days=2),
            )
            for line in lines
        )
        assert not reserve(session, reservations=tuple(_reservation(offer) for offer in offers), now=now)
        offer_jobs(session, offers=offers, now=now)
        outcomes = tuple(
            LineOutcome(line_id=it.order_line_id, state="routed", decision_id=it.decision_id) for it in offers
        )
        record_outcomes(session, outcomes=outcomes, now=now)
    return tuple(offer.job_id for offer in offers)


def _reservation(offer: JobOffer) -> Reservation:
    minutes = ((TODAY, offer.machine_minutes),)
    return Reservation(
        job_id=offer.job_id,
        lot_id=offer.lot_id,
        grams=offer.grams,
        machine_id=offer.machine_id,
        minutes_by_day=minutes,
    )


def token_of(engine: Engine, organisation_id: str, kind: OrganisationKind) -> str:
    """Return a key with every scope of an organisation, which is made if it is not there."""
    with unit_of_work(engine) as session:
        create_organisation(session, name=organisation_id, kind=kind, now=NOW, organisation_id=organisation_id)
        return issue_api_key(session, organisation_id=organisation_id, name="t", scopes=ALL_SCOPES, now=NOW).token
