"""What a loading says when it is done, and where it looks for the files."""

from dataclasses import replace
from datetime import date

from fabroute.integrations.reference import reference_folder
from fabroute.integrations.reference.report import report_on
from tests.factories.reference import reference_description


def test_the_report_is_three_lines_for_a_person() -> None:
    report = report_on(reference_description(), changed=4018, files=32, drawn=5, as_of=date(2026, 6, 15))
    assert str(report).splitlines() == [
        "reference network as of 2026-06-15: 60 nodes, 211 machines, 365 offers, 268 certificates, "
        "306 lanes, 2,104 places",
        "  482 lots (45 short, 24 expired, 15 quarantined, 8 blocked, 17 used too often); "
        "104 first articles (17 lapsed)",
        "  32 parts, 22 other numbers, 18 installations, 32 print files (5 drawn now); 4,018 rows new or changed",
    ]
    assert str(replace(report, as_of=None)).startswith("reference network with the files' own dates: 60 nodes")


def test_the_files_are_found_in_the_source_tree() -> None:
    assert reference_folder().name == "reference"
    assert (reference_folder() / "nodes.csv").read_text(encoding="utf8").startswith("node_id,kind,city")
