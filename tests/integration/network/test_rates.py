"""Prices that a node states: which one counts on a day, for what, and what is told and noted of it."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.network.service import (
    InvalidRate,
    NewRate,
    OfferRates,
    RateView,
    UnknownNode,
    UnknownRateSubject,
    get_node,
    list_rates,
    machine_facts,
    rates_of,
    read_network,
    read_offerings,
    save_network,
    state_rate,
)
from tests.factories.concurrency import at_once
from tests.factories.databases import in_transaction, rows
from tests.factories.network import TODAY, a_machine, a_material, a_network, a_node, an_offer
from tests.factories.organisations import NOW

NEW_YEAR = date(2026, 1, 1)


def a_rate(
    *,
    code: str = "machine_hour",
    subject: str = "",
    amount_minor: int = 3800,
    valid_from: date = NEW_YEAR,
    node_id: str = "N101",
    source: str = "price list 2026",
) -> NewRate:
    return NewRate(
        node_id=node_id,
        code=code,
        subject=subject,
        amount_minor=amount_minor,
        valid_from=valid_from,
        source=source,
    )


def state(engine: Engine, *rates: NewRate) -> list[RateView]:
    return [in_transaction(engine, partial(state_rate, rate=rate, actor="key_1", now=NOW)) for rate in rates]


def rates_on(engine: Engine, day: date) -> dict[str, OfferRates]:
    """Return what counts on a day, by offer's machine and material."""
    with unit_of_work(engine) as session:
        offers = read_offerings(session, on=day).offers
    return {f"{offer.machine_id} {offer.material.code}": offer.rates for offer in offers}


def history(engine: Engine, *, code: str | None = None) -> list[tuple[str, str, date, int]]:
    with unit_of_work(engine) as session:
        found = list_rates(session, node_id="N101", code=code, cursor=None, limit=50)
    return [(rate.code, rate.subject, rate.valid_from, rate.amount_minor) for rate in found.items]


def test_without_a_stated_rate_an_offer_has_none(network: Engine) -> None:
    assert rates_on(network, TODAY) == {"N101-A PA12-MJF": OfferRates()}
    assert history(network) == []


def test_the_rate_that_began_last_counts_and_one_of_tomorrow_does_not_yet(network: Engine) -> None:
    tomorrow = TODAY + timedelta(days=1)
    state(
        network,
        a_rate(amount_minor=3500),
        a_rate(amount_minor=4100, valid_from=tomorrow),
        a_rate(amount_minor=3800, valid_from=TODAY),
    )

    by_day = {day: rates_on(network, day)["N101-A PA12-MJF"].machine_minor_per_hour for day in (TODAY, tomorrow)}
    before = rates_on(network, TODAY - timedelta(days=1))["N101-A PA12-MJF"]

    assert by_day == {TODAY: 3800, tomorrow: 4100}
    assert before.machine_minor_per_hour == 3500
    assert rates_on(network, NEW_YEAR - timedelta(days=1))["N101-A PA12-MJF"] == OfferRates()


def test_a_price_of_a_machine_or_material_goes_before_that_of_the_whole_node(network: Engine) -> None:
    more = a_network(
        machines=(a_machine(), a_machine(machine_id="N101-B")),
        offers=(an_offer(), an_offer(machine_id="N101-B"), an_offer(machine_id="N101-B", material="PP-MJF")),
        materials=(a_material(), a_material(code="PP-MJF")),
    )
    in_transaction(network, lambda session: save_network(session, data=more))
    state(
        network,
        a_rate(amount_minor=3800),
        a_rate(subject="N101-B", amount_minor=2500),
        a_rate(code="material_kg", subject="PP-MJF", amount_minor=5200),
        a_rate(code="labour_hour", amount_minor=5100),
    )

    labour = {"labour_minor_per_hour": 5100}
    assert rates_on(network, TODAY) == {
        "N101-A PA12-MJF": OfferRates(machine_minor_per_hour=3800, **labour),
        "N101-B PA12-MJF": OfferRates(machine_minor_per_hour=2500, **labour),
        "N101-B PP-MJF": OfferRates(machine_minor_per_hour=2500, material_minor_per_kg=5200, **labour),
    }


