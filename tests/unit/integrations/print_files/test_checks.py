"""The check of a print file: what passes is measured, what doesn't is refused with a reason."""

import io
import struct
import zipfile

import pytest

from fabroute.integrations.print_files import check_print_file
from fabroute.integrations.print_files.checks import MAX_PACKED_BYTES, MAX_PARTS, MAX_UNPACKED_BYTES
from fabroute.inventory.ports import PrintFileCheck, PrintFileRefused
from fabroute.kernel.errors import DomainError
from tests.factories.print_files import TETRAHEDRON, Mesh, a_package, an_archive, an_object, reference_file
from tests.unit.integrations.print_files.test_meshes import SQUEEZED

OPEN = (TETRAHEDRON[0], TETRAHEDRON[1][:3])
INSIDE_OUT = (TETRAHEDRON[0], tuple((c, b, a) for a, b, c in TETRAHEDRON[1]))
ONE_FACE_TURNED = (TETRAHEDRON[0], (*TETRAHEDRON[1][:3], tuple(reversed(TETRAHEDRON[1][3]))))
TETRAHEDRON_CM3 = 1 / 6


def refusal_of(content: bytes) -> str:
    check: PrintFileCheck = check_print_file
    with pytest.raises(PrintFileRefused) as refusal:
        check(content)
    assert isinstance(refusal.value, DomainError)
    assert (refusal.value.code, refusal.value.status) == ("print_file_refused", 422)
    assert refusal.value.message.startswith("the print file is refused: it")
    return refusal.value.message


def test_a_small_sound_file_is_measured() -> None:
    facts = check_print_file(a_package())
    assert facts.box_mm == (10.0, 10.0, 10.0)
    assert facts.volume_cm3 == pytest.approx(TETRAHEDRON_CM3)
    assert (facts.triangles, facts.bodies, facts.manifold) == (4, 1, True)
    assert facts.warnings == ()


@pytest.mark.parametrize(
    ("unit", "millimetres"),
    [("micron", 0.001), ("millimeter", 1.0), ("centimeter", 10.0), ("inch", 25.4), ("foot", 304.8), ("meter", 1000.0)],
)
def test_lengths_come_out_in_millimetres_whatever_the_files_unit(unit: str, millimetres: float) -> None:
    facts = check_print_file(a_package(unit=unit))
    assert facts.box_mm == pytest.approx((10 * millimetres,) * 3)
    assert facts.volume_cm3 == pytest.approx(TETRAHEDRON_CM3 * millimetres**3)


def test_items_are_measured_where_they_stand_on_the_platform() -> None:
    items = '<item objectid="1"/><item objectid="1" transform="1 0 0 0 1 0 0 0 1 30 0 0"/>'
    facts = check_print_file(a_package(items=items))
    assert facts.box_mm == (40.0, 10.0, 10.0)
    assert facts.volume_cm3 == pytest.approx(2 * TETRAHEDRON_CM3)
    assert (facts.bodies, facts.triangles) == (2, 8)
    assert facts.warnings == ("2 separate surfaces: loose bodies, or cavities that powder can't leave",)


def test_objects_made_of_components_are_followed() -> None:
    assembly = (
        '<object id="2" type="model"><components><component objectid="1"/>'
        '<component objectid="1" transform="2 0 0 0 2 0 0 0 2 0 0 50"/></components></object>'
    )
    facts = check_print_file(a_package(objects=an_object() + assembly, items='<item objectid="2"/>'))
    assert facts.box_mm == (20.0, 20.0, 70.0)
    assert facts.volume_cm3 == pytest.approx(9 * TETRAHEDRON_CM3)


def test_an_object_that_is_not_built_is_not_measured() -> None:
    facts = check_print_file(a_package(objects=an_object() + an_object(number=2), items='<item objectid="2"/>'))
    assert facts.bodies == 1
    assert facts.volume_cm3 == pytest.approx(TETRAHEDRON_CM3)


def test_triangles_without_area_are_worth_a_warning() -> None:
    facts = check_print_file(a_package(objects=an_object(mesh=SQUEEZED)))
    assert facts.warnings == ("2 triangles without area",)
    assert facts.volume_cm3 == pytest.approx(TETRAHEDRON_CM3)


