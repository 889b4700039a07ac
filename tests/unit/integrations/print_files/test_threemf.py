"""The files we write: what they say about themselves, read with nothing but zip and XML."""

import io
import uuid
import zipfile
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from manifold3d import Manifold

from fabroute.integrations.print_files import MEDIA_TYPE, Label, write_print_file
from tests.factories.print_files import inspected, reference_file, reference_parts

CORE = "{http://schemas.microsoft.com/3dmanufacturing/core/2015/02}"
PRODUCTION_UUID = "{http://schemas.microsoft.com/3dmanufacturing/production/2015/06}UUID"
LABEL = Label(part_no="XX-0001", revision="B", name="Cube & Söhne <1>")


def a_cube(size: float = 10.0) -> Manifold:
    return Manifold.cube((size, size, size), False)


def model_of(content: bytes) -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return ElementTree.fromstring(archive.read("3D/3dmodel.model"))


def found(model: ElementTree.Element, path: str) -> ElementTree.Element:
    element = model.find(path)
    assert element is not None
    return element


def metadata_of(content: bytes) -> dict[str, str | None]:
    entries = model_of(content).findall(f"{CORE}metadata")
    return {entry.attrib["name"].rpartition(":")[2]: entry.text for entry in entries}


def test_the_file_says_what_it_is_who_drew_it_and_what_may_be_done_with_it() -> None:
    metadata = metadata_of(write_print_file(a_cube(), label=LABEL))
    assert metadata["Title"] == "Cube & Söhne <1>"
    assert metadata["PartNumber"] == "XX-0001"
    assert metadata["Revision"] == "B"
    assert metadata["Designer"] == "fabroute reference inventory"
    assert "Apache-2.0" in (metadata["LicenseTerms"] or "")
    assert MEDIA_TYPE == "model/3mf"


def test_another_designer_and_licence_can_be_named() -> None:
    label = replace(LABEL, designer="Rolling Stock Works", licence="Ten good prints")
    metadata = metadata_of(write_print_file(a_cube(), label=label))
    assert metadata["Designer"] == "Rolling Stock Works"
    assert metadata["LicenseTerms"] == "Ten good prints"


def test_unit_name_and_part_number_are_in_the_model() -> None:
    model = model_of(write_print_file(a_cube(), label=LABEL))
    solid = found(model, f"{CORE}resources/{CORE}object")
    item = found(model, f"{CORE}build/{CORE}item")
    assert model.attrib["unit"] == "millimeter"
    assert (solid.attrib["name"], solid.attrib["type"]) == ("Cube & Söhne <1>", "model")
    assert solid.attrib["partnumber"] == item.attrib["partnumber"] == "XX-0001"
    assert item.attrib["objectid"] == solid.attrib["id"]


def test_the_production_uuids_follow_from_part_number_and_revision() -> None:
    namespace = uuid.uuid5(uuid.NAMESPACE_URL, "urn:fabroute:inventory")
    paths = {"object": f"{CORE}resources/{CORE}object", "build": f"{CORE}build", "item": f"{CORE}build/{CORE}item"}

    def uuids(label: Label) -> dict[str, str]:
        model = model_of(write_print_file(a_cube(), label=label))
        return {role: found(model, path).attrib[PRODUCTION_UUID] for role, path in paths.items()}

    assert uuids(LABEL) == {role: str(uuid.uuid5(namespace, f"XX-0001/B/{role}")) for role in paths}
    assert len({*uuids(LABEL).values(), *uuids(replace(LABEL, revision="C")).values()}) == 6


def test_corners_are_written_to_a_tenth_of_a_micrometre() -> None:
    model = model_of(write_print_file(a_cube(1 / 3), label=LABEL))
    vertices = found(model, f"{CORE}resources/{CORE}object/{CORE}mesh/{CORE}vertices")
    corners = np.array([[float(vertex.attrib[axis]) for axis in "xyz"] for vertex in vertices])
    assert len(corners) == 8
    assert set(corners.flatten().tolist()) == {0.0, 0.3333}


def test_the_same_solid_and_label_are_the_same_bytes() -> None:
    first = write_print_file(a_cube(), label=LABEL)
    assert write_print_file(a_cube(), label=LABEL) == first
    assert write_print_file(a_cube(10.1), label=LABEL) != first
    assert write_print_file(a_cube(), label=replace(LABEL, name="Cube")) != first


@pytest.mark.parametrize("part_no", ["AP-0103", "FU-0204"])
def test_the_package_carries_no_date_and_only_the_parts_it_needs(part_no: str) -> None:
    with zipfile.ZipFile(io.BytesIO(reference_file(part_no))) as archive:
        entries = archive.infolist()
    assert {entry.filename for entry in entries} == {"3D/3dmodel.model", "[Content_Types].xml", "_rels/.rels"}
    assert {entry.date_time[0] for entry in entries} == {1980}
    assert metadata_of(reference_file(part_no))["Title"] == reference_parts()[part_no].name


def test_what_is_written_passes_the_validation() -> None:
    report = inspected(write_print_file(a_cube(), label=LABEL))
    assert report.valid
    assert report.measures is not None
    assert report.measures.box_mm == (10.0, 10.0, 10.0)
    assert report.measures.volume_cm3 == pytest.approx(1.0)
    assert report.measures.triangles == 12
