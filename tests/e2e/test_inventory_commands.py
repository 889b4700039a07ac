"""The digital inventory from the command line: tables in and out, a folder of files, approval, release, an order."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fabroute.cli.app import app
from fabroute.cli.client import ApiRefusal
from fabroute.cli.parts import RevisionUnclear
from fabroute.cli.stack import Stack
from fabroute.cli.tables import UnreadableFile
from fabroute.kernel.errors import DomainError
from tests.factories.print_files import reference_file
from tests.hostile.stl import TETRAHEDRON, binary, scaled

pytestmark = pytest.mark.timeout(600)

PARTS = "part_no,name,sector,hs_code,aliases,installations\n{0},Leg cap,furniture,3926.90,old:{0}-OLD,pump {0}@4\n"
REVISIONS = "part_no,revision,process_materials\n{0},A,SLS:PA12-SLS|MJF:PA12-MJF\n"


def _run(stack: Stack, *arguments: str) -> Result:
    """Run a command in this process; what ``main`` would print as one line is raised."""
    environment = {"FABROUTE_URL": stack.url, "FABROUTE_API_KEY": stack.owner_key}
    done = CliRunner().invoke(app, list(arguments), env=environment, catch_exceptions=True)
    if isinstance(done.exception, DomainError):
        raise done.exception
    return done


def _with_part(stack: Stack, folder: Path, part_no: str) -> None:
    (folder / "parts.csv").write_text(PARTS.format(part_no), encoding="utf8")
    (folder / "revisions.csv").write_text(REVISIONS.format(part_no), encoding="utf8")
    for kind in ("parts", "revisions"):
        done = _run(stack, "import", kind, str(folder / f"{kind}.csv"))
        assert done.stdout == f"{kind}.csv: 1 rows: 1 created, 0 changed, 0 unchanged; 0 problems\n"


def test_from_two_tables_and_a_folder_to_an_order_under_the_old_number(stack: Stack, tmp_path: Path) -> None:
    _with_part(stack, tmp_path, "CLI-1")
    files = tmp_path / "files"
    files.mkdir()
    (files / "CLI-1.3mf").write_bytes(reference_file("AP-0103"))
    (files / "nobody.stl").write_bytes(b"solid x")

    dry = _run(stack, "import", "files", str(files), "--dry-run")
    sent = _run(stack, "import", "files", str(files))
    approved = _run(stack, "part", "approve", "CLI-1", "--reason", "checked against the drawing")
    released = _run(stack, "part", "release", "CLI-1", "--reason", "first series")
    found = _run(stack, "part", "find", "--asset", "pump CLI-1", "--position", "4")
    shown = _run(stack, "part", "show", "CLI-1-OLD")
    ordered = _run(stack, "order", "place", "CLI-1-OLD", "--city", "Hamburg", "--country", "DE")

    assert (dry.exit_code, sent.exit_code) == (1, 1)
    assert f"{files / 'CLI-1.3mf'}: for CLI-1 A" in dry.stdout
    assert f"{files / 'nobody.stl'}: left out: no part is called nobody" in sent.stdout
    assert "1 files for drafts: 1 valid; 1 left out" in sent.stdout
    assert (approved.stdout, released.stdout) == ("CLI-1 A: validated\n", "CLI-1 A: released\n")
    assert re.search(r"CLI-1 +Leg cap +A", found.stdout)
    assert "  revision A: released" in shown.stdout
    assert "1 × CLI-1 to Hamburg, DE" in ordered.stdout


def test_a_file_that_is_refused_says_what_to_mend_and_ends_with_one(stack: Stack, tmp_path: Path) -> None:
    _with_part(stack, tmp_path, "CLI-2")
    in_metres = tmp_path / "in metres.stl"
    in_metres.write_bytes(binary(scaled(TETRAHEDRON, 0.001)))

    refused = _run(stack, "part", "upload", "CLI-2", str(in_metres))
    report = _run(stack, "part", "report", "CLI-2", "--json")

    assert refused.exit_code == 1
    assert refused.stdout.startswith("in metres.stl: invalid\n  refused: ")
    assert "✗ UNITS_METRES: " in refused.stdout
    assert "→ Scale the part by 1000" in refused.stdout
    assert json.loads(report.stdout)["report"]["findings"][0]["code"] == "UNITS_METRES"
    with pytest.raises(RevisionUnclear, match="one that is validated is not there"):
        _run(stack, "part", "approve", "CLI-2", "--reason", "in a hurry")
    with pytest.raises(ApiRefusal, match="no part"):
        _run(stack, "part", "show", "CLI-99")


def test_a_table_that_was_written_is_taken_back_unchanged_and_a_bad_one_not_at_all(
    stack: Stack, tmp_path: Path
) -> None:
    _with_part(stack, tmp_path, "CLI-3")
    written, bad = tmp_path / "all.csv", tmp_path / "bad.csv"
    bad.write_text("part_no,name,sector,hs_code\nCLI-4,Cap,x,1\n,No number,x,1\n", encoding="utf8")

    _run(stack, "export", "parts", "--output", str(written))
    again = _run(stack, "import", "parts", str(written))
    as_json = json.loads(_run(stack, "export", "revisions", "--json").stdout)
    dry = _run(stack, "import", "parts", str(bad), "--dry-run")

    rows = written.read_text(encoding="utf8").count("\n") - 1
    assert again.stdout == f"all.csv: {rows} rows: 0 created, 0 changed, {rows} unchanged; 0 problems\n"
    assert {"part_no": "CLI-3", "revision": "A"}.items() <= next(
        row for row in as_json if row["part_no"] == "CLI-3"
    ).items()
    assert dry.exit_code == 1
    assert "  line 3, part_no: " in dry.stdout
    assert dry.stdout.endswith("bad.csv: 2 problems: nothing would be imported\n")
    with pytest.raises(ApiRefusal, match="no part"):
        _run(stack, "part", "show", "CLI-4")


def test_the_problems_of_a_refused_import_stand_one_below_the_other(stack: Stack, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text(
        "part_no,name,sector,hs_code\nCLI-5,Cap,x,3926.90\n,No number,x,3926.90\nCLI-6,,x,3926.90\n", encoding="utf8"
    )

    dry = _run(stack, "import", "parts", str(bad), "--dry-run")
    refused = _run(stack, "import", "parts", str(bad))

    assert (dry.exit_code, refused.exit_code) == (1, 1)
    lines = refused.stdout.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["  line 3, part_no", "  line 4, name", "bad.csv"]
    assert lines[-1] == "bad.csv: 2 problems: nothing was imported"
    assert dry.stdout.splitlines() == [*lines[:-1], "bad.csv: 2 problems: nothing would be imported"]
    with pytest.raises(ApiRefusal, match="no part"):
        _run(stack, "part", "show", "CLI-5")


def test_a_table_is_written_as_its_name_says(stack: Stack, tmp_path: Path) -> None:
    _with_part(stack, tmp_path, "CLI-7")
    json_file, csv_file, other = tmp_path / "p.JSON", tmp_path / "p.csv", tmp_path / "p.txt"

    for file in (json_file, csv_file):
        _run(stack, "export", "parts", "-o", str(file))
    _run(stack, "export", "parts", "-o", str(other), "--json")

    rows = json.loads(json_file.read_text(encoding="utf8"))
    assert "CLI-7" in [row["part_no"] for row in rows]
    assert json.loads(other.read_text(encoding="utf8")) == rows
    assert csv_file.read_text(encoding="utf8").startswith("part_no,")


def test_a_withdrawal_must_name_its_revision(stack: Stack, tmp_path: Path) -> None:
    _with_part(stack, tmp_path, "CLI-8")

    with pytest.raises(RevisionUnclear) as unnamed:
        _run(stack, "part", "withdraw", "CLI-8", "--reason", "x")
    shown = _run(stack, "part", "show", "CLI-8")
    named = _run(stack, "part", "withdraw", "CLI-8", "--revision", "A", "--reason", "x")

    assert unnamed.value.message == (
        "CLI-8 has the revisions A (draft): a withdrawal is for good, so name one with --revision"
    )
    assert "  revision A: draft" in shown.stdout
    assert named.stdout == "CLI-8 A: withdrawn\n"


def test_files_that_can_not_be_read_are_named(stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="No such file"):
        _run(stack, "import", "parts", str(tmp_path / "missing.csv"))
    with pytest.raises(UnreadableFile, match="is no folder"):
        _run(stack, "import", "files", str(tmp_path / "missing"))
    unknown = _run(stack, "export", "nodes")
    assert unknown.exit_code == 2
    assert "'nodes' is no table" in unknown.output
