"""What a connector must not forget: on disk before it is used, and read again as it was."""

from pathlib import Path

import pytest

from fabroute.bureau.records import Errand, JobRecord, Records


def a_record(job_id: str = "job_1") -> JobRecord:
    return JobRecord(job_id=job_id, lease_id="lse_1", epoch=3, job={"job": {"id": job_id}})


@pytest.fixture
def records(tmp_path: Path) -> Records:
    kept = Records(tmp_path)
    kept.keep(a_record())
    return kept


def test_what_was_kept_is_read_again_as_it_was(records: Records, tmp_path: Path) -> None:
    errand = Errand(kind="report", name="printed", body={"result": "good"}, occurred_at="2026-11-22T12:00:00Z")
    records.add_errands("job_1", errand, taken=("a",), shipments=("shp_1",), evidence={"a.jpg": "evd_1"})
    again = Records(tmp_path)
    assert again.all() == records.all()
    assert again.get("job_1") == records.get("job_1")
    assert again.get("job_2") is None


def test_reports_are_numbered_and_nothing_else_is(records: Records) -> None:
    report, call = Errand(kind="report", name="printed"), Errand(kind="call", name="cancellation")
    records.add_errands("job_1", report, call, report)
    record = records.add_errands("job_1", Errand(kind="evidence", name="a.jpg"), report)
    assert [it.sequence for it in record.errands] == [1, 0, 2, 0, 3]
    rest = records.drop_errands("job_1", of="claimed", count=4)
    assert ([it.sequence for it in rest.errands], rest.last_sequence) == ([3], 3)


def test_a_job_that_left_its_stage_is_not_changed_by_whoever_did_not_hear_of_it(records: Records) -> None:
    errands = records.add_errands("job_1", Errand(kind="report", name="printed")).errands
    records.change("job_1", stage="lost")
    assert records.advance("job_1", of="claimed", stage="accepted") is None
    assert records.drop_errands("job_1", of="placed", count=1).errands == errands
    assert records.open() == ()


def test_a_claim_is_known_until_it_is_ended_also_after_a_crash(records: Records, tmp_path: Path) -> None:
    assert records.claim_under_way() is None
    claim = {"key": "k", "body": {"max": 2, "wait_seconds": 20}}
    records.begin_claim(claim)
    assert Records(tmp_path).claim_under_way() == claim
    records.end_claim()
    records.end_claim()
    assert Records(tmp_path).claim_under_way() is None


def test_facts_of_a_newer_connector_are_read_over(records: Records, tmp_path: Path) -> None:
    path = tmp_path / "jobs" / "job_1.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"epoch": 3', '"epoch": 3, "of_tomorrow": 1'), encoding="utf-8"
    )
    assert Records(tmp_path).get("job_1") == a_record()


def test_a_draft_that_a_crash_left_is_no_record(records: Records, tmp_path: Path) -> None:
    (tmp_path / "jobs" / ".job_9.json.draft").write_text("{", encoding="utf-8")
    assert [record.job_id for record in Records(tmp_path).all()] == ["job_1"]
    assert len(records.all()) == 1
