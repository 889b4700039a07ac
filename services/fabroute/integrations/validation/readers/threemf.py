"""Read a 3MF file with lib3mf as strictly as it goes, and put everything that is to be built in its place, in mm."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import lib3mf
import numpy as np
import numpy.typing as npt

from fabroute.integrations.validation.types import GuardFacts, Mesh, MeshFacts, Reading, Refusal
from fabroute.inventory.ports import Finding

LARGEST_MM = 1e7
"""Ten kilometres; what is placed farther away is a mistake."""

_UNITS = {
    lib3mf.ModelUnit.MicroMeter: ("micron", 0.001),
    lib3mf.ModelUnit.MilliMeter: ("millimeter", 1.0),
    lib3mf.ModelUnit.CentiMeter: ("centimeter", 10.0),
    lib3mf.ModelUnit.Inch: ("inch", 25.4),
    lib3mf.ModelUnit.Foot: ("foot", 304.8),
    lib3mf.ModelUnit.Meter: ("meter", 1000.0),
}
"""The name in a file and the millimetres of each unit."""
_LEFT_OUT = {
    lib3mf.ObjectType.Support: "supports",
    lib3mf.ObjectType.SolidSupport: "solid supports",
    lib3mf.ObjectType.Surface: "surfaces without thickness",
}
_EXPORT_AGAIN = "Export the part again as 3MF, if need be with another program."
_TOLERANCE = 1e-6
"""lib3mf keeps coordinates in single precision (24 bits)."""

Matrix = npt.NDArray[np.float64]
Vertices = npt.NDArray[np.float64]
Triangles = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """A mesh object and where one of its instances goes."""

    solid: Any
    matrix: Matrix


@dataclass(slots=True, kw_only=True)
class _Meshes:
    """The arrays of mesh objects, each fetched once however often it is built."""

    arrays: dict[int, tuple[Vertices, Triangles]] = field(default_factory=dict)

    def of(self, solid: Any) -> tuple[Vertices, Triangles]:
        """Return vertices and triangles of a mesh object, in the unit of the file."""
        key = solid.GetUniqueResourceID()
        if key not in self.arrays:
            self.arrays[key] = _vertices(solid), _triangles(solid)
        return self.arrays[key]


def read_3mf(path: Path, facts: GuardFacts) -> Reading:
    """Return the solids that a 3MF file wants built; ``Refusal`` for whatever lib3mf only warns of, too.

    ``facts`` is what the guard counted: where the library counts differently the file can be read in two ways, and is
    refused. Objects of type ``model`` are returned; supports and surfaces are left out with a warning, for the node
    that prints makes its own.
    """
    model = _read_strictly(path)
    unit, mm_per_unit = _UNITS[model.GetUnit()]
    meshes = _Meshes()
    _compare(model, meshes, unit, facts)
    placed = list(_built(model))
    triangles = sum(it.solid.GetTriangleCount() for it in placed)
    if triangles != facts.built_triangles:
        _refuse_difference("triangles to be built", triangles, facts.built_triangles)
    findings = list(_left_out(placed))
    solids = [it for it in placed if it.solid.GetType() == lib3mf.ObjectType.Model]
    return Reading(
        format="3mf",
        unit=unit,
        meshes=tuple(_in_place(it, meshes, mm_per_unit) for it in solids),
        readers=(library_version(),),
        findings=(*facts.findings, *findings),
    )


def library_version() -> str:
    """Return the name and version of the library that reads 3MF."""
    return "lib3mf {}.{}.{}".format(*_library().GetLibraryVersion())


@lru_cache(maxsize=1)
def _library() -> Any:
    return lib3mf.get_wrapper()


def _read_strictly(path: Path) -> Any:
    model = _library().CreateModel()
    reader = model.QueryReader("3mf")
    reader.SetStrictModeActive(True)
    try:
        reader.ReadFromFile(str(path))
    except lib3mf.ELib3MFException as error:
        _refuse("NOT_CONFORMING", f"It does not follow the 3MF specification: {error.get_error_message()}.")
    except UnicodeDecodeError:
        _refuse("NOT_CONFORMING", "It does not follow the 3MF specification in a way that can't be told in words.")
    if count := reader.GetWarningCount():
        warnings = "; ".join(str(reader.GetWarning(index)[-1]) for index in range(min(count, 5)))
        _refuse("NOT_CONFORMING", f"It does not follow the 3MF specification in {count} places: {warnings}.")
    return model


def _refuse(code: str, message: str, advice: str = _EXPORT_AGAIN, where: str = "") -> NoReturn:
    raise Refusal(Finding(code=code, severity="error", message=message, advice=advice, where=where))


def _refuse_difference(what: str, library: object, guard: object, where: str = "") -> NoReturn:
    _refuse(
        "DIFFERENT_READING",
        f"Two readers disagree about the {what}: {library} and {guard}. Printers would, too.",
        _EXPORT_AGAIN,
        where,
    )


# ---------------------------------------------------------------- two readings of one file


def _compare(model: Any, meshes: _Meshes, unit: str, facts: GuardFacts) -> None:
    """Refuse a file of which library and guard didn't read the same unit, meshes, corners and places."""
    if unit != facts.unit:
        _refuse_difference("unit", unit, facts.unit)
    read = {_key(solid): solid for solid in _each(model.GetMeshObjects(), "GetCurrentMeshObject")}
    expected = {(mesh.part, mesh.object_id): mesh for mesh in facts.meshes}
    if read.keys() != expected.keys():
        _refuse_difference("meshes", len(read), len(expected))
    for key, mesh in expected.items():
        _compare_mesh(*meshes.of(read[key]), mesh)


