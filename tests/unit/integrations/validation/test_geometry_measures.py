"""Volume, area, box, bodies and shape: against formulas, a second library, and real parts."""

import csv
import itertools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from manifold3d import Manifold

from fabroute.integrations.validation.geometry import Geometry, measure
from fabroute.integrations.validation.geometry.bodies import connected
from fabroute.integrations.validation.types import Mesh, Refusal
from fabroute.inventory.ports import Measures
from tests.factories.meshes import (
    REAL_PRINTS,
    a_cube,
    a_mesh,
    a_reading,
    a_request,
    an_empty_reading,
    as_trimesh,
    joined,
    mesh_from,
    moved,
    needs_real_prints,
    real_part,
    shuffled,
)


def an_l_bracket() -> Manifold:
    return Manifold.cube((40, 20, 4)) + Manifold.cube((4, 20, 30))


def a_twisted_part() -> Manifold:
    """Without any plane of symmetry."""
    return an_l_bracket() + Manifold.cube((10, 5, 10)).translate((30, 0, 0))


def geometry_of(*meshes: Mesh) -> Geometry:
    return measure(a_reading(*meshes), a_request())


def measures_of(*meshes: Mesh) -> Measures:
    return geometry_of(*meshes).measures


def codes_of(geometry: Geometry) -> list[str]:
    return [finding.code for finding in geometry.findings]


def test_a_cube_has_the_measures_of_a_cube() -> None:
    measures = measures_of(a_mesh())
    assert measures.box_mm == (10.0, 10.0, 10.0)
    assert measures.volume_cm3 == pytest.approx(1.0, rel=1e-12)
    assert measures.area_cm2 == pytest.approx(6.0, rel=1e-12)
    assert (measures.triangles, measures.vertices, measures.bodies) == (12, 8, 1)


def test_a_sound_part_has_no_findings() -> None:
    geometry = geometry_of(a_mesh(an_l_bracket()))
    assert geometry.findings == ()
    assert geometry.cavities == 0


def test_the_unit_is_told_as_the_file_says() -> None:
    assert measure(a_reading(unit="inch"), a_request()).measures.unit == "inch"
    assert measure(a_reading(unit="", format="stl"), a_request()).measures.unit == ""


@pytest.mark.parametrize(
    "drawn",
    [
        an_l_bracket,
        a_twisted_part,
        lambda: Manifold.sphere(12, 48),
        lambda: Manifold.cylinder(30, 8, 3, circular_segments=40),
        lambda: a_cube() - a_twisted_part(),
    ],
)
def test_volume_area_and_box_agree_with_a_second_library(drawn: Callable[[], Manifold]) -> None:
    mesh = a_mesh(drawn())
    measures, other = measures_of(mesh), as_trimesh(mesh)
    assert measures.volume_cm3 * 1000 == pytest.approx(other.volume, rel=1e-9)
    assert measures.area_cm2 * 100 == pytest.approx(other.area, rel=1e-9)
    assert measures.box_mm == pytest.approx(tuple(other.extents), rel=1e-12)


def test_measures_stay_exact_far_from_the_origin() -> None:
    measures = measures_of(moved(a_mesh(), 1e6, -1e6, 1e6))
    assert measures.volume_cm3 == pytest.approx(1.0, rel=1e-9)
    assert measures.box_mm == (10.0, 10.0, 10.0)


def test_instances_are_measured_together_in_their_places() -> None:
    measures = measures_of(a_mesh(), moved(a_mesh(), 30))
    assert measures.box_mm == (40.0, 10.0, 10.0)
    assert measures.volume_cm3 == pytest.approx(2.0)
    assert (measures.triangles, measures.vertices, measures.bodies) == (24, 16, 2)


def test_vertices_that_no_triangle_uses_count_but_take_no_room() -> None:
    cube = a_mesh()
    stray = Mesh(name="", vertices=np.vstack([cube.vertices, [[500.0, 0.0, 0.0]]]), triangles=cube.triangles)
    measures = measures_of(stray)
    assert measures.box_mm == (10.0, 10.0, 10.0)
    assert (measures.vertices, measures.bodies) == (9, 1)
    assert measures.volume_cm3 == pytest.approx(1.0)


