"""An ERP's drop folder and the API: CSV and EDIFACT in; CSV, ORDRSP and DESADV out."""

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fabroute.bridges.erp import DropFolder
from fabroute.bridges.erp.edifact import Message, Segment, read_interchange
from fabroute.bridges.orders import OrderRules
from tests.factories.api import Api
from tests.factories.api_jobs import save_a_qualified_node
from tests.factories.bridge_payloads import DUE
from tests.factories.bridges import Bridged, bridged, bureau_of, given_shipped

ORDERS = f"""UNA:+.? '
UNB+UNOC:3+4012345000009:14+FABROUTE:ZZ+300601:0931+77'
UNH+1+ORDERS:D:96A:UN:EAN008'
BGM+220+4500001234+9'
DTM+137:20300601:102'
DTM+2:{DUE:%Y%m%d}:102'
NAD+BY+4012345000009::9'
NAD+DP+++O?'Brien ?+ Söhne GmbH+Kaistraße 7+Hamburg++20457+DE'
CUX+2:EUR:9'
LIN+10++4012345678901:EN'
PIA+5+RL-0001:SA'
QTY+21:3:PCE'
PRI+AAA:120.50'
UNS+S'
CNT+2:1'
UNT+14+1'
UNZ+1+77'
"""
TABLE = """Bestellnummer;Pos;Artikelnummer;Menge;Einzelpreis;Währung;Firma;Straße;PLZ;Ort;Land
B-77;1;RL-0001;2;1.120,50;EUR;Müller & Söhne;Kaistraße 7;20457;Hamburg;DE
B-77;2;RL-0001;1;1.120,50;EUR;Müller & Söhne;Kaistraße 7;20457;Hamburg;DE
B-78;1;RL-0001;5;3,00;EUR;Müller & Söhne;Kaistraße 7;20457;Hamburg;DE
"""


@contextmanager
def to_folder(api: Api, folder: Path) -> Iterator[Bridged]:
    desk = DropFolder(folder=folder)
    rules = OrderRules(same_numbers=True, price_cap_percent=100)
    with bridged(api, folder / "erp.sqlite3", desk, rules=rules, before=[desk.take_files], after=[desk.put_away]) as it:
        yield it


def drop(folder: Path, name: str, content: str | bytes, encoding: str = "latin-1") -> None:
    (folder / "in" / name).write_bytes(content if isinstance(content, bytes) else content.encode(encoding))


def settle(bridge: Bridged, times: int = 2) -> None:
    for _ in range(times):
        bridge.work()
        bridge.later(3)


def names_in(folder: Path, room: str) -> list[str]:
    return sorted(path.name for path in (folder / room).iterdir())


def answers(folder: Path, kind: str) -> list[Path]:
    return sorted((folder / "out").glob(f"*_{kind}.*"))


def message_in(path: Path) -> Message:
    (message,) = read_interchange(path.read_bytes()).messages
    return message


def first(message: Message, tag: str, qualifier: str = "") -> Segment:
    return next(it for it in message.segments if it.tag == tag and qualifier in ("", it.at(0)))


def test_an_edifact_order_is_placed_answered_and_announced(api: Api, tmp_path: Path) -> None:
    save_a_qualified_node(api.engine)
    with to_folder(api, tmp_path) as bridge:
        drop(tmp_path, "orders.edi", ORDERS)
        settle(bridge)
        order, entry = bridge.order(), bridge.entry()
        with bureau_of(api, order["id"]) as world:
            shipment = given_shipped(world)
            settle(bridge)
        drop(tmp_path, "orders again.edi", ORDERS)
        settle(bridge)

    assert (entry.account, entry.foreign_id, entry.line_ids) == ("4012345000009", "4500001234", ("10",))
    assert (order["reference"], order["batch"]) == ("4500001234", "4012345000009")
    assert [(line["part"], line["quantity"]) for line in order["lines"]] == [("RL-0001", 3)]
    assert order["max_price"] == {"amount_minor": 36_150, "currency": "EUR"}
    assert order["need_by"] == f"{DUE}T23:59:59Z"
    place = order["ship_to"]
    assert (place["name"], place["street"]) == ("O'Brien + Söhne GmbH", "Kaistraße 7")
    assert (place["postal_code"], place["city"], place["country"]) == ("20457", "Hamburg", "DE")
    assert names_in(tmp_path, "done") == ["orders again.edi", "orders.edi"]
    assert (names_in(tmp_path, "in"), names_in(tmp_path, "refused")) == ([], [])
    assert len(api.client.get("/v1/orders").json()["data"]) == 1

    response = message_in(next(it for it in reversed(answers(tmp_path, "status")) if it.suffix == ".edi"))
    assert (response.type, first(response, "BGM").at(2)) == ("ORDRSP:D:96A", "29")
    assert first(response, "RFF").elements[0] == ("ON", "4500001234")
    despatch = message_in(next(it for it in answers(tmp_path, "shipment") if it.suffix == ".edi"))
    assert (despatch.type, first(despatch, "BGM").at(1)) == ("DESADV:D:96A", shipment["id"])
    assert first(despatch, "GIN").at(1) == "JD014600006281230704"
    assert first(despatch, "QTY", "12").at(0, 1) == "3"
    table = next(it for it in answers(tmp_path, "shipment") if it.suffix == ".csv")
    (row,) = csv.DictReader(table.read_text(encoding="utf-8").splitlines(), delimiter=";")
    assert (row["order"], row["line"], row["part"], row["quantity"]) == ("4500001234", "10", "RL-0001", "3")
    assert (row["carrier"], row["tracking_number"]) == ("dhl", "JD014600006281230704")


