"""What is open about a job between its node and its owner; how one node stands."""

from fabroute.database import unit_of_work
from fabroute.production.service import NewReprint, PrintReport, add_evidence, report_print, request_reprint
from fabroute.production.service.job_remarks import JobRemarks, read_job_remarks
from fabroute.production.service.overview import get_standing, list_standings
from fabroute.production.service.phases import countering
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, Floor, a_photo, key_of


def remarks(floor: Floor, job_id: str) -> JobRemarks:
    return floor.do(lambda session: read_job_remarks(session, principal=key_of(floor.owner), job_id=job_id))


def test_nothing_is_open_about_a_job_that_was_just_offered(floor: Floor) -> None:
    (offer,) = floor.offered()

    assert remarks(floor, offer.job_id) == JobRemarks(
        counter=None, note=None, reprints=(), reconciliations=(), uninspected=()
    )


def test_a_counter_offer_is_open_and_shows_its_owner_what_it_waits_for(floor: Floor) -> None:
    (offer,) = floor.offered()
    wanted = countering.NewCounterOffer(price_minor=2_900, produce_by=None, reason="supports")
    floor.do(
        lambda session: countering.counter_job(
            session, principal=BUREAU_KEY, job_id=offer.job_id, wanted=wanted, lease=None, now=NOW
        )
    )

    counter = remarks(floor, offer.job_id).counter

    assert counter is not None
    assert (counter.price_minor, counter.offered_price_minor, counter.reason) == (2_900, 2_000, "supports")
    assert counter.decision_reason == "29.00 EUR is over the owner's band, which ends at 20.00 EUR"


def test_prints_without_an_inspection_and_wishes_to_print_again_are_told(floor: Floor) -> None:
    job_id = floor.accepted(2)
    floor.fetched(job_id)
    with unit_of_work(floor.engine) as session:
        for result in ("failed", "good"):
            report = PrintReport(result=result)
            report_print(session, principal=BUREAU_KEY, job_id=job_id, report=report, now=NOW)
    photo = floor.do(
        lambda s: add_evidence(s, principal=BUREAU_KEY, job_id=job_id, evidence=a_photo(), now=NOW)
    ).evidence_id
    wish = NewReprint(print_number=1, reason="warped", evidence_id=photo)
    floor.do(lambda s: request_reprint(s, principal=BUREAU_KEY, job_id=job_id, request=wish, now=NOW))

    found = remarks(floor, job_id)

    assert found.uninspected == (2,)
    assert [(it.print_number, it.state, it.reason) for it in found.reprints] == [(1, "requested", "warped")]


def test_one_node_stands_as_it_does_among_all(floor: Floor) -> None:
    floor.accepted()

    one = floor.do(lambda session: get_standing(session, principal=OPERATOR_KEY, node_id="N101", now=NOW))
    (among_all,) = floor.do(lambda session: list_standings(session, principal=OPERATOR_KEY, now=NOW)).items

    assert one == among_all
    assert one.open_jobs == 1