@pytest.mark.parametrize("content", [b"", b"solid cube\nendsolid cube\n", bytes(4096)])
def test_what_is_no_zip_archive_is_refused(content: bytes) -> None:
    message = refusal_of(content)
    assert "it is not a whole zip archive, as a 3MF file must be" in message
    assert message.endswith("send it again")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(share: float) -> None:
    whole = reference_file("AP-0103")
    assert "not a whole zip archive" in refusal_of(whole[: int(share * len(whole))])


def test_a_flipped_bit_is_refused() -> None:
    whole = bytearray(reference_file("AP-0103"))
    whole[len(whole) // 2] ^= 0x10
    message = refusal_of(bytes(whole))
    assert "damaged" in message or "not a whole zip archive" in message


def test_a_zip_archive_that_holds_no_model_is_refused() -> None:
    assert "does not follow the 3MF specification" in refusal_of(an_archive({"notes.txt": "hello"}))


def test_an_archive_with_a_wrong_checksum_names_the_damaged_part() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("3D/3dmodel.model", "<model/>")
    content = buffer.getvalue().replace(b"<model/>", b"<mOdel/>")
    assert "its part 3D/3dmodel.model is damaged (the checksum differs)" in refusal_of(content)


def test_a_file_beyond_the_size_limit_is_refused_unread() -> None:
    message = refusal_of(bytes(MAX_PACKED_BYTES + 1))
    assert f"it is {MAX_PACKED_BYTES + 1:,} bytes long" in message
    assert "reduce its triangles" in message


def test_an_archive_that_claims_to_unpack_to_too_much_is_refused_before_it_is_unpacked() -> None:
    content = bytearray(an_archive({"3D/3dmodel.model": "<model/>"}))
    directory = content.index(b"PK\x01\x02")
    struct.pack_into("<L", content, directory + 24, MAX_UNPACKED_BYTES + 1)
    assert f"it would unpack to {MAX_UNPACKED_BYTES + 1:,} bytes" in refusal_of(bytes(content))


def test_an_archive_of_too_many_parts_is_refused() -> None:
    content = an_archive({f"3D/{number}.model": "" for number in range(MAX_PARTS + 1)})
    assert f"its archive holds {MAX_PARTS + 1:,} parts, {MAX_PARTS:,} are allowed" in refusal_of(content)


def test_an_archive_under_a_password_is_refused() -> None:
    content = bytearray(a_package())
    at = content.index(b"PK\x01\x02")
    while at >= 0:
        content[at + 8] |= 1
        at = content.find(b"PK\x01\x02", at + 4)
    assert "encrypted with a password" in refusal_of(bytes(content))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"unit": "furlong"}, id="an unknown unit"),
        pytest.param({"items": '<item objectid="7"/>'}, id="an item that points nowhere"),
        pytest.param({"objects": an_object(mesh=(TETRAHEDRON[0], ((0, 1, 9),)))}, id="a corner that is not there"),
        pytest.param({"objects": an_object(mesh=(TETRAHEDRON[0], ((0, 1, 1),)))}, id="a triangle of two corners"),
        pytest.param({"objects": an_object() + an_object()}, id="two objects of one number"),
        pytest.param({"metadata": '<metadata name="Secret">x</metadata>'}, id="metadata outside the specification"),
        pytest.param({"objects": "<object"}, id="broken XML"),
    ],
)
def test_whatever_breaks_the_specification_is_refused(changes: dict[str, str]) -> None:
    message = refusal_of(a_package(**changes))
    assert "does not follow the 3MF specification" in message
    assert message.endswith("export it again")


@pytest.mark.parametrize("mesh", [OPEN, ONE_FACE_TURNED])
def test_an_object_that_is_no_closed_solid_is_refused(mesh: Mesh) -> None:
    message = refusal_of(a_package(objects=an_object(mesh=mesh)))
    assert "its object 'Tetra 1' is no closed solid" in message
    assert "Repair the mesh" in message


def test_a_solid_that_is_inside_out_is_refused() -> None:
    message = refusal_of(a_package(objects=an_object(mesh=INSIDE_OUT)))
    assert "it encloses -0.167 cm³" in message
    assert "face outwards" in message


def test_a_file_that_asks_for_nothing_is_refused() -> None:
    assert "nothing to be built" in refusal_of(a_package(items=""))
