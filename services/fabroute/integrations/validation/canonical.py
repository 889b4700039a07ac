"""Write what was read as a new 3MF file that holds nothing else, in bytes that depend on geometry and label alone."""

import ctypes
import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import lib3mf
import numpy as np
import numpy.typing as npt

from fabroute.integrations.print_files.threemf import METADATA_NAMESPACE, lib3mf_library
from fabroute.integrations.validation.solids import Corners, Points, solid_of, without_collapsed
from fabroute.integrations.validation.types import Mesh, Reading, Refusal
from fabroute.inventory.ports import Finding, ValidationRequest

_UUIDS = uuid.uuid5(uuid.NAMESPACE_URL, f"{METADATA_NAMESPACE}/validated")
_DECIMALS = (4, 6, 9)
"""Of a coordinate in mm, the first that keeps all vertices apart: 0.1 µm is far below what a printer resolves."""
_NUDGE = 0.25
"""lib3mf cuts a number's digits off instead of rounding it; a quarter of the last digit keeps it on the right side."""
_MOST_OBJECTS = 100
"""lib3mf takes quadratic time for more: ten thousand objects are a minute."""
_VOLUME_SHARE = 1e-4
"""Two readings of one volume may differ by this share; rounding to 0.1 µm moves a 0.2 mm wall by less."""


def write_canonical(
    reading: Reading,
    request: ValidationRequest,
    target: Path,
    *,
    read: Callable[[Path], Sequence[Mesh]] | None = None,
) -> str:
    """Write ``reading`` to ``target`` as 3MF in mm, and return the file's SHA-256 in hexadecimal.

    Each mesh becomes one object and one build item where it stands; more than 100 become one together. The file keeps
    title, part number and revision of the request and nothing of the source but its triangles. Vertices and triangles
    are put in order, and all UUIDs come from the content, so the order of the source doesn't show (it may where
    vertices lie on each other).

    The file is read again, strictly, before it is trusted: ``Refusal`` with ``CANONICAL_DIFFERS`` if triangles, box or
    volume came out otherwise. ``read`` is lib3mf unless another reader is given. lib3mf's own exception, or the end of
    the process, if the disk is full.
    """
    ordered = _few(sorted((_ordered(mesh) for mesh in reading.meshes if len(mesh.triangles)), key=lambda it: it.digest))
    _write(ordered, request, target)
    try:
        _compare(ordered, (read or read_meshes)(target))
    except lib3mf.ELib3MFException as error:
        target.unlink()
        raise _differs(f"lib3mf does not read it again ({error})") from error
    except Refusal:
        target.unlink()
        raise
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ordered:
    """A mesh in the one order that its geometry allows."""

    vertices: Points
    """Rounded to ``decimals``, sorted by x, y, z."""
    triangles: Corners
    """Each beginning with its lowest corner, sorted."""
    decimals: int
    digest: str

    @property
    def mesh(self) -> Mesh:
        """Return it as the stages hand it on."""
        return Mesh(name="", vertices=self.vertices, triangles=self.triangles)


def _few(meshes: list[_Ordered]) -> list[_Ordered]:
    """Return the meshes, or all in one where there are many."""
    if len(meshes) <= _MOST_OBJECTS:
        return meshes
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    together = _Ordered(
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        triangles=np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts, strict=False)]),
        decimals=max(mesh.decimals for mesh in meshes),
        digest=hashlib.sha256("".join(mesh.digest for mesh in meshes).encode()).hexdigest(),
    )
    return [together]


def _ordered(mesh: Mesh) -> _Ordered:
    triangles = without_collapsed(mesh.triangles)
    used = np.zeros(len(mesh.vertices), dtype=bool)
    used[triangles] = True
    exact = mesh.vertices[used]
    rounded, order, decimals = _rounded(exact)
    rank = np.full(len(mesh.vertices), -1, dtype=np.int64)
    places = np.flatnonzero(used)[order]
    rank[places] = np.arange(len(places))
    corners = _sorted(rank[triangles], len(places))
    content = np.round(rounded * 10**decimals).astype("<i8").tobytes() + corners.astype("<i8").tobytes()
    return _Ordered(vertices=rounded, triangles=corners, decimals=decimals, digest=hashlib.sha256(content).hexdigest())


def _rounded(exact: Points) -> tuple[Points, npt.NDArray[np.intp], int]:
    """Return the vertices in order, rounded, and that order; as many decimals as keep apart what was apart."""
    for decimals in _DECIMALS:
        rounded = np.round(exact, decimals) + 0.0
        order = np.lexsort(rounded.T[::-1])
        together = _repeated(rounded[order])
        if not together or decimals == _DECIMALS[-1] or together == _repeated(exact[np.lexsort(exact.T[::-1])]):
            break
    return rounded[order], order, decimals


def _repeated(ordered: Points) -> int:
    return int((ordered[1:] == ordered[:-1]).all(axis=1).sum())


def _sorted(triangles: Corners, vertices: int) -> Corners:
    """Return the triangles in order of their directed first side, which no other triangle of a closed mesh has."""
    first = triangles.argmin(axis=1)
    turned = np.take_along_axis(triangles, (first[:, None] + np.arange(3)) % 3, axis=1)
    ordered: Corners = turned[np.argsort(turned[:, 0] * vertices + turned[:, 1], kind="stable")]
    return ordered


