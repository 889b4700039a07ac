"""The benchmark of brokers, at the smallest size: Redis hands over, and forgets where it keeps no file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.benchmarks.bench_brokers import COMPARED, Found, main, tables
from tests.benchmarks.broker_losses import lose, sweep
from tests.benchmarks.broker_rounds import hand_off, publish
from tests.benchmarks.killable_brokers import KINDS, kinds_here
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.rabbitmq import is_installed
from tests.factories.routable import given_routable_network

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        given_routable_network(engine, lot_grams=1_000_000)
        yield engine


def test_rabbitmq_is_left_out_where_it_is_not_installed() -> None:
    assert set(COMPARED) <= set(KINDS)
    assert set(KINDS) - set(kinds_here()) == (set() if is_installed() else {"rabbitmq", "rabbitmq-classic"})


@pytest.mark.drill
def test_what_redis_hands_over_is_started_and_every_figure_has_its_place_in_a_table(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    kind = KINDS["redis"]
    handed = hand_off(kind, engine, url=database.url, folder=tmp_path, count=4)
    published = publish(kind, url=database.url, folder=tmp_path, count=20)
    lost = lose(kind, url=database.url, folder=tmp_path, count=20)
    swept = sweep(kind, engine, url=database.url, folder=tmp_path, lines=10)

    found = Found()
    found.handoffs[kind.name], found.publishing[kind.name] = [handed], [published]
    found.losses[kind.name], found.sweeps[kind.name] = [lost], [swept]

    assert handed.alone_p50 <= handed.alone_p99
    assert min(handed.relay_micros, handed.broker_micros, handed.worker_micros, handed.postgres_micros) > 0
    assert (lost.accepted, lost.lost) == (20, 0)
    assert (swept.lines, swept.undecided) == (10, 0)
    assert [table.row_count for table in tables(found)] == [1, 1, 1, 1]


@pytest.mark.drill
def test_a_redis_without_its_file_loses_what_waits_in_it(database: Database, tmp_path: Path) -> None:
    lost = lose(KINDS["redis-forgets"], url=database.url, folder=tmp_path, count=400)

    assert lost.lost >= 1
    assert lost.refused <= 5


def test_nothing_is_measured_where_no_part_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ROUNDS=1", "ONLY="]) == 0
    assert "Sizes(handoffs=200, messages=2000, lost=600, lines=100, rounds=1)" in capsys.readouterr().out
