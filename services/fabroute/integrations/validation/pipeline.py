"""The order of a validation's stages, from an unknown file to a report; meant to run in a limited process."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fabroute.integrations.validation.canonical import write_canonical
from fabroute.integrations.validation.geometry import measure
from fabroute.integrations.validation.guard import detect, guard_3mf
from fabroute.integrations.validation.guard.stl import guard_stl, refuse
from fabroute.integrations.validation.previews import write_glb, write_png
from fabroute.integrations.validation.printability import judge
from fabroute.integrations.validation.readers.stl import read_stl
from fabroute.integrations.validation.readers.threemf import read_3mf
from fabroute.integrations.validation.types import GuardFacts, Limits, Reading, Refusal
from fabroute.inventory.ports import (
    Finding,
    Measures,
    Printability,
    PrintFileFormat,
    ValidationReport,
    ValidationRequest,
)

CANONICAL = "canonical.3mf"
PREVIEW_PNG = "preview.png"
PREVIEW_GLB = "preview.glb"
MOST_FINDINGS = 200
STANDARD = Limits()

_KNOWN_STARTS = (
    (b"ISO-10303-21", "a STEP file"),
    (b"solid", "an STL file"),
    (b"ply", "a PLY file"),
    (b"glTF", "a GLB file"),
    (b"%PDF", "a PDF document"),
    (b"<?xml", "an XML document"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"G0", "machine code"),
    (b"G1", "machine code"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x1f\x8b", "a gzip archive"),
)
_HEAD_BYTES = 64


def validate(
    source: Path, *, request: ValidationRequest, workspace: Path, limits: Limits = STANDARD
) -> ValidationReport:
    """Return all that can be told about the file; a valid one leaves a canonical 3MF and previews in ``workspace``.

    A stage runs only if no earlier one found an error. Figures of the process stay 0: its owner knows them.
    """
    progress = _Progress(source=source, request=_legible(request), workspace=workspace, limits=limits)
    try:
        progress.run()
    except Refusal as refusal:
        progress.findings += refusal.findings
    return progress.report()


@dataclass(slots=True, kw_only=True)
class _Progress:
    """How far a validation has come, and what is known by then."""

    source: Path
    request: ValidationRequest
    workspace: Path
    limits: Limits
    format: PrintFileFormat = "unknown"
    findings: list[Finding] = field(default_factory=list)
    readers: tuple[str, ...] = ()
    measures: Measures | None = None
    printability: tuple[Printability, ...] = ()
    canonical_sha256: str | None = None

    def run(self) -> None:
        """Go through the stages; ``Refusal`` ends them."""
        self.format = _format(self.source, self.request)
        reading = self._read()
        geometry = measure(reading, self.request)
        self.measures = geometry.measures
        self._note(geometry.findings)
        if self._refused():
            return
        self.printability = judge(geometry, self.request.processes)
        self.canonical_sha256 = write_canonical(reading, self.request, self.workspace / CANONICAL)
        write_png(reading, self.workspace / PREVIEW_PNG)
        write_glb(reading, self.workspace / PREVIEW_GLB)

    def report(self) -> ValidationReport:
        """Return what is known now."""
        return ValidationReport(
            format=self.format,
            source_sha256=_sha256(self.source, self.limits),
            size_bytes=self.source.stat().st_size,
            findings=_bounded(self.findings),
            measures=self.measures,
            printability=self.printability,
            canonical_sha256=self.canonical_sha256,
            readers=self.readers,
            cpu_ms=0,
            peak_kib=0,
        )

    def _read(self) -> Reading:
        guard, read = _STAGES[self.format]
        facts: GuardFacts = guard(self.source, self.limits)
        self._note(facts.findings)
        reading: Reading = read(self.source, facts)
        self.readers = reading.readers
        self._note(reading.findings)
        if self._refused():
            raise Refusal
        return reading

    def _note(self, findings: Sequence[Finding]) -> None:
        self.findings += [finding for finding in findings if finding not in self.findings]

    def _refused(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)


_STAGES = {"stl": (guard_stl, read_stl), "3mf": (guard_3mf, read_3mf)}


def _format(source: Path, request: ValidationRequest) -> PrintFileFormat:
    """Return the format that the content has, or, where that leaves a doubt, the one that the name claims."""
    found = detect(source)
    if found != "unknown":
        return found
    with source.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    foreign = next((name for start, name in _KNOWN_STARTS if head.startswith(start)), "")
    ending = Path(request.file_name).suffix.lower()
    if ending == ".stl" and not foreign:
        return "stl"
    if ending == ".3mf" and not foreign:
        return "3mf"
    refuse(
        "UNKNOWN_FORMAT",
        f"The content is {foreign}, neither 3MF nor STL." if foreign else "The content is neither 3MF nor STL.",
        "Export the part from your CAD program as 3MF (better, as it states its unit) or STL.",
    )


def _legible(request: ValidationRequest) -> ValidationRequest:
    """Return the request without characters that a file or a terminal can't hold; names are written into the file."""
    return replace(
        request,
        file_name=_printable(request.file_name),
        part_no=_printable(request.part_no),
        revision=_printable(request.revision),
        name=_printable(request.name),
    )


def _printable(text: str) -> str:
    return "".join(it if it.isprintable() else "�" for it in text)


def _sha256(source: Path, limits: Limits) -> str:
    """Return the file's hash, or nothing if the file is too large to be looked at."""
    if source.stat().st_size > limits.file_bytes:
        return ""
    with source.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _bounded(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings, errors first, cut where nobody reads on."""
    ordered = sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.severity))
    if len(ordered) <= MOST_FINDINGS:
        return tuple(ordered)
    rest = len(ordered) - MOST_FINDINGS
    more = Finding(
        code="MORE_FINDINGS",
        severity="note",
        message=f"{rest:,} more findings are left out.",
        advice="Mend these first.",
    )
    return (*ordered[:MOST_FINDINGS], more)