def test_a_table_from_windows_with_decimal_commas_is_two_orders(api: Api, tmp_path: Path) -> None:
    with to_folder(api, tmp_path) as bridge:
        drop(tmp_path, "export.csv", TABLE, "cp1252")
        settle(bridge)
    found = {it["reference"]: it for it in api.client.get("/v1/orders").json()["data"]}

    assert sorted(found) == ["B-77", "B-78"]
    assert [line["quantity"] for line in found["B-77"]["lines"]] == [2, 1]
    assert [line["quantity"] for line in found["B-78"]["lines"]] == [5]
    assert found["B-77"]["max_price"] == {"amount_minor": 336_150, "currency": "EUR"}
    assert found["B-77"]["ship_to"]["name"] == "Müller & Söhne"
    assert names_in(tmp_path, "done") == ["export.csv"]


def test_a_file_that_is_written_on_waits_and_hidden_ones_are_never_read(api: Api, tmp_path: Path) -> None:
    with to_folder(api, tmp_path) as bridge:
        drop(tmp_path, "orders.edi.part", ORDERS)
        drop(tmp_path, ".orders.edi", ORDERS)
        drop(tmp_path, "half.edi", ORDERS[:200])
        bridge.work()
        bridge.later(1.5)
        drop(tmp_path, "half.edi", ORDERS)
        bridge.work()
        bridge.later(1.5)
        bridge.work()
        assert bridge.bench.journal.all() == []
        bridge.later(1.5)
        bridge.work()
        assert bridge.entry().stage == "placed"
    assert names_in(tmp_path, "in") == [".orders.edi", "orders.edi.part"]
    assert names_in(tmp_path, "done") == ["half.edi"]


def test_what_can_not_be_ordered_is_put_aside_with_its_reasons(api: Api, tmp_path: Path) -> None:
    with to_folder(api, tmp_path) as bridge:
        drop(tmp_path, "cut.edi", ORDERS.replace("UNT+14+1", "UNT+13+1"))
        drop(tmp_path, "unknown.csv", TABLE.replace("B-78;1;RL-0001", "B-78;1;RL-9999"), "cp1252")
        drop(tmp_path, "table.csv", "Bestellnummer;Menge\nB-1;3\n")
        settle(bridge)
        drop(tmp_path, "mended.csv", TABLE, "cp1252")
        settle(bridge)

    reasons = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "refused").glob("*.txt")}
    assert reasons["cut.edi.reasons.txt"] == "UNT of message 1 does not agree: 14 segments came\n"
    assert reasons["unknown.csv.reasons.txt"].startswith("B-78: /lines/0/part: you have no part RL-9999")
    assert reasons["table.csv.reasons.txt"].splitlines()[0].startswith("the header has no column part (part or ")
    assert names_in(tmp_path, "done") == ["mended.csv"]
    assert sorted(it["reference"] for it in api.client.get("/v1/orders").json()["data"]) == ["B-77", "B-78"]
    refusal = message_in(next(it for it in answers(tmp_path, "trouble") if it.suffix == ".edi"))
    assert (first(refusal, "BGM").at(2), first(refusal, "RFF").at(0, 1)) == ("27", "B-78")


def test_a_changed_order_is_refused_and_a_cancellation_cancels(api: Api, tmp_path: Path) -> None:
    with to_folder(api, tmp_path) as bridge:
        drop(tmp_path, "orders.edi", ORDERS)
        settle(bridge)
        drop(tmp_path, "changed.edi", ORDERS.replace("QTY+21:3", "QTY+21:4"))
        drop(tmp_path, "cancel.edi", ORDERS.replace("BGM+220+4500001234+9", "BGM+220+4500001234+1"))
        os.utime(tmp_path / "in" / "changed.edi", (0, 0))
        settle(bridge)
        bridge.work()
        order = bridge.order()
    said = (tmp_path / "refused" / "changed.edi.reasons.txt").read_text(encoding="utf-8")
    assert said == "4500001234 was ordered already, and this is not the same order\n"
    assert (order["state"], [line["quantity"] for line in order["lines"]]) == ("cancelled", [3])
    assert names_in(tmp_path, "done") == ["cancel.edi", "orders.edi"]
