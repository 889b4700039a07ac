"""What it takes to take an order, beside the floor: PostgreSQL's own three inserts, measured in the same rounds.

``python -m tests.benchmarks.bench_intake [CLIENTS='1 16 64'] [SECONDS=5] [ROUNDS=5] [PROCESSES=1]``: API processes on
durable PostgreSQL; clients in a process of their own on connections that stay open, each sending an order when the one
before is answered. An order has all that a real one needs: a key that is looked up, limits that are counted, catalogue,
idempotency, audit, event, tenant's policy. Each round runs pgbench, the clients and pgbench with one statement, one
after the other for every number of clients; figures are medians of rounds, ratios those of the same round.
"""

import os
import platform
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

from sqlalchemy import Engine

from fabroute import migrations
from fabroute_embedded import EmbeddedServers, embedded_servers
from tests.benchmarks.bench_files import processor
from tests.benchmarks.bench_overload import percentile
from tests.benchmarks.floors import ONE_STATEMENT, THREE_INSERTS, Floor, measured_floor, server_cpu_seconds
from tests.benchmarks.open_loop import Load, Offered, offer
from tests.benchmarks.served_processes import Served, served_processes
from tests.factories.api import given_owner_and_places
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import Owner
from tests.factories.postgres_log import StatementLog, logged_statements

