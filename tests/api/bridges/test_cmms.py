"""A maintenance system and the API: work orders come in, their logs tell what became of the parts."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from fabroute.bridges.cmms import MaintenanceInbox, MaintenanceSystem, pull_requests
from fabroute.bridges.fabroute import FabrouteWire
from fabroute.bridges.orders import OrderRules
from fabroute.bridges.wire import JsonWire
from tests.factories.api import Api
from tests.factories.api_jobs import save_a_qualified_node
from tests.factories.bridge_payloads import (
    DUE,
    PLANT,
    SECRET,
    WORK_ORDER,
    Payload,
    body_of,
    changed,
    maintenance_headers,
)
from tests.factories.bridges import Bridged, bridged, bureau_of, given_shipped
from tests.fakes.foreign_systems import TOKEN, FakeMaximo
from tests.fakes.web_server import served_by

GOODS_IN = {"company": "Nordbahn", "street": "Kaistraße 7", "postal_code": "20457", "city": "Hamburg", "country": "DE"}


@pytest.fixture
def plant() -> FakeMaximo:
    return FakeMaximo(work_orders=[])


@contextmanager
def to_plant(api: Api, plant: FakeMaximo, folder: Path) -> Iterator[Bridged]:
    api.client.post("/v1/parts/RL-0001/aliases", json={"kind": "old", "number": "4711-0815"})
    api.client.post("/v1/parts/RL-0001/installations", json={"asset": "pump P-17", "position": "4"})
    with ExitStack() as opened:
        url = opened.enter_context(served_by(plant)) + "/maximo"
        wire = opened.enter_context(JsonWire(name=PLANT, url=url, headers={"apikey": TOKEN}))
        inbox = MaintenanceInbox(site=PLANT, secret=SECRET)

        def desk(fabroute: FabrouteWire) -> MaintenanceSystem:
            return MaintenanceSystem(
                site=PLANT,
                wire=wire,
                fabroute=fabroute,
                certificate_url="https://fabroute.example/v1/conformity-certificates/{id}.pdf",
                ship_to=GOODS_IN,
            )

        yield opened.enter_context(
            bridged(api, folder / "cmms.sqlite3", desk, inbox=inbox, rules=OrderRules(), before=[pull_requests])
        )


def ask(bridge: Bridged, payload: Payload = WORK_ORDER) -> int:
    body = body_of(payload)
    return bridge.hear(body, maintenance_headers(body))


def with_material(number: str | None, wonum: str, **changes: object) -> Payload:
    line = {"wpitemid": 41, "itemqty": 1} | ({} if number is None else {"itemnum": number})
    return changed(WORK_ORDER, wonum=wonum, wpmaterial=[line | changes])


def test_a_machine_that_stands_still_gets_its_part_by_an_old_number_and_its_log_tells_all(
    api: Api, plant: FakeMaximo, tmp_path: Path
) -> None:
    save_a_qualified_node(api.engine)
    with to_plant(api, plant, tmp_path) as bridge:
        assert [ask(bridge), ask(bridge)] == [200, 200]
        bridge.work()
        order = bridge.order()
        with bureau_of(api, order["id"]) as world:
            given_shipped(world, certify=True)
            plant.slips = ["500", "lost", "dropped"]
            for _ in range(7):
                bridge.work()
                bridge.later(10)
        certificate = api.client.get(f"{world.job}/conformity-certificates").json()["data"][0]

    assert (order["criticality"], order["objective"]) == ("aog", "fastest")
    assert (order["reference"], order["batch"], order["need_by"]) == ("1000", PLANT, f"{DUE}T10:00:00Z")
    assert [(line["part"], line["quantity"]) for line in order["lines"]] == [("RL-0001", 3)]
    assert (order["ship_to"]["name"], order["ship_to"]["street"]) == ("Nordbahn, WO 1000 / HALL-2", "Kaistraße 7")
    logs = plant.logs["1000"]
    marks = [log["description"].rpartition(" [")[2] for log in logs]
    assert len(marks) == len(set(marks))
    told = {mark.split(":")[0]: log for mark, log in zip(marks, logs, strict=True)}
    assert told["fabroute shipment"]["description"].startswith("Part shipped, DHL JD014600006281230704 [")
    assert told["fabroute certificate"]["description_longdescription"] == (
        f"https://fabroute.example/v1/conformity-certificates/{certificate['id']}.pdf (SHA-256 {certificate['sha256']})"
    )
    assert all(len(log["description"]) <= 100 for log in logs)
    assert (plant.refused, plant.slips) == ([], [])


def test_work_orders_that_no_message_told_of_are_pulled_from_every_page_of_this_server_alone(
    api: Api, plant: FakeMaximo, tmp_path: Path
) -> None:
    plant.work_orders = [changed(WORK_ORDER, wonum=str(number), downtime=False, wopriority=3) for number in range(1, 6)]
    plant.work_orders[3]["status"] = "COMP"
    plant.elsewhere = "https://thief.example/maximo/api/os/mxapiwodetail"
    with to_plant(api, plant, tmp_path) as bridge:
        bridge.work()
        bridge.work()
    found = {it["reference"]: it for it in api.client.get("/v1/orders").json()["data"]}

    assert sorted(found) == ["1", "2", "3", "5"]
    assert (found["5"]["criticality"], found["5"]["objective"]) == ("routine", "cheapest")
    assert plant.asked_where[0] == 'siteid="BEDFORD" and status in ["APPR","WMATL"]'


def test_a_part_is_found_by_where_it_is_built_in_and_what_is_not_clear_is_asked_back(
    api: Api, plant: FakeMaximo, tmp_path: Path
) -> None:
    with to_plant(api, plant, tmp_path) as bridge:
        asked = [
            with_material(None, "1"),
            with_material("UNHEARD-OF", "2"),
            with_material("4711-0815", "3", requiredcertificates="EN45545-2"),
            with_material("4711-0815", "4", requiredcertificates="ISO9001"),
            changed(WORK_ORDER, wonum="5", targcompdate="2020-01-01T00:00:00+00:00"),
        ]
        assert [ask(bridge, payload) for payload in asked] == [200] * 5
        bridge.work()
        entries = {it.foreign_id: it for it in bridge.bench.journal.all()}
        ask(bridge, changed(WORK_ORDER, wonum="1", status="CAN"))
        bridge.work()
        cancelled = bridge.bench.journal.find(account=PLANT, foreign_id="1")

    assert {key: it.stage for key, it in entries.items()} == {
        **{"1": "placed", "2": "refused", "3": "refused", "4": "placed", "5": "placed"}
    }
    assert entries["2"].detail.startswith("unknown article UNHEARD-OF")
    assert entries["3"].detail == ("RL-0001 is not made under EN45545-2: release a revision that requires it")
    assert plant.logs["3"][0]["description_longdescription"] == f"not ordered: {entries['3'].detail}"
    assert api.client.get(f"/v1/orders/{entries['5'].order_id}").json()["need_by"] is None
    assert cancelled is not None
    assert cancelled.stage == "cancelled"
