"""What jobs hold can be read, and the rows behind it locked before they change hands."""

from datetime import timedelta

from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.network.service import Held, Reservation, lock_stores, read_held, release, reserve
from tests.factories.concurrency import at_once
from tests.factories.databases import in_transaction, rows
from tests.factories.network import TODAY
from tests.factories.organisations import NOW

TOMORROW = TODAY + timedelta(days=1)
MACHINE = "N101-A"


def given_reserved(engine: Engine, *job_ids: str) -> str:
    """Reserve the same for each job; return the lot."""
    ((lot_id,),) = in_transaction(engine, lambda session: rows(session, "SELECT id FROM material_lots"))
    reservations = tuple(
        Reservation(
            job_id=job_id,
            lot_id=str(lot_id),
            grams=40,
            machine_id=MACHINE,
            minutes_by_day=((TODAY, 30), (TOMORROW, 60)),
        )
        for job_id in job_ids
    )
    with unit_of_work(engine) as session:
        assert reserve(session, reservations=reservations, now=NOW) == frozenset()
    return str(lot_id)


def test_what_jobs_hold_is_read_by_job_and_day(network: Engine) -> None:
    lot_id = given_reserved(network, "job_1", "job_2")
    found = in_transaction(network, lambda session: read_held(session, job_ids=["job_1", "job_9"]))
    assert found == {"job_1": Held(grams={lot_id: 40}, minutes={(MACHINE, TODAY): 30, (MACHINE, TOMORROW): 60})}
    assert in_transaction(network, lambda session: read_held(session, job_ids=[])) == {}


def test_a_job_that_gave_all_back_holds_nothing(network: Engine) -> None:
    given_reserved(network, "job_1")
    with unit_of_work(network) as session:
        release(session, job_ids=["job_1"], now=NOW)
    assert in_transaction(network, lambda session: read_held(session, job_ids=["job_1"])) == {}


def test_swaps_that_lock_first_never_wait_for_each_other_in_a_circle(network: Engine) -> None:
    """Each gives back what it holds and takes the same again, many times, beside the other."""
    lot_id = given_reserved(network, "job_a0", "job_b0")
    slots = {(MACHINE, TODAY), (MACHINE, TOMORROW)}

    def swap(name: str) -> int:
        for number in range(12):
            again = Reservation(
                job_id=f"job_{name}{number + 1}",
                lot_id=lot_id,
                grams=40,
                machine_id=MACHINE,
                minutes_by_day=((TODAY, 30), (TOMORROW, 60)),
            )
            with unit_of_work(network) as session:
                lock_stores(session, lot_ids={lot_id}, slots=slots)
                release(session, job_ids=[f"job_{name}{number}"], now=NOW)
                assert reserve(session, reservations=(again,), now=NOW) == frozenset()
        return 12

    assert at_once(lambda: swap("a"), lambda: swap("b")) == [12, 12]
    held = in_transaction(network, lambda session: read_held(session, job_ids=["job_a12", "job_b12"]))
    assert sorted(held) == ["job_a12", "job_b12"]
    left = in_transaction(
        network, lambda session: rows(session, "SELECT initial_grams - remaining_grams FROM material_lots")
    )
    assert left == [(80,)]
