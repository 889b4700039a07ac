"""What the stages of a validation hand to each other. Light: nothing here imports a library."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fabroute.inventory.ports import Finding, PrintFileFormat

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Refusal(Exception):
    """A stage refuses the file; the findings, at least one of them an error, say why."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a file may ask of the machine that reads it."""

    file_bytes: int = 256 * 2**20
    unpacked_bytes: int = 1024 * 2**20
    """Of all parts of a package together, as declared and as found."""
    part_ratio: int = 200
    """Unpacked to packed bytes of one part; XML of meshes reaches about 15."""
    package_parts: int = 1_000
    xml_depth: int = 32
    triangles: int = 5_000_000
    """Of all objects, and of everything that is built, instances counted each."""
    vertices: int = 10_000_000
    objects: int = 10_000
    instances: int = 10_000
    """Meshes that the build asks for, after all components are counted."""
    component_depth: int = 16
    largest_coordinate: float = 1e7
    """In the unit of the file; beyond it a coordinate is a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshFacts:
    """What the guard read of one mesh of a package: enough to notice a library that reads another one."""

    part: str
    """The part of the package that holds it, e.g. ``/3D/3dmodel.model``."""
    object_id: int
    vertices: int
    triangles: int
    low: tuple[float, float, float]
    """The smallest x, y and z of its vertices, in the unit of the file."""
    high: tuple[float, float, float]
    index_sums: tuple[int, int, int]
    """Of the first, second and third corners of all triangles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardFacts:
    """What the guard counted by its own reading; a library that counts differently reads another file than we do."""

    format: PrintFileFormat
    objects: int
    """Mesh objects, built or not."""
    vertices: int
    """Of all mesh objects; for STL three for each triangle."""
    triangles: int
    built_triangles: int
    """Of everything that the build asks for, each instance counted."""
    unit: str = ""
    findings: tuple[Finding, ...] = ()
    """Warnings and notes; an error is a ``Refusal``."""
    meshes: tuple[MeshFacts, ...] = ()
    """Of a 3MF file; empty for STL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """One mesh as built, in mm: ``vertices`` (n, 3), ``triangles`` (m, 3) counter-clockwise seen from outside."""

    name: str
    vertices: "npt.NDArray[np.float64]"
    triangles: "npt.NDArray[np.int64]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A file as a library read it: everything that it wants built, each instance in its place."""

    format: PrintFileFormat
    unit: str
    """As the file says; empty for STL."""
    meshes: Sequence[Mesh]
    readers: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
