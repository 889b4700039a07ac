"""A bureau at work, as its people meet it in the console: a node, orders that became jobs, files in the store."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, Principal
from fabroute.kernel.time import utc_now
from fabroute.network.service import Reservation, reserve
from fabroute.orders.service import LineOutcome, record_outcomes
from fabroute.production.service import accept_job, issue_ticket, offer_jobs, redeem_ticket
from fabroute.routing.ports import JobOffer
from tests.factories.api_jobs import qualify_node
from tests.factories.console import ServedConsole
from tests.factories.databases import Result, in_transaction, rows
from tests.factories.network import TODAY, a_lot, a_network, a_node, save_a_network
from tests.factories.orders import claim_all_lines, given_orders, make_order
from tests.factories.production import an_offered_job


@dataclass(frozen=True, slots=True, kw_only=True)
class BureauAtWork:
    """The bureau of the console with its node ``N101``, and ways to bring it jobs."""

    console: ServedConsole
    content: bytes
    """Of the print file, as it lies in the store."""
    jobs: list[str] = field(default_factory=list)
    """Ids of all jobs, the first one first."""

    @property
    def bureau(self) -> Principal:
        """A key of the bureau."""
        return Principal(
            organisation_id=self.console.people.bureau_id, kind="bureau", key_id="key_bureau", scopes=ALL_SCOPES
        )

    def offered(self, quantity: int = 1, *, minutes_left: int = 38) -> str:
        """Return the id of a job that the bureau was just offered."""
        owner = self.console.people.owner
        given_orders(self.console.engine, make_order(owner, quantities=(quantity,)))
        now = utc_now()
        with unit_of_work(self.console.engine) as session:
            lines = claim_all_lines(session)
            offers = tuple(
                replace(
                    an_offered_job(
                        line_id=line.line_id,
                        order_id=line.order_id,
                        organisation_id=line.organisation_id,
                        quantity=line.quantity,
                        minutes=20,
                    ),
                    revision_id=line.revision_id,
                    produce_by=now.date() + timedelta(days=2),
                    promised_at=now + timedelta(days=4),
                )
                for line in lines
            )
            assert not reserve(session, reservations=tuple(_reservation(it) for it in offers), now=now)
            offer_jobs(session, offers=offers, now=now)
            outcomes = tuple(
                LineOutcome(line_id=it.order_line_id, state="routed", decision_id=it.decision_id) for it in offers
            )
            record_outcomes(session, outcomes=outcomes, now=now)
            until = now + timedelta(minutes=minutes_left)
            rows(
                session, "UPDATE jobs SET offer_until = :at WHERE id = :it RETURNING id", at=until, it=offers[0].job_id
            )
        self.jobs.append(offers[0].job_id)
        return offers[0].job_id

    def accepted(self, quantity: int = 1, *, fetched: bool = False) -> str:
        """Return the id of a job that the bureau accepted, and fetched the file of."""
        job_id, now = self.offered(quantity), utc_now()
        self.do(lambda session: accept_job(session, principal=self.bureau, job_id=job_id, now=now))
        if fetched:
            ticket = self.do(lambda session: issue_ticket(session, principal=self.bureau, job_id=job_id, now=now))
            self.do(lambda session: redeem_ticket(session, principal=self.bureau, token=ticket.token, now=now))
            self.made_old(job_id)
        return job_id

    def made_old(self, job_id: str) -> None:
        """Have the job been accepted and fetched a hundred days ago: time enough for builds."""
        self.table(
            "UPDATE jobs SET accepted_at = accepted_at - interval '100 days',"
            " file_released_at = file_released_at - interval '100 days' WHERE id = :it RETURNING id",
            it=job_id,
        )

    def do(self, work: Callable[[Session], Result]) -> Result:
        """Do something in a unit of work of its own."""
        return in_transaction(self.console.engine, work)

    def table(self, sql: str, **values: object) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        return in_transaction(self.console.engine, lambda session: rows(session, sql, **values))


def a_bureau_at_work(console: ServedConsole) -> BureauAtWork:
    """Save the bureau's node with all that it needs to print the owner's part, whose file is in the store."""
    node = a_node(organisation_id=console.people.bureau_id, city="Łódź", country="PL", timezone="Europe/Warsaw")
    network = a_network(nodes=(node,), lots=(a_lot(expires_on=date(2099, 12, 31)),))
    in_transaction(console.engine, lambda session: save_a_network(session, data=network))
    qualify_node(console.engine)
    content = console.people.owner.revision_id.encode()
    console.resources.store.put(content)
    return BureauAtWork(console=console, content=content)


def _reservation(offer: JobOffer) -> Reservation:
    return Reservation(
        job_id=offer.job_id,
        lot_id=offer.lot_id,
        grams=offer.grams,
        machine_id=offer.machine_id,
        minutes_by_day=((TODAY, offer.machine_minutes),),
    )
