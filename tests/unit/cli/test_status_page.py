"""What ``fabroute status`` shows: figures as sentences and a table, alerts in words with what to do."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from fabroute.cli.invariants import INVARIANTS
from fabroute.cli.status_page import silent_page, status_page
from fabroute.monitoring.alarms import ALARMS, duration, raised_alarms
from fabroute.monitoring.figures import (
    AuditFigures,
    DecisionFigures,
    Figures,
    HolderFigures,
    JobFigures,
    LineFigures,
    OutboxFigures,
    ProgramFigures,
    RunFigures,
    ScopeFigures,
    ServerFigures,
    WebhookFigures,
)

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
PROGRAMS = ProgramFigures(connections={"api": 9, "relay": 2, "routing": 4})
RUN = RunFigures(
    scope="metal/europe",
    kind="joint",
    finished_at=NOW - timedelta(seconds=4),
    seconds=1.26,
    gap=0.0123,
    lines=40,
    routed=37,
    no_route=3,
    deferred=0,
)
WELL = Figures(
    read_at=NOW,
    read_seconds=0.01,
    lines=LineFigures(
        scopes=(
            ScopeFigures(scope="metal/europe", pending=12, due=12, routing=200, overdue_seconds=3, new_age_seconds=8),
        ),
        no_route=17,
    ),
    holders=HolderFigures(holders={"metal/europe": "worker-1:4711"}),
    jobs=JobFigures(offered={"N005": 4, "N025": 1}, offer_age_seconds=320, held=2),
    outbox=OutboxFigures(),
    webhooks=WebhookFigures(pending=5, due=1, oldest_seconds=61, failing=1, disabled={"gone": 1}),
    runs=(RUN,),
    decisions=DecisionFigures(
        decisions=1000, excluded={"CAPACITY": 9}, no_route={"CAPACITY": 20, "NEED_BY": 30}, reroutes={"decline": 2}
    ),
    audit=AuditFigures(unsealed_age_seconds=2),
    programs=PROGRAMS,
    server=ServerFigures(connections=24, most_connections=100, oldest_transaction_seconds=0.4),
)
ILL = replace(
    WELL,
    lines=LineFigures(
        scopes=(
            ScopeFigures(scope="metal/europe", pending=1, due=1, overdue_seconds=70, new_age_seconds=1000, lapsed=1),
            ScopeFigures(scope="metal/europe/suspects", pending=2, due=2, overdue_seconds=5),
        ),
        parked=1,
    ),
    holders=HolderFigures(lapsed=1),
    jobs=JobFigures(suspect=3, lapsed_leases=2, lapsed_offers=4),
    outbox=OutboxFigures(unpublished=9, unpublished_age_seconds=61, unsequenced=8, unsequenced_age_seconds=62),
    webhooks=WebhookFigures(pending=1, oldest_seconds=3601),
    runs=(
        replace(RUN, gap=0.2, seconds=31),
        replace(RUN, scope="idle/asia", gap=0.9, finished_at=NOW - timedelta(days=1)),
    ),
    audit=AuditFigures(unsealed_age_seconds=301),
    programs=ProgramFigures(connections={"api": 9}),
    server=ServerFigures(
        connections=86, most_connections=100, oldest_transaction_seconds=301, clock_apart_seconds=3605
    ),
    failed={"decisions": "canceling statement due to statement timeout"},
    decisions=None,
)


def shown(figures: Figures) -> list[str]:
    console = Console(width=150, file=io.StringIO(), color_system=None)
    console.print(status_page(figures, raised_alarms(figures)))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_day_on_which_all_is_well() -> None:
    assert shown(WELL) == [
        "fabroute at 2026-11-23 06:00:00 UTC: all is well",
        "lines       212 open (12 waiting, 200 being routed); first due for 3 s; oldest new order 8 s; "
        "17 without a route, 0 parked, 0 suspects",
        "jobs        5 offered at 2 nodes (N005 4, N025 1), the oldest 5 min 20 s ago; 2 held, 0 suspect",
        "events      all are told",
        "webhooks    5 wait (1 due), the oldest 1 min 1 s old; 1 endpoints failing; disabled: gone 1",
        "decisions   of the latest 1,000, 50 without a route (NEED_BY 30, CAPACITY 20); 2 jobs left their "
        "nodes within an hour (decline 2)",
        "programs    connected: API (9), relay (2), workers that route (4)",
        "PostgreSQL  24 of 100 connections, oldest transaction 0 s",
        "",
        "scope         waiting  routing  first due  decided by     last run   took    gap  routed  no",
        "metal/europe       12      200        3 s  worker-1:4711  4 s ago   1.3 s  1.23%      37   3",
    ]


def test_of_an_empty_installation() -> None:
    empty = Figures(
        read_at=NOW,
        read_seconds=0.0,
        lines=LineFigures(),
        holders=HolderFigures(),
        jobs=JobFigures(),
        outbox=OutboxFigures(),
        webhooks=WebhookFigures(),
        runs=(),
        decisions=DecisionFigures(),
        audit=AuditFigures(),
        programs=PROGRAMS,
        server=ServerFigures(connections=1, most_connections=100),
    )
    assert shown(empty) == [
        "fabroute at 2026-11-23 06:00:00 UTC: all is well",
        "lines       none is open; 0 without a route, 0 parked, 0 suspects",
        "jobs        none is offered; 0 held, 0 suspect",
        "events      all are told",
        "webhooks    none waits; 0 endpoints failing",
        "decisions   none yet",
        "programs    connected: API (9), relay (2), workers that route (4)",
        "PostgreSQL  1 of 100 connections, oldest transaction 0 s",
        "",
        "no order was placed yet, so there is no planning scope",
    ]


def test_whatever_can_be_wrong_is_told_in_words_the_urgent_first() -> None:
    told = raised_alarms(ILL)

    assert [(it.name, it.severity) for it in told] == [
        *((alarm.name, "page") for alarm in ALARMS if alarm.severity == "page"),
        *((alarm.name, "ticket") for alarm in ALARMS if alarm.severity == "ticket"),
    ]
    assert [it.words for it in told] == [
        "lines are due and nobody takes them: 1 in metal/europe, the first for 1 min 10 s",
        "the oldest order without a decision was placed 16 min 40 s ago",
        "leases are over and nobody has looked after them: 1 of planning scopes, 1 of lines, 2 of jobs, 4 of offers",
        "9 events wait for the broker, the oldest for 1 min 1 s",
        "8 events are in nobody's feed yet, the oldest for 1 min 2 s",
        "86 of 100 connections of PostgreSQL are taken",
        "no relay is connected to PostgreSQL: nobody rings the workers, what is placed now waits",
        "no worker for the queue routing is connected to PostgreSQL: what is placed now waits",
        "1 line is parked: nobody routes what is parked until a person has looked",
        "the nodes of 3 accepted jobs fell silent",
        "1 webhooks wait, the oldest for 1 h 0 min",
        "the last run over metal/europe is proven only to 20.0% of the optimum, with 40 lines",
        "the last run over metal/europe took 31 s, with 40 lines",
        "a transaction has been open for 5 min 1 s",
        "entries of the audit log have no seal yet, the oldest for 5 min 1 s",
        "this machine's clock is 1 h 0 min behind the database's",
        "figures could not be read in time: decisions",
    ]
    page = shown(ILL)
    assert page[0] == "fabroute at 2026-11-23 06:00:00 UTC: 17 alerts"
    assert page[1] == (
        "! lines are due and nobody takes them: 1 in metal/europe, the first for 1 min 10 s  (FabrouteLinesOverdue)"
    )
    assert page[2].startswith("  what to do: is a worker running for the queues routing and suspects (fabroute work)")
    assert "decisions   could not be read in time" in page


def test_figures_that_are_missing_raise_nothing_but_that_they_are() -> None:
    nothing = Figures(read_at=NOW, read_seconds=3.0, failed={"lines": "no time"})
    assert [it.name for it in raised_alarms(nothing)] == ["FabrouteFiguresMissing"]


def test_at_the_bound_nothing_is_raised_yet() -> None:
    at_bound = replace(
        WELL,
        lines=LineFigures(scopes=(ScopeFigures(scope="a", overdue_seconds=60, new_age_seconds=900),)),
        outbox=OutboxFigures(unpublished_age_seconds=60, unsequenced_age_seconds=60),
        webhooks=WebhookFigures(oldest_seconds=3600),
        runs=(replace(RUN, gap=0.1, seconds=30.0),),
        audit=AuditFigures(unsealed_age_seconds=300),
        server=ServerFigures(
            connections=85, most_connections=100, oldest_transaction_seconds=300, clock_apart_seconds=-5
        ),
    )
    assert raised_alarms(at_bound) == ()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (3600, "1 h 0 min"), (90_000, "1 d 1 h")],
)
def test_times_are_told_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("connections", "names", "words"),
    [
        ({}, ["FabrouteNoRelay", "FabrouteNobodyRoutes"], "none is connected"),
        ({"api": 3, "routing": 1}, ["FabrouteNoRelay"], "connected: API (3), workers that route (1)"),
        ({"relay": 2, "worker": 5}, ["FabrouteNobodyRoutes"], "connected: relay (2), other workers (5)"),
        ({"relay": 2, "routing": 5}, [], "connected: relay (2), workers that route (5)"),
    ],
)
def test_it_is_not_well_where_nobody_rings_or_routes(connections: dict[str, int], names: list[str], words: str) -> None:
    figures = replace(WELL, programs=ProgramFigures(connections=connections))

    assert [(it.name, it.severity) for it in raised_alarms(figures)] == [(name, "page") for name in names]
    assert f"programs    {words}" in shown(figures)


@pytest.mark.parametrize(("apart", "side"), [(7200.0, "behind"), (-7200.0, "ahead of")])
def test_a_clock_that_is_off_is_told_with_its_side(apart: float, side: str) -> None:
    server = ServerFigures(connections=1, most_connections=100, clock_apart_seconds=apart)
    (told,) = raised_alarms(replace(WELL, server=server))

    assert (told.name, told.words) == ("FabrouteClockOff", f"this machine's clock is 2 h 0 min {side} the database's")


def test_many_scopes_are_told_by_the_largest() -> None:
    scopes = tuple(ScopeFigures(scope=f"s{number:02d}", pending=number) for number in range(1, 20))
    page = shown(replace(WELL, lines=LineFigures(scopes=scopes), runs=(), holders=HolderFigures()))

    rows = page[page.index("") + 2 :]
    assert [row.split()[0] for row in rows] == [*(f"s{number:02d}" for number in range(19, 7, -1)), "…"]
    assert rows[-1] == "… and 7 more: --json tells all"


def test_while_the_database_is_silent_that_is_said() -> None:
    console = Console(width=100, file=io.StringIO(), color_system=None)
    console.print(silent_page(NOW))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == [
        "fabroute at 2026-11-23 06:00:00 UTC",
        "PostgreSQL does not answer: nothing is taken, nothing is lost",
    ]


def test_every_alarm_and_every_invariant_says_what_to_do() -> None:
    assert min(len(it.action) for it in raised_alarms(ILL)) > 60
    assert [rule.name for rule in INVARIANTS if re.fullmatch(r"[^:;]*: report it", rule.advice)] == []