def _write(meshes: Sequence[_Ordered], request: ValidationRequest, target: Path) -> None:
    library = lib3mf_library()
    model = library.CreateModel()
    model.SetUnit(lib3mf.ModelUnit.MilliMeter)
    texts = (_plain(text) for text in (request.part_no, request.revision, request.name))
    label = "\0".join([*texts, *(mesh.digest for mesh in meshes)])
    model.SetBuildUUID(_uuid(label, "build"))
    _add_metadata(model.GetMetaDataGroup(), request)
    decimals = max((mesh.decimals for mesh in meshes), default=_DECIMALS[0])
    for index, mesh in enumerate(meshes):
        solid = _add_object(model, mesh, request, decimals)
        solid.SetUUID(_uuid(label, f"object {index}"))
        item = model.AddBuildItem(solid, library.GetIdentityTransform())
        item.SetUUID(_uuid(label, f"item {index}"))
        item.SetPartNumber(_plain(request.part_no))
    writer = model.QueryWriter("3mf")
    writer.SetStrictModeActive(True)
    writer.SetDecimalPrecision(decimals)
    writer.WriteToFile(str(target))


def _add_object(model: lib3mf.Model, mesh: _Ordered, request: ValidationRequest, decimals: int) -> lib3mf.MeshObject:
    solid = model.AddMeshObject()
    solid.SetName(_plain(request.name))
    solid.SetPartNumber(_plain(request.part_no))
    nudged = mesh.vertices + np.copysign(_NUDGE * 10.0**-decimals, mesh.vertices) * (mesh.vertices != 0)
    vertices = np.ascontiguousarray(nudged, dtype=np.float32)
    triangles = np.ascontiguousarray(mesh.triangles, dtype=np.uint32)
    library = lib3mf_library()
    library.checkError(
        solid,
        library.lib.lib3mf_meshobject_setgeometry(
            solid._handle, len(vertices), _pointer(vertices, lib3mf.Position), len(triangles),
            _pointer(triangles, lib3mf.Triangle),
        ),
    )  # fmt: skip
    return solid


def _add_metadata(group: lib3mf.MetaDataGroup, request: ValidationRequest) -> None:
    entries = (("", "Title", request.name), (METADATA_NAMESPACE, "PartNumber", request.part_no),
               (METADATA_NAMESPACE, "Revision", request.revision))  # fmt: skip
    for namespace, name, text in entries:
        if plain := _plain(text):
            group.AddMetaData(namespace, name, plain, "xs:string", True)


def _plain(text: str) -> str:
    """Return the text without what XML can't hold."""
    return "".join(sign for sign in text if sign.isprintable()).strip()


def _uuid(label: str, role: str) -> str:
    return str(uuid.uuid5(_UUIDS, hashlib.sha256(f"{role}\0{label}".encode()).hexdigest()))


def read_meshes(path: Path) -> list[Mesh]:
    """Return the meshes of a 3MF file in mm as lib3mf reads them, strictly; its own exception if it doesn't."""
    model = lib3mf_library().CreateModel()
    reader = model.QueryReader("3mf")
    reader.SetStrictModeActive(True)
    reader.ReadFromFile(str(path))
    solids, meshes = model.GetMeshObjects(), []
    while solids.MoveNext():
        meshes.append(_arrays(solids.GetCurrentMeshObject()))
    return meshes


def _arrays(solid: lib3mf.MeshObject) -> Mesh:
    library, written = lib3mf_library(), ctypes.c_uint64(0)
    vertices = np.empty((solid.GetVertexCount(), 3), dtype=np.float32)
    triangles = np.empty((solid.GetTriangleCount(), 3), dtype=np.uint32)
    get_vertices = library.lib.lib3mf_meshobject_getvertices
    get_triangles = library.lib.lib3mf_meshobject_gettriangleindices
    for get, array, kind in ((get_vertices, vertices, lib3mf.Position), (get_triangles, triangles, lib3mf.Triangle)):
        library.checkError(solid, get(solid._handle, len(array), ctypes.byref(written), _pointer(array, kind)))
    return Mesh(name="", vertices=vertices.astype(np.float64), triangles=triangles.astype(np.int64))


def _pointer(array: npt.NDArray[np.generic], kind: type[ctypes.Structure]) -> object:
    """Return the array's memory as lib3mf wants it, without an object for each vertex."""
    return array.ctypes.data_as(ctypes.POINTER(kind))


def _compare(wanted: Sequence[_Ordered], found: Sequence[Mesh]) -> None:
    if len(wanted) != len(found):
        raise _differs(f"{len(found)} objects came out of {len(wanted)}")
    for want, got in zip(wanted, found, strict=True):
        if want.vertices.shape != got.vertices.shape or not np.array_equal(want.triangles, got.triangles):
            raise _differs("its triangles came out otherwise")
        bearable = 10.0**-want.decimals + 2 * np.spacing(np.abs(want.vertices).max(initial=0), dtype=np.float32)
        if np.abs(want.vertices - got.vertices).max(initial=0) > bearable:
            raise _differs(f"a corner moved by more than {bearable:.6f} mm")
    _compare_volumes(*(_volume(meshes) for meshes in ([it.mesh for it in wanted], found)))


def _compare_volumes(wanted: float, found: float) -> None:
    if abs(wanted - found) > _VOLUME_SHARE * abs(wanted):
        raise _differs(f"its volume came out as {found / 1000:.4f} cm³ instead of {wanted / 1000:.4f}")


def _volume(meshes: Sequence[Mesh]) -> float:
    solid = solid_of(meshes)
    a, b, c = (solid.vertices[solid.triangles[:, corner]] for corner in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def _differs(reason: str) -> Refusal:
    return Refusal(
        Finding(
            code="CANONICAL_DIFFERS",
            severity="error",
            message=f"Written anew the file is not the same: {reason}.",
            advice="Export the part again with coordinates in mm near the origin.",
        )
    )
