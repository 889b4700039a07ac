"""Readiness on a real database: asked for, made by pieces, compared; against nodes taken away and a clock set on."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.network.service import extend_capacity
from fabroute.orders.service import ShipTo
from fabroute.production.service import offer_jobs
from fabroute.routing.service.quoting import QuoteBook, read_book
from fabroute.routing.service.readiness import (
    EntryQuery,
    EntryView,
    NoReadinessReport,
    ReportView,
    ask_nightly,
    ask_readiness,
    get_report,
    list_entries,
    list_unready,
    read_part_readiness,
    read_states,
    readiness_due,
)
from fabroute.routing.service.readiness_asks import asks_of, read_own_parts
from fabroute.routing.service.readiness_books import read_books
from fabroute.routing.service.readiness_finding import Finding
from fabroute.routing.service.readiness_work import ReadinessLimits, make_readiness
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_owner, given_part, given_revision, make_order
from tests.factories.organisations import NOW
from tests.factories.routable import HORIZON_DAYS, given_routable_network

LIMITS = ReadinessLimits(horizon_days=HORIZON_DAYS)
LATER = NOW + timedelta(days=30)
BOSTON = ShipTo(name="", city="Boston", country="US", latitude=42.36, longitude=-71.06, assumed=False)
PARIS = ShipTo(name="", city="Paris", country="FR", latitude=48.86, longitude=2.35, assumed=False)
TWO_NODES = (a_node(), a_node(node_id="N102", city="Potsdam", minimum_order_minor=6_000))


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def make(engine: Engine, owner: Owner, *, now: datetime = NOW, limits: ReadinessLimits = LIMITS) -> ReportView:
    """Ask for a report and have it made."""
    with unit_of_work(engine) as session:
        ask_readiness(session, organisation_id=owner.organisation_id, actor=owner.key_id, now=now)
    while make_readiness(engine, limits=limits, now=now) is not None:
        pass
    return report_of(engine, owner)


def report_of(engine: Engine, owner: Owner) -> ReportView:
    return in_transaction(engine, lambda session: get_report(session, organisation_id=owner.organisation_id))


def entries(engine: Engine, owner: Owner, **wanted: Any) -> list[EntryView]:
    query = EntryQuery(organisation_id=owner.organisation_id, **wanted)
    return list(in_transaction(engine, lambda session: list_entries(session, query=query)).items)


def ask_at(engine: Engine, now: datetime) -> int:
    with unit_of_work(engine) as session:
        return ask_nightly(session, now=now)


def told(engine: Engine) -> list[tuple[object, ...]]:
    return table(engine, "SELECT name, data FROM outbox_events WHERE name LIKE 'readiness.%' ORDER BY id")


# ---------------------------------------------------------------- what a report says


def test_a_part_on_two_nodes_is_ready_and_on_one_it_is_one_failure_away(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=TWO_NODES)
    given_orders(engine, *(make_order(owner, quantities=(quantity,)) for quantity in (1, 2, 9)))

    report = make(engine, owner)
    (entry,) = entries(engine, owner)
    table(engine, "UPDATE nodes SET status = 'down' WHERE id = 'N102' RETURNING 1")
    alone = make(engine, owner, now=NOW + timedelta(hours=1))
    (only,) = entries(engine, owner)

    assert report.document["counts"] == {"no_route": 0, "ends_soon": 0, "one_failure_away": 0, "ready": 1}
    assert (entry.part_no, entry.region, entry.quantity, entry.state) == ("RL-0001", "europe", 2, "ready")
    assert (entry.nodes_now, entry.nodes_later, entry.document["ordered"]) == (2, 2, True)
    # 50.00 and 60.00 at least, and two parts of the same freight.
    assert entry.document["loss_minor"] == 1_000
    assert (only.state, only.nodes_now, only.document["only_node"]) == ("one_failure_away", 1, "N101")
    assert alone.document["worsened"] == [
        {"part": "RL-0001", "region": "europe", "from": "ready", "to": "one_failure_away"}
    ]
    assert (alone.document["improved"], only.document["reasons"]) == ([], {"NODE_DOWN": 1})


def test_what_the_report_says_of_thirty_days_is_what_is_routed_when_the_clock_is_there(
    engine: Engine, owner: Owner
) -> None:
    nodes = tuple(a_node(node_id=f"N10{number}") for number in range(1, 7))
    given_routable_network(engine, nodes=nodes)
    last_days = {"N101": LATER.date(), "N102": LATER.date() - timedelta(days=1), "N103": date(2026, 7, 20)}
    for node_id, last in last_days.items():
        table(engine, f"UPDATE certificates SET valid_to = '{last}' WHERE node_id = '{node_id}' RETURNING 1")
    table(engine, "UPDATE material_lots SET expires_on = '2026-07-01' WHERE node_id = 'N104' RETURNING 1")
    # A planned outage of what is known of the calendar; afterwards the machine is there.
    table(
        engine,
        "UPDATE capacity_slots SET initial_minutes = 0, remaining_minutes = 0 WHERE machine_id = 'N105-A' RETURNING 1",
    )
    given_orders(engine, make_order(owner))

    make(engine, owner)
    (entry,) = entries(engine, owner)
    with unit_of_work(engine) as session:
        extend_capacity(session, today=LATER.date(), horizon_days=HORIZON_DAYS)
    with unit_of_work(engine, repeatable_read=True) as session:
        parts = read_own_parts(session, organisation_id=owner.organisation_id)
        then = read_book(session, now=LATER, horizon_days=HORIZON_DAYS)
    (ask,) = asks_of(parts, ())
    really = Finding(then, ask.question).able
    table(engine, "UPDATE order_lines SET next_attempt_at = now() RETURNING 1")
    report = route_pending(
        engine, scope="global", now=LATER, dispatch=offer_jobs, limits=RoutingLimits(deterministic_seconds=1.0)
    )

    ((document,),) = table(engine, "SELECT document FROM routing_decisions")
    assert isinstance(document, dict)
    assert report is not None
    assert report.routed == 1
    assert {candidate["node_id"] for candidate in document["candidates"]} == set(really)
    assert set(really) == {"N101", "N103", "N105", "N106"}  # the first by a day
    assert (entry.nodes_now, entry.nodes_later) == (5, len(really))
    assert [(end["node_id"], end["codes"]) for end in entry.document["ends"]] == [
        ("N102", ["CERTIFICATE_EXPIRES"]),
        ("N104", ["LOT_BLOCKED"]),
    ]


def test_each_region_stands_for_itself_at_the_place_where_most_goes_in_the_usual_quantity(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine)
    to_hamburg = [make_order(owner, quantities=(quantity,)) for quantity in (1, 5, 5)]
    to_paris = [replace(make_order(owner, quantities=(50,)), ship_to=PARIS)]
    to_boston = [replace(make_order(owner, quantities=(3, 4)), ship_to=BOSTON)]
    given_orders(engine, *to_hamburg, *to_paris, *to_boston)

    make(engine, owner)
    europe, america = entries(engine, owner)

    assert [(it.region, it.document["city"], it.quantity) for it in (europe, america)] == [
        ("europe", "Hamburg", 5),
        ("north_america", "Boston", 3),
    ]
    assert (europe.state, america.state) == ("one_failure_away", "no_route")
    assert america.document["reasons"] == {"LANE_MISSING": 1}
    assert america.document["second_sources"] == []  # no proof brings a parcel over the ocean


def test_a_part_without_orders_is_wanted_where_the_owner_orders_others_one_at_a_time(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine)
    other = given_part(engine, organisation_id=owner.organisation_id, part_no="RL-0002")
    given_revision(engine, part_id=other, revision="A")
    given_orders(engine, make_order(owner, quantities=(7,)), replace(make_order(owner), ship_to=BOSTON))

    make(engine, owner)

    found = [(it.part_no, it.region, it.quantity, it.document["ordered"]) for it in entries(engine, owner)]
    assert found == [
        ("RL-0001", "europe", 7, True),
        ("RL-0001", "north_america", 1, True),
        ("RL-0002", "europe", 1, False),
        ("RL-0002", "north_america", 1, False),
    ]


def test_without_any_order_the_owners_own_nodes_say_where_and_else_the_region_with_the_most_nodes(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine, nodes=TWO_NODES)
    make(engine, owner)
    of_the_network = [(it.region, it.document["city"], it.quantity) for it in entries(engine, owner)]
    table(engine, f"UPDATE nodes SET organisation_id = '{owner.organisation_id}' WHERE id = 'N102' RETURNING 1")
    make(engine, owner, now=NOW + timedelta(hours=1))

    assert of_the_network == [("europe", "Berlin", 1)]
    assert [it.document["city"] for it in entries(engine, owner)] == ["Potsdam"]


def test_a_certificate_that_two_parts_lack_at_a_node_is_worth_two_parts(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=TWO_NODES)
    other = given_part(engine, organisation_id=owner.organisation_id, part_no="RL-0002")
    given_revision(engine, part_id=other, revision="A")
    table(engine, "DELETE FROM certificates WHERE node_id = 'N102' RETURNING 1")
    given_orders(engine, make_order(owner))

    report = make(engine, owner)

    (source,) = report.document["sources"]
    assert (source["node_id"], source["kind"], source["subject"]) == ("N102", "certificate", "ISO9001")
    assert (source["what"], source["parts"], source["part_nos"]) == (
        "Potsdam proves ISO9001",
        2,
        ["RL-0001", "RL-0002"],
    )
    assert (source["extra_minor"], source["parts_without_route"]) == (2 * 1_000, 0)


def test_no_released_part_is_an_empty_report_and_no_node_is_no_route(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=())
    table(engine, "UPDATE part_revisions SET state = 'withdrawn' RETURNING 1")
    nothing = make(engine, owner)
    table(engine, "UPDATE part_revisions SET state = 'released' RETURNING 1")
    given_orders(engine, make_order(owner))
    nowhere = make(engine, owner, now=NOW + timedelta(hours=1))

    assert (nothing.entries, nothing.document["parts"], nothing.document["sources"]) == (0, 0, [])
    assert nowhere.document["counts"]["no_route"] == 1
    (entry,) = entries(engine, owner)
    assert (entry.state, entry.nodes_now, entry.document["nodes"]) == ("no_route", 0, [])
    assert nowhere.document["worsened"] == []  # the part was in no report before


def test_what_nobody_can_make_is_told_apart_and_nothing_before_the_first_report(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=())
    given_orders(engine, make_order(owner))

    def unready() -> tuple[list[tuple[str, str]], int]:
        found = in_transaction(engine, lambda s: list_unready(s, organisation_id=owner.organisation_id))
        return [(entry.part_no, entry.state) for entry in found.entries], found.total

    before = unready()
    make(engine, owner)

    assert (before, unready()) == (([], 0), ([("RL-0001", "no_route")], 1))


def test_where_everything_has_expired_there_is_no_route_and_each_renewal_is_named(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=TWO_NODES)
    table(engine, "UPDATE certificates SET valid_to = '2026-01-01' RETURNING 1")
    table(engine, "UPDATE material_lots SET expires_on = '2026-01-01' RETURNING 1")
    given_orders(engine, make_order(owner))

    report = make(engine, owner)
    (entry,) = entries(engine, owner)

    assert (entry.state, entry.document["reasons"]) == ("no_route", {"CERTIFICATE_EXPIRES": 2, "LOT_BLOCKED": 2})
    needs = [[need["kind"] for need in source["needs"]] for source in entry.document["second_sources"]]
    assert needs == [["certificate", "material"]] * 2
    assert report.document["sources"] == []  # no single thing would do


# ---------------------------------------------------------------- how reports are made


def test_a_report_that_is_asked_for_stands_until_it_is_made(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)

    def ask(now: datetime) -> str:
        with unit_of_work(engine) as session:
            asked = ask_readiness(session, organisation_id=owner.organisation_id, actor=owner.key_id, now=now)
        return asked.report_id

    with pytest.raises(NoReadinessReport, match="no readiness report was made yet: POST /v1/readiness"):
        report_of(engine, owner)
    first, second = ask(NOW), ask(NOW + timedelta(minutes=1))
    assert in_transaction(engine, readiness_due)
    with pytest.raises(NoReadinessReport, match="is being made: ask again in a moment") as refusal:
        report_of(engine, owner)
    assert make_readiness(engine, limits=LIMITS, now=NOW) == 1
    third = ask(NOW + timedelta(minutes=2))

    report = report_of(engine, owner)
    assert (refusal.value.code, refusal.value.status) == ("no_readiness_report", 404)
    assert (first, report.report_id, report.as_of) == (second, first, NOW)
    assert report.asked is not None
    assert (report.asked.report_id, report.failed_at) == (third, None)
    assert [name for name, _ in told(engine)] == ["readiness.asked"] * 2


def test_a_report_is_made_by_pieces_all_of_one_instant(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    for number in range(2, 6):
        part_id = given_part(engine, organisation_id=owner.organisation_id, part_no=f"RL-000{number}")
        given_revision(engine, part_id=part_id, revision="A")
    hasty = replace(LIMITS, piece=2, seconds=0.0)
    with unit_of_work(engine) as session:
        ask_readiness(session, organisation_id=owner.organisation_id, actor="key_1", now=NOW)

    made = [make_readiness(engine, limits=hasty, now=NOW + timedelta(minutes=minute)) for minute in range(4)]

    assert made == [2, 2, 1, None]
    report = report_of(engine, owner)
    assert (report.entries, report.as_of) == (5, NOW)
    assert len(entries(engine, owner)) == 5
    assert table(engine, "SELECT fence, attempts, state FROM readiness_reports") == [(3, 0, "made")]


def test_of_two_workers_on_one_report_only_the_newest_claim_writes(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    with unit_of_work(engine) as session:
        ask_readiness(session, organisation_id=owner.organisation_id, actor="key_1", now=NOW)
    taken = replace(LIMITS, lease_seconds=0.0)
    table(engine, "UPDATE readiness_reports SET fence = 4, lease_until = now() + interval '1 hour' RETURNING 1")

    assert make_readiness(engine, limits=taken, now=NOW) is None
    table(engine, "UPDATE readiness_reports SET lease_until = now() RETURNING 1")
    assert make_readiness(engine, limits=taken, now=NOW) == 1
    assert table(engine, "SELECT fence, state FROM readiness_reports") == [(5, "made")]


def test_a_report_that_breaks_off_again_and_again_is_given_up_and_the_last_one_stays(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine)
    good = make(engine, owner)
    with unit_of_work(engine) as session:
        ask_readiness(session, organisation_id=owner.organisation_id, actor="key_1", now=LATER)
    table(engine, "UPDATE readiness_reports SET attempts = 3 WHERE state = 'asked' RETURNING 1")

    assert make_readiness(engine, limits=LIMITS, now=LATER) == 0
    report = report_of(engine, owner)

    assert (report.report_id, report.failed_at, report.asked) == (good.report_id, LATER, None)
    assert not in_transaction(engine, readiness_due)


def test_of_one_part_it_is_told_what_the_last_report_says_and_whether_a_newer_one_is_awaited(
    engine: Engine, owner: Owner
) -> None:
    def told_of(part_no: str) -> tuple[datetime | None, list[str], bool, datetime | None]:
        found = in_transaction(
            engine, lambda s: read_part_readiness(s, organisation_id=owner.organisation_id, part_no=part_no)
        )
        return found.as_of, [entry.state for entry in found.entries], found.asked is not None, found.failed_at

    given_routable_network(engine)
    before = told_of("RL-0001")
    ask_at(engine, NOW)
    awaited = told_of("RL-0001")
    make(engine, owner)
    made = told_of("RL-0001")
    ask_at(engine, LATER)
    table(engine, "UPDATE readiness_reports SET attempts = 3 WHERE state = 'asked' RETURNING 1")
    make_readiness(engine, limits=LIMITS, now=LATER)

    assert (before, awaited) == ((None, [], False, None), (None, [], True, None))
    assert made == (NOW, ["one_failure_away"], False, None)
    assert told_of("RL-0001") == (NOW, ["one_failure_away"], False, LATER)
    assert told_of("NX-1") == (NOW, [], False, LATER)


def test_of_several_parts_the_worst_state_of_any_region_is_told(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_orders(engine, make_order(owner), replace(make_order(owner), ship_to=BOSTON))
    none = in_transaction(
        engine, lambda s: read_states(s, organisation_id=owner.organisation_id, part_ids=[owner.part_id])
    )
    make(engine, owner)
    found = in_transaction(
        engine, lambda s: read_states(s, organisation_id=owner.organisation_id, part_ids=[owner.part_id, "part_none"])
    )

    assert {entry.region: entry.state for entry in entries(engine, owner)} == {
        "europe": "one_failure_away",
        "north_america": "no_route",
    }
    assert (none, found) == ({}, {owner.part_id: "no_route"})


def test_every_owner_of_released_parts_gets_one_report_a_day_and_nobody_else(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_owner(engine, name="Südbahn")
    evening = datetime(2026, 6, 15, 23, 50, tzinfo=UTC)

    asked = [ask_at(engine, at) for at in (NOW, evening)]
    while make_readiness(engine, limits=LIMITS, now=NOW) is not None:
        pass
    next_day = ask_at(engine, evening + timedelta(minutes=20))

    assert (asked, next_day) == ([2, 0], 2)
    assert table(engine, "SELECT state, count(*) FROM readiness_reports GROUP BY 1 ORDER BY 1") == [
        ("asked", 2),
        ("made", 2),
    ]
    assert {actor for (actor,) in table(engine, "SELECT asked_by FROM readiness_reports")} == {"system:readiness"}


def test_what_became_worse_or_better_is_told_with_the_parts_and_old_entries_go(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=TWO_NODES)
    make(engine, owner)
    table(engine, "UPDATE nodes SET status = 'down' RETURNING 1")
    make(engine, owner, now=NOW + timedelta(days=1))
    same = make(engine, owner, now=NOW + timedelta(days=2))
    table(engine, "UPDATE nodes SET status = 'up' RETURNING 1")
    better = make(engine, owner, now=NOW + timedelta(days=3))

    changes = [(name, data) for name, data in told(engine) if name != "readiness.asked"]
    assert changes == [
        ("readiness.worsened", {"count": 1, "parts": "RL-0001"}),
        ("readiness.improved", {"count": 1, "parts": "RL-0001"}),
    ]
    assert (same.document["worsened"], same.document["improved"]) == ([], [])
    assert better.document["improved"][0]["to"] == "ready"
    assert table(engine, "SELECT count(*) FROM readiness_entries") == [(2,)]
    assert table(engine, "SELECT count(*) FROM readiness_reports") == [(4,)]


def test_entries_are_listed_by_part_and_region_with_filters_in_pages(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    other = given_part(engine, organisation_id=owner.organisation_id, part_no="RL-0002")
    given_revision(engine, part_id=other, revision="A")
    given_orders(engine, make_order(owner), replace(make_order(owner), ship_to=BOSTON))
    make(engine, owner)

    def keys(**wanted: Any) -> list[tuple[str, str]]:
        return [(it.part_no[-1], it.region) for it in entries(engine, owner, **wanted)]

    pages, cursor = [], None
    while True:
        with unit_of_work(engine) as session:
            query = EntryQuery(organisation_id=owner.organisation_id, limit=3, cursor=cursor)
            page = list_entries(session, query=query)
        pages.append([(it.part_no[-1], it.region) for it in page.items])
        cursor = page.next_cursor
        if cursor is None:
            break

    assert pages == [[("1", "europe"), ("1", "north_america"), ("2", "europe")], [("2", "north_america")]]
    assert keys(state="no_route") == [("1", "north_america"), ("2", "north_america")]
    assert keys(part="RL-0002", region="europe") == [("2", "europe")]
    assert keys(part="RL-0009") == []


def test_another_owner_sees_nothing_of_it(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    other = given_owner(engine, name="Südbahn")
    make(engine, owner)

    with pytest.raises(NoReadinessReport):
        report_of(engine, other)
    with pytest.raises(NoReadinessReport):
        entries(engine, other)
    theirs = make(engine, other)
    assert theirs.document["parts"] == 1
    assert entries(engine, other)[0].revision_id == other.revision_id


def test_both_books_are_of_one_network_thirty_days_apart(engine: Engine) -> None:
    given_routable_network(engine)
    with unit_of_work(engine, repeatable_read=True) as session:
        books = read_books(session, now=NOW, horizon_days=HORIZON_DAYS)

    later: QuoteBook = books.later
    capacity = later.snapshot.network.capacity["N101-A"]
    assert (books.now.as_of, later.as_of) == (NOW, LATER)
    assert len(capacity) == HORIZON_DAYS
    assert capacity[:15] == books.now.snapshot.network.capacity["N101-A"][30:]
    # From 30 July on nothing is planned: half of each working day, as everywhere else.
    assert capacity[15:22] == (720, 720, 0, 0, 720, 720, 720)