def test_another_node_s_prices_are_its_own(network: Engine) -> None:
    other = a_network(
        nodes=(a_node(node_id="N102"),),
        machines=(a_machine(machine_id="N102-A", node_id="N102"),),
        offers=(an_offer(machine_id="N102-A"),),
        lots=(),
    )
    in_transaction(network, lambda session: save_network(session, data=other))
    state(network, a_rate(), a_rate(node_id="N102", code="labour_hour", amount_minor=1900))

    found = rates_on(network, TODAY)
    with unit_of_work(network) as session:
        alone = read_offerings(session, on=TODAY, node_id="N102")

    assert found["N101-A PA12-MJF"] == OfferRates(machine_minor_per_hour=3800)
    assert found["N102-A PA12-MJF"] == OfferRates(labour_minor_per_hour=1900)
    assert [(offer.machine_id, offer.rates) for offer in alone.offers] == [("N102-A", found["N102-A PA12-MJF"])]
    assert (list(alone.nodes), list(alone.machines)) == (["N102"], ["N102-A"])


def test_routing_sees_the_rates_of_its_first_day_and_a_node_s_detail_those_of_the_day_asked(network: Engine) -> None:
    state(network, a_rate(valid_from=TODAY))
    with unit_of_work(network) as session:
        today = read_network(session, first_day=TODAY, last_day=TODAY)
        yesterday = read_network(session, first_day=TODAY - timedelta(days=1), last_day=TODAY)
        detail, plain = get_node(session, node_id="N101", on=TODAY), get_node(session, node_id="N101")

    assert today.offers[0].rates == OfferRates(machine_minor_per_hour=3800)
    assert yesterday.offers[0].rates == OfferRates()
    assert detail.offers == today.offers
    assert plain.offers[0].rates == OfferRates()


def test_an_estimate_s_rates_are_the_stated_ones_and_else_the_node_s_description(network: Engine) -> None:
    with unit_of_work(network) as session:
        before = read_network(session, first_day=TODAY, last_day=TODAY)
    state(network, a_rate(code="labour_hour", amount_minor=0), a_rate(code="material_kg", amount_minor=4444))
    with unit_of_work(network) as session:
        after = read_network(session, first_day=TODAY, last_day=TODAY)

    described = rates_of(before.nodes["N101"], before.offers[0], grid_g_per_kwh=400.0)
    stated = rates_of(after.nodes["N101"], after.offers[0], grid_g_per_kwh=400.0)

    assert (described.labour_minor_per_hour, described.material_minor_per_kg) == (4600, None)
    assert stated == replace(described, labour_minor_per_hour=0, material_minor_per_kg=4444)
    assert machine_facts(after.offers[0].model).rate_minor_per_hour == 4500


def test_a_stated_rate_is_audited_and_wakes_lines_without_a_route(network: Engine) -> None:
    (stated,) = state(network, a_rate(subject="N101-A"))

    audit = "SELECT actor, subject_type, subject_id, data FROM audit_entries WHERE action = 'node.rate_stated'"
    events = "SELECT subject_id, data FROM outbox_events WHERE name = 'network.changed'"
    assert in_transaction(network, lambda session: rows(session, audit)) == [
        (
            "key_1",
            "node",
            "N101",
            {
                "code": "machine_hour",
                "subject": "N101-A",
                "valid_from": "2026-01-01",
                "from_minor": None,
                "to_minor": 3800,
                "source": "price list 2026",
            },
        )
    ]
    assert in_transaction(network, lambda session: rows(session, events)) == [("N101", {"reason": "rate_stated"})]
    assert (stated.stated_by, stated.stated_at, stated.amount_minor) == ("key_1", NOW, 3800)


def test_the_same_rate_again_changes_nothing_and_another_of_the_day_takes_its_place(network: Engine) -> None:
    today = a_rate(valid_from=TODAY)
    first, again, other = state(network, today, today, replace(today, amount_minor=3900, source="typing error mended"))

    amounts = "SELECT data ->> 'from_minor', data ->> 'to_minor' FROM audit_entries WHERE action = 'node.rate_stated'"
    assert again == first
    assert (other.amount_minor, other.source) == (3900, "typing error mended")
    assert in_transaction(network, lambda session: rows(session, amounts)) == [(None, "3800"), ("3800", "3900")]
    assert history(network) == [("machine_hour", "", TODAY, 3900)]


