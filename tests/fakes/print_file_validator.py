"""A validator that judges what it is told to, without reading a byte of geometry."""

import hashlib
import threading
from dataclasses import dataclass, field
from pathlib import Path

from fabroute.inventory.ports import (
    Finding,
    Measures,
    ValidationOutcome,
    ValidationReport,
    ValidationRequest,
    ValidatorBroken,
)

SHAPE = (29.04, 121.5, 14.1, 20.7, 24.9, 3.2)
REFUSED = Finding(
    code="MESH_OPEN", severity="error", message="12 edges belong to one triangle only.", advice="Close the surface."
)
WARNED = Finding(
    code="WALL_THIN", severity="warning", message="A wall of 0.6 mm, MJF wants 0.7 mm.", advice="Thicken the wall."
)


@dataclass(slots=True, kw_only=True)
class FakeValidator:
    """Finds every file good, with these measures; one that begins with ``bad`` is refused.

    ``broken`` says how many calls fail before anything is found out. It keeps the requests and whether a transaction
    was open, if it is given a way to ask.
    """

    box_mm: tuple[float, float, float] = (86.0, 58.0, 54.0)
    volume_cm3: float = 24.5
    shape: tuple[float, ...] = SHAPE
    broken: int = 0
    previews: bool = True
    requests: list[ValidationRequest] = field(default_factory=list)
    workspaces: list[Path] = field(default_factory=list)
    hold: threading.Event | None = None
    """If given, a call waits for it."""

    def __call__(self, source: Path, *, request: ValidationRequest, workspace: Path) -> ValidationOutcome:
        """Return what was decided beforehand about the content of ``source``."""
        self.requests.append(request)
        self.workspaces.append(workspace)
        if self.hold is not None:
            assert self.hold.wait(30)
        if self.broken:
            self.broken -= 1
            raise ValidatorBroken("no process could be started")
        content = source.read_bytes()
        if content.startswith(b"bad"):
            return ValidationOutcome(report=self._report(content, (REFUSED,), None))
        return self._made(content, workspace)

    def _made(self, content: bytes, workspace: Path) -> ValidationOutcome:
        canonical = workspace / "canonical.3mf"
        canonical.write_bytes(b"canonical " + content)
        sha256 = hashlib.sha256(canonical.read_bytes()).hexdigest()
        report = self._report(content, (WARNED,), sha256)
        if not self.previews:
            return ValidationOutcome(report=report, canonical=canonical)
        png, glb = workspace / "preview.png", workspace / "preview.glb"
        png.write_bytes(b"png " + content)
        glb.write_bytes(b"glb " + content)
        return ValidationOutcome(report=report, canonical=canonical, preview_png=png, preview_glb=glb)

    def _report(self, content: bytes, findings: tuple[Finding, ...], canonical: str | None) -> ValidationReport:
        return ValidationReport(
            format="3mf",
            source_sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            findings=findings,
            measures=Measures(
                unit="millimeter",
                box_mm=self.box_mm,
                volume_cm3=self.volume_cm3,
                area_cm2=147.6,
                triangles=1200,
                vertices=602,
                bodies=1,
                thinnest_wall_mm=0.6,
                shape=self.shape,
            ),
            printability=(),
            canonical_sha256=canonical,
            readers=("fake 1",),
            cpu_ms=1,
            peak_kib=1,
        )
