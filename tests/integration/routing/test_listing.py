"""Decisions over all orders: listed, narrowed, paged, and seen by their owner and the operator only."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine

from fabroute.database.pages import Page
from fabroute.identity.rules import Principal
from fabroute.routing.service.listing import DecisionFilter, ListedDecision, list_decisions
from fabroute.routing.service.statistics import decision_statistics
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction
from tests.factories.decisions import given_outcomes
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.production import OPERATOR_KEY, RIVAL_KEY, key_of

DAY = timedelta(days=1)
ALL = DecisionFilter(since=NOW - DAY, until=NOW + DAY)


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    found = given_owner(engine)
    given_orders(engine, *(make_order(found, reference=f"PO-{number}") for number in range(3)))
    given_outcomes(engine)
    given_orders(engine, make_order(found, reference="100%_sure"))
    given_outcomes(engine, routed=False)
    return found


def listed(
    engine: Engine, principal: Principal, wanted: DecisionFilter = ALL, *, cursor: str | None = None, limit: int = 25
) -> Page[ListedDecision]:
    return in_transaction(
        engine, lambda s: list_decisions(s, principal=principal, wanted=wanted, cursor=cursor, limit=limit)
    )


def test_decisions_are_listed_with_what_they_were_about(engine: Engine, owner: Owner) -> None:
    found = listed(engine, key_of(owner), replace(ALL, text="PO-1")).items

    assert [(it.reference, it.part_no, it.quantity, it.position, it.outcome) for it in found] == [
        ("PO-1", "RL-0001", 1, 1, "routed")
    ]
    assert (found[0].landed_minor, found[0].co2e_g, found[0].candidates, found[0].excluded) == (4120, 1840, 1, 1)


def test_each_filter_narrows_the_list_and_signs_in_texts_mean_themselves(engine: Engine, owner: Owner) -> None:
    counts = [
        len(listed(engine, key_of(owner), wanted).items)
        for wanted in (
            ALL,
            replace(ALL, code="BUILD_VOLUME"),
            replace(ALL, code="NODE_DOWN"),
            replace(ALL, outcome="no_route"),
            replace(ALL, node_id="N101"),
            replace(ALL, text="100%_"),
            replace(ALL, text="%"),
            replace(ALL, text="PO_1"),
        )
    ]

    assert counts == [4, 4, 0, 1, 3, 1, 1, 0]


def test_pages_follow_each_other_without_gap_for_owner_and_operator(engine: Engine, owner: Owner) -> None:
    for principal in (key_of(owner), OPERATOR_KEY):
        first = listed(engine, principal, limit=3)
        second = listed(engine, principal, limit=3, cursor=first.next_cursor)

        assert [len(first.items), len(second.items), second.next_cursor] == [3, 1, None]
        assert len({it.decision_id for it in (*first.items, *second.items)}) == 4


def test_others_see_nothing_and_a_broken_cursor_begins_at_the_newest(engine: Engine, owner: Owner) -> None:
    assert listed(engine, RIVAL_KEY).items == ()
    assert listed(engine, key_of(given_owner(engine, name="Stranger"))).items == ()
    assert len(listed(engine, key_of(owner), cursor="yesterday").items) == 4


def test_decisions_outside_the_time_are_not_listed(engine: Engine, owner: Owner) -> None:
    wanted = DecisionFilter(since=NOW + DAY, until=NOW + 2 * DAY)

    assert in_transaction(engine, lambda s: list_decisions(s, principal=key_of(owner), wanted=wanted)).items == ()


def test_codes_are_counted_by_the_day_of_the_zone(engine: Engine, owner: Owner) -> None:
    def days(zone: str) -> dict[date, int]:
        found = in_transaction(
            engine,
            lambda s: decision_statistics(s, principal=key_of(owner), since=NOW - DAY, until=NOW + DAY, zone=zone),
        )
        return dict(found.excluded[0].days)

    assert days("UTC") == {date(2026, 6, 15): 4}
    assert days("Pacific/Honolulu") == {date(2026, 6, 14): 4}
