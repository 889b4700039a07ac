import pytest

from fabroute.integrations.validation.guard.names import check_names, decoded_name
from fabroute.integrations.validation.types import Refusal


def test_names_of_real_packages_are_fine() -> None:
    names = ["[Content_Types].xml", "_rels/.rels", "3D/", "3D/3dmodel.model", "3D/_rels/3dmodel.model.rels"]
    check_names([*names, "Metadata/thumb nail.png", "3D/Textures/größe.png"])
    check_names([])
    with pytest.raises(Refusal, match="one name for two parts"):
        check_names([*names, names[0]])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is empty or too long"),
        ("/", "is empty or too long"),
        ("x" * 1_025, "is empty or too long"),
        ("/3D/a", "begins with a slash"),
        ("3D\\a", "has characters"),
        ("c:a", "has characters"),
        ("a\x00b", "has characters"),
        ("a\x7f", "has characters"),
        ("a%5cb", "has characters"),
        ("a%2Fb", "has characters"),
        ("a//b", "has an empty segment"),
        ("../a", "has an empty segment or one of dots only"),
        ("a/./b", "has an empty segment or one of dots only"),
        ("a/ /b", "has an empty segment or one of dots only"),
        ("a./b", "has a segment that ends with a dot"),
    ],
)
def test_names_that_are_no_part_names_are_refused(name: str, reason: str) -> None:
    with pytest.raises(Refusal, match=reason) as caught:
        check_names(["ok.txt", name])
    assert caught.value.findings[0].code == "PART_NAME"
    assert "\x00" not in caught.value.findings[0].message


@pytest.mark.parametrize("twin", ["3D/A.model", "3d/a.MODEL", "3D/a.model", "3D/a.model/"])
def test_two_names_for_one_part_are_refused(twin: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_names(["3D/a.model", twin])
    (finding,) = caught.value.findings
    assert (finding.code, finding.where) == ("PART_DUPLICATE", twin)
    assert "'3D/a.model'" in finding.message


def test_a_part_can_not_lie_inside_a_part_but_inside_a_folder() -> None:
    check_names(["a/", "a/b"])
    with pytest.raises(Refusal, match="'a/b/c' lies inside the part 'A/B'"):
        check_names(["A/B", "a/b/c"])


def test_names_are_ascii_or_declared_utf8() -> None:
    assert decoded_name("größe".encode(), 0x800) == "größe"
    assert decoded_name(b"plain", 0) == "plain"
    for raw, flags in ((b"gr\xfc", 0), (b"gr\xfc", 0x800), ("größe".encode(), 0)):
        with pytest.raises(Refusal, match="unknown encoding"):
            decoded_name(raw, flags)
