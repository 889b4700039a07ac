"""Two loadings at the same time, and a loading while the network is in use."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.integrations.reference import SeedReport, load_reference, reference_folder
from fabroute.network.service import Reservation, release, reserve
from tests.conftest import Database
from tests.factories.databases import engine_for, rows
from tests.factories.reference import write_reference
from tests.fakes.print_file_store import FakePrintFileStore
from tests.fakes.signer import FakeSigner

NOW = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine for an empty database."""
    with engine_for(database.url, connections=10) as made:
        yield made


def test_four_loadings_at_once_end_as_one(engine: Engine, tmp_path: Path) -> None:
    folder, store = write_reference(tmp_path), FakePrintFileStore()

    def load(_: int) -> SeedReport:
        return load_reference(engine, folder=folder, store=store, signer=FakeSigner(), as_of=None, now=NOW)

    with ThreadPoolExecutor(max_workers=4) as pool:
        reports = list(pool.map(load, range(4)))
    assert sorted(report.changed > 0 for report in reports) == [False, False, False, True]
    with unit_of_work(engine) as session:
        assert rows(session, "SELECT state FROM part_revisions") == [("released",)]
        assert rows(session, "SELECT count(*) FROM print_files") == [(1,)]
        told = "SELECT count(*) FROM outbox_events WHERE data ->> 'reason' = 'reference_loaded'"
        assert rows(session, told) == [(1,)]


@pytest.mark.slow
def test_a_network_in_use_can_be_loaded_again_for_another_day(engine: Engine) -> None:
    load_reference(engine, folder=reference_folder(), store=None, as_of=None, now=NOW)
    with unit_of_work(engine) as session:
        usable = rows(
            session,
            """SELECT DISTINCT ON (machines.id) material_lots.id, machines.id FROM material_lots
               JOIN machine_offers USING (material)
               JOIN machines ON machines.id = machine_offers.machine_id AND machines.node_id = material_lots.node_id
               WHERE material_lots.state = 'available' AND remaining_grams > 2000 AND machines.status = 'up'
               ORDER BY machines.id, material_lots.id LIMIT 40""",
        )

    def use(number: int) -> bool:
        lot_id, machine_id = usable[number % len(usable)]
        job_id = f"job_{number}"
        wanted = Reservation(
            job_id=job_id,
            lot_id=str(lot_id),
            grams=10,
            machine_id=str(machine_id),
            minutes_by_day=((NOW.date() + timedelta(days=number % 5), 5),),
        )
        with unit_of_work(engine) as session:
            accepted = job_id not in reserve(session, reservations=(wanted,), now=NOW)
        if number % 3 == 0:
            with unit_of_work(engine) as session:
                release(session, job_ids=[job_id], now=NOW)
        return accepted

    with ThreadPoolExecutor(max_workers=6) as pool:
        using = [pool.submit(use, number) for number in range(120)]
        again = load_reference(engine, folder=reference_folder(), store=None, as_of=date(2026, 6, 18), now=NOW)
        accepted = [future.result(timeout=60) for future in using]
        assert accepted.count(True) > 60
    assert again.changed == 482 + 268 + 104
    with unit_of_work(engine) as session:
        unbalanced = """
            SELECT lot.id FROM material_lots AS lot
            LEFT JOIN material_allocations AS held ON held.lot_id = lot.id AND held.released_at IS NULL
            GROUP BY lot.id HAVING initial_grams - remaining_grams <> coalesce(sum(held.grams), 0)"""
        assert rows(session, unbalanced) == []
        assert rows(session, "SELECT count(*) FROM material_lots WHERE remaining_grams < initial_grams") != [(0,)]
