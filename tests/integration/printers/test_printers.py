"""Three kinds of printers behind the same verbs, each against a server that speaks its API strictly."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from fabroute.integrations.printers import (
    MoonrakerPrinter,
    OctoPrintPrinter,
    Printer,
    PrinterBusy,
    PrinterFileExists,
    PrinterFileTooLarge,
    PrinterFileUnknown,
    PrinterKeyRefused,
    PrinterRefusal,
    PrinterStatus,
    PrinterUnreachable,
    PrusaLinkPrinter,
    UnsuitablePrintFile,
)
from tests.fakes.printers import KEY, PASSWORD, FakeMoonraker, FakeOctoPrint, FakePrusaLink, Workshop
from tests.fakes.web_server import Answer, Asked, json_answer, served_by

GCODE = b"; sliced\nG28\nG1 X10 Y10\n" * 20_000
Talks = OctoPrintPrinter | MoonrakerPrinter | PrusaLinkPrinter
AnyFake = FakeOctoPrint | FakeMoonraker | FakePrusaLink


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of printer: its adapter, and the server to test it against."""

    adapter: Callable[[str, str], Talks]
    fake: Callable[[], AnyFake]
    refused_start: type[PrinterRefusal] = PrinterBusy
    unknown_file: type[PrinterRefusal] = PrinterFileUnknown


KINDS = {
    "octoprint": Kind(adapter=lambda url, key: OctoPrintPrinter(url=url, key=key), fake=FakeOctoPrint),
    "moonraker": Kind(
        adapter=lambda url, key: MoonrakerPrinter(url=url, key=key),
        fake=FakeMoonraker,
        refused_start=PrinterRefusal,
        unknown_file=PrinterRefusal,
    ),
    "prusalink": Kind(adapter=lambda url, key: PrusaLinkPrinter(url=url, key=key), fake=FakePrusaLink),
    "prusalink with a password": Kind(
        adapter=lambda url, key: PrusaLinkPrinter(url=url, password=PASSWORD if key == KEY else key),
        fake=FakePrusaLink,
    ),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())


@contextmanager
def printer_of(kind: Kind, *, key: str = KEY) -> Iterator[tuple[Talks, AnyFake]]:
    fake = kind.fake()
    with served_by(fake) as url, kind.adapter(url, key) as printer:
        yield printer, fake


@pytest.fixture
def sliced(tmp_path: Path) -> Path:
    file = tmp_path / "pump.gcode"
    file.write_bytes(GCODE)
    return file


@every_kind
def test_a_file_is_uploaded_started_watched_and_stopped(kind: Kind, sliced: Path) -> None:
    with printer_of(kind) as (printer, fake):
        seen: Printer = printer
        assert seen.status() == PrinterStatus(state="idle", progress=seen.status().progress)
        remote = seen.upload(sliced, name="job_1 pump.gcode")
        assert fake.files == {remote: GCODE}
        seen.start(remote)
        fake.progress = 0.25
        assert seen.status() == PrinterStatus(state="printing", file=remote, progress=0.25)
        seen.cancel()
        assert (fake.printing, seen.status().state) == ("", "idle")


@every_kind
def test_the_same_name_again_replaces_the_file(kind: Kind, sliced: Path) -> None:
    with printer_of(kind) as (printer, fake):
        first = printer.upload(sliced, name="a.gcode")
        sliced.write_bytes(b"G28\n")
        assert printer.upload(sliced, name="a.gcode") == first
        assert fake.files == {first: b"G28\n"}


@every_kind
def test_a_wrong_key_is_told_as_such_and_no_file_is_kept(kind: Kind, sliced: Path) -> None:
    with printer_of(kind, key="wrong") as (printer, fake):
        with pytest.raises(PrinterKeyRefused, match=r"refused with 40[13] .*: the key .* see the printer's settings"):
            printer.upload(sliced, name="a.gcode")
        assert fake.files == {}


@every_kind
def test_a_printer_that_prints_does_not_start_another_file(kind: Kind, sliced: Path) -> None:
    with printer_of(kind) as (printer, fake):
        first, second = (printer.upload(sliced, name=name) for name in ("a.gcode", "b.gcode"))
        printer.start(first)
        with pytest.raises(kind.refused_start, match=r"refused with 4\d\d"):
            printer.start(second)
        assert fake.printing == first


@every_kind
def test_a_file_that_is_not_there_is_not_started(kind: Kind) -> None:
    with printer_of(kind) as (printer, fake), pytest.raises(kind.unknown_file, match=r"refused with 40[04] \(\w"):
        printer.start("gone.gcode")
    assert fake.printing == ""


