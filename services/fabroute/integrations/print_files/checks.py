"""Read a 3MF file as strictly as possible, and measure what is in it."""

import hashlib
import io
import zipfile
import zlib
from typing import NoReturn

import lib3mf
import numpy as np

from fabroute.integrations.print_files.meshes import TriangleMesh
from fabroute.integrations.print_files.threemf import lib3mf_library
from fabroute.inventory.ports import PrintFileFacts, PrintFileRefused

MAX_PACKED_BYTES = 64 * 2**20
MAX_UNPACKED_BYTES = 512 * 2**20
MAX_PARTS = 1_000
"""Of the package. All three bound what a hostile file can make us do before lib3mf sees it."""

_ENCRYPTED = 0x1
_MM_PER_UNIT = {
    lib3mf.ModelUnit.MicroMeter: 0.001,
    lib3mf.ModelUnit.MilliMeter: 1.0,
    lib3mf.ModelUnit.CentiMeter: 10.0,
    lib3mf.ModelUnit.Inch: 25.4,
    lib3mf.ModelUnit.Foot: 304.8,
    lib3mf.ModelUnit.Meter: 1000.0,
}


def check_print_file(content: bytes) -> PrintFileFacts:
    """Return what was measured in a 3MF file (mm, cm³); ``PrintFileRefused`` says why a file is not good enough.

    Refused are: files beyond the size limits, damaged or encrypted packages, whatever lib3mf in strict mode warns of,
    files with nothing to build, and objects that are not closed, consistently oriented solids.
    """
    _guard_package(content)
    model = _read_strictly(content)
    mesh = _built_mesh(model)
    volume_mm3 = mesh.volume_mm3()
    if volume_mm3 <= 0:
        _refuse(f"it encloses {volume_mm3 / 1000:.3f} cm³: turn its triangles so that they face outwards")
    return PrintFileFacts(
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        box_mm=mesh.box_mm(),
        volume_cm3=volume_mm3 / 1000,
        triangles=len(mesh.triangles),
        bodies=mesh.bodies(),
        manifold=True,
        warnings=_warnings(mesh),
    )


def _guard_package(content: bytes) -> None:
    """Refuse what is no sound zip archive of bearable size."""
    if len(content) > MAX_PACKED_BYTES:
        _refuse(f"it is {len(content):,} bytes long, {MAX_PACKED_BYTES:,} are allowed: reduce its triangles")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _guard_parts(archive.infolist())
            damaged = archive.testzip()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError, zlib.error) as error:
        _refuse(f"it is not a whole zip archive, as a 3MF file must be ({error}): send it again", error)
    if damaged is not None:
        _refuse(f"its part {damaged} is damaged (the checksum differs): send it again")


def _guard_parts(parts: list[zipfile.ZipInfo]) -> None:
    if len(parts) > MAX_PARTS:
        _refuse(f"its archive holds {len(parts):,} parts, {MAX_PARTS:,} are allowed")
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MAX_UNPACKED_BYTES:
        _refuse(f"it would unpack to {unpacked:,} bytes, {MAX_UNPACKED_BYTES:,} are allowed: reduce its triangles")
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        _refuse("its archive is encrypted with a password: send it without one")


def _read_strictly(content: bytes) -> lib3mf.Model:
    """Return the model; in strict mode whatever lib3mf would only warn of is an error, too."""
    model = lib3mf_library().CreateModel()
    reader = model.QueryReader("3mf")
    reader.SetStrictModeActive(True)
    try:
        reader.ReadFromBuffer(content)
    except lib3mf.ELib3MFException as error:
        _refuse(f"it does not follow the 3MF specification ({error}): export it again", error)
    return model


def _built_mesh(model: lib3mf.Model) -> TriangleMesh:
    """Return everything the file wants built, in mm and in its place on the platform."""
    _require_solids(model)
    merged = model.MergeToModel().GetMeshObjects()
    meshes = []
    while merged.MoveNext():
        meshes.append(_arrays(merged.GetCurrentMeshObject(), _MM_PER_UNIT[model.GetUnit()]))
    if not any(len(mesh.triangles) for mesh in meshes):
        _refuse("it asks for nothing to be built: add a build item")
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    return TriangleMesh(
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        triangles=np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts, strict=True)]),
    )


def _require_solids(model: lib3mf.Model) -> None:
    solids = model.GetMeshObjects()
    while solids.MoveNext():
        solid = solids.GetCurrentMeshObject()
        if not solid.IsManifoldAndOriented():
            _refuse(
                f"its object {solid.GetName() or solid.GetResourceID()!r} is no closed solid: some edges don't join "
                "exactly two triangles that agree on the outside. Repair the mesh and export it again"
            )


def _arrays(solid: lib3mf.MeshObject, mm_per_unit: float) -> TriangleMesh:
    vertices = np.array([tuple(vertex.Coordinates) for vertex in solid.GetVertices()], dtype=np.float64)
    triangles = np.array([tuple(triangle.Indices) for triangle in solid.GetTriangleIndices()], dtype=np.int64)
    return TriangleMesh(vertices=vertices.reshape(-1, 3) * mm_per_unit, triangles=triangles.reshape(-1, 3))


def _warnings(mesh: TriangleMesh) -> tuple[str, ...]:
    warnings = []
    if (bodies := mesh.bodies()) > 1:
        warnings.append(f"{bodies} separate surfaces: loose bodies, or cavities that powder can't leave")
    if flat := mesh.flat_triangles():
        warnings.append(f"{flat} triangles without area")
    return tuple(warnings)


def _refuse(reason: str, cause: Exception | None = None) -> NoReturn:
    raise PrintFileRefused(f"the print file is refused: {reason}") from cause
