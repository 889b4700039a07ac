from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fabroute.integrations.validation.guard.stl import guard_stl
from fabroute.integrations.validation.readers.stl import _MIXERS, merge_equal, read_stl
from fabroute.integrations.validation.types import GuardFacts, Limits, Mesh, Reading, Refusal
from tests.hostile.stl import TETRAHEDRON, Triangle, binary, moved, scaled, text, with_float

APART = moved(TETRAHEDRON, (50.0, 0.0, 0.0))


def _read(folder: Path, content: bytes) -> Reading:
    path = folder / "part.stl"
    path.write_bytes(content)
    return read_stl(path, guard_stl(path, Limits()))


def _corners(mesh: Mesh) -> list[list[list[float]]]:
    corners: list[list[list[float]]] = mesh.vertices[mesh.triangles].tolist()
    return corners


def _lists(triangles: tuple[Triangle, ...]) -> list[list[list[float]]]:
    return [[list(point) for point in triangle] for triangle in triangles]


def _codes(reading: Reading) -> list[str]:
    assert {finding.severity for finding in reading.findings} <= {"note"}
    return [finding.code for finding in reading.findings]


@pytest.mark.parametrize("content", [binary(), text().encode()])
def test_every_triangle_is_read_with_shared_vertices(tmp_path: Path, content: bytes) -> None:
    reading = _read(tmp_path, content)

    (mesh,) = reading.meshes
    assert mesh.vertices.tolist() == [[0, 0, 0], [0, 10, 0], [10, 0, 0], [0, 0, 10]]
    assert _corners(mesh) == _lists(TETRAHEDRON)
    assert (reading.format, reading.unit, _codes(reading)) == ("stl", "", [])
    assert reading.readers == (f"fabroute-stl (numpy {np.__version__})",)


def test_single_precision_is_kept_to_the_bit(tmp_path: Path) -> None:
    triangles = moved(TETRAHEDRON, (0.1, 1e-7, 123.456))

    (mesh,) = _read(tmp_path, binary(triangles)).meshes

    assert _corners(mesh) == np.array(triangles, dtype=np.float32).tolist()
    assert mesh.vertices.dtype == np.float64


def test_closed_solids_of_a_text_file_stay_apart_with_their_names(tmp_path: Path) -> None:
    reading = _read(tmp_path, (text(name="left") + text(APART, name="right")).encode())

    assert [mesh.name for mesh in reading.meshes] == ["left", "right"]
    assert [_corners(mesh) for mesh in reading.meshes] == [_lists(TETRAHEDRON), _lists(APART)]
    assert _codes(reading) == ["STL_SEVERAL_SOLIDS"]


def test_solids_that_are_only_closed_together_are_one(tmp_path: Path) -> None:
    faces = "".join(text([triangle], name=f"face {place}") for place, triangle in enumerate(TETRAHEDRON))

    (mesh,) = _read(tmp_path, faces.encode()).meshes

    assert mesh.name == "face 0"
    assert len(mesh.vertices) == 4
    assert _corners(mesh) == _lists(TETRAHEDRON)


def test_triangles_with_two_equal_corners_are_left_out_with_their_far_vertices(tmp_path: Path) -> None:
    far = (9e6, 9e6, 9e6)
    reading = _read(tmp_path, binary([*TETRAHEDRON, (far, far, (0.0, 0.0, 0.0))]))

    (mesh,) = reading.meshes
    assert _corners(mesh) == _lists(TETRAHEDRON)
    assert mesh.vertices.max() == 10.0
    assert _codes(reading) == ["STL_COLLAPSED_TRIANGLES"]


def test_rounding_errors_around_zero_are_stitched_where_that_closes_the_part(tmp_path: Path) -> None:
    (a, b, c), *rest = TETRAHEDRON
    noisy = binary([((1e-15, -3e-16, a[2]), b, c), *rest])

    reading = _read(tmp_path, noisy)

    (mesh,) = reading.meshes
    assert len(mesh.vertices) == 4
    assert _codes(reading) == ["STL_STITCHED"]
    assert reading.findings[0].message.startswith("1 corners")


def test_a_real_gap_is_not_stitched(tmp_path: Path) -> None:
    (a, b, c), *rest = TETRAHEDRON

    reading = _read(tmp_path, binary([((1e-5, a[1], a[2]), b, c), *rest]))

    (mesh,) = reading.meshes
    assert len(mesh.vertices) == 5
    assert _codes(reading) == []


