import os
from dataclasses import replace
from pathlib import Path

import pytest

from fabroute.integrations.validation.guard.stl import guard_stl, is_binary_stl, text_facets
from fabroute.integrations.validation.types import GuardFacts, Limits, Refusal
from fabroute.inventory.ports import Finding
from tests.hostile.stl import TETRAHEDRON, binary, moved, text, with_number

LIMITS = Limits()


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "part.stl"
    path.write_bytes(content)
    return path


def _refusal(path: Path, limits: Limits = LIMITS) -> Finding:
    with pytest.raises(Refusal) as caught:
        guard_stl(path, limits)
    (finding,) = caught.value.findings
    assert finding.severity == "error"
    assert finding.advice.endswith(".")
    return finding


def test_a_binary_file_is_counted_by_its_header(tmp_path: Path) -> None:
    path = _file(tmp_path, binary())

    assert is_binary_stl(path)
    assert guard_stl(path, LIMITS) == GuardFacts(
        format="stl", objects=1, vertices=12, triangles=4, built_triangles=4, unit="", findings=()
    )


def test_a_text_file_is_counted_by_its_facets_and_solids(tmp_path: Path) -> None:
    path = _file(tmp_path, (text(name="a") + text(moved(TETRAHEDRON, (50, 0, 0)), name="b")).encode())

    assert not is_binary_stl(path)
    assert guard_stl(path, LIMITS) == GuardFacts(
        format="stl", objects=2, vertices=24, triangles=8, built_triangles=8, unit="", findings=()
    )


@pytest.mark.parametrize("header", [b"solid", b"SOLID x", b" solid PRO2STL version 1.0", b"\xff" * 80, b"facet"])
def test_the_size_makes_a_file_binary_not_the_first_word(tmp_path: Path, header: bytes) -> None:
    path = _file(tmp_path, binary(header=header))

    assert is_binary_stl(path)
    assert guard_stl(path, LIMITS).triangles == 4


def test_a_truncated_file_is_told_how_much_of_it_is_there(tmp_path: Path) -> None:
    finding = _refusal(_file(tmp_path, binary()[:150]))

    assert finding.code == "STL_TRUNCATED"
    assert finding.message == ("The header promises 4 triangles (284 bytes), the file has 150 bytes: room for 1.")
    assert finding.where == "byte 80"


def test_data_after_the_last_triangle_is_refused_but_padding_is_not(tmp_path: Path) -> None:
    refused = _refusal(_file(tmp_path, binary(tail=b"\n\0x")))
    accepted = guard_stl(_file(tmp_path, binary(tail=b"\r\n\0")), LIMITS)

    assert (refused.code, refused.where) == ("STL_TRAILING_DATA", "byte 284")
    assert [(it.code, it.severity) for it in accepted.findings] == [("STL_PADDING", "note")]
    assert accepted.findings[0].message.startswith("3 byte(s) of padding")
    assert accepted.triangles == 4


def test_a_file_beyond_the_limit_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    path = _file(tmp_path, b"")
    os.truncate(path, 2**40)

    finding = _refusal(path)

    assert finding.code == "FILE_TOO_LARGE"
    assert finding.message == "The file has 1,048,576.0 MiB; 256.0 MiB are allowed."


@pytest.mark.parametrize("content", [binary(), text().encode()])
def test_the_limit_of_triangles_holds_for_both_forms(tmp_path: Path, content: bytes) -> None:
    path = _file(tmp_path, content)

    assert guard_stl(path, replace(LIMITS, triangles=4)).triangles == 4
    assert _refusal(path, replace(LIMITS, triangles=3)).code == "TOO_MANY_TRIANGLES"


def test_the_limit_of_solids_holds(tmp_path: Path) -> None:
    path = _file(tmp_path, text().encode() * 3)

    assert guard_stl(path, replace(LIMITS, objects=3)).objects == 3
    assert _refusal(path, replace(LIMITS, objects=2)).code == "TOO_MANY_OBJECTS"


