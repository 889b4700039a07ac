from pathlib import Path

import pytest

from fabroute.integrations.validation.guard.package import MODEL_KIND, TEXTURE_KIND, open_package
from fabroute.integrations.validation.guard.relationships import relationships_part
from fabroute.integrations.validation.types import Limits
from tests.factories.threemf import (
    MODEL_PART,
    PNG,
    PROPERTIES_KIND,
    THUMBNAIL_KIND,
    Item,
    archive,
    content_types,
    items,
    model,
    package,
    relationships,
    solid,
    vertices,
)
from tests.unit.integrations.validation.guard.refusing import SMALL, facts_of, finding_of

JPEG = b"\xff\xd8\xff\xe0" + bytes(20)


def written(content: bytes, folder: Path) -> Path:
    path = folder / "part.3mf"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("source", "part"),
    [("", "_rels/.rels"), ("/a.model", "_rels/a.model.rels"), ("/3D/b/a.model", "3D/b/_rels/a.model.rels")],
)
def test_relationships_stand_in_a_folder_beside_the_part(source: str, part: str) -> None:
    assert relationships_part(source) == part
    assert relationships_part(source).endswith(".rels")


def test_a_package_knows_its_models_pictures_and_types(tmp_path: Path) -> None:
    content = package(
        model_relations=relationships(
            (TEXTURE_KIND, "Textures/a.png"), (TEXTURE_KIND, "../b.jpg"), (MODEL_KIND, "/3D/child.model")
        ),
        parts={"3D/Textures/a.png": PNG, "b.jpg": JPEG, "3D/child.model": model()},
    )
    with open_package(written(content, tmp_path), Limits()) as found:
        assert found.models == ("/3D/3dmodel.model", "/3D/child.model")
        assert found.targets(found.root, TEXTURE_KIND) == {"/3D/Textures/a.png", "/b.jpg"}
        assert found.targets(found.root, MODEL_KIND, THUMBNAIL_KIND) == {"/3D/child.model"}
        assert (found.image_type("/3D/Textures/a.png"), found.image_type("/b.jpg")) == ("image/png", "image/jpeg")
        assert found.image_type("/3D/child.model") == ""
        assert found.types.of("/X/y.RELS") == "application/vnd.openxmlformats-package.relationships+xml"
        assert found.types.of("/no/ending") == ""
        assert b"".join(found.stream(found.root)) == model().encode()


def test_a_part_may_have_a_type_of_its_own(tmp_path: Path) -> None:
    types = content_types(extra='<Override PartName="/3D/Odd.name" ContentType="Image/PNG"/>')
    with open_package(written(package(types=types), tmp_path), Limits()) as found:
        assert found.types.of("/3d/odd.NAME") == "image/png"
        assert found.types.of("/3D/3dmodel.model") == "application/vnd.ms-package.3dmanufacturing-3dmodel+xml"


def test_every_part_is_checked_even_if_nobody_refers_to_it(tmp_path: Path) -> None:
    content = package(parts={"extra.bin": b"some content"})
    place = content.rindex(b"extra.bin", 0, content.index(b"PK\x01\x02")) + len("extra.bin") + 3
    broken = content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :]
    finding = finding_of(broken, tmp_path)
    assert finding.code in ("ARCHIVE_CHECKSUM", "ARCHIVE_DAMAGED", "ARCHIVE_SIZE_LIE")
    assert finding.where == "extra.bin"


def test_far_too_many_corners_are_found_before_the_xml_is_parsed(tmp_path: Path) -> None:
    content = package(content=model(objects=solid(shape=f"<mesh><vertices>{vertices([(0, 0, 0)] * 101)}<broken")))
    finding = finding_of(content, tmp_path, limits=SMALL)
    assert finding.code == "TOO_MANY_VERTICES"
    assert finding.message == "The model has 101 vertices or more; 100 are allowed."
    assert finding_of(content, tmp_path).code == "XML_MALFORMED"


def test_relative_targets_are_followed_from_the_part_that_points(tmp_path: Path) -> None:
    for target in ("3D/3dmodel.model", "./3D/3dmodel.model", "/3D/3dmodel.model", "/3D/x/../3dmodel.model"):
        content = package(relations=relationships((MODEL_KIND, target)))
        with open_package(written(content, tmp_path), Limits()) as found:
            assert found.root == f"/{MODEL_PART}"
            assert found.models == (f"/{MODEL_PART}",)


def test_the_file_is_closed_after_use(tmp_path: Path) -> None:
    with open_package(written(package(), tmp_path), Limits()) as found:
        states = [found.archive.file.closed]
    states.append(found.archive.file.closed)
    assert states == [False, True]
    assert finding_of(b"PK", tmp_path).message == "The file is no zip archive, as a 3MF file must be."


CORE_PROPERTIES = (
    '<?xml version="1.0" encoding="UTF-8"?><cp:coreProperties '
    'xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>a</dc:title></cp:coreProperties>'
)


def with_properties(text: str) -> bytes:
    relations = relationships((MODEL_KIND, f"/{MODEL_PART}"), (PROPERTIES_KIND, "/Metadata/core.prop"))
    return package(relations=relations, parts={"Metadata/core.prop": text})


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("?>", "?><!DOCTYPE a>", "XML_DOCTYPE"),
        ("cp:coreProperties", "cp:other", "CORE_PROPERTIES_INVALID"),
        ("<dc:title>a</dc:title>", "<dc:title>a</dc:title><dc:title>b</dc:title>", "CORE_PROPERTIES_INVALID"),
        ("</dc:title>", "", "XML_MALFORMED"),
        ("<dc:title>", "<dc:title><a><b><c><d/></c></b></a>", "XML_TOO_DEEP"),
    ],
)
def test_core_properties_must_not_be_a_trap(old: str, new: str, code: str, tmp_path: Path) -> None:
    finding = finding_of(with_properties(CORE_PROPERTIES.replace(old, new)), tmp_path)
    assert finding.code == code
    assert finding.where.startswith("/Metadata/core.prop")
    assert facts_of(with_properties(CORE_PROPERTIES), tmp_path).triangles == 4


def test_pictures_for_the_printing_press_are_refused(tmp_path: Path) -> None:
    frame = b"\xff\xd8\xff\xc0\0\x14\x08\0\x01\0\x01" + b"\x04" + bytes(12)
    content = package(model_relations=relationships((TEXTURE_KIND, "/a.jpg")), parts={"a.jpg": frame})
    finding = finding_of(content, tmp_path)
    assert (finding.code, finding.where) == ("IMAGE_FORMAT", "/a.jpg")
    assert finding.message == "A picture is in CMYK; 3MF allows RGB and grey."


def test_names_beyond_ascii_may_be_encoded_in_relationships(tmp_path: Path) -> None:
    name = "3D/größe.model"
    for target in ("/3D/gr%C3%B6%C3%9Fe.model", "/3D/größe.model"):
        parts = [*items()[:1], Item(name="_rels/.rels", content=relationships((MODEL_KIND, target)))]
        content = archive(*parts, Item(name=name, content=model(), flags=0x800))
        with open_package(written(content, tmp_path), Limits()) as found:
            assert found.root == f"/{name}"
            assert found.models == (f"/{name}",)


def test_a_part_must_not_hide_behind_a_dot(tmp_path: Path) -> None:
    relations = relationships((MODEL_KIND, "/3D/.model"))
    finding = finding_of(package(relations=relations, parts={"3D/.model": model()}), tmp_path)
    assert finding.code == "PART_NAME"
    assert finding.message == "The name of the part '/3D/.model' begins with a dot."