def test_stitching_goes_by_the_size_of_the_part_not_by_millimetres(tmp_path: Path) -> None:
    (mesh,) = _read(tmp_path, binary(scaled(TETRAHEDRON, 1e-6))).meshes

    assert len(mesh.vertices) == 4
    assert mesh.vertices.max() == pytest.approx(1e-5, rel=1e-6)


@pytest.mark.parametrize(
    ("normal", "codes"),
    [((1.0, 1.0, 1.0), ["STL_NORMALS"]), ((0.0, 0.0, 0.0), []), ((float("nan"), 0.0, float("inf")), [])],
)
def test_stored_normals_never_count_but_opposed_ones_are_noted(
    tmp_path: Path, normal: tuple[float, float, float], codes: list[str]
) -> None:
    reading = _read(tmp_path, binary(normal=normal))

    assert _codes(reading) == codes
    assert _corners(reading.meshes[0]) == _lists(TETRAHEDRON)


def test_attributes_are_noted_and_ignored(tmp_path: Path) -> None:
    reading = _read(tmp_path, binary(attribute=0x7C00))

    assert _codes(reading) == ["STL_ATTRIBUTES"]
    assert reading.findings[0].message == "4 triangles have attributes (often colours), which are ignored."


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (float("nan"), "COORDINATE_NOT_FINITE"),
        (float("-inf"), "COORDINATE_NOT_FINITE"),
        (1.0001e7, "COORDINATE_TOO_LARGE"),
    ],
)
def test_binary_coordinates_that_are_no_places_are_refused_with_their_triangle(
    tmp_path: Path, value: float, code: str
) -> None:
    with pytest.raises(Refusal) as caught:
        _read(tmp_path, with_float(value))

    assert [finding.code for finding in caught.value.findings] == [code]
    assert caught.value.findings[0].where == "triangle 1"


def test_a_file_that_is_not_what_the_guard_saw_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "part.stl"
    path.write_bytes(binary())
    facts = GuardFacts(format="stl", objects=1, vertices=15, triangles=5, built_triangles=5)

    with pytest.raises(Refusal, match="5 and 4 triangles") as caught:
        read_stl(path, facts)

    assert caught.value.findings[0].code == "READERS_DIFFER"


def test_lines_only_are_nothing_to_print(tmp_path: Path) -> None:
    line = (TETRAHEDRON[0][0], TETRAHEDRON[0][1], TETRAHEDRON[0][0])

    with pytest.raises(Refusal) as caught:
        _read(tmp_path, binary([line] * 3))

    assert caught.value.findings[0].code == "NO_TRIANGLES"


points = arrays(
    np.float64, st.tuples(st.integers(1, 40), st.just(3)), elements=st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.1, 1e-300])
)


@given(points)
def test_equal_corners_become_one_vertex_in_order_of_appearance(corners: np.typing.NDArray[np.float64]) -> None:
    vertices, index = merge_equal(corners)

    by_hand = list(dict.fromkeys(tuple(row) for row in (corners + 0.0).tolist()))
    assert [tuple(row) for row in vertices.tolist()] == by_hand
    assert np.array_equal(vertices[index], corners)


def _fold(value: int) -> int:
    return value ^ (value >> 32)


def test_corners_whose_mixed_bits_collide_stay_apart() -> None:
    """(x, 0, 0) and (0, y, 0) mix alike for the y with fold(x) · K₀ = fold(y) · K₁ (mod 2⁶⁴), where
    fold(v) = v ⊕ (v ≫ 32) is its own inverse.
    """
    x = np.float64(1.5)
    solved = _fold(int(x.view(np.uint64))) * int(_MIXERS[0]) * pow(int(_MIXERS[1]), -1, 2**64) % 2**64
    y = np.uint64(_fold(solved)).view(np.float64)
    assert np.isfinite(y)
    bits = np.array([x, y]).view(np.uint64)
    folded = bits ^ (bits >> np.uint64(32))
    assert folded[:1] * _MIXERS[0] == folded[1:] * _MIXERS[1]
    corners = np.array([[x, 0, 0], [0, y, 0], [x, 0, 0], [0, y, 0], [0, 0, 0]])

    vertices, index = merge_equal(corners)

    assert index.tolist() == [0, 1, 0, 1, 2]
    assert np.array_equal(vertices, corners[[0, 1, 4]])
