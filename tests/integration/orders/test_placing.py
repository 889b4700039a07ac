from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from psycopg.errors import CheckViolation
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.inventory.service import withdraw_revision
from fabroute.orders.service import (
    KeyContended,
    KeyReused,
    NewOrder,
    Placed,
    Placing,
    Refused,
    Replayed,
    ShipTo,
    find_answer,
)
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import (
    SWALLOW_KEYS,
    given_orders,
    given_owner,
    given_part,
    given_revision,
    intake_connection,
    make_order,
    place_orders,
)
from tests.factories.organisations import NOW
from tests.factories.statements import counted_statements

COUNTS = (
    "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM order_lines), (SELECT count(*) FROM idempotency_keys),"
    " (SELECT count(*) FROM audit_entries WHERE action = 'order.placed'),"
    " (SELECT count(*) FROM outbox_events WHERE name = 'order.placed')"
)


def place(engine: Engine, *orders: NewOrder) -> tuple[Placing, ...]:
    with intake_connection(engine) as connection:
        return place_orders(connection, orders=orders)


def read(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def replayed(order: NewOrder) -> Replayed:
    return Replayed(status=201, answer=order.answer, location=order.location)


def test_order_lines_key_audit_and_event_are_written_together(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        order = make_order(owner, quantities=(2, 5), batch="spring", reference="PO 7")

        assert place(engine, order) == (Placed(answer=order.answer, location=order.location),)

        assert read(
            engine,
            "SELECT id, organisation_id, reference, batch, objective, criticality, packaging, state FROM orders",
        ) == [(order.id, owner.organisation_id, "PO 7", "spring", "cheapest", "routine", "plain", "pending")]
        assert read(engine, "SELECT placed_at, updated_at, version FROM orders") == [(NOW, NOW, 1)]
        assert read(
            engine,
            "SELECT id, position, part_id, revision_id, quantity, planning_scope, state, state_reason, attempts, fence,"
            " lease_until, decision_id FROM order_lines ORDER BY position",
        ) == [
            (line.id, position, owner.part_id, owner.revision_id, quantity, "global", "pending", "", 0, 0, None, None)
            for line, position, quantity in zip(order.lines, (1, 2), (2, 5), strict=True)
        ]
        assert read(
            engine, "SELECT actor, subject_id, occurred_at FROM audit_entries WHERE action = 'order.placed'"
        ) == [(owner.key_id, order.id, NOW)]
        assert read(engine, "SELECT status, body, location, subject_id, created_at FROM idempotency_keys") == [
            (201, order.answer, order.location, order.id, NOW)
        ]
        assert read(
            engine, "SELECT event_id, subject_id, organisation_id, data FROM outbox_events WHERE name = 'order.placed'"
        ) == [(order.id.replace("ord_", "evt_"), order.id, owner.organisation_id, {"scope": "global"})]


def test_all_that_an_order_may_say_arrives_unchanged(database: Database) -> None:
    with engine_for(database.url) as engine:
        order = replace(
            make_order(given_owner(engine), answer='{"city":"Łódź „ö“ \\u0001"}'.encode()),
            need_by=NOW + timedelta(days=3),
            need_by_hard=False,
            max_price_minor=1_000_000_000,
            ship_to=ShipTo(
                name='O\'Neil \\ "x" %s', city="Łódź", country="PL", latitude=-51.7592, longitude=1e-7, assumed=True
            ),
        )

        place(engine, order)

        assert read(
            engine,
            "SELECT need_by, need_by_hard, max_price_minor, currency, ship_to_name, ship_to_city, ship_to_country,"
            " ship_to_latitude, ship_to_longitude, ship_to_assumed FROM orders",
        ) == [
            (NOW + timedelta(days=3), False, 10**9, "EUR", 'O\'Neil \\ "x" %s', "Łódź", "PL", -51.7592, 1e-7, True),
        ]
        assert read(engine, "SELECT body FROM idempotency_keys") == [(order.answer,)]


def test_a_repeated_request_gets_the_first_answer_and_writes_nothing(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        (first,) = given_orders(engine, make_order(owner, key="k1"))

        assert place(engine, make_order(owner, key="k1")) == (replayed(first),)
        assert read(engine, COUNTS) == [(1, 1, 1, 1, 1)]


def test_a_key_with_another_request_is_refused_and_writes_nothing(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        given_orders(engine, make_order(owner, key="k1"))

        assert place(engine, make_order(owner, key="k1", request_sha256="other")) == (KeyReused(),)
        assert read(engine, COUNTS) == [(1, 1, 1, 1, 1)]


def test_two_organisations_may_use_the_same_key(database: Database) -> None:
    with engine_for(database.url) as engine:
        orders = [make_order(given_owner(engine, name=name), key="k1") for name in ("Nordbahn", "Südbahn")]

        assert place(engine, *orders) == tuple(Placed(answer=order.answer, location=order.location) for order in orders)
        assert read(engine, COUNTS) == [(2, 2, 2, 2, 2)]


def test_an_attempt_that_was_committed_but_never_answered_counts_as_placed(database: Database) -> None:
    with engine_for(database.url) as engine:
        (order,) = given_orders(engine, make_order(given_owner(engine)))

        assert place(engine, order) == (Placed(answer=order.answer, location=order.location),)
        assert read(engine, COUNTS) == [(1, 1, 1, 1, 1)]


def test_one_batch_holds_every_outcome_in_its_order(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        (known,) = given_orders(engine, make_order(owner, key="known"))
        new, last = make_order(owner, key="new", quantities=(3, 4)), make_order(owner, key="last")

        outcomes = place(
            engine,
            make_order(owner, key="known"),
            new,
            make_order(owner, key="new"),
            make_order(owner, key="new", request_sha256="other"),
            make_order(owner, key="closed", quantities=(1, 2), revision_id="rev_none"),
            make_order(owner, key="known", request_sha256="other"),
            last,
        )

        assert outcomes == (
            replayed(known),
            Placed(answer=new.answer, location=new.location),
            replayed(new),
            KeyReused(),
            Refused(positions=(1, 2)),
            KeyReused(),
            Placed(answer=last.answer, location=last.location),
        )
        assert read(engine, COUNTS) == [(3, 4, 3, 3, 3)]


def test_a_refused_order_leaves_its_key_free(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        refused = make_order(owner, key="k1", revision_id="rev_none")
        right = make_order(owner, key="k1")

        assert place(engine, refused) == (Refused(positions=(1,)),)
        assert place(engine, right) == (Placed(answer=right.answer, location=right.location),)


@pytest.mark.parametrize("state", ["draft", "validated"])
def test_a_revision_that_is_not_released_is_refused_and_nothing_of_the_order_written(
    database: Database, state: str
) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        unreleased = given_revision(engine, part_id=owner.part_id, revision="B", state=state)
        order = make_order(owner, quantities=(1, 1))
        mixed = replace(order, lines=(order.lines[0], replace(order.lines[1], revision_id=unreleased)))

        assert place(engine, mixed) == (Refused(positions=(2,)),)
        assert read(engine, COUNTS) == [(0, 0, 0, 0, 0)]


def test_a_withdrawn_revision_is_refused_but_an_order_placed_before_is_still_answered(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        (before,) = given_orders(engine, make_order(owner, key="before"))
        with unit_of_work(engine) as session:
            withdraw_revision(session, revision_id=owner.revision_id, actor="system:test", now=NOW)

        assert place(engine, make_order(owner, key="before"), make_order(owner, key="after")) == (
            replayed(before),
            Refused(positions=(1,)),
        )


def test_a_part_of_another_owner_is_refused_whatever_ids_are_sent(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner, stranger = given_owner(engine), given_owner(engine, name="Stranger")
        foreign = replace(make_order(stranger), organisation_id=owner.organisation_id)
        other_part = given_part(engine, organisation_id=owner.organisation_id, part_no="RL-0002")
        mixed = make_order(owner)
        mismatched = replace(mixed, lines=(replace(mixed.lines[0], part_id=other_part),))

        assert place(engine, foreign, mismatched) == (Refused(positions=(1,)), Refused(positions=(1,)))
        assert read(engine, COUNTS) == [(0, 0, 0, 0, 0)]


def test_one_order_that_breaks_a_constraint_takes_its_batch_with_it_and_nothing_is_half_written(
    database: Database,
) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        good, poison = make_order(owner), make_order(owner, quantities=(1, 100_001))

        with pytest.raises(CheckViolation, match="quantity_in_range"):
            place(engine, good, poison)
        assert read(engine, COUNTS) == [(0, 0, 0, 0, 0)]
        assert place(engine, good) == (Placed(answer=good.answer, location=good.location),)


def test_eight_processes_racing_for_the_same_keys_place_each_order_once(database: Database) -> None:
    keys = [f"k{number}" for number in range(20)]
    with engine_for(database.url, connections=10) as engine:
        owner = given_owner(engine)
        batches = [[make_order(owner, key=key) for key in order_of_keys] for order_of_keys in (keys, keys[::-1]) * 4]

        with ThreadPoolExecutor(8) as processes:
            outcomes = list(processes.map(lambda batch: place(engine, *batch), batches))

        answers = {
            key: {found.answer for batch, answer in zip(batches, outcomes, strict=True)
                  for order, found in zip(batch, answer, strict=True)
                  if order.idempotency_key == key and isinstance(found, Placed | Replayed)}
            for key in keys
        }  # fmt: skip
        placed = [found for answer in outcomes for found in answer if isinstance(found, Placed)]
        assert len(placed) == 20
        assert all(len(answer) == 1 for answer in answers.values())
        assert read(engine, COUNTS) == [(20, 20, 20, 20, 20)]


def test_a_key_that_is_taken_again_and_again_by_others_ends_in_a_refusal(database: Database) -> None:
    with engine_for(database.url) as engine, engine_for(database.migration_url) as owner_of_tables:
        owner = given_owner(engine)
        in_transaction(owner_of_tables, lambda session: session.connection().exec_driver_sql(SWALLOW_KEYS))
        free, contended = make_order(owner), make_order(owner, key="contended")

        with pytest.raises(KeyContended) as refusal:
            place(engine, free, contended)
        assert (refusal.value.status, refusal.value.code) == (409, "idempotency_key_in_flight")
        assert place(engine, free) == (Placed(answer=free.answer, location=free.location),)


def test_128_orders_go_in_by_one_statement(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        orders = [make_order(owner, quantities=(1, 2, 3)) for _ in range(128)]
        with intake_connection(engine) as connection:
            place_orders(connection, orders=(make_order(owner),))
            with counted_statements(connection) as statements:
                outcomes = place_orders(connection, orders=orders)

        assert statements.executed == 1
        assert outcomes == tuple(Placed(answer=order.answer, location=order.location) for order in orders)
        assert read(engine, COUNTS) == [(129, 385, 129, 129, 129)]


def test_the_answer_of_an_earlier_request_can_be_found(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        (order,) = given_orders(engine, make_order(owner, key="k1"))

        def find(key: str, request_sha256: str) -> Replayed | KeyReused | None:
            return in_transaction(
                engine,
                lambda session: find_answer(
                    session,
                    organisation_id=owner.organisation_id,
                    idempotency_key=key,
                    request_sha256=request_sha256,
                ),
            )

        assert find("k1", "same") == replayed(order)
        assert find("k1", "other") == KeyReused()
        assert find("k2", "same") is None
