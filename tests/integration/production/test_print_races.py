"""Prints that are reported, and reprints that are granted, by many at once: each counts once, never one too many."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from fabroute.database import unit_of_work
from fabroute.kernel.errors import DomainError
from fabroute.production.service import (
    NewReprint,
    PrintReport,
    ReprintDecision,
    add_evidence,
    decide_reprint,
    report_print,
    request_reprint,
)
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, Floor, a_photo, key_of

MANY = 12
GRANT = ReprintDecision(granted=True)
REFUSE = ReprintDecision(granted=False, reason="not needed")


def at_once(*works: Callable[[], str]) -> list[str]:
    """Do all works at the same time; return what each said, sorted."""
    start = threading.Barrier(len(works))

    def begin(work: Callable[[], str]) -> str:
        start.wait(timeout=60)
        try:
            return work()
        except DomainError as refusal:
            return refusal.code

    with ThreadPoolExecutor(len(works)) as pool:
        return sorted(pool.map(begin, works))


def report(floor: Floor, job_id: str, it: PrintReport) -> str:
    with unit_of_work(floor.engine) as session:
        return f"print {report_print(session, principal=BUREAU_KEY, job_id=job_id, report=it, now=NOW).number}"


def photograph(floor: Floor, job_id: str, content: bytes) -> str:
    with unit_of_work(floor.engine) as session:
        photo = a_photo(content=content)
        return add_evidence(session, principal=BUREAU_KEY, job_id=job_id, evidence=photo, now=NOW).sha256


def ask(floor: Floor, job_id: str, wish: NewReprint) -> str:
    with unit_of_work(floor.engine) as session:
        return request_reprint(session, principal=BUREAU_KEY, job_id=job_id, request=wish, now=NOW).request_id


def decide(floor: Floor, request_id: str, decision: ReprintDecision) -> str:
    owner = key_of(floor.owner)
    with unit_of_work(floor.engine) as session:
        return decide_reprint(session, principal=owner, request_id=request_id, decision=decision, now=NOW).state


def in_production(floor: Floor, quantity: int) -> str:
    job_id = floor.accepted(quantity)
    floor.fetched(job_id)
    return job_id


def counts(floor: Floor) -> list[tuple[object, ...]]:
    return floor.table("SELECT good_prints, failed_prints, granted_reprints FROM jobs")


def test_of_many_good_prints_at_once_as_many_count_as_were_ordered(floor: Floor) -> None:
    job_id = in_production(floor, 3)

    found = at_once(*[partial(report, floor, job_id, PrintReport(result="good"))] * MANY)

    assert found == ["no_prints_left"] * (MANY - 3) + ["print 1", "print 2", "print 3"]
    assert counts(floor) == [(3, 0, 0)]
    assert floor.table("SELECT count(*) FROM print_records") == [(3,)]


def test_one_report_that_is_sent_many_times_at_once_counts_once(floor: Floor) -> None:
    job_id = in_production(floor, 3)

    found = at_once(*[partial(report, floor, job_id, PrintReport(result="good", serial="SN-1", number=1))] * MANY)

    assert found == ["print 1"] * MANY
    assert counts(floor) == [(1, 0, 0)]
    assert len(floor.told("job.print_reported")) == 1


def test_a_good_and_a_failed_report_of_the_same_print_are_not_both_taken(floor: Floor) -> None:
    job_id = in_production(floor, 3)
    good, failed = (partial(report, floor, job_id, PrintReport(result=it, number=1)) for it in ("good", "failed"))

    found = at_once(good, failed)

    assert found == ["print 1", "print_conflict"]
    assert sum(int(str(number)) for number in counts(floor)[0]) == 1


def test_evidence_that_is_sent_many_times_at_once_is_kept_once(floor: Floor) -> None:
    job_id = in_production(floor, 1)

    found = at_once(*[partial(photograph, floor, job_id, b"photo")] * MANY)

    assert found == [a_photo(content=b"photo").sha256] * MANY
    assert floor.table("SELECT name FROM job_evidence") == [("crack.jpg",)]
    assert at_once(partial(photograph, floor, job_id, b"other")) == ["evidence_exists"]


def test_a_reprint_that_is_asked_for_and_granted_many_times_at_once_is_one_more_try(floor: Floor) -> None:
    job_id = in_production(floor, 1)
    floor.printed(job_id, "failed")
    wish = NewReprint(print_number=1, reason="cracked", evidence_id=floor.photographed(job_id))

    asked = set(at_once(*[partial(ask, floor, job_id, wish)] * MANY))
    (request_id,) = asked
    granted = at_once(*[partial(decide, floor, request_id, GRANT)] * MANY)

    assert granted == ["granted"] * MANY
    assert counts(floor) == [(0, 1, 1)]
    assert floor.told("reprint.requested") == floor.told("reprint.granted") == [request_id]


def test_a_grant_and_a_refusal_at_once_are_one_decision(floor: Floor) -> None:
    job_id = in_production(floor, 1)
    floor.printed(job_id, "failed")
    evidence_id = floor.photographed(job_id)
    request_id = ask(floor, job_id, NewReprint(print_number=1, reason="cracked", evidence_id=evidence_id))

    found = at_once(partial(decide, floor, request_id, GRANT), partial(decide, floor, request_id, REFUSE))

    ((state,),) = floor.table("SELECT state FROM reprint_requests")
    assert found == sorted([str(state), "reprint_conflict"])
    assert counts(floor) == [(0, 1, 1 if state == "granted" else 0)]
