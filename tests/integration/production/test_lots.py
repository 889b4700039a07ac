"""Lots: jobs that are printed to the last piece, and how they came out."""

from datetime import timedelta

from fabroute.production.service.lots import MadeLot, made_lots
from tests.factories.organisations import NOW
from tests.factories.production import Floor


def lots_of(floor: Floor, *, limit: int = 5, part_no: str = "RL-0001") -> tuple[MadeLot, ...]:
    owner = floor.owner.organisation_id
    return floor.do(lambda it: made_lots(it, organisation_id=owner, part_no=part_no, limit=limit))


def a_lot_of(floor: Floor, *results: str, quantity: int = 1) -> str:
    """Return the id of a job that was fetched, with these prints."""
    job_id = floor.accepted(quantity)
    floor.fetched(job_id)
    for result in results:
        floor.printed(job_id, result)
    return job_id


def test_a_job_is_a_lot_once_its_last_piece_is_good(floor: Floor) -> None:
    a_lot_of(floor, "good", quantity=2)
    assert lots_of(floor) == ()

    whole = a_lot_of(floor, "good", "good", quantity=2)
    (lot,) = lots_of(floor)

    assert (lot.job_id, lot.revision_id) == (whole, floor.owner.revision_id)
    assert (lot.good, lot.failed, lot.made) == (2, 0, 2)
    assert (lot.made_at, lot.on_time) == (NOW, True)


def test_a_lot_that_was_done_after_its_day_is_late(floor: Floor) -> None:
    job_id = a_lot_of(floor, "good")
    (in_time,) = lots_of(floor)
    yesterday = NOW.date() - timedelta(days=1)
    floor.table("UPDATE jobs SET produce_by = :day WHERE id = :job RETURNING id", day=yesterday, job=job_id)
    (late,) = lots_of(floor)

    assert (in_time.on_time, late.on_time) == (True, False)
    assert late.produce_by == yesterday


def test_a_failed_print_is_made_twice(floor: Floor) -> None:
    job_id = a_lot_of(floor, "failed", quantity=1)
    assert lots_of(floor) == ()
    floor.table("UPDATE jobs SET good_prints = 1 WHERE id = :job RETURNING id", job=job_id)

    (lot,) = lots_of(floor)
    assert (lot.good, lot.failed, lot.made) == (1, 1, 2)


def test_the_latest_lots_go_first_and_only_the_owner_sees_them(floor: Floor) -> None:
    jobs = [a_lot_of(floor, "good") for _ in range(3)]

    assert [lot.job_id for lot in lots_of(floor, limit=2)] == sorted(jobs, reverse=True)[:2]
    assert len(lots_of(floor)) == 3
    assert lots_of(floor, part_no="RL-0002") == ()
    stranger = floor.do(lambda it: made_lots(it, organisation_id="org_rival", part_no="RL-0001", limit=5))
    assert stranger == ()
