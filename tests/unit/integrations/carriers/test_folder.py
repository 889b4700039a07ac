"""A carrier behind a folder: what goes out is whole, what comes in is taken once or put aside with the reason."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fabroute.integrations.carriers import FolderCarrier, open_carriers
from fabroute.integrations.carriers.folder import MOST_BYTES, STILL_SECONDS
from fabroute.integrations.carriers.manual import ManualCarrier
from fabroute.production.ports import CarrierMessage, CarrierStatus, Manifest, ManifestParcel

GOOD = "reference,status,occurred_at,place,note\nJD01,Delivered,2026-06-15T12:00:00+02:00,Hamburg,gate 4\n"
NOW = 1_780_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dhl" / "statuses").mkdir(parents=True)
    return tmp_path / "dhl"


def a_carrier(folder: Path, *, seconds_later: float = 0) -> FolderCarrier:
    return FolderCarrier(folder, clock=lambda: NOW + seconds_later)


def given_file(folder: Path, name: str, content: str | bytes) -> None:
    path = folder / "statuses" / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(path, (NOW, NOW))


def a_manifest() -> Manifest:
    parcel = ManifestParcel(
        number=1, weight_grams=900, length_mm=300, width_mm=200, height_mm=None, tracking_number="JD01"
    )
    return Manifest(
        shipment_id="shp_1",
        carrier="dhl",
        service="express",
        tracking_number="",
        reference="PO 7",
        sender=("Nordbahn", "20457 Hamburg"),
        recipient=("Gate 4", "Zürich"),
        recipient_country="CH",
        parcels=(parcel,),
    )


def test_a_manifest_is_written_whole_and_known_after_it_was_moved_away(folder: Path) -> None:
    carrier = a_carrier(folder)
    assert not carrier.booked("shp_1")
    carrier.book(a_manifest())
    carrier.book(a_manifest())

    written = folder / "manifests" / "shp_1.json"
    found = json.loads(written.read_text(encoding="utf-8"))
    assert (found["reference"], found["recipient"], found["parcels"][0]["weight_grams"]) == (
        "PO 7", ["Gate 4", "Zürich"], 900,
    )  # fmt: skip
    assert [path.name for path in (folder / "manifests").iterdir()] == ["shp_1.json"]
    written.unlink()
    assert carrier.booked("shp_1")


def test_csv_and_json_say_the_same(folder: Path) -> None:
    row = {"reference": "JD01", "status": "delivered", "occurred_at": "2026-06-15T10:00:00Z", "place": "Hamburg"}
    given_file(folder, "a.csv", GOOD)
    given_file(folder, "b.json", json.dumps([row | {"note": "gate 4"}]))
    first, second = a_carrier(folder).read()

    status = CarrierStatus(
        reference="JD01",
        status="delivered",
        occurred_at=datetime(2026, 6, 15, 10, tzinfo=UTC),
        place="Hamburg",
        note="gate 4",
    )
    assert first == CarrierMessage(name="a.csv", statuses=(status,))
    assert second == CarrierMessage(name="b.json", statuses=(status,))


@pytest.mark.parametrize("name", [".a.csv", "a.csv.part", "a.csv.tmp"])
def test_a_file_that_is_being_written_is_left_alone(folder: Path, name: str) -> None:
    given_file(folder, name, GOOD)

    assert list(a_carrier(folder, seconds_later=1e6).read()) == []
    assert (folder / "statuses" / name).exists()


@pytest.mark.parametrize(("name", "content"), [("a.csv", GOOD[:-1]), ("a.json", '[{"reference": "JD')])
def test_half_a_file_waits_for_its_rest_and_is_refused_once_nobody_writes(
    folder: Path, name: str, content: str
) -> None:
    given_file(folder, name, content)

    assert list(a_carrier(folder, seconds_later=STILL_SECONDS - 1).read()) == []
    (late,) = a_carrier(folder, seconds_later=STILL_SECONDS).read()
    assert (late.name, late.statuses) == (name, ())
    assert late.problem


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.txt", GOOD, "name the file .csv or .json"),
        ("a.csv", "reference,status,occurred_at\n", "no status"),
        ("a.csv", "status,occurred_at\nlost,2026-06-15T12:00:00Z\n", "row 1 has no reference"),
        ("a.csv", "reference,status,occurred_at,colour\nJD01,lost,2026-06-15T12:00:00Z,red\n", "has colour"),
        ("a.csv", "reference,status,occurred_at\nJD01,lost,yesterday\n", "'yesterday' is no time"),
        ("a.csv", "reference,status,occurred_at\nJD01,lost,2026-06-15T12:00:00\n", "no offset"),
        ("a.csv", b"reference,status,occurred_at\nJD\xff,lost,2026\n", "UTF-8"),
        ("a.csv", b"x" * (MOST_BYTES + 1), "larger than 1,048,576 bytes"),
        ("a.json", '{"reference": "JD01"}', "a list of objects"),
        ("a.json", "[1]", "a list of objects"),
        ("a.json", "[]", "no status"),
    ],
)
def test_a_file_that_can_not_be_read_says_why(folder: Path, name: str, content: str | bytes, word: str) -> None:
    given_file(folder, name, content)
    (found,) = a_carrier(folder, seconds_later=STILL_SECONDS).read()

    assert word in found.problem
    assert found.statuses == ()


def test_what_was_taken_goes_to_done_and_what_was_not_to_failed_with_the_reason(folder: Path) -> None:
    carrier = a_carrier(folder)
    for name, refused in (("a.csv", ""), ("b.csv", "no shipment goes by JD01")):
        given_file(folder, name, GOOD)
        (message,) = carrier.read()
        carrier.settle(message, refused=refused)
        carrier.settle(message, refused=refused)

    assert list((folder / "statuses").iterdir()) == []
    assert [path.name for path in (folder / "done").iterdir()] == ["a.csv"]
    assert sorted(path.name for path in (folder / "failed").iterdir()) == ["b.csv", "b.csv.reason.txt"]
    assert (folder / "failed" / "b.csv.reason.txt").read_text(encoding="utf-8") == "no shipment goes by JD01\n"


def test_a_file_of_a_name_that_was_there_before_replaces_nothing(folder: Path) -> None:
    for content in (GOOD, GOOD.replace("gate 4", "gate 5")):
        given_file(folder, "a.csv", content)
        (message,) = a_carrier(folder).read()
        a_carrier(folder).settle(message, refused="")

    assert sorted(path.name for path in (folder / "done").iterdir()) == ["a-2.csv", "a.csv"]
    assert "gate 4" in (folder / "done" / "a.csv").read_text(encoding="utf-8")


def test_each_folder_is_a_carrier_by_its_name(folder: Path) -> None:
    for name in ("ups", ".hidden", "Not One"):
        (folder.parent / name).mkdir()
    (folder.parent / "file").write_text("", encoding="utf-8")

    assert [carrier.name for carrier in open_carriers(folder.parent)] == ["dhl", "ups"]
    assert open_carriers(None) == ()
    assert open_carriers(folder.parent / "none") == ()


def test_a_carrier_of_whom_people_tell_is_told_nothing(folder: Path) -> None:
    carrier = ManualCarrier(name="courier")
    carrier.book(a_manifest())
    carrier.settle(CarrierMessage(name="a.csv", statuses=()), refused="")

    assert carrier.booked("shp_1")
    assert list(carrier.read()) == []