def test_a_decimal_comma_is_named_with_its_triangle(tmp_path: Path) -> None:
    finding = _refusal(_file(tmp_path, with_number("12,5")))

    assert finding.code == "STL_NUMBER"
    assert finding.message == "The number '12,5' has a decimal comma; STL wants a point."
    assert finding.where == "triangle 3"


@pytest.mark.parametrize(
    ("token", "code"),
    [("nan", "COORDINATE_NOT_FINITE"), ("1e400", "COORDINATE_NOT_FINITE"), ("-1.1e7", "COORDINATE_TOO_LARGE"),
     ("1_0", "STL_NUMBER"), ("0x10", "STL_NUMBER"), ("1.5.2", "STL_NUMBER")],
)  # fmt: skip
def test_a_token_that_is_no_coordinate_is_shown(tmp_path: Path, token: str, code: str) -> None:
    finding = _refusal(_file(tmp_path, with_number(token)))

    assert finding.code == code
    assert f"'{token}'" in finding.message


def test_the_largest_coordinate_itself_is_allowed(tmp_path: Path) -> None:
    path = _file(tmp_path, with_number("-1e7"))

    columns = next(text_facets(path, LIMITS)).corners
    assert min(map(min, columns)) == -1e7
    assert _refusal(path, replace(LIMITS, largest_coordinate=9.99e6)).code == "COORDINATE_TOO_LARGE"


def test_a_wrong_word_is_named_with_the_triangles_before_it(tmp_path: Path) -> None:
    broken = text().replace("endloop", "endlop", 3).replace("endlop", "endloop", 2)

    finding = _refusal(_file(tmp_path, broken.encode()))

    assert finding.code == "STL_SYNTAX"
    assert finding.message == "The text does not follow the STL format: 'endlop' instead of 'endloop'."
    assert finding.where == "after 2 triangles"


def test_text_without_its_end_says_where_it_stops(tmp_path: Path) -> None:
    finding = _refusal(_file(tmp_path, text(name="lever").split("endsolid")[0].encode()))

    assert finding.code == "STL_TRUNCATED"
    assert finding.message == "The text ends after 4 triangles in the middle of solid 'lever': 'endsolid' is missing."


def test_text_of_many_blocks_is_read_as_one(tmp_path: Path) -> None:
    count = 20_000
    path = _file(tmp_path, text(TETRAHEDRON * (count // 4)).encode())
    assert path.stat().st_size > 2 * 2**20

    blocks = list(text_facets(path, LIMITS))

    assert len(blocks) > 2
    assert sum(len(block.corners[0]) for block in blocks) == count
    assert {(block.solid, block.name) for block in blocks} == {(0, "tetra")}


@pytest.mark.parametrize("length", [65_535, 65_536])
def test_a_line_may_have_65536_bytes_and_no_more(tmp_path: Path, length: int) -> None:
    fits = text(name="n" * (length - len("endsolid "))).encode()

    assert guard_stl(_file(tmp_path, fits), LIMITS).triangles == 4
    longer = text(name="n" * (65_537 - len("solid "))).encode()
    assert _refusal(_file(tmp_path, longer)).code == "STL_LINE_TOO_LONG"


def test_names_are_kept_as_far_as_they_are_text(tmp_path: Path) -> None:
    content = text(name="Stück").encode("latin-1") + text(name="月球").encode() + text(name="").encode()

    names = [block.name for block in text_facets(_file(tmp_path, content), LIMITS)]

    assert names == ["St�ck", "月球", ""]
    assert guard_stl(_file(tmp_path, content), LIMITS).objects == 3


def test_normals_may_be_any_words(tmp_path: Path) -> None:
    path = _file(tmp_path, text(normal="nan -1.#IND hello").encode())

    (block,) = text_facets(path, LIMITS)

    assert block.normals == [[b"nan"] * 4, [b"-1.#ind"] * 4, [b"hello"] * 4]
    assert guard_stl(path, LIMITS).triangles == 4