def test_nothing_to_build_is_refused() -> None:
    lines = mesh_from([(0, 0, 0), (1, 0, 0)], [(0, 0, 1)])
    for reading in (an_empty_reading(), a_reading(lines)):
        with pytest.raises(Refusal) as refusal:
            measure(reading, a_request())
        (finding,) = refusal.value.findings
        assert (finding.code, finding.severity) == ("EMPTY", "error")
        assert "no triangle with three different corners" in finding.message


def test_bodies_are_counted_by_brute_force_too() -> None:
    chance = np.random.default_rng(5)
    for vertices in (12, 40, 90):
        triangles = chance.integers(0, vertices, (vertices // 4, 3))
        roots = connected(triangles, vertices)
        assert np.array_equal(roots, _painted(triangles, vertices))


def _painted(triangles: np.ndarray[tuple[int, ...], np.dtype[np.int64]], vertices: int) -> list[int]:
    """Paint along triangles until nothing changes, one at a time."""
    colours = list(range(vertices))
    changed = True
    while changed:
        changed = False
        for corners in triangles.tolist():
            lowest = min(colours[corner] for corner in corners)
            for corner in corners:
                changed |= colours[corner] != lowest
                colours[corner] = lowest
    return colours


def test_a_long_strip_of_triangles_is_one_body() -> None:
    count = 20_000
    strip = np.arange(count)[:, None] + np.arange(3)
    backwards = strip[::-1]
    for triangles in (strip, backwards):
        roots = connected(triangles, count + 2)
        assert roots.max() == 0
        assert len(roots) == count + 2


def test_the_shape_of_a_box_is_known_by_formula() -> None:
    shape = measures_of(a_mesh(Manifold.cube((30, 20, 10)))).shape
    assert shape[0] == pytest.approx(6000 ** (1 / 3))
    assert shape[1] == pytest.approx(math.sqrt(2 * (600 + 300 + 200)))
    assert shape[2:5] == pytest.approx([side / math.sqrt(12) for side in (10, 20, 30)])
    assert shape[5] == 0.0


def test_the_shape_of_a_ball_is_known_by_formula() -> None:
    shape = measures_of(a_mesh(Manifold.sphere(10, 256))).shape
    assert shape[0] == pytest.approx((4 / 3 * math.pi) ** (1 / 3) * 10, rel=1e-3)
    assert shape[2:5] == pytest.approx([10 / math.sqrt(5)] * 3, rel=1e-3)
    assert shape[5] == 0.0


def test_the_shape_does_not_change_when_the_part_is_turned_and_moved() -> None:
    shape = measures_of(a_mesh(a_twisted_part())).shape
    for angles in ((90, 0, 0), (0, 0, 180), (17, 43, -71)):
        turned = measures_of(a_mesh(a_twisted_part().rotate(angles).translate((5, -300, 12)))).shape
        assert turned == pytest.approx(shape, rel=1e-4)
    assert len(shape) == 6


def test_a_mirrored_part_differs_in_the_sign_of_its_handedness_only() -> None:
    shape = measures_of(a_mesh(a_twisted_part())).shape
    mirrored = measures_of(a_mesh(a_twisted_part().mirror((1, 2, 3)))).shape
    assert mirrored[:5] == pytest.approx(shape[:5], rel=1e-6)
    assert mirrored[5] == pytest.approx(-shape[5], rel=1e-6)


def test_handedness_and_radii_agree_with_an_integral_over_boxes() -> None:
    points, weights = _gauss(((0, 40), (0, 20), (0, 4)), ((0, 4), (0, 20), (4, 30)), ((30, 40), (0, 5), (4, 10)))
    points = points - weights @ points / weights.sum()
    spread = (points * weights[:, None]).T @ points / weights.sum()
    skew = (weights * (points**2).sum(axis=1)) @ points / weights.sum()
    triple = np.linalg.det([skew, spread @ skew, spread @ spread @ skew])
    shape = measures_of(a_mesh(a_twisted_part())).shape
    assert shape[5] == pytest.approx(np.copysign(abs(triple) ** (1 / 15), triple), rel=1e-6)
    assert shape[2:5] == pytest.approx(np.sqrt(np.linalg.eigvalsh(spread)), rel=1e-9)
    assert weights.sum() == pytest.approx(a_twisted_part().volume())


def _gauss(*boxes: tuple[tuple[float, float], ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return points and weights of a Gauss rule that is exact for polynomials of the fifth degree in boxes."""
    nodes, shares = np.polynomial.legendre.leggauss(3)
    points, weights = [], []
    for box in boxes:
        axes = [(low + high) / 2 + (high - low) / 2 * nodes for low, high in box]
        parts = [(high - low) / 2 * shares for low, high in box]
        points.append(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3))
        weights.append(np.einsum("i,j,k->ijk", *parts).reshape(-1))
    return np.concatenate(points), np.concatenate(weights)


@pytest.mark.parametrize(
    "drawn",
    [
        an_l_bracket,
        a_cube,
        lambda: Manifold.cylinder(30, 8, 3),
        lambda: Manifold.tetrahedron().scale((9, 9, 9)),
    ],
)
def test_a_part_that_is_its_own_mirror_image_has_no_handedness(drawn: Callable[[], Manifold]) -> None:
    turned = measures_of(a_mesh(drawn().rotate((17, 43, -71)))).shape
    assert turned[5] == 0.0
    assert measures_of(a_mesh(drawn())).shape[5] == 0.0


def test_shapes_scale_with_the_part() -> None:
    shape = measures_of(a_mesh(a_twisted_part())).shape
    doubled = measures_of(a_mesh(a_twisted_part().scale((2, 2, 2)))).shape
    assert doubled == pytest.approx([2 * length for length in shape], rel=1e-6)
    assert shape[0] == pytest.approx(a_twisted_part().volume() ** (1 / 3))


def test_a_hole_of_another_size_shows_in_the_shape() -> None:
    plate = Manifold.cube((60, 40, 5))
    holes = [plate - Manifold.cylinder(20, radius).translate((15, 12, -5)) for radius in (3, 3.2, 6)]
    shapes = [np.array(measures_of(a_mesh(body)).shape) for body in holes]
    similar, different = (np.abs(shapes[other][:5] / shapes[0][:5] - 1).max() for other in (1, 2))
    assert 1e-4 < similar < 5e-3
    assert different > 5e-3


def test_radii_of_gyration_agree_with_a_second_library() -> None:
    mesh = a_mesh(a_twisted_part())
    other = as_trimesh(mesh)
    a, b, c = np.sort(other.principal_inertia_components)
    squares = np.sort([(b + c - a) / 2, (a + c - b) / 2, (a + b - c) / 2]) / other.volume
    assert measures_of(mesh).shape[2:5] == pytest.approx(np.sqrt(squares), rel=1e-6)
    assert measures_of(mesh).shape[1] == pytest.approx(math.sqrt(other.area))


def test_the_order_of_a_file_does_not_show_in_its_measures() -> None:
    mesh = a_mesh(a_twisted_part())
    measures, again = measures_of(mesh), measures_of(shuffled(mesh, seed=3))
    assert again.volume_cm3 == pytest.approx(measures.volume_cm3, rel=1e-12)
    assert again.shape == pytest.approx(measures.shape, rel=1e-6)
    assert again.bodies == measures.bodies == 1


def test_a_nested_body_counts_as_a_body() -> None:
    ball = Manifold.sphere(20, 32)
    for count in (1, 2, 3):
        parts = [a_mesh(ball.translate((50 * number, 0, 0))) for number in range(count)]
        assert measures_of(joined(*parts)).bodies == count
        assert measures_of(*parts).bodies == count


def _parts() -> list[Path]:
    return sorted((REAL_PRINTS / "parts").glob("*.stl"))


@needs_real_prints
@pytest.mark.parametrize("path", _parts(), ids=lambda path: path.stem)
def test_real_parts_have_the_volume_and_box_that_another_reader_found(path: Path) -> None:
    with (REAL_PRINTS / "parts.csv").open(encoding="utf8", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["file"] == path.name)
    geometry = measure(a_reading(real_part(path), format="stl", unit=""), a_request())
    assert geometry.measures.volume_cm3 == pytest.approx(float(row["volume_cm3_trimesh"]), rel=1e-6)
    assert geometry.measures.box_mm == pytest.approx(
        [float(side) for side in row["extents_trimesh_mm"].strip("[]").split(",")], abs=1e-3
    )
    assert (geometry.measures.triangles, geometry.measures.bodies) == (int(row["faces"]), 1)
    assert geometry.findings == ()


@needs_real_prints
def test_no_two_real_parts_have_the_same_shape() -> None:
    shapes = [np.array(measures_of(real_part(path)).shape) for path in _parts()]
    nearest = min(np.abs(one[:5] / other[:5] - 1).max() for one, other in itertools.combinations(shapes, 2))
    assert len(shapes) == 24
    assert nearest > 1e-3
