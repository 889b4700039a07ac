"""Print files for tests: those of the reference inventory, and small 3MF packages written by hand."""

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from manifold3d import Manifold

from fabroute.integrations.print_files import Label, part_geometry, write_print_file
from fabroute.integrations.validation.pipeline import CANONICAL, PREVIEW_GLB, PREVIEW_PNG, validate
from fabroute.inventory.ports import ValidationOutcome, ValidationReport, ValidationRequest

PARTS_CSV = Path(__file__).parents[2] / "infra" / "reference" / "parts.csv"

TETRAHEDRON = (((0, 0, 0), (10, 0, 0), (0, 10, 0), (0, 0, 10)), ((0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)))
"""Corners and triangles of a corner cut off a cube of 10: a box of 10 × 10 × 10 and a volume of 1000 / 6."""

_CONTENT_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>'
)
_RELATIONSHIPS = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Target="/3D/3dmodel.model" Id="rel0" '
    'Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>'
)

Mesh = tuple[Sequence[Sequence[float]], Sequence[Sequence[int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePart:
    """What the reference table says about a part's shape."""

    part_no: str
    name: str
    box_mm: tuple[float, float, float]
    volume_cm3: float

    def label(self) -> Label:
        """Return how the part's print file is labelled."""
        return Label(part_no=self.part_no, revision="A", name=self.name)


@lru_cache(maxsize=1)
def reference_parts() -> dict[str, ReferencePart]:
    """Return the reference inventory by part number."""
    with PARTS_CSV.open(encoding="utf8", newline="") as file:
        return {
            row["part_no"]: ReferencePart(
                part_no=row["part_no"],
                name=row["name"],
                box_mm=(float(row["bx_mm"]), float(row["by_mm"]), float(row["bz_mm"])),
                volume_cm3=float(row["volume_cm3"]),
            )
            for row in csv.DictReader(file)
        }


@lru_cache(maxsize=64)
def reference_body(part_no: str) -> Manifold:
    """Return a reference part's solid, drawn once per test process."""
    part = reference_parts()[part_no]
    return part_geometry(part_no=part_no, name=part.name, box_mm=part.box_mm, volume_cm3=part.volume_cm3)


@lru_cache(maxsize=64)
def reference_file(part_no: str) -> bytes:
    """Return a reference part's 3MF file, written once per test process."""
    return write_print_file(reference_body(part_no), label=reference_parts()[part_no].label())


def an_object(*, mesh: Mesh = TETRAHEDRON, number: int = 1) -> str:
    """Return the XML of a mesh object."""
    vertices = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in mesh[0])
    triangles = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in mesh[1])
    return (
        f'<object id="{number}" name="Tetra {number}" type="model"><mesh><vertices>{vertices}</vertices>'
        f"<triangles>{triangles}</triangles></mesh></object>"
    )


def a_package(
    *,
    objects: str | None = None,
    items: str = '<item objectid="1"/>',
    unit: str = "millimeter",
    metadata: str = "",
) -> bytes:
    """Return a 3MF package with the given parts of its model."""
    model = (
        f'<?xml version="1.0" encoding="UTF-8"?><model unit="{unit}" xml:lang="en-US" '
        f'xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02">{metadata}'
        f"<resources>{an_object() if objects is None else objects}</resources><build>{items}</build></model>"
    )
    return an_archive({"[Content_Types].xml": _CONTENT_TYPES, "_rels/.rels": _RELATIONSHIPS, "3D/3dmodel.model": model})


def an_archive(parts: dict[str, str]) -> bytes:
    """Return a zip archive with those parts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def inspected(content: bytes, *, file_name: str = "part.3mf") -> ValidationReport:
    """Return what the validation finds in ``content``, run in this process."""
    with TemporaryDirectory() as folder:
        source, workspace = Path(folder, file_name), Path(folder, "workspace")
        workspace.mkdir()
        source.write_bytes(content)
        return validate(source, request=ValidationRequest(file_name=file_name), workspace=workspace)


def in_process(source: Path, *, request: ValidationRequest, workspace: Path) -> ValidationOutcome:
    """Validate in this process: a ``PrintFileValidator`` without limits, for files that tests made themselves."""
    report = validate(source, request=request, workspace=workspace)
    if not report.valid:
        return ValidationOutcome(report=report)
    canonical, preview, model = (workspace / name for name in (CANONICAL, PREVIEW_PNG, PREVIEW_GLB))
    return ValidationOutcome(report=report, canonical=canonical, preview_png=preview, preview_glb=model)
