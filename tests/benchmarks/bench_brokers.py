"""Redis and RabbitMQ side by side: what a hand-off takes by the product's own relay and worker, and what gets lost.

``python -m tests.benchmarks.bench_brokers HANDOFFS=200 MESSAGES=2000 LOST=600 LINES=100 ROUNDS=3``; ``ONLY='handoffs
losses'`` picks. Where RabbitMQ is not installed, Redis is measured alone. Durable PostgreSQL from the wheel; brokers on
ports of this machine. Kinds take turns, round by round, so that a busy machine is busy for all of them.
"""

import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from fabroute import migrations
from fabroute_embedded import embedded_servers
from tests.benchmarks.bench_files import processor
from tests.benchmarks.broker_losses import Loss, Sweep, lose, sweep
from tests.benchmarks.broker_rounds import Handoffs, Publishing, hand_off, publish
from tests.benchmarks.killable_brokers import kinds_here
from tests.factories.databases import engine_for
from tests.factories.rabbitmq import MISSING, is_installed
from tests.factories.routable import given_routable_network

COMPARED = ("redis", "rabbitmq")
"""What the product recommends of each: the others differ in what they keep when they die."""
PARTS = ("handoffs", "publishing", "losses", "sweeps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of what."""

    handoffs: int = 200
    messages: int = 2_000
    lost: int = 600
    lines: int = 100
    rounds: int = 3


@dataclass(slots=True)
class Found:
    """All measurements, by the name of the kind."""

    handoffs: dict[str, list[Handoffs]] = field(default_factory=dict)
    publishing: dict[str, list[Publishing]] = field(default_factory=dict)
    losses: dict[str, list[Loss]] = field(default_factory=dict)
    sweeps: dict[str, list[Sweep]] = field(default_factory=dict)


def main(arguments: Sequence[str]) -> int:
    """Print the tables; 1 where something was lost although the relay swept."""
    asked = dict(argument.split("=", 1) for argument in arguments)
    parts = tuple(asked.pop("ONLY", " ".join(PARTS)).split())
    sizes = Sizes(**{name.lower(): int(value) for name, value in asked.items()})
    print(
        f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}; {versions()}; {sizes}", flush=True
    )
    if not is_installed():
        print(f"{MISSING}: Redis is measured alone", flush=True)
    found = measured(sizes, parts)
    console = Console(width=150)
    for table in tables(found):
        console.print(table)
    undecided = sum(it.undecided for each in found.sweeps.values() for it in each)
    return int(undecided > 0)


def measured(sizes: Sizes, parts: Sequence[str]) -> Found:
    """Measure kind after kind, round after round."""
    found = Found()
    with embedded_servers(durable=True) as servers, TemporaryDirectory() as folder:
        urls = servers.postgres.create_database("bench")
        migrations.upgrade(urls.migration_url)
        with engine_for(urls.url, connections=4) as engine:
            given_routable_network(engine, lot_grams=10_000_000)
            for number in range(sizes.rounds):
                _round(found, sizes, parts, engine=engine, url=urls.url, folder=Path(folder) / f"{number}")
    return found


def _round(found: Found, sizes: Sizes, parts: Sequence[str], *, engine: Engine, url: str, folder: Path) -> None:
    folder.mkdir()
    for name, kind in kinds_here().items():
        place = folder / name
        place.mkdir()
        if name in COMPARED and "handoffs" in parts:
            it = hand_off(kind, engine, url=url, folder=place, count=sizes.handoffs)
            found.handoffs.setdefault(kind.name, []).append(it)
        if "publishing" in parts:
            done = publish(kind, url=url, folder=place, count=sizes.messages)
            found.publishing.setdefault(kind.name, []).append(done)
        if "losses" in parts:
            found.losses.setdefault(kind.name, []).append(lose(kind, url=url, folder=place, count=sizes.lost))
        if name in COMPARED and "sweeps" in parts:
            swept = sweep(kind, engine, url=url, folder=place, lines=sizes.lines)
            found.sweeps.setdefault(kind.name, []).append(swept)
        print(f"{kind.name}: done", file=sys.stderr, flush=True)


def versions() -> str:
    """Return the versions of both servers."""
    found = ["Redis of the wheel (6.2)"]
    if is_installed():
        asked = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", "rabbitmq-server"],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        found.append(f"RabbitMQ {asked.stdout.partition('-')[0] or '?'}")
    return ", ".join(found)


def tables(found: Found) -> list[Table]:
    """Return what was measured: medians of the rounds, losses of all rounds together."""
    return [
        it
        for it in (
            _handoffs(found.handoffs),
            _publishing(found.publishing),
            _losses(found.losses),
            _sweeps(found.sweeps),
        )
        if it.row_count
    ]


def _handoffs(found: Mapping[str, list[Handoffs]]) -> Table:
    table = Table(
        *("broker", "alone p50", "alone p99", "100/s p50", "100/s p99"),
        *("CPU of relay", "of broker", "of worker", "of PostgreSQL"),
        title="commit → task start by relay and worker; µs of processor for each hand-off at 100 a second",
    )
    for name, rounds in found.items():
        times = (_median(rounds, it) for it in ("alone_p50", "alone_p99", "busy_p50", "busy_p99"))
        cpu = (_median(rounds, it) for it in ("relay_micros", "broker_micros", "worker_micros", "postgres_micros"))
        table.add_row(name, *(f"{it:.1f} ms" for it in times), *(f"{it:,.0f}" for it in cpu))
    return table


def _publishing(found: Mapping[str, list[Publishing]]) -> Table:
    table = Table(
        *("broker", "published a second", "CPU of publisher", "of broker"),
        *("started a second", "CPU of worker", "of broker", "memory", "with messages"),
        title="one publisher, then one worker on what waits; µs of processor for each message",
    )
    for name, rounds in found.items():
        table.add_row(
            name,
            *(f"{_median(rounds, it):,.0f}" for it in ("published_a_second", "publisher_micros", "broker_in_micros")),
            *(f"{_median(rounds, it):,.0f}" for it in ("started_a_second", "worker_micros", "broker_out_micros")),
            *(f"{_median(rounds, it):.0f} MiB" for it in ("memory_mib", "full_mib")),
        )
    return table


def _losses(found: Mapping[str, list[Loss]]) -> Table:
    table = Table(
        *("broker", "handed over", "never started", "started twice", "refused meanwhile", "back after"),
        title="kill -9 of the broker while messages are handed over and taken, without the sweeper",
    )
    for name, rounds in found.items():
        counts = (sum(getattr(it, what) for it in rounds) for what in ("accepted", "lost", "doubled", "refused"))
        table.add_row(name, *map(str, counts), f"{_median(rounds, 'away_seconds'):.1f} s")
    return table


def _sweeps(found: Mapping[str, list[Sweep]]) -> Table:
    table = Table(
        *("broker", "lines", "undecided", "slowest"),
        title="the same with the product's relay: lines that were placed while the broker was killed",
    )
    for name, rounds in found.items():
        slowest = f"{max(it.slowest_seconds for it in rounds):.1f} s"
        table.add_row(name, str(sum(it.lines for it in rounds)), str(sum(it.undecided for it in rounds)), slowest)
    return table


def _median(rounds: Sequence[object], name: str) -> float:
    return statistics.median(float(getattr(it, name)) for it in rounds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
