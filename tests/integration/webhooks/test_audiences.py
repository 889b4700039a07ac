"""Who is told what: an owner of its order, a bureau of its jobs, nobody of anybody else's."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from fabroute.kernel.events import JsonScalar
from fabroute.kernel.time import utc_now
from fabroute.webhooks.rules.forms import FORMS
from fabroute.webhooks.rules.messages import body_of
from fabroute.webhooks.service.sequencing import sequence_events
from fabroute.webhooks.service.views import EventView
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.organisations import BUREAU
from tests.factories.production import Floor, given_floor
from tests.factories.webhooks import an_event, feed_of, given_organisation, tell


@pytest.fixture(scope="module")
def engine_of_module(servers: object, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine on a database of this module's own, in which a job was offered, accepted and printed."""
    template = request.getfixturevalue("migrated_template")
    postgres = request.getfixturevalue("servers").postgres
    urls = postgres.create_database("audiences", template=template)
    with engine_for(urls.url) as engine:
        yield engine
    postgres.drop_database("audiences")


@pytest.fixture(scope="module")
def floor(engine_of_module: Engine) -> Floor:
    floor = given_floor(engine_of_module)
    given_organisation(engine_of_module, "org_rival", kind="bureau")
    given_organisation(engine_of_module, "org_operator", kind="operator")
    job_id = floor.accepted(2)
    floor.fetched(job_id)
    floor.printed(job_id, "good")
    with engine_of_module.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET reference = 'PO-4711'")
    while sequence_events(engine_of_module, now=utc_now()).events:
        pass
    return floor


def of(floor: Floor, organisation_id: str, name: str) -> EventView:
    found = [it for it in feed_of(floor.engine, organisation_id).events if it.type == name]
    assert len(found) == 1
    return found[0]


def test_owner_and_bureau_are_told_of_a_job_under_the_same_id(floor: Floor) -> None:
    for name in ("job.offered", "job.accepted", "job.file_released", "job.started", "job.print_reported"):
        mine, theirs = of(floor, floor.owner.organisation_id, name), of(floor, BUREAU, name)
        assert (mine.event_id, mine.subject_id) == (theirs.event_id, theirs.subject_id)
        assert mine.data["node_id"] == theirs.data["node_id"] == "N101"


def test_the_bureau_sees_neither_its_customers_reference_nor_its_orders(floor: Floor) -> None:
    owner, bureau = floor.owner.organisation_id, BUREAU
    mine, theirs = of(floor, owner, "job.accepted").data, of(floor, bureau, "job.accepted").data

    assert (mine["order_reference"], theirs["order_reference"]) == ("PO-4711", None)
    assert {name: value for name, value in mine.items() if name != "order_reference"} == {
        name: value for name, value in theirs.items() if name != "order_reference"
    }
    assert theirs["price"] == {"amount_minor": 2_000, "currency": "EUR"}
    assert (theirs["part"], theirs["quantity"], theirs["state"]) == ("RL-0001", 2, "accepted")
    kinds = {it.type.partition(".")[0] for it in feed_of(floor.engine, bureau).events}
    assert kinds == {"job"}


def test_a_rival_is_told_nothing_at_all(floor: Floor) -> None:
    assert feed_of(floor.engine, "org_rival").events == ()
    assert feed_of(floor.engine, "org_operator").events == ()


def test_the_owner_is_told_where_its_order_goes_with_lines_and_money(floor: Floor) -> None:
    routed = of(floor, floor.owner.organisation_id, "order.routed")

    [line] = routed.data["lines"]
    assert (routed.data["state"], routed.data["line_count"], routed.data["order_reference"]) == ("routed", 1, "PO-4711")
    assert (line["part"], line["quantity"], line["state"]) == ("RL-0001", 2, "routed")
    assert routed.subject_type == "order"


def test_every_message_has_the_form_of_its_type(floor: Floor) -> None:
    checked = 0
    for organisation_id in (floor.owner.organisation_id, BUREAU):
        for event in feed_of(floor.engine, organisation_id).events:
            assert FORMS[event.type].model_validate_json(body_of(event.told)).id == event.event_id
            checked += 1
    assert checked >= 12


def test_a_job_that_its_node_was_never_told_of_is_the_owners_alone(floor: Floor) -> None:
    (offer,) = floor.offered()
    with floor.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE jobs SET state = 'cancelled', dispatch_at = offered_at + interval '1 hour'"
            f" WHERE id = '{offer.job_id}'"
        )
    event = an_event(
        "job.cancelled",
        subject_type="job",
        subject_id=offer.job_id,
        organisation_id=floor.owner.organisation_id,
        node_id="N101",
        order_line_id=offer.order_line_id,
        reason="a better place was found",
    )
    tell(floor.engine, event)

    mine = [it for it in feed_of(floor.engine, floor.owner.organisation_id).events if it.subject_id == offer.job_id]
    theirs = [it for it in feed_of(floor.engine, BUREAU).events if it.subject_id == offer.job_id]
    assert [it.type for it in mine] == ["job.offered", "job.cancelled"]
    assert theirs == []


def test_a_bureau_is_told_of_its_lots_and_the_operator_of_recalls(floor: Floor) -> None:
    facts: dict[str, JsonScalar] = {
        "node_id": "N101",
        "material": "PA12",
        "supplier_lot": "S1",
        "from": "available",
        "grams": 0,
        "note": "",
    }
    tell(
        floor.engine,
        an_event("lot.blocked", subject_type="material_lot", subject_id="lot_9", organisation_id=None, **facts),
        an_event(
            "recall.opened",
            subject_type="recall",
            subject_id="rcl_1",
            organisation_id=None,
            supplier_lot="S1",
            reason="dust",
            lots=2,
            jobs=3,
        ),
    )

    lot = of(floor, BUREAU, "lot.blocked")
    recall = of(floor, "org_operator", "recall.opened")
    assert (lot.subject_id, lot.data["state_before"]) == ("lot_9", "available")
    assert (recall.data["lot_count"], recall.data["job_count"]) == (2, 3)
    assert "lot_9" not in [it.subject_id for it in feed_of(floor.engine, floor.owner.organisation_id).events]


def test_shipments_name_carrier_and_number(database: Database) -> None:
    with engine_for(database.url) as engine:
        floor = given_floor(engine)
        (offer,) = floor.offered(3)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO shipments (id, job_id, organisation_id, order_id, node_id, carrier, service,"
                " tracking_number, state, quantity, created_by, created_at, updated_at, version)"
                f" SELECT 'shp_1', id, organisation_id, order_id, node_id, 'dpd', 'express', '0998', 'handed_over', 3,"
                f" 'key_1', now(), now(), 1 FROM jobs WHERE id = '{offer.job_id}'"
            )
        tell(
            engine,
            an_event(
                "shipment.handed_over",
                subject_type="shipment",
                subject_id="shp_1",
                organisation_id=floor.owner.organisation_id,
                job_id=offer.job_id,
                order_id=offer.order_id,
            ),
        )
        mine, theirs = (of(floor, it, "shipment.handed_over") for it in (floor.owner.organisation_id, BUREAU))

    for event in (mine, theirs):
        assert (event.data["carrier"], event.data["tracking_number"], event.data["quantity"]) == ("dpd", "0998", 3)
        assert (event.data["state"], event.data["part"]) == ("handed_over", "RL-0001")
