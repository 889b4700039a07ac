"""What builds take of lots: the sum of what jobs hold is always what a lot lacks."""

import random
from collections import Counter

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.network import service as network
from fabroute.network.service import LotShort, LotUse, Reservation, UnknownLot, consume_lot, release, reserve
from tests.factories.databases import rows
from tests.factories.network import TODAY, a_lot, a_network, save_a_network
from tests.factories.organisations import NOW


@pytest.fixture
def store(engine: Engine) -> Engine:
    """A node with two lots of 5 kg."""
    with unit_of_work(engine) as session:
        save_a_network(
            session, data=a_network(lots=tuple(a_lot(lot_id=lot, grams=5_000) for lot in ("lot_1", "lot_2")))
        )
    return engine


def hold(session: Session, *, job_id: str, grams: int = 1_000, lot_id: str = "lot_1") -> None:
    wanted = Reservation(job_id=job_id, lot_id=lot_id, grams=grams, machine_id="N101-A", minutes_by_day=((TODAY, 10),))
    assert reserve(session, reservations=(wanted,), now=NOW) == frozenset()


def consume(
    session: Session, grams: int, *, job_id: str = "job_1", lot_id: str = "lot_1", still_needed_grams: int = 0
) -> LotUse:
    return consume_lot(
        session,
        lot_id=lot_id,
        job_id=job_id,
        build_id="bld_1",
        grams=grams,
        actor="key_1",
        now=NOW,
        still_needed_grams=still_needed_grams,
    )


def weights(session: Session, lot_id: str = "lot_1") -> tuple[object, ...]:
    """Return a lot's initial and remaining grams, and what jobs hold of it."""
    sql = """SELECT initial_grams, remaining_grams, (SELECT CAST(coalesce(sum(grams), 0) AS int)
             FROM material_allocations WHERE lot_id = lot.id AND released_at IS NULL)
             FROM material_lots lot WHERE id = :id"""
    return rows(session, sql, id=lot_id)[0]


def movements(session: Session) -> list[tuple[object, ...]]:
    return rows(session, "SELECT lot_id, kind, grams, remaining_grams, job_id FROM lot_movements ORDER BY id")


def changes(session: Session) -> list[object]:
    sql = "SELECT data ->> 'reason' FROM outbox_events WHERE name = 'network.changed' ORDER BY 1"
    return [reason for (reason,) in rows(session, sql)]


def test_what_a_build_did_not_need_goes_back_to_the_store(store: Engine) -> None:
    with unit_of_work(store) as session:
        hold(session, job_id="job_1")
        use = consume(session, 640)
        assert use == LotUse(lot_id="lot_1", grams=640, used_grams=640, held_grams=640)
        assert weights(session) == (5_000, 4_360, 640)
        assert movements(session) == [("lot_1", "consumed", -640, 4_360, "job_1")]


def test_what_a_build_took_beyond_the_reservation_is_taken_from_what_nobody_has(store: Engine) -> None:
    with unit_of_work(store) as session:
        hold(session, job_id="job_1")
        assert consume(session, 1_250).held_grams == 1_250
        assert weights(session) == (5_000, 3_750, 1_250)


def test_builds_of_one_job_add_up_and_keep_what_the_coming_ones_need(store: Engine) -> None:
    with unit_of_work(store) as session:
        hold(session, job_id="job_1")
        assert consume(session, 300, still_needed_grams=600).held_grams == 900
        assert weights(session) == (5_000, 4_100, 900)
        assert consume(session, 350, still_needed_grams=900).held_grams == 900, "never more than it holds"
        assert consume(session, 320).used_grams == 970
        assert weights(session) == (5_000, 4_030, 970)


def test_a_build_can_not_take_what_others_have_reserved(store: Engine) -> None:
    with unit_of_work(store) as session:
        hold(session, job_id="job_1")
        hold(session, job_id="job_2", grams=3_900)
    with unit_of_work(store) as session, pytest.raises(LotShort) as refused:
        consume(session, 1_101)
    assert "101 g more than it has reserved, and lot lot_1 has 100 g that nobody has" in str(refused.value)
    with unit_of_work(store) as session:
        assert consume(session, 1_100).held_grams == 1_100
        assert weights(session) == (5_000, 0, 5_000)


