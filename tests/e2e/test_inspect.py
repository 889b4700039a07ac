"""``fabroute inspect``, run as a designer runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from fabroute.cli.app import app
from fabroute.cli.output import stdout
from fabroute.inventory.ports import report_of
from tests.factories.print_files import a_package
from tests.factories.processes import PATIENCE_SECONDS
from tests.hostile.stl import TETRAHEDRON, binary, scaled

GOOD = binary(scaled(TETRAHEDRON, 4.0))
REAL_PARTS = Path(__file__).parents[3] / "shared/realdata/prints/parts"


@pytest.fixture(autouse=True)
def wide_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print in 160 columns, however wide the screen was when this process started."""
    monkeypatch.setattr(stdout, "width", 160)
    monkeypatch.setenv("COLUMNS", "160")


def _inspect(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["inspect", *map(str, arguments)])


def _documents(result: Result) -> list[dict[str, Any]]:
    documents: list[dict[str, Any]] = json.loads(result.stdout)
    return documents


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two good files, a broken one in a folder below, and a stranger."""
    (tmp_path / "parts" / "old").mkdir(parents=True)
    (tmp_path / "parts" / "b.STL").write_bytes(GOOD)
    (tmp_path / "parts" / "a.3mf").write_bytes(a_package())
    (tmp_path / "parts" / "old" / "open.stl").write_bytes(binary(scaled(TETRAHEDRON, 4.0)[:3]))
    (tmp_path / "parts" / "readme.txt").write_text("not a part", encoding="utf8")
    return tmp_path / "parts"


def test_a_valid_file_is_shown_and_the_exit_code_is_zero(folder: Path) -> None:
    result = _inspect(folder / "b.STL", "--process", "mjf")

    assert result.exit_code == 0
    assert result.stdout.startswith(f"{folder}/b.STL  ✓ valid  STL, 284 bytes")
    assert "  size           40 × 40 × 40 mm" in result.stdout
    assert "  ✓ MJF can print it" in result.stdout
    assert "first to mend" not in result.stdout


def test_a_refused_file_makes_the_exit_code_one_and_says_what_to_mend(folder: Path) -> None:
    result = _inspect(folder / "old" / "open.stl", folder / "b.STL")

    assert result.exit_code == 1
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("  error  OPEN_EDGES")]
    assert " → " in line
    assert result.stdout.splitlines()[-3].split()[0] == "file"


def test_paths_that_can_not_be_read_make_the_exit_code_two(folder: Path) -> None:
    missing = _inspect(folder / "b.STL", folder / "missing.stl")
    empty = folder / "empty"
    empty.mkdir()
    nothing = _inspect(empty)

    assert (missing.exit_code, nothing.exit_code) == (2, 2)
    assert "missing.stl: there is no such file" in " ".join(missing.stderr.split())
    assert "the folder holds no 3MF or STL file" in " ".join(nothing.stderr.split())
    assert "✓ valid" in missing.stdout


def test_an_unknown_process_is_refused_and_the_known_ones_are_named(folder: Path) -> None:
    result = _inspect(folder / "b.STL", "--process", "NOPE", "--process", "mjf")

    words = " ".join(result.stderr.replace("│", " ").split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'NOPE' is no process that fabroute knows: MEX, VPP, SLS, MJF, LPBF, EBM, BJT" in words


def test_previews_that_can_not_be_written_are_told_in_one_line(folder: Path) -> None:
    onto_a_file = _inspect(folder / "b.STL", "--preview", folder / "readme.txt")
    below_a_file = _inspect(folder / "b.STL", "--preview", folder / "readme.txt" / "pictures")

    assert (onto_a_file.exit_code, below_a_file.exit_code) == (2, 2)
    assert onto_a_file.stderr == f"fabroute: can't write previews to {folder}/readme.txt: it is no folder\n"
    assert below_a_file.stderr == f"fabroute: can't write previews to {folder}/readme.txt/pictures: Not a directory\n"
    assert onto_a_file.stdout == below_a_file.stdout == ""


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.stl")

    result = _inspect(tmp_path / "pipe.stl", "--json")

    assert result.exit_code == 2
    assert _documents(result) == [{"path": str(tmp_path / "pipe.stl"), "valid": False, "problem": "it is no file"}]


def test_json_is_one_document_with_every_file_of_a_folder_in_order(folder: Path) -> None:
    result = _inspect(folder, "--json")

    documents = _documents(result)
    assert [Path(it.pop("path")).name for it in documents] == ["a.3mf", "b.STL", "open.stl"]
    assert [it["valid"] for it in documents] == [True, True, False]
    assert [report_of(it).valid for it in documents] == [True, True, False]
    assert result.exit_code == 1


def test_previews_are_written_where_they_are_wanted(folder: Path, tmp_path: Path) -> None:
    result = _inspect(folder, "--preview", tmp_path / "pictures")

    names = sorted(path.name.partition("-")[0] + path.suffix for path in (tmp_path / "pictures").iterdir())
    assert names == ["a.glb", "a.png", "b.glb", "b.png"]
    assert result.exit_code == 1
    assert [path.read_bytes()[:4] for path in sorted((tmp_path / "pictures").glob("*.png"))] == [b"\x89PNG"] * 2


def test_the_parts_size_shows_a_file_in_metres_for_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "part.stl"
    path.write_bytes(binary(scaled(TETRAHEDRON, 0.004)))

    (document,) = _documents(_inspect(path, "--json", "--part-box", "40x40×40"))

    assert "UNITS_METRES" in [finding["code"] for finding in document["findings"]]
    assert document["valid"] is False


@pytest.mark.parametrize("box", ["40", "40x40", "axbxc", "-1x2x3", ""])
def test_a_size_that_is_none_is_refused(folder: Path, box: str) -> None:
    result = _inspect(folder / "b.STL", "--part-box", box)

    assert result.exit_code == 2
    assert "three lengths in mm" in " ".join(result.stderr.split())
    assert result.stdout == ""


def test_names_that_are_no_text_are_read_all_the_same(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\x1b[2J.stl"
    Path(os.fsdecode(path)).write_bytes(GOOD)

    command: list[str | bytes] = [sys.executable, "-m", "fabroute.cli", "inspect", path]
    shown = subprocess.run(command, capture_output=True, timeout=PATIENCE_SECONDS, check=False)
    as_json = subprocess.run([*command, "--json"], capture_output=True, timeout=PATIENCE_SECONDS, check=False)

    assert (shown.returncode, as_json.returncode) == (0, 0)
    assert "��[2J.stl ✓ valid" in " ".join(shown.stdout.decode().split())
    assert os.fsencode(json.loads(as_json.stdout)[0]["path"]) == path


@pytest.mark.skipif(not REAL_PARTS.exists(), reason="the real parts are not beside this checkout")
def test_real_parts_are_valid_in_the_order_of_their_names() -> None:
    result = _inspect(REAL_PARTS, "--json")

    documents = _documents(result)
    assert result.exit_code == 0
    assert len(documents) == 24
    assert [it["path"] for it in documents] == sorted(it["path"] for it in documents)
    assert {it["valid"] for it in documents} == {True}
