"""Reservations against PostgreSQL: never more than there is, whole or not at all, given back once."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.network.service import (
    NetworkData,
    Reservation,
    ReservationBroken,
    StatusChange,
    bump_queue_versions,
    release,
    reserve,
    save_network,
    set_node_status,
)
from tests.conftest import Database
from tests.factories.databases import engine_for, rows
from tests.factories.network import TODAY, a_lot, a_machine, a_network, a_node, an_offer, save_a_network
from tests.factories.organisations import NOW

MONDAY, TUESDAY, SATURDAY = date(2026, 6, 15), date(2026, 6, 16), date(2026, 6, 20)


def a_reservation(
    *,
    job_id: str = "job_1",
    lot_id: str | None = "lot_1",
    grams: int = 1000,
    machine_id: str = "N101-A",
    minutes_by_day: tuple[tuple[date, int], ...] = ((MONDAY, 100),),
) -> Reservation:
    return Reservation(job_id=job_id, lot_id=lot_id, grams=grams, machine_id=machine_id, minutes_by_day=minutes_by_day)


def grams_left(session: Session, lot_id: str = "lot_1") -> object:
    return rows(session, "SELECT remaining_grams FROM material_lots WHERE id = :id", id=lot_id)[0][0]


def minutes_left(session: Session, day: date = MONDAY, machine_id: str = "N101-A") -> object:
    sql = "SELECT remaining_minutes FROM capacity_slots WHERE machine_id = :id AND day = :day"
    return rows(session, sql, id=machine_id, day=day)[0][0]


def unbalanced(session: Session) -> list[tuple[object, ...]]:
    """Return lots and slots whose initial less remaining is not what live allocations hold."""
    lots = """
        SELECT lot.id, initial_grams - remaining_grams, coalesce(sum(held.grams), 0) FROM material_lots AS lot
        LEFT JOIN material_allocations AS held ON held.lot_id = lot.id AND held.released_at IS NULL
        GROUP BY lot.id HAVING initial_grams - remaining_grams <> coalesce(sum(held.grams), 0)"""
    slots = """
        SELECT slot.machine_id, slot.day, initial_minutes - remaining_minutes FROM capacity_slots AS slot
        LEFT JOIN capacity_allocations AS held
          ON held.machine_id = slot.machine_id AND held.day = slot.day AND held.released_at IS NULL
        GROUP BY slot.machine_id, slot.day
        HAVING initial_minutes - remaining_minutes <> coalesce(sum(held.minutes), 0)"""
    return rows(session, lots) + rows(session, slots)


# ---------------------------------------------------------------- one at a time


def test_a_reservation_that_fits_takes_grams_and_minutes_and_notes_them(network: Engine) -> None:
    wanted = a_reservation(minutes_by_day=((MONDAY, 700), (TUESDAY, 20)))
    with unit_of_work(network) as session:
        assert reserve(session, reservations=(wanted,), now=NOW) == frozenset()
    with unit_of_work(network) as session:
        assert (grams_left(session), minutes_left(session), minutes_left(session, TUESDAY)) == (9000, 20, 700)
        assert rows(session, "SELECT job_id, lot_id, grams, allocated_at, released_at FROM material_allocations") == [
            ("job_1", "lot_1", 1000, NOW, None)
        ]
        assert rows(session, "SELECT machine_id, day, minutes FROM capacity_allocations ORDER BY day") == [
            ("N101-A", MONDAY, 700),
            ("N101-A", TUESDAY, 20),
        ]


def test_reservations_are_taken_in_the_given_order_and_the_ones_that_do_not_fit_any_more_are_refused(
    network: Engine,
) -> None:
    wanted = (
        a_reservation(job_id="job_big", grams=9000),
        a_reservation(job_id="job_too_much", grams=1001),
        a_reservation(job_id="job_small", grams=1000),
    )
    with unit_of_work(network) as session:
        assert reserve(session, reservations=wanted, now=NOW) == {"job_too_much"}
    with unit_of_work(network) as session:
        assert (grams_left(session), minutes_left(session)) == (0, 520)
        assert unbalanced(session) == []


def test_a_reservation_is_refused_whole_when_one_of_its_days_is_full(network: Engine) -> None:
    wanted = a_reservation(minutes_by_day=((MONDAY, 100), (TUESDAY, 721)))
    with unit_of_work(network) as session:
        assert reserve(session, reservations=(wanted,), now=NOW) == {"job_1"}
        assert (grams_left(session), minutes_left(session)) == (10_000, 720)
        assert rows(session, "SELECT * FROM capacity_allocations") == []


def test_a_day_off_and_a_day_beyond_the_horizon_have_no_minutes(network: Engine) -> None:
    wanted = (
        a_reservation(job_id="job_saturday", minutes_by_day=((SATURDAY, 1),)),
        a_reservation(job_id="job_far", minutes_by_day=((TODAY + timedelta(days=10), 1),)),
    )
    with unit_of_work(network) as session:
        assert minutes_left(session, SATURDAY) == 0
        assert reserve(session, reservations=wanted, now=NOW) == {"job_saturday", "job_far"}


def test_days_named_twice_count_together(network: Engine) -> None:
    fits = a_reservation(job_id="job_fits", minutes_by_day=((MONDAY, 360), (MONDAY, 360)))
    too_long = a_reservation(job_id="job_too_long", minutes_by_day=((TUESDAY, 360), (TUESDAY, 361)))
    with unit_of_work(network) as session:
        assert reserve(session, reservations=(fits, too_long), now=NOW) == {"job_too_long"}
        assert rows(session, "SELECT job_id, minutes FROM capacity_allocations") == [("job_fits", 720)]


def test_a_job_without_a_lot_takes_minutes_only(network: Engine) -> None:
    with unit_of_work(network) as session:
        wanted = a_reservation(lot_id=None, grams=0)
        assert reserve(session, reservations=(wanted,), now=NOW) == frozenset()
        assert (grams_left(session), minutes_left(session)) == (10_000, 620)
        assert rows(session, "SELECT * FROM material_allocations") == []


@pytest.mark.parametrize("state", ["quarantined", "blocked"])
def test_a_lot_that_was_blocked_since_the_snapshot_is_refused(network: Engine, state: str) -> None:
    with unit_of_work(network) as session:
        rows(session, "UPDATE material_lots SET state = :state RETURNING id", state=state)
        assert reserve(session, reservations=(a_reservation(),), now=NOW) == {"job_1"}
        assert (grams_left(session), minutes_left(session)) == (10_000, 720)


def test_a_machine_or_node_that_went_down_since_the_snapshot_and_unknown_things_are_refused(network: Engine) -> None:
    unknown = (
        a_reservation(job_id="job_no_lot", lot_id="lot_none"),
        a_reservation(job_id="job_no_machine", machine_id="N999-X"),
    )
    with unit_of_work(network) as session:
        assert reserve(session, reservations=unknown, now=NOW) == {"job_no_lot", "job_no_machine"}
        rows(session, "UPDATE machines SET status = 'down' RETURNING id")
        assert reserve(session, reservations=(a_reservation(),), now=NOW) == {"job_1"}
        rows(session, "UPDATE machines SET status = 'up' RETURNING id")
        down = StatusChange(status="down", reason="flood", expected_version=1)
        set_node_status(session, node_id="N101", change=down, actor="key_1", now=NOW)
        assert reserve(session, reservations=(a_reservation(),), now=NOW) == {"job_1"}
        assert minutes_left(session) == 720


def test_nothing_to_reserve_is_nothing_refused(network: Engine) -> None:
    with unit_of_work(network) as session:
        assert reserve(session, reservations=(), now=NOW) == frozenset()
        assert unbalanced(session) == []


def test_a_reservation_without_sense_is_refused_at_birth() -> None:
    with pytest.raises(ValueError, match="give a lot and whole grams over 0, or neither"):
        a_reservation(grams=0)
    with pytest.raises(ValueError, match="give a lot and whole grams over 0, or neither"):
        a_reservation(lot_id=None)
    with pytest.raises(ValueError, match="at least one day"):
        a_reservation(minutes_by_day=())
    with pytest.raises(ValueError, match="each with minutes over 0"):
        a_reservation(minutes_by_day=((MONDAY, 0),))


# ---------------------------------------------------------------- giving back


def test_a_release_gives_everything_back_once(network: Engine) -> None:
    with unit_of_work(network) as session:
        wanted = (a_reservation(), a_reservation(job_id="job_2", minutes_by_day=((MONDAY, 50), (TUESDAY, 50))))
        assert reserve(session, reservations=wanted, now=NOW) == frozenset()
    later = NOW + timedelta(hours=1)
    for again in (later, later + timedelta(hours=1)):
        with unit_of_work(network) as session:
            release(session, job_ids=["job_1", "job_unknown"], now=again)
    with unit_of_work(network) as session:
        assert (grams_left(session), minutes_left(session), minutes_left(session, TUESDAY)) == (9000, 670, 670)
        sql = "SELECT job_id, released_at FROM material_allocations ORDER BY job_id"
        assert rows(session, sql) == [("job_1", later), ("job_2", None)]
        assert unbalanced(session) == []
        release(session, job_ids=["job_1", "job_2"], now=later)
        assert (grams_left(session), minutes_left(session), minutes_left(session, TUESDAY)) == (10_000, 720, 720)


def test_a_second_release_at_the_same_time_waits_and_gives_nothing(network: Engine) -> None:
    with unit_of_work(network) as session:
        reserve(session, reservations=(a_reservation(),), now=NOW)
    with ThreadPoolExecutor(max_workers=16) as pool:
        list(pool.map(lambda _: _release_alone(network, "job_1"), range(16)))
    with unit_of_work(network) as session:
        assert (grams_left(session), minutes_left(session)) == (10_000, 720)
        assert unbalanced(session) == []


# ---------------------------------------------------------------- races


def test_64_racing_transactions_never_take_more_than_one_lot_and_one_slot_hold(network: Engine) -> None:
    start = Barrier(64)

    def race(number: int) -> bool:
        job_id = f"job_{number:02d}"
        with unit_of_work(network) as session:
            session.connection()
            start.wait(timeout=30)
            wanted = a_reservation(job_id=job_id, grams=300, minutes_by_day=((MONDAY, 30),))
            return job_id not in reserve(session, reservations=(wanted,), now=NOW)

    with ThreadPoolExecutor(max_workers=64) as pool:
        accepted = list(pool.map(race, range(64)))
    with unit_of_work(network) as session:
        assert accepted.count(True) == 24  # 720 minutes hold 24 jobs, 10 kg would hold 33
        assert accepted.count(False) == 40
        assert (grams_left(session), minutes_left(session)) == (10_000 - 24 * 300, 0)
        assert rows(session, "SELECT count(*) FROM capacity_allocations") == [(24,)]
        assert unbalanced(session) == []


@pytest.mark.slow
def test_races_over_many_lots_slots_and_nodes_in_any_order_never_deadlock(engine: Engine) -> None:
    nodes = [f"N10{number}" for number in range(4)]
    with unit_of_work(engine) as session:
        save_a_network(session, data=a_wide_network(nodes))
    start = Barrier(64)

    def race(number: int) -> tuple[int, int]:
        chance = random.Random(number)
        start.wait(timeout=30)
        accepted = refused = 0
        for attempt in range(3):
            jobs = tuple(_scattered(chance, nodes, job_id=f"job_{number}_{attempt}_{job}") for job in range(6))
            with unit_of_work(engine) as session:
                no = reserve(session, reservations=jobs, now=NOW)
                bump_queue_versions(session, node_ids={job.machine_id[:4] for job in jobs})
            yes = [job.job_id for job in jobs if job.job_id not in no]
            accepted, refused = accepted + len(yes), refused + len(no)
            with unit_of_work(engine) as session:
                release(session, job_ids=chance.sample(yes, k=len(yes) // 2), now=NOW)
                bump_queue_versions(session, node_ids=nodes)
        return accepted, refused

    with ThreadPoolExecutor(max_workers=64) as pool:
        counts = list(pool.map(race, range(64)))
    with unit_of_work(engine) as session:
        assert sum(accepted + refused for accepted, refused in counts) == 64 * 3 * 6
        assert sum(refused for _, refused in counts) > 0
        assert rows(session, "SELECT count(*) FROM capacity_slots WHERE remaining_minutes < 0") == [(0,)]
        assert unbalanced(session) == []


def test_a_node_that_goes_down_during_a_race_takes_no_job_afterwards(network: Engine) -> None:
    with ThreadPoolExecutor(max_workers=1) as pool, unit_of_work(network) as session:
        down = StatusChange(status="down", reason="fire", expected_version=1)
        set_node_status(session, node_id="N101", change=down, actor="key_1", now=NOW)
        racing = pool.submit(_reserve_alone, network, a_reservation())
        assert not racing.done()
        session.commit()
        assert racing.result(timeout=30) == {"job_1"}


def test_saving_the_network_again_does_not_refill_a_lot(network: Engine) -> None:
    with unit_of_work(network) as session:
        reserve(session, reservations=(a_reservation(),), now=NOW)
    with unit_of_work(network) as session:
        assert save_network(session, data=a_network()) == 0
        assert grams_left(session) == 9000


def a_wide_network(nodes: list[str]) -> NetworkData:
    return a_network(
        nodes=tuple(a_node(node_id=node) for node in nodes),
        machines=tuple(a_machine(machine_id=f"{node}-A", node_id=node) for node in nodes),
        offers=tuple(an_offer(machine_id=f"{node}-A") for node in nodes),
        lots=tuple(a_lot(lot_id=f"lot_{node}_{n}", node_id=node, grams=20_000) for node in nodes for n in range(3)),
    )


def _scattered(chance: random.Random, nodes: list[str], *, job_id: str) -> Reservation:
    node = chance.choice(nodes)
    days = chance.sample([TODAY + timedelta(days=offset) for offset in range(5)], k=3)
    return a_reservation(
        job_id=job_id,
        lot_id=f"lot_{chance.choice(nodes)}_{chance.randrange(3)}",
        grams=chance.randint(50, 900),
        machine_id=f"{node}-A",
        minutes_by_day=tuple((day, chance.randint(1, 60)) for day in days),
    )


def _reserve_alone(engine: Engine, wanted: Reservation) -> frozenset[str]:
    with unit_of_work(engine) as session:
        return reserve(session, reservations=(wanted,), now=NOW)


def _release_alone(engine: Engine, job_id: str) -> None:
    with unit_of_work(engine) as session:
        release(session, job_ids=[job_id], now=NOW)


def test_rows_that_do_not_take_what_was_locked_for_them_stop_the_transaction(
    network: Engine, database: Database
) -> None:
    broken = """
        CREATE FUNCTION ignore() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER ignore BEFORE UPDATE ON material_lots FOR EACH ROW EXECUTE FUNCTION ignore()"""
    with engine_for(database.migration_url) as owner, owner.begin() as connection:
        connection.exec_driver_sql(broken)
    with pytest.raises(ReservationBroken, match=r"took from \(0, 1\) of \(1, 1\)"), unit_of_work(network) as session:
        reserve(session, reservations=(a_reservation(),), now=NOW)
    with unit_of_work(network) as session:
        assert rows(session, "SELECT * FROM capacity_allocations") == []
        assert minutes_left(session) == 720
