"""How ``fabroute inspect`` shows a validation's report: measures, verdicts, and a line for each finding."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fabroute.inventory.ports import Finding, Measures, Printability, Severity, ValidationReport

_STYLES: dict[Severity, str] = {"error": "bold red", "warning": "yellow", "note": "dim"}
_SHOWN_DIGITS = 12


def file_report(path: Path, report: ValidationReport) -> RenderableType:
    """Return all that a person wants to know about one file."""
    parts: list[RenderableType] = [_headline(path, report)]
    if report.measures is not None:
        parts.append(_measures_table(report.measures))
    if report.findings:
        parts.append(_findings_table(report.findings))
    if report.valid:
        parts += [_verdict(it) for it in report.printability]
    parts.append(_provenance(report))
    return Group(*parts, Text())


def summary_table(rows: Sequence[tuple[Path, ValidationReport | None]]) -> RenderableType:
    """Return one line for each file: its verdict, its size, and the first thing to mend."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("file", "verdict", "size (mm)", "volume", "first to mend"):
        table.add_column(heading, justify="right" if heading == "volume" else "left", no_wrap=True)
    for path, report in rows:
        table.add_row(*_summary(path, report))
    return table


def legible(text: str) -> str:
    """Return text that a file chose, without characters that a terminal would obey."""
    return "".join(char if char.isprintable() else "�" for char in text)


def lengths(box_mm: Sequence[float]) -> str:
    """Return a size as ``29.3 × 8.3 × 21.9``."""
    return " × ".join(f"{length:,.4g}" if length < 1000 else f"{length:,.0f}" for length in box_mm)


def _headline(path: Path, report: ValidationReport) -> Text:
    errors = sum(finding.severity == "error" for finding in report.findings)
    warnings = sum(finding.severity == "warning" for finding in report.findings)
    verdict = Text("✓ valid", "bold green") if report.valid else Text("✗ refused", "bold red")
    counts = [
        f"{count} {word}{'s' * (count > 1)}" for count, word in ((errors, "error"), (warnings, "warning")) if count
    ]
    facts = ", ".join([f"{report.format.upper()}, {_size(report.size_bytes)}", *counts])
    return Text.assemble((legible(str(path)), "bold"), "  ", verdict, "  ", (facts, "dim"))


def _measures_table(measures: Measures) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value, second_name, second_value in _measure_rows(measures):
        table.add_row(Text(name, "dim"), value, Text(second_name, "dim"), second_value)
    return Padding(table, (0, 0, 0, 2), expand=False)


def _measure_rows(measures: Measures) -> Iterator[tuple[str, str, str, str]]:
    wall = measures.thinnest_wall_mm
    unit = measures.unit or "none stated, taken for mm"
    yield "size", f"{lengths(measures.box_mm)} mm", "unit", legible(unit)
    yield "volume", f"{measures.volume_cm3:,.4g} cm³", "area", f"{measures.area_cm2:,.4g} cm²"
    yield "triangles", f"{measures.triangles:,}", "bodies", f"{measures.bodies:,}"
    yield "thinnest wall", "not known" if wall is None else f"about {wall:.2f} mm", "", ""


def _findings_table(findings: Sequence[Finding]) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        style = _STYLES[finding.severity]
        table.add_row(Text(finding.severity, style), Text(legible(finding.code), style), _sentence(finding))
    return Padding(table, (0, 0, 0, 2), expand=False)


def _sentence(finding: Finding) -> Text:
    place = f" [{finding.where}]" if finding.where else ""
    message = legible(f"{finding.message}{place}")
    if finding.severity == "note":
        return Text(message)
    return Text.assemble(message, " ", (f"→ {legible(finding.advice)}", "cyan"))


def _verdict(printability: Printability) -> RenderableType:
    process = legible(printability.process)
    if printability.printable:
        line = Text.assemble("  ", (f"✓ {process} can print it", "green"))
    else:
        line = Text.assemble("  ", (f"✗ {process} can't print it", "red"))
    return Group(line, _findings_table(printability.findings)) if printability.findings else line


def _provenance(report: ValidationReport) -> Text:
    facts = [f"sha256 {report.source_sha256[:_SHOWN_DIGITS]}…"]
    if report.canonical_sha256:
        facts.append(f"canonical 3MF {report.canonical_sha256[:_SHOWN_DIGITS]}…")
    facts += [*map(legible, report.readers), f"{report.cpu_ms:,} ms CPU", f"{report.peak_kib / 1024:,.0f} MiB"]
    return Text("  " + " · ".join(facts), "dim")


def _summary(path: Path, report: ValidationReport | None) -> tuple[RenderableType, ...]:
    name = legible(str(path))
    if report is None:
        return name, Text("not read", "bold red"), "", "", ""
    verdict = Text("valid", "green") if report.valid else Text("refused", "bold red")
    worst = next((finding for finding in report.findings if finding.severity != "note"), None)
    mend = Text(legible(worst.code), _STYLES[worst.severity]) if worst else ""
    if report.measures is None:
        return name, verdict, "", "", mend
    return name, verdict, lengths(report.measures.box_mm), f"{report.measures.volume_cm3:,.4g} cm³", mend


def _size(size_bytes: int) -> str:
    return f"{size_bytes:,} bytes" if size_bytes < 1024 else f"{size_bytes / 1024:,.0f} KiB"
