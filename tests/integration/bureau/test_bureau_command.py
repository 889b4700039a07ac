"""``fabroute bureau`` from the command line: once, its state, and results that people report."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fabroute.bureau.settings import BureauMisconfigured
from fabroute.cli.app import app
from fabroute.cli.bureau import NoSuchJob
from fabroute.kernel.errors import DomainError
from tests.fakes.fabroute_server import KEY, NODE, FakeFabroute, FakeJob
from tests.fakes.web_server import served_by


def run(*arguments: str) -> Result:
    """Run a command in this process; what ``main`` would print as one line is raised."""
    done = CliRunner().invoke(app, ["bureau", *arguments])
    if isinstance(done.exception, DomainError):
        raise done.exception
    return done


def test_once_brings_a_job_in_and_the_next_time_reports_what_was_printed(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    folder = str(tmp_path / "bureau")
    photo = tmp_path / "good.jpg"
    photo.write_bytes(b"\xff\xd8 photo")
    with served_by(fabroute) as url:
        once = ("run", "--once", "--url", url, "--key", KEY, "--node", NODE, "--folder", folder)
        assert run(*once).exit_code == 0
        shown = run("status", "--folder", folder)
        told = run("report", "--folder", folder, "job_1", "printed", "--result", "good", "--serial", "S1",
                   "--evidence", str(photo))  # fmt: skip
        for path in Path(folder).rglob("*"):
            if path.suffix in (".json", ".jpg"):
                _make_old(path)
        assert run(*once).exit_code == 0
        after = json.loads(run("status", "--folder", folder, "--json").stdout)
    assert "job_1" in shown.stdout
    assert "2 × RL-0001" in shown.stdout
    assert "printed of job_1 is left to be reported" in told.stderr
    assert fabroute.jobs["job_1"].evidence == {"good.jpg": b"\xff\xd8 photo"}
    assert fabroute.jobs["job_1"].reports[1]["data"] == {
        "result": "good",
        "serial": "S1",
        "evidence_id": "evd_good.jpg",
    }
    assert [(job["job"], job["stage"], job["to_send"]) for job in after["jobs"]] == [("job_1", "placed", 0)]
    assert [job["progress"] for job in after["jobs"]] == ["printed 1 of 2"]
    assert "placed, print next" in " ".join(shown.stdout.split())


def test_an_empty_folder_has_no_jobs(tmp_path: Path) -> None:
    assert run("status", "--folder", str(tmp_path)).stdout == "no jobs\n"
    assert json.loads(run("status", "--folder", str(tmp_path), "--json").stdout) == {"jobs": []}


@pytest.mark.parametrize("job", ["job_9", "../..", ""])
def test_a_job_that_is_not_there_is_not_reported_about(job: str, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    with pytest.raises(NoSuchJob, match="fabroute bureau status shows what does"):
        run("report", "--folder", str(tmp_path), job, "started")


def test_what_is_reported_has_a_name_and_an_object(tmp_path: Path) -> None:
    (tmp_path / "jobs" / "job_1").mkdir(parents=True)
    report = ("report", "--folder", str(tmp_path), "job_1")
    with pytest.raises(BureauMisconfigured, match="baked is no result: use one of started, printed"):
        run(*report, "baked")
    for data in ("[1]", "{"):
        with pytest.raises(BureauMisconfigured, match="--data is"):
            run(*report, "failed", "--data", data)
    with pytest.raises(BureauMisconfigured, match="can't read"):
        run(*report, "printed", "--evidence", str(tmp_path / "gone.jpg"))


def test_without_a_node_it_says_where_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(BureauMisconfigured, match="node is needed: give --node, set FABROUTE_NODE"):
        run("run", "--url", "http://x", "--key", "k", "--folder", str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def _make_old(path: Path) -> None:
    """Have a file been written a minute ago: nobody writes it any more."""
    stat = path.stat()
    os.utime(path, (stat.st_atime - 60, stat.st_mtime - 60))
