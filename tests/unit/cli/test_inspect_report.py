from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from fabroute.cli.inspect_report import file_report, legible, lengths, summary_table
from fabroute.inventory.ports import Printability, ValidationReport
from tests.factories.validation import a_finding, a_report, some_measures

PART = Path("parts/bracket.3mf")


def _lines(shown: RenderableType) -> list[str]:
    console = Console(width=120, color_system=None)
    with console.capture() as capture:
        console.print(shown)
    return [line.rstrip() for line in capture.get().splitlines()]


def _told(report: ValidationReport) -> list[str]:
    return _lines(file_report(PART, report))


def test_a_valid_file_is_told_with_its_measures() -> None:
    assert _told(a_report(measures=some_measures())) == [
        "parts/bracket.3mf  ✓ valid  3MF, 2 KiB",
        "  size           29.3 × 8.3 × 2,190 mm  unit    millimeter",
        "  volume         2.622 cm³              area    21.4 cm²",
        "  triangles      1,044                  bodies  1",
        "  thinnest wall  about 1.25 mm",
        "  sha256 abababababab… · canonical 3MF cdcdcdcdcdcd… · lib3mf 2.5.0 · 1,234 ms CPU · 70 MiB",
        "",
    ]


def test_every_finding_gets_a_line_with_what_to_mend_but_notes_only_state_a_fact() -> None:
    findings = (
        a_finding(code="OPEN_EDGES", severity="error", message="82 open edges.", where="at (1, 2, 3)"),
        a_finding(code="THIN_WALL"),
        a_finding(code="STL_PADDING", severity="note"),
    )

    told = _told(a_report(findings=findings, valid=False))

    assert told[:4] == [
        "parts/bracket.3mf  ✗ refused  3MF, 2 KiB, 1 error, 1 warning",
        "  error    OPEN_EDGES   82 open edges. [at (1, 2, 3)] → Mend OPEN_EDGES.",
        "  warning  THIN_WALL    This is THIN_WALL. → Mend THIN_WALL.",
        "  note     STL_PADDING  This is STL_PADDING.",
    ]
    assert told[4] == "  sha256 abababababab… · 1,234 ms CPU · 70 MiB"


def test_each_process_says_whether_it_can_and_why_not() -> None:
    able = Printability(process="MJF", findings=())
    unable = Printability(process="LPBF", findings=(a_finding(code="CAVITY", severity="error"),))

    told = _told(a_report(printability=(able, unable)))

    assert told[1:4] == [
        "  ✓ MJF can print it",
        "  ✗ LPBF can't print it",
        "  error  CAVITY  This is CAVITY. → Mend CAVITY.",
    ]


def test_processes_are_not_judged_before_the_file_is_mended() -> None:
    error = a_finding(severity="error")

    told = _told(a_report(findings=(error,), printability=(Printability(process="MJF", findings=()),), valid=False))

    assert not any("MJF" in line for line in told)
    assert sum("THIN_WALL" in line for line in told) == 1


def test_what_is_not_known_is_said_so() -> None:
    told = _told(a_report(measures=some_measures(unit="", thinnest_wall_mm=None)))

    assert told[1].endswith("unit    none stated, taken for mm")
    assert told[4] == "  thinnest wall  not known"


def test_a_file_can_not_speak_to_the_terminal() -> None:
    finding = a_finding(severity="error", message="solid \x1b[2J\x07[bold]x", where="\u202eevil")

    told = "\n".join(_told(a_report(findings=(finding,), valid=False)))

    assert "solid �[2J�[bold]x [�evil]" in told
    assert not {"\x1b", "\x07", "\u202e"} & set(told)


def test_the_summary_has_a_line_for_each_file() -> None:
    refused = a_report(
        findings=(
            a_finding(severity="note"),
            a_finding(code="HUGE"),
        ),
        valid=False,
    )
    rows = [(PART, a_report(measures=some_measures())), (Path("b.stl"), refused), (Path("c.stl"), None)]

    assert _lines(summary_table(rows)) == [
        "file               verdict   size (mm)              volume  first to mend",
        "parts/bracket.3mf  valid     29.3 × 8.3 × 2,190  2.622 cm³",
        "b.stl              refused                                  HUGE",
        "c.stl              not read",
    ]


@pytest.mark.parametrize(
    ("box", "shown"),
    [((1.0, 2.5, 3.14159), "1 × 2.5 × 3.142"), ((0.0454, 100.04, 29014.4), "0.0454 × 100 × 29,014")],
)
def test_lengths_have_four_digits(box: tuple[float, float, float], shown: str) -> None:
    assert lengths(box) == shown
    assert legible(shown) == shown
