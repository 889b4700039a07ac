"""A quote that can't be kept says exactly why, for the quoted offer, and nothing is written."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.inventory.service import NewLicence, grant_licence, revoke_licence
from fabroute.orders.service import QuoteView
from fabroute.production.service import revoke_certificate, withdraw_revision
from fabroute.routing.service.accepting import QuoteNotKept
from fabroute.routing.service.agreeing import (
    Acceptance,
    AcceptedLine,
    QuoteExpired,
    QuoteMismatch,
    QuoteNotThere,
    QuoteTaken,
)
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import HAMBURG, Owner, given_owner, given_part, given_revision
from tests.factories.organisations import NOW
from tests.factories.production import OPERATOR_KEY, key_of
from tests.factories.quotes import A_MINUTE_LATER, accepted, an_acceptance, given_quote, the_offer
from tests.factories.routable import given_free_minutes, given_routable_network, held_and_taken

LANDED = 5_000 + 997
CUTOFF = datetime(2026, 6, 15, 13, tzinfo=UTC)
"""15:00 at the node."""
ARRIVAL = datetime(2026, 6, 18, 16, 0, tzinfo=UTC)
NOTHING = {"grams": 0, "minutes": 0, "held_grams": 0, "held_minutes": 0}


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def nothing_was_written(engine: Engine) -> bool:
    counts = table(
        engine,
        "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM jobs), (SELECT count(*) FROM idempotency_keys),"
        " (SELECT count(*) FROM routing_runs), (SELECT count(*) FROM audit_entries WHERE action LIKE 'order%')",
    )
    return counts == [(0, 0, 0, 0, 0)] and in_transaction(engine, held_and_taken) == NOTHING


def not_kept(
    engine: Engine, owner: Owner, quote: QuoteView, *, now: datetime = A_MINUTE_LATER, quantity: int = 1
) -> dict[str, Any]:
    """Accept a quote, which must not be kept, and return what the refusal says to programs."""
    with pytest.raises(QuoteNotKept) as refusal:
        accepted(engine, an_acceptance(owner, quote, quantity=quantity), now=now)
    details: dict[str, Any] = refusal.value.details
    for reason in details["reasons"]:
        assert f"{reason['code']}: {reason['message']}" in refusal.value.message
    assert nothing_was_written(engine)
    return details


def only_reason(details: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    (reason,) = details["reasons"]
    return reason["code"], reason["figures"]


def test_capacity_that_was_taken_is_named_with_its_minutes_and_the_next_possible_day(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner)
    minutes = the_offer(quote)["machine_minutes"]
    given_free_minutes(engine, [minutes - 1, 0, 0, 720])

    details = not_kept(engine, owner, quote)

    assert only_reason(details) == (
        "CAPACITY",
        {"needed_minutes": minutes, "free_minutes": minutes - 1, "by": "2026-06-15"},
    )
    # Made on Thursday, cooled until Saturday, sent on Monday.
    assert details["alternative"]["promised_at"] == datetime(2026, 6, 23, 16, 0, tzinfo=UTC).isoformat()
    assert (details["alternative"]["node_id"], details["alternative"]["later_hours"]) == ("N101", 120.0)
    assert (details["quote_id"], details["offer"], details["node_id"]) == (quote.id, "cheapest", "N101")


def test_a_node_that_became_dearer_is_named_with_both_prices(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner)
    table(engine, "UPDATE nodes SET minimum_order_minor = 6000 RETURNING 1")

    details = not_kept(engine, owner, quote)

    assert only_reason(details) == ("PRICE_CHANGED", {"now_minor": LANDED + 1_000, "quoted_minor": LANDED})
    assert [(reason["message"], reason["machine_id"]) for reason in details["reasons"]] == [
        (
            "now costs 69.97 EUR landed, 59.97 EUR were quoted: the node's rates, a tariff or a duty changed since",
            "N101-A",
        )
    ]
    assert (details["alternative"]["more_minor"], details["alternative"]["later_hours"]) == (1_000, 0.0)
    assert details["alternative"]["landed"] == {"amount_minor": LANDED + 1_000, "currency": "EUR"}


def test_a_node_that_became_dearer_than_the_customers_cap_is_named_with_the_cap(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner, max_price_minor=LANDED + 999)
    table(engine, "UPDATE nodes SET minimum_order_minor = 5999 RETURNING 1")
    within = not_kept(engine, owner, quote)
    table(engine, "UPDATE nodes SET minimum_order_minor = 6000 RETURNING 1")
    over = not_kept(engine, owner, quote)

    assert only_reason(within) == ("PRICE_CHANGED", {"now_minor": LANDED + 999, "quoted_minor": LANDED})
    assert only_reason(over) == ("PRICE_CAP", {"landed_minor": LANDED + 1_000, "maximum_minor": LANDED + 999})
    assert over["alternative"] is None


def test_an_aircraft_on_the_ground_does_not_pay_more_than_was_agreed_either(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner, criticality="aog", max_price_minor=LANDED)
    table(engine, "UPDATE nodes SET minimum_order_minor = 5001 RETURNING 1")

    details = not_kept(engine, owner, quote)

    assert only_reason(details) == ("PRICE_CHANGED", {"now_minor": LANDED + 1, "quoted_minor": LANDED})
    assert details["alternative"]["more_minor"] == 1  # five times the cap may be paid, but not without a new quote


def test_a_day_that_can_not_be_reached_any_more_is_named_with_its_lateness(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner, valid_minutes=600)

    details = not_kept(engine, owner, quote, now=datetime(2026, 6, 15, 13, 1, tzinfo=UTC))  # the cut-off is at 13:00

    assert details["offer_valid_until"] == the_offer(quote)["valid_until"] == CUTOFF.isoformat()
    code, figures = only_reason(details)
    assert (code, figures["need_by"], figures["late_hours"]) == ("NEED_BY", ARRIVAL.isoformat(), 24)
    assert details["alternative"]["promised_at"] == (ARRIVAL + timedelta(days=1)).isoformat()
    assert (details["alternative"]["more_minor"], details["alternative"]["later_hours"]) == (0, 24.0)


def test_after_the_cut_off_the_refusal_says_so_and_how_to_renew(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner, valid_minutes=600)

    with pytest.raises(QuoteNotKept) as refusal:
        accepted(engine, an_acceptance(owner, quote), now=CUTOFF + timedelta(minutes=1))

    assert "The cut-off in Berlin was at 2026-06-15T13:00:00Z, production would now begin" in refusal.value.message
    assert "POST /v1/quotes with the same body renews the quote" in refusal.value.message
    assert quote.valid_until == NOW + timedelta(hours=10)


def test_before_the_cut_off_a_refusal_says_nothing_of_it(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner, valid_minutes=600)
    given_free_minutes(engine, [0] * 14)

    with pytest.raises(QuoteNotKept) as refusal:
        accepted(engine, an_acceptance(owner, quote), now=CUTOFF)

    assert "cut-off" not in refusal.value.message
    assert refusal.value.details["offer_valid_until"] == CUTOFF.isoformat()


def test_after_the_cut_off_an_offer_is_kept_where_that_changes_nothing(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_free_minutes(engine, [0, 1440, 1440, 1440])
    quote = given_quote(engine, owner, valid_minutes=600)

    accepted(engine, an_acceptance(owner, quote), now=CUTOFF + timedelta(minutes=1))

    assert the_offer(quote)["valid_until"] == CUTOFF.isoformat()
    assert table(engine, "SELECT count(*) FROM orders") == [(1,)]


def test_a_revoked_certificate_is_named(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner)
    with unit_of_work(engine) as session:
        revoke_certificate(session, certificate_id="crt_N101", reason="fraud", principal=OPERATOR_KEY, now=NOW)

    details = not_kept(engine, owner, quote)

    code, figures = only_reason(details)
    assert (code, figures["missing"], details["alternative"]) == ("CERTIFICATE_MISSING", "ISO9001", None)


def test_a_blocked_lot_and_one_that_holds_too_little_are_named(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner, quantities=(1, 10))
    table(engine, "UPDATE material_lots SET state = 'blocked' RETURNING 1")
    blocked = not_kept(engine, owner, quote)
    grams = the_offer(quote, quantity=10)["grams"]
    table(
        engine,
        f"UPDATE material_lots SET state = 'available', initial_grams = {grams - 1},"
        f" remaining_grams = {grams - 1} RETURNING 1",
    )
    short = not_kept(engine, owner, quote, quantity=10)

    assert [reason["code"] for reason in blocked["reasons"]] == ["LOT_BLOCKED"]
    assert only_reason(short)[0] == "MATERIAL_SHORT"
    assert only_reason(short)[1]["needed_grams"] == grams
    assert only_reason(short)[1]["largest_lot_grams"] == grams - 1


def test_a_node_that_is_down_or_gone_and_a_machine_that_is_not_offered_so_any_more_are_named(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner)
    table(engine, "UPDATE nodes SET status = 'down', status_reason = 'flooded' RETURNING 1")
    down = not_kept(engine, owner, quote)
    table(engine, "UPDATE nodes SET status = 'up', status_reason = '' RETURNING 1")
    table(engine, "UPDATE machine_offers SET id = 'another' RETURNING 1")
    table(engine, "UPDATE nodes SET minimum_order_minor = 5001 RETURNING 1")
    not_offered = not_kept(engine, owner, quote)

    assert only_reason(down) == ("NODE_DOWN", {"status": "down", "reason": "flooded"})
    assert only_reason(not_offered) == ("PROCESS_MATERIAL", {"machine_id": "N101-A"})
    assert not_offered["alternative"]["more_minor"] == 1


def test_a_node_that_left_the_network_is_named(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    kept = given_quote(engine, owner)
    table(engine, "UPDATE nodes SET minimum_order_minor = 5001 RETURNING 1")
    elsewhere = 'replace(document::text, \'"node_id": "N101"\', \'"node_id": "N999"\')::jsonb'
    table(engine, f"UPDATE quotes SET document = {elsewhere} RETURNING 1")

    details = not_kept(engine, owner, kept)

    assert only_reason(details) == ("NODE_DOWN", {"node_id": "N999"})
    assert (details["node_id"], details["alternative"]["node_id"]) == ("N999", "N101")


def test_an_aircraft_on_the_ground_may_repeat_the_cap_that_its_offer_is_five_times_within(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner, criticality="aog", max_price_minor=LANDED // 2)
    acceptance = an_acceptance(owner, quote)

    with pytest.raises(QuoteMismatch, match=r"is under the quoted price of 59\.97 EUR"):
        accepted(engine, replace(acceptance, max_price_minor=LANDED // 2 + 1))
    accepted(engine, replace(acceptance, max_price_minor=LANDED // 2))

    assert table(engine, "SELECT max_price_minor, agreed_price_minor FROM orders") == [(LANDED // 2, LANDED)]
    assert table(engine, "SELECT state FROM order_lines") == [("routed",)]


def test_a_service_that_is_not_used_any_more_is_named(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner)
    table(engine, "DELETE FROM lanes RETURNING 1")

    code, figures = only_reason(not_kept(engine, owner, quote))

    assert (code, figures["ship_to"]) == ("LANE_MISSING", "DE")


def test_a_licence_that_was_revoked_is_named(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    table(engine, "UPDATE part_revisions SET licence_required = true RETURNING 1")
    wanted = NewLicence(revision_id=owner.revision_id, prints=1)
    with unit_of_work(engine) as session:
        licence = grant_licence(session, organisation_id=owner.organisation_id, licence=wanted, actor="key_1", now=NOW)
    quote = given_quote(engine, owner)
    with unit_of_work(engine) as session:
        revoke_licence(
            session,
            organisation_id=owner.organisation_id,
            licence_id=licence.licence_id,
            reason="the contract ended",
            actor="key_1",
            now=NOW,
        )

    details = not_kept(engine, owner, quote)

    assert [reason["code"] for reason in details["reasons"]] == ["IP_POLICY"]
    assert details["alternative"] is None


def test_a_superseded_revision_is_named_with_the_one_that_took_its_place(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner)
    given_revision(engine, part_id=owner.part_id, revision="B")

    details = not_kept(engine, owner, quote)

    assert only_reason(details) == (
        "REVISION_SUPERSEDED",
        {"revision": "A", "revision_state": "superseded", "released_revision": "B"},
    )
    assert details["alternative"] is None


def test_a_withdrawn_revision_is_named(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner)
    with unit_of_work(engine) as session:
        withdraw_revision(session, revision_id=owner.revision_id, reason="it breaks", principal=key_of(owner), now=NOW)

    details = not_kept(engine, owner, quote)

    assert only_reason(details) == (
        "REVISION_WITHDRAWN",
        {"revision": "A", "revision_state": "withdrawn", "released_revision": None},
    )
    assert details["alternative"] is None


def test_the_reasons_are_those_of_the_quoted_machine_and_not_of_a_better_one_beside_it(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine, nodes=(a_node(), a_node(node_id="N102", city="Potsdam", minimum_order_minor=9_000)))
    quote = given_quote(engine, owner)
    minutes = the_offer(quote)["machine_minutes"]
    given_free_minutes(engine, [0] * 45)

    details = not_kept(engine, owner, quote)

    assert only_reason(details)[0] == "CAPACITY"
    assert only_reason(details)[1]["needed_minutes"] == minutes
    assert (details["alternative"]["node_id"], details["alternative"]["more_minor"]) == ("N102", 4_000)
    assert details["alternative"]["later_hours"] == 0.0


def test_a_quote_stands_until_its_last_instant_and_not_longer(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote, other = given_quote(engine, owner), given_quote(engine, owner)

    accepted(engine, an_acceptance(owner, quote), now=NOW + timedelta(minutes=60) - timedelta(microseconds=1))
    with pytest.raises(QuoteExpired, match="stood until 2026-06-15T") as refusal:
        accepted(engine, an_acceptance(owner, other, key="key-2"), now=NOW + timedelta(minutes=60))

    assert refusal.value.details == {"quote_id": other.id, "valid_until": (NOW + timedelta(minutes=60)).isoformat()}
    assert "POST /v1/quotes with the same body renews it" in refusal.value.message
    assert table(engine, "SELECT quote_id FROM orders") == [(quote.id,)]


def test_a_quote_is_accepted_once_and_says_by_which_order(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner, quantities=(1, 10))
    accepted(engine, an_acceptance(owner, quote))
    ((order_id,),) = table(engine, "SELECT id FROM orders")

    with pytest.raises(QuoteTaken, match=str(order_id)) as refusal:
        accepted(engine, an_acceptance(owner, quote, key="key-2", quantity=10))

    assert refusal.value.details == {"quote_id": quote.id, "order_id": order_id, "offer": "cheapest"}
    assert table(engine, "SELECT count(*) FROM idempotency_keys") == [(1,)]


def test_a_quote_of_another_owner_is_as_unknown_as_one_that_never_was(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote, stranger = given_quote(engine, owner), given_owner(engine, name="Südbahn")

    with pytest.raises(QuoteNotThere) as foreign:
        accepted(engine, an_acceptance(stranger, quote))
    with pytest.raises(QuoteNotThere) as unknown:
        accepted(engine, replace(an_acceptance(stranger, quote), quote_id="qte_never"))

    assert foreign.value.message.replace(quote.id, "…") == unknown.value.message.replace("qte_never", "…")
    assert [problem.pointer for problem in foreign.value.problems] == ["/quote_id"]
    assert nothing_was_written(engine)


def another(part: str, *, revision: str | None = None, quantity: int = 1) -> tuple[AcceptedLine, ...]:
    return (AcceptedLine(part=part, revision=revision, quantity=quantity),)


DIFFERENCES: list[tuple[dict[str, Any], list[str]]] = [
    ({"lines": another("RL-0002")}, ["/lines/0/part"]),
    ({"lines": another("RL-9999")}, ["/lines/0/part"]),
    ({"lines": another("RL-0001", revision="B")}, ["/lines/0/revision"]),
    ({"lines": another("RL-0001", quantity=2)}, ["/lines/0/quantity"]),
    ({"lines": another("RL-0001") * 2}, ["/lines"]),
    ({"ship_to": replace(HAMBURG, city="Bremen")}, ["/ship_to/city"]),
    ({"ship_to": replace(HAMBURG, country="AT")}, ["/ship_to/country"]),
    ({"ship_to": replace(HAMBURG, latitude=53.6)}, ["/ship_to/latitude"]),
    ({"need_by": ARRIVAL + timedelta(days=1)}, ["/need_by"]),
    ({"need_by_hard": False}, ["/need_by_hard"]),
    ({"criticality": "aog"}, ["/criticality"]),
    ({"packaging": "brand"}, ["/packaging"]),
    ({"max_price_minor": LANDED - 1}, ["/max_price/amount_minor"]),
    ({"packaging": "esd", "criticality": "safety"}, ["/criticality", "/packaging"]),
]


@pytest.mark.parametrize(("changes", "pointers"), DIFFERENCES)
def test_an_order_that_differs_from_its_quote_is_told_where(
    engine: Engine, owner: Owner, changes: dict[str, Any], pointers: list[str]
) -> None:
    given_routable_network(engine)
    given_part(engine, organisation_id=owner.organisation_id, part_no="RL-0002")
    acceptance: Acceptance = replace(an_acceptance(owner, given_quote(engine, owner)), **changes)

    with pytest.raises(QuoteMismatch) as refusal:
        accepted(engine, acceptance)

    assert [problem.pointer for problem in refusal.value.problems] == pointers
    assert nothing_was_written(engine)


def test_an_order_that_repeats_what_was_quoted_and_names_another_door_is_accepted(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=(a_node(packaging=("plain", "esd")),))
    quote = given_quote(engine, owner, packaging="esd", need_by=ARRIVAL, criticality="line_down")
    acceptance = replace(
        an_acceptance(owner, quote),
        lines=another("RL-0001", revision="A"),
        ship_to=replace(HAMBURG, name="Gate 7", city="HAMBURG"),
        need_by=ARRIVAL,
        need_by_hard=True,
        criticality="line_down",
        packaging="esd",
        max_price_minor=LANDED,
        reference="PO-7",
    )

    accepted(engine, acceptance)

    assert table(engine, "SELECT ship_to_name, packaging, criticality, max_price_minor, reference FROM orders") == [
        ("Gate 7", "esd", "line_down", LANDED, "PO-7")
    ]
    assert table(engine, "SELECT packaging FROM jobs") == [("esd",)]


def test_a_quantity_that_nothing_fits_can_not_be_accepted(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner, quantities=(1, 100_000))

    with pytest.raises(QuoteMismatch, match="the cheapest offer for 100000, but no node") as refusal:
        accepted(engine, an_acceptance(owner, quote, quantity=100_000))

    assert [problem.pointer for problem in refusal.value.problems] == ["/quote_offer"]
    assert nothing_was_written(engine)


def test_a_certificate_that_ends_before_production_does_is_named_with_its_day(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner)
    table(engine, "UPDATE certificates SET valid_to = '2026-06-14' RETURNING 1")

    code, figures = only_reason(not_kept(engine, owner, quote))

    assert code == "CERTIFICATE_EXPIRES"
    assert figures["valid_to"] == date(2026, 6, 14).isoformat()
