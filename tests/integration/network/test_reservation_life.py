"""Any sequence of reserving, releasing, blocking and refilling, against a model that counts by hand."""

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.network.service import Reservation, add_lot, release, reserve
from tests.factories.databases import rows
from tests.factories.network import TODAY, a_lot, a_machine, a_network, an_offer, save_a_network
from tests.factories.organisations import NOW

LOTS = ("lot_1", "lot_2")
MACHINES = ("N101-A", "N101-B")
DAYS = tuple(TODAY + timedelta(days=offset) for offset in range(2))
TABLES = (
    *("material_allocations", "capacity_allocations", "capacity_slots", "material_lots", "machine_offers", "machines"),
    *("nodes", "materials", "machine_models", "organisations", "outbox_events"),
)

Need = tuple[str, int, str, tuple[tuple[date, int], ...]]

days = st.lists(st.tuples(st.sampled_from(DAYS), st.integers(1, 400)), min_size=1, max_size=3).map(tuple)
needs = st.tuples(st.sampled_from(LOTS), st.integers(1, 3000), st.sampled_from(MACHINES), days)


class ReservationLife(RuleBasedStateMachine):
    """Jobs come and go; lots are blocked, released and added."""

    engine: Engine
    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.grams = dict.fromkeys(LOTS, 5_000)
        self.minutes = {(machine, day): 720 for machine in MACHINES for day in DAYS}
        self.blocked: set[str] = set()
        self.held: dict[str, Reservation] = {}

    @initialize()
    def start(self) -> None:
        with unit_of_work(self.engine) as session:
            session.connection().exec_driver_sql(f"TRUNCATE {', '.join(TABLES)} CASCADE")
            data = a_network(
                machines=tuple(a_machine(machine_id=machine) for machine in MACHINES),
                offers=tuple(an_offer(machine_id=machine) for machine in MACHINES),
                lots=tuple(a_lot(lot_id=lot, grams=5_000) for lot in LOTS),
            )
            save_a_network(session, data=data, days=len(DAYS))

    @rule(target=jobs, wanted=st.lists(needs, min_size=1, max_size=4))
    def reserve_some(self, wanted: list[Need]) -> MultipleResults[str]:
        jobs = tuple(self._reservation(need) for need in wanted)
        with unit_of_work(self.engine) as session:
            refused = reserve(session, reservations=jobs, now=NOW)
        expected = {job.job_id for job in jobs if not self._take(job)}
        assert refused == expected
        return multiple(*(job.job_id for job in jobs))

    @rule(job_ids=st.lists(consumes(jobs), max_size=3))
    def release_some(self, job_ids: list[str]) -> None:
        with unit_of_work(self.engine) as session:
            release(session, job_ids=job_ids, now=NOW)
        for job_id in job_ids:
            self._give_back(job_id)

    @rule(job_id=jobs)
    def release_one_twice(self, job_id: str) -> None:
        for _ in range(2):
            with unit_of_work(self.engine) as session:
                release(session, job_ids=[job_id], now=NOW)
        self._give_back(job_id)

    @rule(lot=st.sampled_from(LOTS), state=st.sampled_from(["available", "blocked", "quarantined"]))
    def set_lot_state(self, lot: str, state: str) -> None:
        with unit_of_work(self.engine) as session:
            rows(session, "UPDATE material_lots SET state = :state WHERE id = :id RETURNING id", state=state, id=lot)
        self.blocked.discard(lot)
        if state != "available":
            self.blocked.add(lot)

    @rule(grams=st.integers(1, 500))
    def add_another_lot(self, grams: int) -> None:
        with unit_of_work(self.engine) as session:
            lot = add_lot(session, lot=a_lot(lot_id=None, grams=grams), actor="key_1", now=NOW)
        self.grams[lot.lot_id] = grams

    @invariant()
    def what_is_left_is_what_the_model_counts(self) -> None:
        if not self.count and not self.held:
            return
        with unit_of_work(self.engine) as session:
            stock = rows(session, "SELECT id, remaining_grams FROM material_lots")
            assert set(stock) == set(self.grams.items())
            left = rows(session, "SELECT machine_id, day, remaining_minutes FROM capacity_slots")
            assert {(machine, day): minutes for machine, day, minutes in left} == self.minutes
            live = rows(session, "SELECT job_id FROM capacity_allocations WHERE released_at IS NULL")
            assert {job_id for (job_id,) in live} == set(self.held)

    def _reservation(self, need: Need) -> Reservation:
        lot_id, grams, machine_id, minutes_by_day = need
        self.count += 1
        return Reservation(
            job_id=f"job_{self.count}",
            lot_id=lot_id,
            grams=grams,
            machine_id=machine_id,
            minutes_by_day=minutes_by_day,
        )

    def _take(self, job: Reservation) -> bool:
        assert job.lot_id is not None
        minutes: Counter[tuple[str, date]] = Counter()
        for day, wanted in job.minutes_by_day:
            minutes[job.machine_id, day] += wanted
        fits = job.lot_id not in self.blocked and self.grams[job.lot_id] >= job.grams
        if not fits or any(self.minutes[slot] < wanted for slot, wanted in minutes.items()):
            return False
        self.grams[job.lot_id] -= job.grams
        for slot, wanted in minutes.items():
            self.minutes[slot] -= wanted
        self.held[job.job_id] = job
        return True

    def _give_back(self, job_id: str) -> None:
        job = self.held.pop(job_id, None)
        if job is None or job.lot_id is None:
            return
        self.grams[job.lot_id] += job.grams
        for day, wanted in job.minutes_by_day:
            self.minutes[job.machine_id, day] += wanted


@pytest.mark.slow
def test_lots_and_slots_hold_what_the_model_counts_after_any_sequence(owner_engine: Engine) -> None:
    machine = type("Life", (ReservationLife,), {"engine": owner_engine})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=15,
            deadline=None,
            database=None,
            phases=(Phase.generate,),  # a failure is short enough as it is, and shrinking it takes minutes
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
