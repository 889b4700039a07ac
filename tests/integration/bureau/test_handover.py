"""What a bureau wants started for each packet: a script, a printer, each once, also after a crash."""

from pathlib import Path

from fabroute.bureau.settings import PrinterAccess
from tests.factories.bureau import Bureau, a_bureau
from tests.fakes.fabroute_server import FakeFabroute, FakeJob
from tests.fakes.printers import KEY, FakePrusaLink
from tests.fakes.web_server import served_by

SLICES = ("sh", "-c", 'echo "$FABROUTE_JOB_ID $FABROUTE_API_KEY" && echo G28 > "$0/part.gcode"')


def placed(bureau: Bureau) -> None:
    bureau.claim()
    bureau.work(2)
    assert bureau.record().stage == "placed", bureau.said


def ended(bureau: Bureau) -> None:
    """Wait until the script of the job has ended, and have the connector notice it."""
    for process in bureau.bench.scripts.values():
        process.wait(timeout=30)
    bureau.work()
    assert bureau.bench.scripts == {}


def test_a_script_is_started_once_with_the_folder_and_without_the_key(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute, script=SLICES) as bureau:
        placed(bureau)
        bureau.work(2)
        ended(bureau)
    with a_bureau(tmp_path, fabroute, script=SLICES) as restarted:
        restarted.work(2)
        assert restarted.record().script == "launched"
    assert (tmp_path / "jobs" / "job_1" / "script.log").read_text(encoding="utf-8") == "job_1 \n"


def test_a_script_that_fails_is_told(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute, script=("sh", "-c", "echo no slicer; exit 3")) as bureau:
        placed(bureau)
        bureau.work()
        ended(bureau)
        assert bureau.record().trouble == "the script ended with 3: see script.log in the job's folder"
    assert (tmp_path / "jobs" / "job_1" / "script.log").read_text(encoding="utf-8") == "no slicer\n"


def test_a_script_that_is_not_there_is_told_and_the_job_goes_on(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute, script=("./no-such-script",)) as bureau:
        placed(bureau)
        bureau.work()
        assert "the script could not be started (No such file or directory)" in bureau.record().trouble
        bureau.drop("printed.json", {"result": "good"})
        bureau.work()
    assert list(fabroute.jobs["job_1"].reports) == [1]


def test_what_the_script_sliced_goes_to_the_printer_and_the_start_is_reported(tmp_path: Path) -> None:
    fabroute, prusa = FakeFabroute(FakeJob(job_id="job_1")), FakePrusaLink()
    with served_by(prusa) as url:
        printer = PrinterAccess(kind="prusalink", url=url, key=KEY)
        with a_bureau(tmp_path, fabroute, script=SLICES, printer=printer) as bureau:
            placed(bureau)
            bureau.work()
            ended(bureau)
            bureau.work(3)
            assert (bureau.record().printer, bureau.record().remote) == ("launched", "job_1.gcode")
    assert (prusa.files, prusa.printing) == ({"job_1.gcode": b"G28\n"}, "job_1.gcode")
    assert [it["name"] for it in fabroute.jobs["job_1"].reports.values()] == ["started"]
    assert fabroute.jobs["job_1"].reports[1]["occurred_at"].endswith("+00:00")


def test_a_busy_printer_is_tried_again(tmp_path: Path) -> None:
    fabroute, prusa = FakeFabroute(FakeJob(job_id="job_1")), FakePrusaLink(printing="other.gcode")
    with served_by(prusa) as url:
        printer = PrinterAccess(kind="prusalink", url=url, key=KEY)
        with a_bureau(tmp_path, fabroute, printer=printer) as bureau:
            placed(bureau)
            (tmp_path / "jobs" / "job_1" / "part.gcode").write_text("G28\n", encoding="utf-8")
            bureau.work(2)
            assert "the printer does not start: PrusaLink" in bureau.record().trouble
            assert fabroute.jobs["job_1"].reports == {}
            prusa.printing = ""
            bureau.work()
    assert prusa.printing == "job_1.gcode"
    assert [it["name"] for it in fabroute.jobs["job_1"].reports.values()] == ["started"]


def test_after_a_crash_in_the_middle_of_a_start_nobody_starts_it_again(tmp_path: Path) -> None:
    fabroute, prusa = FakeFabroute(FakeJob(job_id="job_1")), FakePrusaLink()
    with served_by(prusa) as url:
        printer = PrinterAccess(kind="prusalink", url=url, key=KEY)
        with a_bureau(tmp_path, fabroute, printer=printer) as bureau:
            placed(bureau)
            (tmp_path / "jobs" / "job_1" / "part.gcode").write_text("G28\n", encoding="utf-8")
            bureau.bench.records.change("job_1", printer="launching", remote="job_1.gcode")
            bureau.work(2)
            assert "the connector stopped while it started the printer" in bureau.record().trouble
    assert (prusa.asked, fabroute.jobs["job_1"].reports) == ([], {})


def test_a_lost_job_stops_the_printer_if_that_prints_it(tmp_path: Path) -> None:
    for printing, left in (("job_1.gcode", ""), ("other.gcode", "other.gcode")):
        fabroute, prusa = FakeFabroute(FakeJob(job_id="job_1")), FakePrusaLink(printing=printing)
        folder = tmp_path / printing
        with served_by(prusa) as url:
            printer = PrinterAccess(kind="prusalink", url=url, key=KEY)
            with a_bureau(folder, fabroute, printer=printer) as bureau:
                placed(bureau)
                bureau.bench.records.change("job_1", printer="launched", remote="job_1.gcode", started=True)
                fabroute.take_away("job_1")
                bureau.beat()
        assert (prusa.printing, bureau.record().stage) == (left, "lost")


def test_nothing_is_started_once_the_customer_asks_to_cancel(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute, script=SLICES) as bureau:
        bureau.claim()
        bureau.work()
        fabroute.jobs["job_1"].cancel_requested = True
        bureau.beat()
        bureau.work(3)
        assert (bureau.record().stage, bureau.record().script) == ("placed", "")
        assert not (tmp_path / "jobs" / "job_1" / "script.log").exists()
        bureau.drop("cancellation.json", {"agreed": False, "reason": "it is nearly done"})
        bureau.work(2)
        ended(bureau)
        assert (bureau.record().stage, bureau.record().script) == ("placed", "launched")