def test_a_job_that_drew_from_another_lot_holds_that_one(store: Engine) -> None:
    with unit_of_work(store) as session:
        hold(session, job_id="job_1")
        assert consume(session, 700, lot_id="lot_2").held_grams == 700
        assert weights(session) == (5_000, 5_000, 0)
        assert weights(session, "lot_2") == (5_000, 4_300, 700)


def test_a_lot_that_was_used_before_stays_held_beside_another(store: Engine) -> None:
    with unit_of_work(store) as session:
        hold(session, job_id="job_1")
        consume(session, 400)
        consume(session, 500, lot_id="lot_2")
        assert weights(session) == (5_000, 4_600, 400)
        assert weights(session, "lot_2") == (5_000, 4_500, 500)


def test_used_powder_does_not_come_back_when_its_job_ends(store: Engine) -> None:
    with unit_of_work(store) as session:
        hold(session, job_id="job_1")
        consume(session, 300, still_needed_grams=700)
        release(session, job_ids=["job_1"], now=NOW)
        assert weights(session) == (4_700, 4_700, 0)


def test_a_build_that_is_closed_after_its_job_ended_makes_the_lot_lighter(store: Engine) -> None:
    with unit_of_work(store) as session:
        hold(session, job_id="job_1")
        release(session, job_ids=["job_1"], now=NOW)
        use = consume(session, 250)
        assert (use.used_grams, use.held_grams) == (250, 0)
        assert weights(session) == (4_750, 4_750, 0)


def test_a_build_without_material_changes_nothing(store: Engine) -> None:
    with unit_of_work(store) as session:
        hold(session, job_id="job_1")
        assert consume(session, 0) == LotUse(lot_id="lot_1", grams=0, used_grams=0, held_grams=1_000)
        assert (weights(session), movements(session)) == ((5_000, 4_000, 1_000), [])


def test_an_unknown_lot_and_negative_grams_are_refused(store: Engine) -> None:
    with unit_of_work(store) as session:
        with pytest.raises(UnknownLot, match="there is no material lot lot_9"):
            consume(session, 10, lot_id="lot_9")
        with pytest.raises(ValueError, match="not -1"):
            consume(session, -1)


def test_what_is_given_back_is_told_to_routing(store: Engine) -> None:
    with unit_of_work(store) as session:
        hold(session, job_id="job_1")
        consume(session, 1_000)
        assert changes(session) == []
        hold(session, job_id="job_2")
        consume(session, 999, job_id="job_2")
        assert changes(session) == ["lot_given_back"]


@pytest.mark.parametrize("seed", range(3))
def test_any_history_leaves_lots_lacking_exactly_what_jobs_hold(store: Engine, seed: int) -> None:
    drawn = random.Random(seed)
    used: Counter[str] = Counter()
    held: dict[str, int] = {}
    weight = 5_000
    with unit_of_work(store) as session:
        for number in range(25):
            job_id = f"job_{number}"
            grams = drawn.randint(1, 400)
            if weight - sum(held.values()) < grams + 100:
                continue
            hold(session, job_id=job_id, grams=grams)
            held[job_id] = grams
            for _ in range(drawn.randint(0, 3)):
                taken, needed = drawn.randint(0, 60), drawn.randint(0, 200)
                used[job_id] += taken
                consume(session, taken, job_id=job_id, still_needed_grams=needed)
                if used[job_id]:
                    held[job_id] = max(used[job_id], min(held[job_id], used[job_id] + needed))
            if drawn.random() < 0.4:
                release(session, job_ids=[job_id], now=NOW)
                weight -= used[job_id]
                del held[job_id]
        total = sum(held.values())
        assert weights(session) == (weight, weight - total, total)
        gone = rows(session, "SELECT CAST(coalesce(-sum(grams), 0) AS int) FROM lot_movements")[0][0]
        assert gone == used.total()


def test_consume_lot_is_public() -> None:
    assert network.consume_lot is consume_lot
    assert {"LotShort", "LotUse", "UnknownLot", "consume_lot"} <= set(network.__all__)