@pytest.mark.parametrize("day", [NEW_YEAR, NEW_YEAR + timedelta(days=1), TODAY - timedelta(days=1)])
def test_only_the_first_price_of_its_kind_counts_from_a_day_that_is_past(network: Engine, day: date) -> None:
    state(network, a_rate(), a_rate(), a_rate(subject="N101-A", amount_minor=3000))

    with pytest.raises(InvalidRate, match=f"{day} is past, .* Give a day from {TODAY}") as refusal:
        state(network, a_rate(amount_minor=3900, valid_from=day))

    assert [problem.pointer for problem in refusal.value.problems] == ["/valid_from"]
    assert history(network) == [("machine_hour", "", NEW_YEAR, 3800), ("machine_hour", "N101-A", NEW_YEAR, 3000)]


def test_a_rate_that_is_stated_by_many_at_once_is_stated_once(network: Engine) -> None:
    found = at_once(*[lambda: state(network, a_rate())[0] for _ in range(8)])

    events = "SELECT count(*) FROM outbox_events WHERE name = 'network.changed'"
    assert {view.amount_minor for view in found} == {3800}
    assert in_transaction(network, lambda session: rows(session, events)) == [(1,)]


def test_the_history_is_listed_by_kind_and_subject_in_pages(network: Engine) -> None:
    state(
        network,
        a_rate(code="labour_hour", amount_minor=4700),
        a_rate(code="labour_hour", amount_minor=5000, valid_from=TODAY),
        a_rate(subject="N101-A", amount_minor=3000),
        a_rate(amount_minor=3800),
        a_rate(code="material_kg", subject="PA12-MJF", amount_minor=5500),
    )
    expected = [
        ("labour_hour", "", NEW_YEAR, 4700),
        ("labour_hour", "", TODAY, 5000),
        ("machine_hour", "", NEW_YEAR, 3800),
        ("machine_hour", "N101-A", NEW_YEAR, 3000),
        ("material_kg", "PA12-MJF", NEW_YEAR, 5500),
    ]

    paged: list[RateView] = []
    cursor: str | None = None
    with unit_of_work(network) as session:
        while cursor is not None or not paged:
            page = list_rates(session, node_id="N101", code=None, cursor=cursor, limit=2)
            paged, cursor = [*paged, *page.items], page.next_cursor

    assert history(network) == expected
    assert [(it.code, it.subject, it.valid_from, it.amount_minor) for it in paged] == expected
    assert history(network, code="machine_hour") == expected[2:4]


@pytest.mark.parametrize(
    ("code", "subject", "words"),
    [
        ("machine_hour", "N102-A", "N101 has no machine 'N102-A'"),
        ("machine_hour", "PA12-MJF", "N101 has no machine 'PA12-MJF'"),
        ("material_kg", "GOLD", "N101 prints no 'GOLD'"),
        ("material_kg", "N101-A", "N101 prints no 'N101-A'"),
    ],
)
def test_a_rate_for_what_the_node_has_not_is_refused(network: Engine, code: str, subject: str, words: str) -> None:
    with pytest.raises(UnknownRateSubject, match=words) as refusal:
        state(network, a_rate(code=code, subject=subject))

    assert [problem.pointer for problem in refusal.value.problems] == ["/subject"]
    assert (refusal.value.status, history(network)) == (422, [])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"code": "furnace_hour"}, "/code"),
        ({"amount_minor": -1}, "/amount"),
        ({"amount_minor": 10_000_001}, "/amount"),
        ({"code": "labour_hour", "subject": "N101-A"}, "/subject"),
        ({"source": ""}, "/source"),
        ({"valid_from": date(2037, 1, 1)}, "/valid_from"),
        ({"valid_from": date(2015, 1, 1)}, "/valid_from"),
    ],
)
def test_a_rate_that_no_node_can_state_is_pointed_at(network: Engine, change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidRate) as refusal:
        state(network, replace(a_rate(), **change))

    assert [problem.pointer for problem in refusal.value.problems] == [pointer]
    assert history(network) == []


def test_an_unknown_node_states_and_lists_nothing(network: Engine) -> None:
    with pytest.raises(UnknownNode):
        state(network, a_rate(node_id="N999"))
    with unit_of_work(network) as session, pytest.raises(UnknownNode):
        list_rates(session, node_id="N999", code=None, cursor=None, limit=5)
