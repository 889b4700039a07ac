"""Jobs in a node's queue, with what is held for them, made without routing."""

from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.kernel.ids import new_id
from fabroute.network.service import Reservation, reserve
from fabroute.orders.service import ClaimedLine, LineOutcome, claim_lines, record_outcomes
from fabroute.production.service import offer_jobs
from fabroute.routing.ports import JobOffer
from tests.factories.organisations import NOW

PRODUCE_BY = date(2026, 6, 16)


def an_offered_job(
    *,
    line_id: str = "line_1",
    order_id: str = "ord_1",
    organisation_id: str = "org_owner",
    node_id: str = "N101",
    machine_id: str = "N101-A",
    lot_id: str | None = "lot_1",
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
        quantity=1,
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


def given_routed_lines(engine: Engine, *, grams: int = 100, minutes: int = 120) -> tuple[JobOffer, ...]:
    """Route every due line to the one machine of ``tests.factories.network``, and return the jobs."""
    with unit_of_work(engine) as session:
        lines = claim_lines(session, scope="global", limit=100, lease_seconds=60, attempt_cap=8)
        offers = tuple(_offer(line, grams=grams, minutes=minutes) for line in lines)
        refused = reserve(session, reservations=tuple(_reservation(offer) for offer in offers), now=NOW)
        offer_jobs(session, offers=offers, now=NOW)
        record_outcomes(session, outcomes=tuple(_routed(offer) for offer in offers), now=NOW)
    assert not refused
    return offers


def _offer(line: ClaimedLine, *, grams: int, minutes: int) -> JobOffer:
    job = an_offered_job(line_id=line.line_id, order_id=line.order_id, grams=grams, minutes=minutes)
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
