"""What operators leave in a job's folder, read as errands: in which order, what waits, what nobody can read."""

import json
import os
from pathlib import Path

import pytest

from fabroute.bureau.drops import BadDrop, Drop, find_drops, media_type_of
from fabroute.bureau.records import JobRecord

RECORD = JobRecord(job_id="job_1", lease_id="lse_1", epoch=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "evidence").mkdir()
    return tmp_path


def found(folder: Path, record: JobRecord = RECORD, *, settle_seconds: float = 0.0) -> list[Drop | BadDrop]:
    return list(find_drops(folder, record, settle_seconds=settle_seconds))


def names(folder: Path) -> list[str]:
    return [drop.path.name for drop in found(folder)]


def test_evidence_comes_first_then_results_in_the_order_of_a_job_s_life(folder: Path) -> None:
    for name in ("shipped.json", "printed-10.json", "inspected.json", "printed-2.json", "started.json", "printed.json"):
        (folder / name).write_text("{}", encoding="utf-8")
    (folder / "evidence" / "b.jpg").write_bytes(b"b")
    assert names(folder) == [
        *("b.jpg", "started.json", "printed.json", "printed-2.json", "printed-10.json", "inspected.json"),
        "shipped.json",
    ]


def test_files_of_the_packet_and_drafts_are_no_results(folder: Path) -> None:
    for name in ("job.json", "traveller.txt", ".printed.json.draft", "printed.json.tmp", "printedx.json", "note.json"):
        (folder / name).write_text("{}", encoding="utf-8")
    (folder / "evidence" / ".b.jpg.draft").write_bytes(b"b")
    (folder / "evidence" / "folder").mkdir()
    assert names(folder) == []


def test_a_file_that_is_still_being_written_is_left_alone(folder: Path) -> None:
    path = folder / "printed.json"
    path.write_text("{}", encoding="utf-8")
    assert found(folder, settle_seconds=60.0) == []
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 61))
    assert [drop.path for drop in found(folder, settle_seconds=60.0)] == [path]


def test_a_list_is_several_prints_and_each_says_when_it_was_written(folder: Path) -> None:
    path = folder / "printed.json"
    path.write_text(
        json.dumps([{"result": "good", "serial": "S1"}, {"result": "failed", "evidence": "a.jpg"}]), encoding="utf-8"
    )
    os.utime(path, (0, 1_763_812_800))
    (drop,) = found(folder)
    assert isinstance(drop, Drop)
    assert [(it.kind, it.name, it.body, it.evidence) for it in drop.errands] == [
        ("report", "printed", {"result": "good", "serial": "S1"}, ""),
        ("report", "printed", {"result": "failed"}, "a.jpg"),
    ]
    assert {it.occurred_at for it in drop.errands} == {"2025-11-22T12:00:00.000+00:00"}


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("started.json", "report", "started"),
        ("inspected-3.json", "report", "inspected"),
        ("shipped.json", "call", "shipments"),
        ("failed.json", "call", "failure"),
        ("cancellation.json", "call", "cancellation"),
    ],
)
def test_each_result_is_a_report_or_an_endpoint_of_its_own(folder: Path, name: str, kind: str, told: str) -> None:
    (folder / name).write_text("", encoding="utf-8")
    (drop,) = found(folder)
    assert isinstance(drop, Drop)
    assert [(it.kind, it.name, it.body) for it in drop.errands] == [(kind, told, {})]


@pytest.mark.parametrize(("content", "words"), [("{", "is no JSON"), ("[1]", "no JSON object"), ('"good"', "no JSON")])
def test_what_nobody_can_read_says_what_to_do(folder: Path, content: str, words: str) -> None:
    (folder / "printed.json").write_text(content, encoding="utf-8")
    (drop,) = found(folder)
    assert isinstance(drop, BadDrop)
    assert words in drop.reason
    assert drop.reason.endswith("mend it, it is read again")


def test_evidence_that_was_taken_is_not_taken_again_but_a_new_file_of_that_name_is(folder: Path) -> None:
    path = folder / "evidence" / "a.jpg"
    path.write_bytes(b"a")
    (drop,) = found(folder)
    assert isinstance(drop, Drop)
    taken = JobRecord(job_id="job_1", lease_id="lse_1", epoch=1, taken=(drop.mark,))
    assert found(folder, taken) == []
    path.write_bytes(b"b")
    assert [it.path for it in found(folder, taken)] == [path]


def test_media_types_are_those_of_names() -> None:
    assert [media_type_of(name) for name in ("a.jpg", "a.pdf", "a.csv", "a.qqq")] == [
        *("image/jpeg", "application/pdf", "text/csv", "application/octet-stream"),
    ]


def test_of_a_list_with_a_bad_entry_that_one_is_named(folder: Path) -> None:
    (folder / "printed.json").write_text('[{"result": "good"}, "good", 3]', encoding="utf-8")
    (drop,) = found(folder)

    assert isinstance(drop, BadDrop)
    assert drop.reason == "entry 2 of 3 in printed.json is no JSON object: mend it, it is read again"
