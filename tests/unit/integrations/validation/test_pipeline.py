import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from fabroute.integrations.validation.pipeline import MOST_FINDINGS, STANDARD, _bounded, validate
from fabroute.inventory.ports import Finding, ValidationReport, ValidationRequest, report_document, report_of
from tests.factories.print_files import a_package
from tests.hostile.stl import TETRAHEDRON, binary, moved, scaled, text

CUBE = scaled(TETRAHEDRON, 3.0)


def _validated(folder: Path, content: bytes, *, file_name: str = "part.stl", **wants: object) -> ValidationReport:
    source = folder / "source"
    source.write_bytes(content)
    request = replace(ValidationRequest(file_name=file_name), **wants)  # type: ignore[arg-type]
    return validate(source, request=request, workspace=folder)


def _codes(report: ValidationReport) -> list[str]:
    return [finding.code for finding in report.findings]


def test_a_good_stl_goes_through_every_stage(tmp_path: Path) -> None:
    content = binary(CUBE)

    report = _validated(tmp_path, content, processes=("MJF",))

    assert report.valid
    assert (report.format, report.size_bytes) == ("stl", 284)
    assert report.source_sha256 == hashlib.sha256(content).hexdigest()
    assert report.measures is not None
    assert report.measures.box_mm == (30.0, 30.0, 30.0)
    assert report.measures.volume_cm3 == pytest.approx(27 / 6, rel=1e-12)
    assert [it.process for it in report.printability] == ["MJF"]
    assert len(report.readers) >= 1


def test_a_valid_file_leaves_a_canonical_3mf_and_two_previews(tmp_path: Path) -> None:
    report = _validated(tmp_path, binary(CUBE))

    canonical = (tmp_path / "canonical.3mf").read_bytes()
    assert hashlib.sha256(canonical).hexdigest() == report.canonical_sha256
    assert (tmp_path / "preview.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert (tmp_path / "preview.glb").read_bytes().startswith(b"glTF")


def test_the_canonical_file_of_a_part_is_valid_and_its_own_canonical_form(tmp_path: Path) -> None:
    first = _validated(tmp_path, binary(CUBE))
    canonical = (tmp_path / "canonical.3mf").read_bytes()

    second = _validated(tmp_path, canonical, file_name="part.3mf")

    assert (second.format, second.valid) == ("3mf", True)
    assert second.measures is not None
    assert first.measures is not None
    assert second.measures.triangles == first.measures.triangles == 4
    assert second.measures.volume_cm3 == pytest.approx(first.measures.volume_cm3, rel=1e-6)


def test_binary_and_text_of_the_same_part_are_the_same_part(tmp_path: Path) -> None:
    as_binary = _validated(tmp_path, binary(CUBE))
    as_text = _validated(tmp_path, text(CUBE).encode())

    assert as_text.measures == as_binary.measures
    assert as_text.source_sha256 != as_binary.source_sha256


def test_no_stage_runs_after_an_error(tmp_path: Path) -> None:
    report = _validated(tmp_path, binary(TETRAHEDRON[:3]), processes=("MJF",))

    assert _codes(report)[0] == "OPEN_EDGES"
    assert report.measures is not None
    assert (report.canonical_sha256, report.printability) == (None, ())
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_file_that_can_not_be_read_has_no_measures(tmp_path: Path) -> None:
    report = _validated(tmp_path, binary(count=9), processes=("MJF",))

    assert _codes(report) == ["STL_TRUNCATED"]
    assert (report.measures, report.printability, report.readers) == (None, (), ())
    assert report.format == "stl"


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    package_called_stl = _validated(tmp_path, a_package(), file_name="part.stl")
    stl_called_3mf = _validated(tmp_path, binary(), file_name="part.3mf")

    assert (package_called_stl.format, package_called_stl.valid) == ("3mf", True)
    assert (stl_called_3mf.format, stl_called_3mf.valid) == ("stl", True)


def test_the_name_decides_where_the_content_leaves_a_doubt(tmp_path: Path) -> None:
    torn = binary()[:200]

    assert _codes(_validated(tmp_path, torn, file_name="Part.STL")) == ["STL_TRUNCATED"]
    assert _codes(_validated(tmp_path, torn, file_name="part.3mf")) == ["NOT_A_PACKAGE"]
    assert _codes(_validated(tmp_path, torn, file_name="part.bin")) == ["UNKNOWN_FORMAT"]


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"ISO-10303-21;\n", "a STEP file"), (b"%PDF-1.7", "a PDF document"), (b"glTF\2\0\0\0", "a GLB file")],
)
def test_files_of_other_formats_are_called_by_their_name(tmp_path: Path, content: bytes, what: str) -> None:
    report = _validated(tmp_path, content + bytes(100), file_name="part.stl")

    assert _codes(report) == ["UNKNOWN_FORMAT"]
    assert report.findings[0].message == f"The content is {what}, neither 3MF nor STL."
    assert report.format == "unknown"


def test_a_file_that_is_too_large_is_not_even_hashed(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(binary())
    os.truncate(source, 2**33)

    report = validate(source, request=ValidationRequest(file_name="part.stl"), workspace=tmp_path)

    assert _codes(report) == ["FILE_TOO_LARGE"]
    assert (report.source_sha256, report.size_bytes) == ("", 2**33)


def test_limits_can_be_lowered(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(binary())
    request = ValidationRequest(file_name="part.stl")

    report = validate(source, request=request, workspace=tmp_path, limits=replace(STANDARD, triangles=3))

    assert _codes(report) == ["TOO_MANY_TRIANGLES"]
    assert validate(source, request=request, workspace=tmp_path).valid


def test_a_report_survives_its_way_through_json(tmp_path: Path) -> None:
    report = _validated(tmp_path, binary([*CUBE, *moved(CUBE, (80.0, 0, 0))]), processes=("MJF", "LPBF"))

    assert report_of(report_document(report)) == report
    assert report_document(report)["valid"] is True
    assert len(report.printability) == 2


@pytest.mark.parametrize("name", ["\udcff\x1b[2J", "a\0b", "\x0c\u2028", "<&>\"'", "ü" * 2_000])
def test_names_that_no_file_can_hold_do_no_harm(tmp_path: Path, name: str) -> None:
    report = _validated(tmp_path, binary(CUBE), name=name, part_no=name, revision=name)

    assert report.valid
    assert _validated(tmp_path, (tmp_path / "canonical.3mf").read_bytes()).valid


def test_errors_come_first_and_long_lists_are_cut() -> None:
    def finding(code: str, severity: str) -> Finding:
        return Finding(code=code, severity=severity, message="", advice="")  # type: ignore[arg-type]

    short = _bounded([finding("A", "note"), finding("B", "error"), finding("C", "warning"), finding("D", "error")])
    long = _bounded([finding(str(place), "note") for place in range(MOST_FINDINGS + 3)])

    assert [it.code for it in short] == ["B", "D", "C", "A"]
    assert len(long) == MOST_FINDINGS + 1
    assert (long[-1].code, long[-1].message) == ("MORE_FINDINGS", "3 more findings are left out.")