@every_kind
def test_a_file_that_is_too_large_is_told_as_such(kind: Kind, sliced: Path) -> None:
    with printer_of(kind) as (printer, fake):
        fake.largest = 100
        with pytest.raises(PrinterFileTooLarge, match=r"refused with (413|507)"):
            printer.upload(sliced, name="a.gcode")
        assert fake.files == {}


@every_kind
def test_geometry_is_never_sent_because_it_has_to_be_sliced(kind: Kind, tmp_path: Path) -> None:
    part = tmp_path / "part.3mf"
    part.write_bytes(b"PK")
    with printer_of(kind) as (printer, fake):
        with pytest.raises(UnsuitablePrintFile, match=r"can't print part\.3mf: it has to be sliced .* script"):
            printer.upload(part, name="part.3mf")
        with pytest.raises(UnsuitablePrintFile, match=r"can't print note\.txt: send one of .*\.gcode"):
            printer.upload(part, name="note.txt")
        assert fake.asked == []


@every_kind
def test_nobody_at_the_address_is_told_in_words(kind: Kind) -> None:
    with served_by(FakeOctoPrint()) as url:
        pass
    with kind.adapter(url, KEY) as printer, pytest.raises(PrinterUnreachable, match="is it on, and is the address"):
        printer.status()


@every_kind
def test_a_page_of_something_else_is_no_printer(kind: Kind) -> None:
    def web_page(_: Asked) -> Answer:
        return Answer(body=b"<html>router</html>", headers={"Content-Type": "text/html"})

    with (
        served_by(web_page) as url,
        kind.adapter(url, KEY) as printer,
        pytest.raises(PrinterRefusal, match="answered no JSON object: is that really its address"),
    ):
        printer.status()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("octoprint", "Offline after error"),
        ("moonraker", "MCU 'mcu' shutdown"),
        ("prusalink", "the printer says ATTENTION"),
    ],
)
def test_a_printer_that_waits_for_a_person_says_why(kind: str, message: str, sliced: Path) -> None:
    with printer_of(KINDS[kind]) as (printer, fake):
        remote = printer.upload(sliced, name="a.gcode")
        fake.ready = False
        status = printer.status()
        assert (status.state, status.message) == ("unready", message)
        with pytest.raises(PrinterBusy, match=r"refused with (409|503)"):
            printer.start(remote)


def test_prusalink_does_not_replace_what_it_prints_and_has_its_storages(sliced: Path) -> None:
    fake = FakePrusaLink()
    with served_by(fake) as url:
        with PrusaLinkPrinter(url=url, key=KEY) as printer:
            printer.start(printer.upload(sliced, name="a.gcode"))
            with pytest.raises(PrinterFileExists, match=r"a file a\.gcode may be there that it prints now"):
                printer.upload(sliced, name="a.gcode")
        with (
            PrusaLinkPrinter(url=url, key=KEY, storage="local") as other,
            pytest.raises(PrinterFileUnknown, match="Storage local does not exist"),
        ):
            other.upload(sliced, name="a.gcode")
    put = next(asked for asked in fake.asked if asked.method == "PUT")
    assert (put.headers["print-after-upload"], put.headers["overwrite"]) == ("?0", "?1")
    assert put.headers["content-type"] == "application/octet-stream"


def test_prusalink_without_a_job_has_nothing_to_stop() -> None:
    with printer_of(KINDS["prusalink"]) as (printer, fake):
        with pytest.raises(PrinterBusy, match="has no job to stop"):
            printer.cancel()
        assert [asked.method for asked in fake.asked] == ["GET"]


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("Printing from SD", "printing"),
        ("Pausing", "paused"),
        ("Paused", "paused"),
        ("Cancelling", "stopped"),
        ("Error: heater", "failed"),
        ("Opening serial connection", "unready"),
        ("something new", "unready"),
    ],
)
def test_the_texts_of_octoprint_stand_for_states(text: str, state: str) -> None:
    told = {"job": {"file": {"name": None}}, "progress": {"completion": None}, "state": text}
    with served_by(lambda _: json_answer(told)) as url, OctoPrintPrinter(url=url, key=KEY) as printer:
        status = printer.status()
    assert (status.state, status.file, status.progress) == (state, "", None)


def test_an_upload_that_names_no_path_is_not_taken_for_one(sliced: Path) -> None:
    with served_by(lambda _: json_answer({"done": True}, 201)) as url:
        with OctoPrintPrinter(url=url, key=KEY) as octo, pytest.raises(PrinterRefusal, match="does not say where"):
            octo.upload(sliced, name="a.gcode")
        with MoonrakerPrinter(url=url) as moon, pytest.raises(PrinterRefusal, match="does not say where"):
            moon.upload(sliced, name="a.gcode")


def test_fakes_are_workshops_that_start_empty() -> None:
    for kind in KINDS.values():
        fake: Workshop = kind.fake()
        assert (fake.files, fake.printing, fake.asked) == ({}, "", [])
