"""What the inventory asks of the rooms above it: a place for files and a judge of print files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from fabroute.kernel.errors import DomainError

Severity = Literal["error", "warning", "note"]
PrintFileFormat = Literal["3mf", "stl", "unknown"]


class PrintFileMissing(DomainError):
    """The store holds no file of that SHA-256."""

    code = "print_file_missing"
    status = 404


class PrintFileDamaged(DomainError):
    """What the store gave back is not what was put into it."""

    code = "print_file_damaged"
    status = 500


class PrintFileStoreDown(DomainError):
    """The store does not answer."""

    code = "print_file_store_down"
    status = 503


class ValidatorBroken(DomainError):
    """The validator itself could not run (no process, no disk): nothing is known about the file; try again."""

    code = "validator_broken"
    status = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that was noticed about a print file: a stable code, what is the case, and what to do about it."""

    code: str
    severity: Severity
    """An ``error`` refuses the file; a ``warning`` is for a person to weigh; a ``note`` is a fact worth knowing."""
    message: str
    """What is the case, with figures."""
    advice: str
    """What to do about it."""
    where: str = ""
    """The part of the package, object, line or byte that it is about; empty if it is about all of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What was measured of everything that the file wants built, in its place, in mm, cm² and cm³."""

    unit: str
    """As the file says (``millimeter``, ``inch``, …); empty for STL, which has none and is taken for millimetres."""
    box_mm: tuple[float, float, float]
    volume_cm3: float
    area_cm2: float
    triangles: int
    vertices: int
    bodies: int
    """Closed surfaces that share no vertex; a cavity inside a solid counts as one of them."""
    thinnest_wall_mm: float | None
    """An estimate by rays through the solid; None where it can't be told."""
    shape: tuple[float, ...]
    """Lengths in mm that don't change when the part is moved or turned; parts of like shape have like numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Printability:
    """Whether one process can print the file, by that process's limits; the findings say why not."""

    process: str
    findings: tuple[Finding, ...]

    @property
    def printable(self) -> bool:
        """Whether no limit of the process is broken."""
        return not any(finding.severity == "error" for finding in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationReport:
    """All that the validator found out about a file."""

    format: PrintFileFormat
    source_sha256: str
    size_bytes: int
    findings: tuple[Finding, ...]
    measures: Measures | None
    """None if the file could not be read."""
    printability: tuple[Printability, ...]
    canonical_sha256: str | None
    """Of the file that would be released: the geometry written anew, without anything unknown. None if refused."""
    readers: tuple[str, ...]
    """The libraries that read it, with their versions, e.g. ``lib3mf 2.5.0``."""
    cpu_ms: int
    peak_kib: int

    @property
    def valid(self) -> bool:
        """Whether nothing refuses the file."""
        return self.canonical_sha256 is not None and not any(it.severity == "error" for it in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationRequest:
    """What the validator is to know beside the file: what it claims to be, and what it is to be judged against."""

    file_name: str
    """As the sender called it; only its ending counts, and only where the content leaves a doubt."""
    processes: tuple[str, ...] = ()
    """Processes (``MJF``, ``LPBF``, …) whose limits it is held to; a file that fits none is still valid."""
    part_no: str = ""
    revision: str = ""
    name: str = ""
    """Written into the canonical file as its title."""
    expected_box_mm: tuple[float, float, float] | None = None
    """The size that the revision states, if it does: shows files in metres or inches for what they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationOutcome:
    """The report and, for a valid file, what was made of it, as files in the workspace that was given."""

    report: ValidationReport
    canonical: Path | None = None
    """3MF."""
    preview_png: Path | None = None
    preview_glb: Path | None = None


class PrintFileValidator(Protocol):
    """Reads a print file as strictly as it can, in a process of its own with limited memory and time."""

    def __call__(self, source: Path, *, request: ValidationRequest, workspace: Path) -> ValidationOutcome:
        """Return what became of the file at ``source``; whatever is wrong with it stands in the report.

        Files are written into the empty folder ``workspace``. ``ValidatorBroken`` if the validator could not run.
        """
        ...


class PrintFileSigner(Protocol):
    """Signs what is released, so that a node can tell that the file and its facts come from this installation."""

    def sign(self, statement: bytes) -> str:
        """Return the Ed25519 signature of ``statement`` in base64."""
        ...

    @property
    def public_key(self) -> str:
        """The Ed25519 public key in base64 with which anyone can check the signatures."""
        ...


class PrintFileStore(Protocol):
    """Keeps files under the SHA-256 of their content: the same content is one file, and it never changes."""

    def put(self, content: bytes) -> str:
        """Keep ``content`` and return its SHA-256 in hexadecimal. ``PrintFileStoreDown`` if the store can't."""
        ...

    def put_file(self, path: Path) -> str:
        """Keep the content of a file, without holding it in memory, and return its SHA-256."""
        ...

    def get(self, sha256: str) -> bytes:
        """Return the content with that SHA-256, recomputed on the way out.

        Raises ``PrintFileMissing``, ``PrintFileDamaged`` when the content differs, ``PrintFileStoreDown``.
        """
        ...

    def fetch(self, sha256: str, target: IO[bytes]) -> int:
        """Write the content into ``target`` piece by piece and return its length, with the errors of ``get``.

        Nothing of ``target`` may be used before this returns: the SHA-256 is known at the end.
        """
        ...

    def exists(self, sha256: str) -> bool:
        """Tell whether the store holds that file, without reading it. ``PrintFileStoreDown`` if it can't tell."""
        ...


def report_document(report: ValidationReport) -> dict[str, Any]:
    """Return the report as JSON: what the database keeps and ``fabroute inspect --json`` prints."""
    document: dict[str, Any] = json.loads(json.dumps(asdict(report)))
    return {"valid": report.valid} | document


def report_of(document: Mapping[str, Any]) -> ValidationReport:
    """Return the report that ``report_document`` wrote down."""
    fields = {name: value for name, value in document.items() if name != "valid"}
    measures = fields["measures"]
    return ValidationReport(
        **fields
        | {
            "findings": _findings(fields["findings"]),
            "measures": measures and Measures(**{name: _tupled(value) for name, value in measures.items()}),
            "printability": tuple(
                Printability(process=it["process"], findings=_findings(it["findings"])) for it in fields["printability"]
            ),
            "readers": tuple(fields["readers"]),
        }
    )


def _findings(documents: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    return tuple(Finding(**document) for document in documents)


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
