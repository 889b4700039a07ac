"""What the bench of growth fills in is sound, and what it says of times is what they are."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from fabroute.kernel.time import utc_now
from tests.benchmarks.bench_growth import Found, Times, main, missed, report
from tests.benchmarks.copied_orders import Copier
from tests.benchmarks.lived_orders import PATIENT, Life, LivedOrders, with_plenty
from tests.benchmarks.served_processes import served_processes
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.faults.chaos.network import given_network

SIGNED = "a certificate of conformity is what was signed"
"""Of copies it is not."""


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


def lived(engine: Engine, database: Database, folder: Path) -> LivedOrders:
    network = given_network(engine, utc_now(), storage_url=folder.as_uri())
    with_plenty(engine)
    with served_processes(database.url, 1, **PATIENT, storage_url=folder.as_uri()) as (api,):
        return Life(engine=engine, network=network, socket=api.socket).live(ended=1)


def counted(engine: Engine, *tables: str) -> list[int]:
    each = ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
    return [int(str(count)) for count in in_transaction(engine, lambda session: rows(session, f"SELECT {each}"))[0]]


def found_at(**ms: tuple[float, float]) -> Found:
    sizes = (10_000, 100_000)
    return {
        size: {name: Times(rounds=[[times[place] / 1000] * 3] * 3) for name, times in ms.items()}
        for place, size in enumerate(sizes)
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_copies_of_orders_that_lived_hold_all_that_must_hold(engine: Engine, database: Database) -> None:
    with tempfile.TemporaryDirectory() as name:
        orders = lived(engine, database, Path(name)).orders
    tables = ("orders", "order_lines", "jobs", "routing_decisions", "shipments", "events", "audit_seals")
    before = counted(engine, *tables)
    copier = Copier(database.url)
    ended, still_open = copier.patterns(orders["delivered"]), copier.patterns(orders["offered"])
    copier.copy(still_open, after=1_000, until=1_006, recent=True)
    for have, want in ((0, 12), (12, 48)):  # what is settled in between moves rows that are copied
        copier.copy(ended, after=have, until=want)
        copier.settle()
    added = [now - then for now, then in zip(counted(engine, *tables), before, strict=True)]

    broken = [it.invariant.name for it in check_invariants(engine) if it.broken]
    assert broken == [SIGNED]
    assert added[:5] == [54, 54, 54, 54, 48]
    delivered = in_transaction(
        engine, lambda session: rows(session, "SELECT count(*) FROM jobs WHERE state = 'delivered'")
    )
    assert delivered == [(48 + len(orders["delivered"]),)]
    assert added[5] > 20 * 48
    ((oldest, newest),) = in_transaction(
        engine, lambda session: rows(session, "SELECT min(id), max(id) FROM orders WHERE id < 'ord_01'")
    )
    assert (str(oldest)[:16], str(newest)[:16]) == ("ord_000999998994", "ord_000999999999")


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("ORDERS=abc", "ORDERS: whole numbers from 1,000 on, written like 1000: not abc"),
        ("ORDERS=10000 0", "ORDERS: whole numbers from 1,000 on, written like 1000: not 0"),
        ("ORDERS=3000 1000", "each of ORDERS is made of the one before, so they must grow: not 3000 1000"),
        ("TIMES=-1", "TIMES: whole numbers from 1 on, written like 1: not -1"),
    ],
)
def test_what_can_t_be_measured_is_refused_before_anything_is_filled_in(
    argument: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argument) == 2
    assert capsys.readouterr().err == f"bench-growth: {told}\n"


def test_what_grew_by_more_than_half_is_named() -> None:
    found = found_at(claim=(4.0, 6.0), poll=(2.0, 3.1), intake=(3.0, 2.9))

    assert missed(found) == ["poll"]
    lines = report(found).splitlines()
    assert lines[2] == "claim                                  4.00     4.00     6.00     6.00         1.50x"
    assert lines[3].endswith("1.55x  GREW")
    assert lines[4].endswith("1.00x")
    assert lines[-1] == "over the goal: poll"


def test_each_round_is_compared_in_itself_for_the_machine_is_not_equally_quick_in_all() -> None:
    found = found_at(claim=(1.0, 1.0))
    found[10_000]["claim"].rounds = [[0.001], [0.004], [0.002]]
    found[100_000]["claim"].rounds = [[0.0012], [0.008], [0.0024]]

    assert report(found).splitlines()[2].endswith("1.20x")


def test_the_times_of_a_size_are_the_medians_of_its_rounds() -> None:
    times = Times(rounds=[[0.001, 0.002, 0.009], [0.001, 0.003, 0.005], [0.004, 0.004, 0.004]])

    assert (times.ms(0.5), times.ms(0.99)) == (3.0, 5.0)