CLIENTS, SECONDS, ROUNDS = (1, 16, 64), 5, 5
GOAL_CLIENTS, GOAL_SHARE, MOONSHOT, GOAL_P99_MS = 16, 0.6, 1.0, 15.0
GOAL_TIMES_THE_FLOORS_P50 = 1.5
GOAL_STATEMENTS = 1.0
_BODY = b'{"ship_to":{"city":"Hamburg","country":"DE"},"lines":[{"part":"%b","quantity":1}]}'
_WARM_SECONDS, _COUNTED_SECONDS, _IDLE_SECONDS = 2.0, 1.0, 2.0
_UNREACHED_LIMIT = 1_000_000_000
"""Requests a minute: counted as everybody's are, and told in every answer."""
_GROUPS = "SELECT count(*)::int FROM idempotency_keys WHERE key LIKE :keys GROUP BY xmin"
"""Orders of one statement have one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many clients at once, for how long, how often, on how many processes."""

    clients: tuple[int, ...] = CLIENTS
    seconds: int = SECONDS
    rounds: int = ROUNDS
    processes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of one number of clients. Processor times are microseconds for each order."""

    floor: Floor
    floor_cpu: float
    one_statement: Floor
    orders: Offered
    api_cpu: float
    server_cpu: float
    client_cpu: float
    groups: tuple[int, ...]
    """How many orders each statement wrote."""

    @property
    def rate(self) -> float:
        """Orders a second."""
        return self.orders.statuses[201] / self.orders.seconds

    @property
    def share(self) -> float:
        """Of the floor."""
        return self.rate / self.floor.rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The statements that PostgreSQL got while orders were placed."""

    orders: int
    intake: int
    """Of these orders."""
    others: Counter[str]
    """What it gets for orders beside: look-ups of keys once a second, rings for the relay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that was found for one number of clients."""

    clients: int
    rounds: tuple[Round, ...]
    sent: Sent

    def median(self, figure: Callable[[Round], float]) -> float:
        """Return the median of a figure over the rounds."""
        return statistics.median(figure(it) for it in self.rounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A database, an owner who orders, and clients in a process of their own."""

    servers: EmbeddedServers
    url: str
    engine: Engine
    owner: Owner
    clients: ProcessPoolExecutor
    client: Served

    def load(self, apis: Sequence[Served], name: str, *, clients: int, seconds: float) -> Offered:
        """Return what came of clients who ordered for so long; every request must have been answered."""
        sockets, body = tuple(api.socket for api in apis), _BODY % self.owner.part_no.encode()
        load = Load(sockets=sockets, token=self.owner.token, body=body, name=name, seconds=seconds, clients=clients)
        found: Offered = self.clients.submit(offer, load).result()
        if found.unanswered or not set(found.statuses) <= {201, 429}:
            raise RuntimeError(f"answers: {dict(found.statuses)}, and {len(found.unanswered)} requests without one")
        return found

    def groups(self, name: str) -> tuple[int, ...]:
        """Return how many orders of a load each statement wrote."""
        found = in_transaction(self.engine, lambda session: rows(session, _GROUPS, keys=f"{name}.%"))
        return tuple(int(str(row[0])) for row in found)


def main(*arguments: str) -> int:
    """Print the figures; return 1 where one is not what was promised."""
    given = dict(argument.split("=", 1) for argument in arguments)
    plan = Plan(
        clients=tuple(int(word) for word in given.get("CLIENTS", "").split()) or CLIENTS,
        seconds=int(given.get("SECONDS", SECONDS)),
        rounds=int(given.get("ROUNDS", ROUNDS)),
        processes=int(given.get("PROCESSES", 1)),
    )
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}")
    print(
        f"{plan.processes} API process(es), PostgreSQL (fsync, synchronous_commit) and clients on raw sockets share"
        f" them; medians of {plan.rounds} rounds of {plan.seconds} s"
    )
    cases = run(plan)
    print(report(cases))
    print(*verdicts(cases), sep="\n")
    return int(not all(" missed" not in verdict for verdict in verdicts(cases)))


def run(plan: Plan) -> tuple[Case, ...]:
    """Return what came of a plan, on servers of its own."""
    with embedded_servers(durable=True) as servers, ProcessPoolExecutor(1, mp_context=get_context("spawn")) as clients:
        urls = servers.postgres.create_database("bench")
        migrations.upgrade(urls.migration_url)
        with engine_for(urls.url, connections=2) as engine:
            bench = Bench(
                servers=servers,
                url=urls.url,
                engine=engine,
                owner=given_owner_and_places(engine),
                clients=clients,
                client=Served(socket="", process=clients.submit(os.getpid).result()),
            )
            return measure(bench, plan)


def measure(bench: Bench, plan: Plan) -> tuple[Case, ...]:
    """Return what came of a plan."""
    found: dict[int, list[Round]] = {clients: [] for clients in plan.clients}
    with served_processes(bench.url, plan.processes, rate_limit_default=_UNREACHED_LIMIT) as apis:
        for clients in plan.clients:
            bench.load(apis, f"warm{clients}", clients=clients, seconds=_WARM_SECONDS)
        for number in range(plan.rounds):
            for clients, rounds in found.items():
                rounds.append(_measured_round(bench, apis, f"r{number}c{clients}", clients, plan.seconds))
    sent = _count_statements(bench, plan)
    return tuple(Case(clients=it, rounds=tuple(rounds), sent=sent[it]) for it, rounds in found.items())


def _measured_round(bench: Bench, apis: Sequence[Served], name: str, clients: int, seconds: int) -> Round:
    postmaster = bench.servers.postgres.pid
    before = server_cpu_seconds(postmaster)
    floor = measured_floor(bench.url, bench.owner, clients=clients, seconds=seconds, script=THREE_INSERTS)
    floor_cpu = server_cpu_seconds(postmaster) - before
    begun = _cpu(apis), server_cpu_seconds(postmaster), bench.client.cpu_seconds()
    orders = bench.load(apis, name, clients=clients, seconds=seconds)
    ended = _cpu(apis), server_cpu_seconds(postmaster), bench.client.cpu_seconds()
    each = [(after - before) / orders.statuses[201] * 1e6 for before, after in zip(begun, ended, strict=True)]
    return Round(
        floor=floor,
        floor_cpu=floor_cpu / len(floor.seconds) * 1e6,
        one_statement=measured_floor(bench.url, bench.owner, clients=clients, seconds=seconds, script=ONE_STATEMENT),
        orders=replace(orders, orders={}),
        api_cpu=each[0],
        server_cpu=each[1],
        client_cpu=each[2],
        groups=bench.groups(name),
    )


def _cpu(apis: Sequence[Served]) -> float:
    return sum(api.cpu_seconds() for api in apis)


def _count_statements(bench: Bench, plan: Plan) -> dict[int, Sent]:
    """Return what PostgreSQL gets, by its own log: on other processes, for telling of it takes time."""
    with (
        logged_statements(bench.servers.postgres, bench.url) as log,
        served_processes(bench.url, plan.processes, rate_limit_default=_UNREACHED_LIMIT) as apis,
    ):
        bench.load(apis, "counted", clients=max(plan.clients), seconds=_COUNTED_SECONDS)
        time.sleep(_IDLE_SECONDS)
        began = log.position()
        time.sleep(_IDLE_SECONDS)
        idle = frozenset(log.statements(since=began))
        return {clients: _counted(bench, apis, log, idle, clients) for clients in plan.clients}


def _counted(bench: Bench, apis: Sequence[Served], log: StatementLog, idle: frozenset[str], clients: int) -> Sent:
    began = log.position()
    offered = bench.load(apis, f"counted{clients}", clients=clients, seconds=_COUNTED_SECONDS)
    sent = Counter(text for text in log.statements(since=began) if text not in idle)
    intake = sum(count for text, count in sent.items() if is_of_intake(text))
    others = Counter({text: count for text, count in sent.items() if not is_of_intake(text)})
    return Sent(orders=offered.statuses[201], intake=intake, others=others)


def is_of_intake(statement: str) -> bool:
    """Return whether a statement is the one that writes orders."""
    return statement.startswith("WITH asked AS")


def report(cases: Sequence[Case]) -> str:
    """Return the figures as a table."""
    head = ("clients", "orders/s", "F/s", "of F", "1-statement F/s", "p50 (F) ms", "p99 (F) ms", "API µs", "PG µs (F)",
            "client µs", "group p50/max", "statements")  # fmt: skip
    table = [head, *(_row(case) for case in cases)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table)


def _row(case: Case) -> tuple[str, ...]:
    shares = [it.share for it in case.rounds]
    return (
        f"{case.clients}",
        f"{case.median(lambda it: it.rate):,.0f}",
        f"{case.median(lambda it: it.floor.rate):,.0f}",
        f"{statistics.median(shares):.0%} ({min(shares):.0%}-{max(shares):.0%})",
        f"{case.median(lambda it: it.one_statement.rate):,.0f}",
        f"{latency(case, 0.5):.1f} ({floors_latency(case, 0.5):.1f})",
        f"{latency(case, 0.99):.1f} ({floors_latency(case, 0.99):.1f})",
        f"{case.median(lambda it: it.api_cpu):.0f}",
        f"{case.median(lambda it: it.server_cpu):.0f} ({case.median(lambda it: it.floor_cpu):.0f})",
        f"{case.median(lambda it: it.client_cpu):.0f}",
        f"{case.median(lambda it: statistics.median(it.groups)):.0f}/{max(max(it.groups) for it in case.rounds)}",
        f"{case.sent.intake / case.sent.orders:.2f} + {case.sent.others.total() / case.sent.orders:.2f}",
    )


def latency(case: Case, share: float) -> float:
    """Return the milliseconds within which such a share of the orders was answered."""
    return case.median(lambda it: percentile(it.orders.accepted, share))


def floors_latency(case: Case, share: float) -> float:
    """Return the milliseconds within which such a share of the floor's transactions was done."""
    return case.median(lambda it: percentile(it.floor.seconds, share))


def verdicts(cases: Sequence[Case]) -> list[str]:
    """Return what was promised, and whether it was kept."""
    by_clients = {case.clients: case for case in cases}
    found = [
        f"{case.clients} clients: {refused:,} orders refused since the machine was too busy: missed"
        for case in cases
        if (refused := sum(it.orders.statuses[429] for it in case.rounds))
    ]
    found += [
        _verdict(f"statements an order, {case.clients} clients", case.sent.intake / case.sent.orders, GOAL_STATEMENTS)
        for case in cases
    ]
    if (one := by_clients.get(1)) is not None:
        times = latency(one, 0.5) / floors_latency(one, 0.5)
        found.append(_verdict("p50 of 1 client, times the floor's", times, GOAL_TIMES_THE_FLOORS_P50))
    if (many := by_clients.get(GOAL_CLIENTS)) is not None:
        share = many.median(lambda it: it.share)
        met = "met" if share >= GOAL_SHARE else "missed"
        found.append(
            f"{GOAL_CLIENTS} clients, share of F: {share:.0%}, goal at least {GOAL_SHARE:.0%}: {met}"
            f" (moonshot {MOONSHOT:.0%}{' met' if share >= MOONSHOT else ''})"
        )
        found.append(_verdict(f"p99 of {GOAL_CLIENTS} clients, ms", latency(many, 0.99), GOAL_P99_MS))
    return found


def _verdict(what: str, found: float, most: float) -> str:
    return f"{what}: {found:.2f}, goal at most {most:g}: {'met' if found <= most else 'missed'}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
