"""The thinnest wall, on solids whose walls are known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifold3d import Manifold

from fabroute.integrations.validation import walls
from fabroute.integrations.validation.geometry import measure
from fabroute.integrations.validation.geometry.moments import moments_of
from fabroute.integrations.validation.solids import Solid, solid_of
from fabroute.integrations.validation.types import Mesh
from fabroute.integrations.validation.walls import RAYS, Wall, thinnest_wall
from tests.factories.meshes import (
    REAL_PRINTS,
    a_mesh,
    a_reading,
    a_request,
    as_trimesh,
    moved,
    needs_real_prints,
    real_part,
    shuffled,
)


def a_block() -> Manifold:
    return Manifold.cube((40, 40, 20))


def solid_from(body: Manifold | Mesh) -> Solid:
    return solid_of([body if isinstance(body, Mesh) else a_mesh(body)])


def wall_of(body: Manifold | Mesh) -> Wall:
    solid = solid_from(body)
    wall = thinnest_wall(solid, moments_of(solid.vertices, solid.triangles).areas)
    assert wall is not None
    return wall


@given(st.floats(0.3, 5), st.floats(6, 20), st.floats(21, 60))
def test_a_box_is_as_thin_as_its_shortest_side(short: float, middle: float, long: float) -> None:
    wall = wall_of(Manifold.cube((middle, short, long)))
    assert wall.thickness_mm == pytest.approx(short, rel=1e-4)
    assert abs(abs(wall.point[1]) - short / 2) < 1e-6 * long


@pytest.mark.parametrize("thickness", [0.5, 1.0, 2.5])
def test_a_tube_is_as_thin_as_its_wall(thickness: float) -> None:
    outer, inner = (Manifold.cylinder(30, radius, circular_segments=256) for radius in (10, 10 - thickness))
    wall = wall_of(outer - inner.scale((1, 1, 2)).translate((0, 0, -5)))
    assert wall.thickness_mm == pytest.approx(thickness, rel=2e-3)
    assert math.hypot(*wall.point[:2]) == pytest.approx(10, rel=thickness / 9)


@pytest.mark.parametrize("thickness", [0.4, 0.8, 3.0])
def test_a_hollow_ball_is_as_thin_as_its_shell(thickness: float) -> None:
    wall = wall_of(Manifold.sphere(20, 128) - Manifold.sphere(20 - thickness, 128))
    assert wall.thickness_mm == pytest.approx(thickness, rel=0.01)
    assert 20 - thickness - 0.1 <= np.linalg.norm(wall.point) <= 20.001


def test_a_ball_is_as_thin_as_its_diameter() -> None:
    assert wall_of(Manifold.sphere(5, 128)).thickness_mm == pytest.approx(10, rel=2e-3)
    assert wall_of(Manifold.cylinder(50, 3, circular_segments=128)).thickness_mm == pytest.approx(6, rel=2e-3)


@pytest.mark.parametrize("thickness", [0.2, 0.4, 1.2])
def test_a_fin_on_a_block_is_found(thickness: float) -> None:
    wall = wall_of(a_block() + Manifold.cube((thickness, 40, 35)).translate((20, 0, 0)))
    assert wall.thickness_mm == pytest.approx(thickness, rel=1e-3)
    assert wall.point[2] > 20 - 35 / 2
    assert abs(wall.point[0] - thickness / 2) <= thickness / 2 + 1e-3


def test_a_hair_is_missed_for_being_less_than_a_quarter_of_a_percent_of_the_surface() -> None:
    hair = Manifold.cube((0.4, 1, 5)).translate((20, 20, 20))
    share = 2 * 1 * 5 / (a_block() + hair).surface_area()
    assert share < 0.0025
    assert wall_of(a_block() + hair).thickness_mm == pytest.approx(20, rel=1e-4)


def test_a_thin_bottom_of_a_box_is_found_and_located() -> None:
    box = a_block() - Manifold.cube((36, 36, 30)).translate((2, 2, 0.7))
    wall = wall_of(box)
    assert wall.thickness_mm == pytest.approx(0.7, rel=1e-3)
    assert -10.01 <= wall.point[2] <= -9.29


def test_a_thin_roof_over_a_cavity_is_a_wall() -> None:
    wall = wall_of(a_block() - Manifold.cube((30, 30, 10)).translate((5, 5, 9.5)))
    assert wall.thickness_mm == pytest.approx(0.5, rel=1e-3)
    assert wall.point[2] == pytest.approx(10 - 0.25, abs=0.26)


def test_a_gap_between_walls_is_no_wall() -> None:
    slotted = a_block() - Manifold.cube((0.2, 50, 15)).translate((20, -5, 10))
    assert wall_of(slotted).thickness_mm == pytest.approx(10, rel=1e-4)
    assert thinnest_wall_of_instances(a_mesh(a_block()), moved(a_mesh(a_block()), 40.2)) == pytest.approx(20, rel=1e-4)


def thinnest_wall_of_instances(*meshes: Mesh) -> float | None:
    return measure(a_reading(*meshes), a_request()).measures.thinnest_wall_mm


def test_the_edge_of_a_blunt_wedge_is_no_wall() -> None:
    roof = Manifold.hull_points([(0, 0, 0), (40, 0, 0), (0, 30, 0), (40, 30, 0), (0, 15, 15), (40, 15, 15)])
    wall = thinnest_wall_of_instances(a_mesh(roof))
    assert wall == pytest.approx(40, rel=1e-3)
    solid = solid_from(Manifold.tetrahedron().scale((20, 20, 20)))
    assert thinnest_wall(solid, moments_of(solid.vertices, solid.triangles).areas) is None


def test_a_sharp_edge_is_a_thin_wall() -> None:
    blade = Manifold.hull_points([(0, 0, 0), (50, 0, 0), (50, 0, 6), (0, 20, 0), (50, 20, 0), (50, 20, 6)])
    wall = wall_of(blade)
    assert wall.thickness_mm < 0.1
    assert wall.point[0] < -24


def test_a_surface_without_area_has_no_wall() -> None:
    line = Mesh(name="", vertices=np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]), triangles=np.array([[0, 1, 2]]))
    solid = solid_of([line])
    assert thinnest_wall(solid, np.zeros(1)) is None
    assert solid.box_mm == (2.0, 0.0, 0.0)


def test_of_very_fine_solids_the_wall_stays_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walls, "MOST_TRIANGLES", 11)
    solid = solid_from(a_block())
    areas = moments_of(solid.vertices, solid.triangles).areas
    assert thinnest_wall(solid, areas) is None
    monkeypatch.setattr(walls, "MOST_TRIANGLES", 12)
    assert thinnest_wall(solid, areas) is not None


def test_the_wall_is_the_same_wherever_the_part_lies() -> None:
    part = a_block() - Manifold.cylinder(50, 18.5, circular_segments=96).translate((20, 20, -5))
    wall = wall_of(part)
    for other in (part.translate((5000, -300, 7)), part.rotate((30, 40, 50)), part.rotate((0, 90, 0))):
        assert wall_of(other).thickness_mm == pytest.approx(wall.thickness_mm, rel=5e-3)
    assert wall.thickness_mm == pytest.approx(1.5, rel=0.1)


def test_the_answer_is_always_the_same() -> None:
    part = a_mesh(Manifold.sphere(20, 64) - Manifold.sphere(18, 64))
    first, second = wall_of(part), wall_of(part)
    assert first.thickness_mm == second.thickness_mm
    assert np.array_equal(first.point, second.point)
    assert wall_of(shuffled(part, seed=1)).thickness_mm == pytest.approx(first.thickness_mm, rel=5e-3)


def test_the_wall_stands_in_the_measures_with_its_place() -> None:
    geometry = measure(a_reading(moved(a_mesh(Manifold.cube((30, 20, 0.3))), 100, 50)), a_request())
    (finding,) = geometry.findings
    assert geometry.measures.thinnest_wall_mm == pytest.approx(0.3, rel=1e-4)
    assert (finding.code, finding.severity) == ("THIN_WALL", "warning")
    assert finding.message == "A wall is about 0.30 mm thin; hardly any process prints less than 0.4 mm."
    assert finding.where == geometry.thinnest_at
    assert finding.where.startswith("(1")


@needs_real_prints
@pytest.mark.parametrize("name", ["arm_base", "neo_pixel_cover", "lego_size_test_02_minuspoint1", "cam_mount_top"])
def test_real_walls_agree_with_thickness_by_a_second_library(name: str) -> None:
    mesh = real_part(REAL_PRINTS / "parts" / f"{name}.stl")
    part = as_trimesh(mesh)
    chance = np.random.default_rng(7)
    places, faces = part.sample(RAYS, return_index=True, seed=chance)
    normals = part.face_normals[faces]
    hits, rays, triangles = part.ray.intersects_location(places - normals * 1e-4, -normals, multiple_hits=False)
    parallel = np.einsum("ij,ij->i", part.face_normals[triangles], -normals[rays]) >= 0.9
    lengths = np.sort(np.linalg.norm(hits - places[rays], axis=1)[parallel])
    wall = wall_of(mesh).thickness_mm
    assert lengths[1] * 0.95 <= wall <= lengths[25] * 1.05
    assert len(lengths) > 1_000