def _compare_mesh(vertices: Vertices, triangles: Triangles, facts: MeshFacts) -> None:
    where = f"{facts.part}, object {facts.object_id}"
    counts = (len(vertices), len(triangles))
    if counts != (facts.vertices, facts.triangles):
        _refuse_difference("vertices and triangles", counts, (facts.vertices, facts.triangles), where)
    sums = tuple(triangles.sum(axis=0).tolist())
    if sums != facts.index_sums:
        _refuse_difference("corners of the triangles", sums, facts.index_sums, where)
    read, counted = np.array([vertices.min(axis=0), vertices.max(axis=0)]), np.array([facts.low, facts.high])
    if not np.allclose(read, counted, rtol=_TOLERANCE, atol=1e-30):
        _refuse_difference("places of the vertices", read.tolist(), counted.tolist(), where)


def _key(solid: Any) -> tuple[str, int]:
    return str(solid.PackagePart().GetPath()), int(solid.GetModelResourceID())


# ---------------------------------------------------------------- arrays


def _vertices(solid: Any) -> Vertices:
    rows = np.empty((solid.GetVertexCount(), 3), dtype=np.float32)
    if len(rows):
        buffer = (lib3mf.Position * len(rows)).from_buffer(rows)
        _fetch(solid, "lib3mf_meshobject_getvertices", len(rows), buffer)
    return rows.astype(np.float64)


def _triangles(solid: Any) -> Triangles:
    rows = np.empty((solid.GetTriangleCount(), 3), dtype=np.uint32)
    if len(rows):
        buffer = (lib3mf.Triangle * len(rows)).from_buffer(rows)
        _fetch(solid, "lib3mf_meshobject_gettriangleindices", len(rows), buffer)
    return rows.astype(np.int64)


def _fetch(solid: Any, function: str, count: int, buffer: Any) -> None:
    """Have the library write into an array: its Python methods make an object of each row, which takes a minute."""
    needed = ctypes.c_uint64(0)
    wrapper = solid._wrapper
    wrapper.checkError(solid, getattr(wrapper.lib, function)(solid._handle, ctypes.c_uint64(count), needed, buffer))


# ---------------------------------------------------------------- the build


def _each(iterator: Any, current: str = "GetCurrent") -> Iterator[Any]:
    while iterator.MoveNext():
        yield getattr(iterator, current)()


def _built(model: Any) -> Iterator[_Placed]:
    """Yield every mesh instance that the build asks for; the guard has counted them and found no cycle."""
    for item in _each(model.GetBuildItems()):
        transform = _matrix(item.GetObjectTransform()) if item.HasObjectTransform() else np.eye(4)
        yield from _instances(item.GetObjectResource(), transform)


def _instances(resource: Any, matrix: Matrix) -> Iterator[_Placed]:
    if resource.IsMeshObject():
        yield _Placed(solid=resource, matrix=matrix)
        return
    for index in range(resource.GetComponentCount()):
        component = resource.GetComponent(index)
        inner = _matrix(component.GetTransform()) if component.HasTransform() else np.eye(4)
        yield from _instances(component.GetObjectResource(), inner @ matrix)


def _matrix(transform: Any) -> Matrix:
    """Return a transform as a matrix that rows of coordinates are multiplied with from the left (3MF core 3.3)."""
    matrix = np.eye(4)
    matrix[:, :3] = np.array([list(row) for row in transform.Fields], dtype=np.float64)
    return matrix


def _in_place(placed: _Placed, meshes: _Meshes, mm_per_unit: float) -> Mesh:
    """Return an instance in mm; where its transform mirrors, triangles are turned so that the inside stays inside."""
    local, triangles = meshes.of(placed.solid)
    rotation, shift = placed.matrix[:3, :3], placed.matrix[3, :3]
    with np.errstate(over="ignore", invalid="ignore"):
        vertices = (local @ rotation + shift) * mm_per_unit
    name = str(placed.solid.GetName())
    if not (np.abs(vertices) <= LARGEST_MM).all():
        _refuse(
            "COORDINATE_TOO_LARGE",
            f"A part is placed farther than {LARGEST_MM / 1e6:g} km from the origin.",
            "Check the unit and the transforms, move the part to the origin and export it again.",
            where=name,
        )
    mirrored = np.linalg.det(rotation) < 0
    return Mesh(name=name, vertices=vertices, triangles=triangles[:, ::-1] if mirrored else triangles)


def _left_out(placed: list[_Placed]) -> Iterator[Finding]:
    kinds = [it.solid.GetType() for it in placed]
    for kind, words in _LEFT_OUT.items():
        if count := kinds.count(kind):
            yield Finding(
                code="SUPPORT_LEFT_OUT" if kind != lib3mf.ObjectType.Surface else "SURFACE_LEFT_OUT",
                severity="warning",
                message=f"{count} {words} of the file are left out.",
                advice="The node that prints makes its own supports. What must be printed has to be a solid part.",
            )
    for it in placed:
        if it.solid.GetType() == lib3mf.ObjectType.SolidSupport and not it.solid.IsManifoldAndOriented():
            _refuse(
                "SUPPORT_NOT_SOLID",
                "A solid support is not closed, which 3MF requires of it.",
                "Export the part without supports.",
                where=str(it.solid.GetName()),
            )
