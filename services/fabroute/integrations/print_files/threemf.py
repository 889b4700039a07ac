"""Write a solid as a 3MF file whose bytes depend on nothing but the part."""

import uuid
from dataclasses import dataclass
from functools import lru_cache

import lib3mf
from manifold3d import Manifold

from fabroute.integrations.print_files.meshes import TriangleMesh, mesh_of

MEDIA_TYPE = "model/3mf"
DESIGNER = "fabroute reference inventory"
LICENCE = "Made for the fabroute reference inventory; free to print, copy and change (Apache-2.0). No real part."
METADATA_NAMESPACE = "urn:fabroute:inventory"
"""Of PartNumber and Revision, which the 3MF core does not know."""

_UUIDS = uuid.uuid5(uuid.NAMESPACE_URL, METADATA_NAMESPACE)
_DECIMALS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a print file says about itself."""

    part_no: str
    revision: str
    name: str
    designer: str = DESIGNER
    licence: str = LICENCE


def write_print_file(body: Manifold, *, label: Label) -> bytes:
    """Return ``body`` (mm) as a 3MF package with one labelled object.

    The production extension's UUIDs are derived from part number and revision, and the mesh is put in a fixed order,
    so the same body and label give the same bytes, and the same SHA-256, every time.
    """
    library = lib3mf_library()
    model = library.CreateModel()
    model.SetUnit(lib3mf.ModelUnit.MilliMeter)
    model.SetBuildUUID(_uuid(label, "build"))
    _add_metadata(model.GetMetaDataGroup(), label)
    item = model.AddBuildItem(_add_object(model, mesh_of(body), label), library.GetIdentityTransform())
    item.SetUUID(_uuid(label, "item"))
    item.SetPartNumber(label.part_no)
    writer = model.QueryWriter("3mf")
    writer.SetStrictModeActive(True)
    writer.SetDecimalPrecision(_DECIMALS)
    return bytes(writer.WriteToBuffer())


@lru_cache(maxsize=1)
def lib3mf_library() -> lib3mf.Wrapper:
    """Return the loaded lib3mf, one per process."""
    return lib3mf.get_wrapper()


def _add_object(model: lib3mf.Model, mesh: TriangleMesh, label: Label) -> lib3mf.MeshObject:
    solid = model.AddMeshObject()
    solid.SetName(label.name)
    solid.SetPartNumber(label.part_no)
    solid.SetUUID(_uuid(label, "object"))
    positions = [lib3mf.Position(tuple(vertex)) for vertex in mesh.vertices.tolist()]
    solid.SetGeometry(positions, [lib3mf.Triangle(tuple(corners)) for corners in mesh.triangles.tolist()])
    return solid


def _add_metadata(group: lib3mf.MetaDataGroup, label: Label) -> None:
    for name, text in (("Title", label.name), ("Designer", label.designer), ("LicenseTerms", label.licence)):
        group.AddMetaData("", name, text, "xs:string", True)
    for name, text in (("PartNumber", label.part_no), ("Revision", label.revision)):
        group.AddMetaData(METADATA_NAMESPACE, name, text, "xs:string", True)


def _uuid(label: Label, role: str) -> str:
    return str(uuid.uuid5(_UUIDS, f"{label.part_no}/{label.revision}/{role}"))
