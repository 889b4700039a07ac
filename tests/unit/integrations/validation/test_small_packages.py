"""Small 3MF packages from end to end: what passes is measured, what doesn't is refused with one code and advice."""

import struct
from typing import Any

import pytest

from fabroute.inventory.ports import Finding, Measures
from tests.factories.print_files import (
    TETRAHEDRON,
    Mesh,
    a_package,
    an_archive,
    an_object,
    inspected,
    reference_file,
)
from tests.unit.integrations.print_files.test_meshes import SQUEEZED

TETRAHEDRON_CM3 = 1 / 6
TOO_FEW = (TETRAHEDRON[0], TETRAHEDRON[1][:3])
INSIDE_OUT = (TETRAHEDRON[0], tuple((c, b, a) for a, b, c in TETRAHEDRON[1]))
ONE_FACE_TURNED = (TETRAHEDRON[0], (*TETRAHEDRON[1][:3], tuple(reversed(TETRAHEDRON[1][3]))))


def measures_of(content: bytes) -> Measures:
    report = inspected(content)
    assert report.valid
    assert report.measures is not None
    return report.measures


def refusal_of(content: bytes) -> Finding:
    report = inspected(content)
    assert not report.valid
    assert report.canonical_sha256 is None
    (error,) = (finding for finding in report.findings if finding.severity == "error")
    assert error.advice.endswith(".")
    return error


@pytest.mark.parametrize(
    ("unit", "millimetres"),
    [("micron", 0.001), ("millimeter", 1.0), ("centimeter", 10.0), ("inch", 25.4), ("foot", 304.8), ("meter", 1000.0)],
)
def test_lengths_come_out_in_millimetres_whatever_the_files_unit(unit: str, millimetres: float) -> None:
    measures = measures_of(a_package(unit=unit))
    assert measures.unit == unit
    assert measures.box_mm == pytest.approx((10 * millimetres,) * 3)
    assert measures.volume_cm3 == pytest.approx(TETRAHEDRON_CM3 * millimetres**3)


def test_items_are_measured_where_they_stand_on_the_platform() -> None:
    items = '<item objectid="1"/><item objectid="1" transform="1 0 0 0 1 0 0 0 1 30 0 0"/>'
    report = inspected(a_package(items=items))
    assert report.measures is not None
    assert report.measures.box_mm == (40.0, 10.0, 10.0)
    assert report.measures.volume_cm3 == pytest.approx(2 * TETRAHEDRON_CM3)
    assert (report.measures.bodies, report.measures.triangles) == (2, 8)
    assert [(finding.severity, finding.code) for finding in report.findings] == [("warning", "LOOSE_BODIES")]


def test_objects_made_of_components_are_followed() -> None:
    assembly = (
        '<object id="2" type="model"><components><component objectid="1"/>'
        '<component objectid="1" transform="2 0 0 0 2 0 0 0 2 0 0 50"/></components></object>'
    )
    measures = measures_of(a_package(objects=an_object() + assembly, items='<item objectid="2"/>'))
    assert measures.box_mm == (20.0, 20.0, 70.0)
    assert measures.volume_cm3 == pytest.approx(9 * TETRAHEDRON_CM3)


def test_an_object_that_is_not_built_is_not_measured() -> None:
    measures = measures_of(a_package(objects=an_object() + an_object(number=2), items='<item objectid="2"/>'))
    assert measures.bodies == 1
    assert measures.volume_cm3 == pytest.approx(TETRAHEDRON_CM3)


def test_triangles_without_area_are_worth_a_note() -> None:
    report = inspected(a_package(objects=an_object(mesh=SQUEEZED)))
    assert report.valid
    assert [(finding.code, finding.message) for finding in report.findings] == [
        ("FLAT_TRIANGLES", "2 triangles without area.")
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "FILE_EMPTY"), (b"solid cube\nendsolid cube\n", "NO_TRIANGLES"), (bytes(4096), "NOT_A_PACKAGE")],
)
def test_what_is_no_print_file_is_refused_for_what_it_is(content: bytes, code: str) -> None:
    assert refusal_of(content).code == code


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(share: float) -> None:
    whole = reference_file("AP-0103")
    assert refusal_of(whole[: int(share * len(whole))]).code == "ARCHIVE_TRUNCATED"


def test_a_flipped_bit_is_refused_with_the_part_that_it_hit() -> None:
    whole = bytearray(reference_file("AP-0103"))
    whole[len(whole) // 2] ^= 0x10
    refusal = refusal_of(bytes(whole))
    assert (refusal.code, refusal.where) == ("ARCHIVE_CHECKSUM", "3D/3dmodel.model")


def test_an_archive_that_claims_to_unpack_to_too_much_is_refused_before_it_is_unpacked() -> None:
    content = bytearray(an_archive({"3D/3dmodel.model": "<model/>"}))
    struct.pack_into("<L", content, content.index(b"PK\x01\x02") + 24, 2**30 + 1)
    refusal = refusal_of(bytes(content))
    assert refusal.code == "ARCHIVE_RATIO"
    assert "from 10 to 1,073,741,825 bytes" in refusal.message


def test_an_archive_under_a_password_is_refused() -> None:
    content = bytearray(a_package())
    at = content.index(b"PK\x01\x02")
    while at >= 0:
        content[at + 8] |= 1
        at = content.find(b"PK\x01\x02", at + 4)
    assert refusal_of(bytes(content)).code == "ARCHIVE_ENCRYPTED"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"unit": "furlong"}, "ATTRIBUTE_VALUE", id="an unknown unit"),
        pytest.param({"items": '<item objectid="7"/>'}, "OBJECT_MISSING", id="an item that points nowhere"),
        pytest.param({"items": ""}, "NOTHING_TO_BUILD", id="no item"),
        pytest.param({"mesh": ((0, 1, 9),)}, "INDEX_OUT_OF_RANGE", id="a corner that is not there"),
        pytest.param({"mesh": ((0, 1, 1),)}, "TRIANGLE_CORNERS_EQUAL", id="a triangle of two corners"),
        pytest.param({"objects": an_object() + an_object()}, "RESOURCE_DUPLICATE", id="two objects of one number"),
        pytest.param({"metadata": '<metadata name="Secret">x</metadata>'}, "METADATA_NAME", id="unknown metadata"),
        pytest.param({"objects": "<object"}, "XML_MALFORMED", id="broken XML"),
    ],
)
def test_whatever_breaks_the_specification_is_refused_with_a_code_of_its_own(
    changes: dict[str, Any], code: str
) -> None:
    triangles = changes.pop("mesh", None)
    if triangles is not None:
        changes["objects"] = an_object(mesh=(TETRAHEDRON[0], triangles))
    refusal = refusal_of(a_package(**changes))
    assert refusal.code == code
    assert refusal.where.startswith("/3D/3dmodel.model") == (code != "NOTHING_TO_BUILD")


@pytest.mark.parametrize(
    ("mesh", "code"),
    [(TOO_FEW, "MESH_TOO_SMALL"), (ONE_FACE_TURNED, "INCONSISTENT_ORIENTATION"), (INSIDE_OUT, "INSIDE_OUT")],
)
def test_an_object_that_is_no_closed_solid_is_refused(mesh: Mesh, code: str) -> None:
    assert refusal_of(a_package(objects=an_object(mesh=mesh))).code == code
