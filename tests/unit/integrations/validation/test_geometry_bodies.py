"""What bodies are: cavities, loose pieces, sheets, bodies inside out or running through each other."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifold3d import Manifold

from fabroute.integrations.validation.geometry import Geometry, measure
from fabroute.integrations.validation.geometry.winding import winding_number
from fabroute.integrations.validation.types import Mesh
from tests.factories.meshes import (
    a_cube,
    a_mesh,
    a_reading,
    a_request,
    as_trimesh,
    joined,
    mesh_from,
    moved,
    turned_inside_out,
    with_triangles,
)


def a_ball() -> Manifold:
    return Manifold.sphere(20, 48)


def a_hollow_ball() -> Manifold:
    return a_ball() - Manifold.sphere(15, 48)


def geometry_of(*meshes: Mesh) -> Geometry:
    return measure(a_reading(*meshes), a_request())


def codes_of(geometry: Geometry) -> list[str]:
    return [finding.code for finding in geometry.findings]


def test_a_hollow_ball_has_a_cavity() -> None:
    geometry = geometry_of(a_mesh(a_hollow_ball()))
    (finding,) = geometry.findings
    assert (geometry.cavities, geometry.measures.bodies) == (1, 2)
    assert (finding.code, finding.severity) == ("CAVITY", "warning")
    assert finding.message == "1 closed cavity of 14 cm³ together: powder or resin can't leave."
    assert finding.where == "(0.0, 0.0, 0.0) mm, 30.00 × 30.00 × 30.00"


def test_a_cavitys_volume_is_missing_from_the_part() -> None:
    measures = geometry_of(a_mesh(a_hollow_ball())).measures
    assert measures.volume_cm3 * 1000 == pytest.approx(a_hollow_ball().volume(), rel=1e-9)
    assert measures.volume_cm3 == pytest.approx(4 / 3 * math.pi * (8 - 3.375), rel=0.015)


def test_a_hole_to_the_outside_is_no_cavity() -> None:
    geometry = geometry_of(a_mesh(a_hollow_ball() - Manifold.cylinder(30, 2)))
    assert geometry.cavities == 0
    assert geometry.findings == ()


def test_several_cavities_are_counted_and_the_first_three_named() -> None:
    bubbles = [Manifold.sphere(1, 16).translate((10 * x - 15, 0, 0)) for x in range(4)]
    block = Manifold.cube((60, 20, 20), center=True)
    geometry = geometry_of(a_mesh(block - Manifold.compose(bubbles)))
    (finding,) = geometry.findings
    assert geometry.cavities == 4
    assert finding.message.startswith("4 closed cavities of ")
    assert finding.where.count(" mm, 2.00 × 2.00 × 2.00") == 3
    assert finding.where.endswith("; …")


def test_a_ball_inside_a_hollow_ball_is_loose() -> None:
    geometry = geometry_of(a_mesh(a_hollow_ball()), a_mesh(Manifold.sphere(2, 24)))
    assert codes_of(geometry) == ["CAVITY", "LOOSE_BODIES"]
    assert geometry.measures.bodies == 3
    assert geometry.findings[1].message.startswith("2 bodies that nothing joins, from 0.03")
    assert "1 of them under 0.1 % of the largest" in geometry.findings[1].message


def test_an_inverted_body_beside_a_sound_one_is_inside_out() -> None:
    geometry = geometry_of(a_mesh(a_cube()), moved(turned_inside_out(a_mesh(a_cube())), 30))
    (finding,) = geometry.findings
    assert (finding.code, finding.severity) == ("INSIDE_OUT", "error")
    assert finding.message == "1 body faces inwards, so that -1 cm³ are enclosed."
    assert finding.where == "(35.0, 5.0, 5.0) mm, 10.00 × 10.00 × 10.00"
    assert geometry.measures.thinnest_wall_mm is None


def test_an_inverted_body_in_the_box_but_not_in_the_material_is_inside_out() -> None:
    bracket = Manifold.cube((40, 40, 4)) + Manifold.cube((4, 40, 40))
    stray = moved(turned_inside_out(a_mesh(a_cube())), 20, 10, 20)
    geometry = geometry_of(a_mesh(bracket), stray)
    assert codes_of(geometry) == ["INSIDE_OUT"]
    assert geometry.findings[0].where == "(25.0, 15.0, 25.0) mm, 10.00 × 10.00 × 10.00"


def test_a_solid_in_a_cavity_in_a_solid_is_followed() -> None:
    shells = [a_mesh(Manifold.sphere(radius, 32)) for radius in (30, 20, 10, 5)]
    nested = joined(shells[0], turned_inside_out(shells[1]), shells[2], turned_inside_out(shells[3]))
    geometry = geometry_of(nested)
    assert geometry.cavities == 2
    assert codes_of(geometry) == ["CAVITY", "LOOSE_BODIES"]
    assert geometry.findings[1].message.startswith("2 bodies that nothing joins")
    volumes = [as_trimesh(shell).volume for shell in shells]
    expected = volumes[0] - volumes[1] + volumes[2] - volumes[3]
    assert geometry.measures.volume_cm3 * 1000 == pytest.approx(expected, rel=1e-9)


def test_bodies_side_by_side_are_loose() -> None:
    geometry = geometry_of(a_mesh(), moved(a_mesh(Manifold.cube((2, 2, 2))), 20))
    (finding,) = geometry.findings
    assert (finding.code, finding.severity) == ("LOOSE_BODIES", "warning")
    assert finding.message == "2 bodies that nothing joins, from 0.008 cm³ to 1 cm³."
    assert finding.where == ""


def test_crumbs_are_named_with_place_and_size() -> None:
    crumb = moved(a_mesh(Manifold.cube((0.5, 0.5, 0.5))), 20, 3, 1)
    geometry = geometry_of(a_mesh(), crumb)
    (finding,) = geometry.findings
    assert finding.message.endswith("; 1 of them under 0.1 % of the largest.")
    assert finding.where == "(20.2, 3.2, 1.2) mm, 0.50 × 0.50 × 0.50"


def test_links_of_a_chain_are_loose_although_their_boxes_meet() -> None:
    ring = Manifold.revolve(Manifold.cylinder(1, 2, circular_segments=16).slice(0.5).translate((10, 0)), 32)
    chain = [a_mesh(ring), a_mesh(ring.rotate((90, 0, 0)).translate((10, 0, 0)))]
    geometry = geometry_of(*chain)
    (finding,) = geometry.findings
    assert finding.code == "LOOSE_BODIES"
    assert finding.message.startswith("2 bodies that nothing joins")
    assert geometry.measures.volume_cm3 * 1000 == pytest.approx(2 * ring.volume(), rel=1e-9)


def test_bodies_that_run_through_each_other_are_told_with_both_volumes() -> None:
    geometry = geometry_of(a_mesh(), moved(a_mesh(), 4))
    (finding,) = geometry.findings
    assert (finding.code, finding.severity) == ("OVERLAPPING_BODIES", "warning")
    assert "together they have 1.4 cm³, one by one 2 cm³" in finding.message
    assert geometry.measures.volume_cm3 == pytest.approx(2.0)
    assert geometry.measures.bodies == 2


def test_the_same_body_twice_overlaps_wholly() -> None:
    geometry = geometry_of(a_mesh(), a_mesh())
    (finding,) = geometry.findings
    assert finding.code == "OVERLAPPING_BODIES"
    assert "together they have 1 cm³, one by one 2 cm³" in finding.message


def test_a_body_beside_two_that_overlap_is_loose() -> None:
    geometry = geometry_of(a_mesh(), moved(a_mesh(), 4), moved(a_mesh(), 40))
    assert codes_of(geometry) == ["OVERLAPPING_BODIES", "LOOSE_BODIES"]
    assert "together they have 2.4 cm³, one by one 3 cm³" in geometry.findings[0].message
    assert geometry.findings[1].message.startswith("2 bodies that nothing joins")


@given(st.floats(0.5, 9.5), st.floats(0.5, 9.5), st.floats(0.5, 9.5))
def test_the_united_volume_of_two_cubes_is_known_by_formula(x: float, y: float, z: float) -> None:
    geometry = geometry_of(a_mesh(), moved(a_mesh(), x, y, z))
    shared = (10 - x) * (10 - y) * (10 - z)
    (finding,) = geometry.findings
    assert finding.code == "OVERLAPPING_BODIES"
    assert f"together they have {(2000 - shared) / 1000:.4g} cm³" in finding.message


def test_very_many_bodies_are_not_united() -> None:
    grid = [(12.0 * x, 12.0 * y, 12.0 * z) for x in range(11) for y in range(10) for z in range(10)]
    geometry = geometry_of(joined(*(moved(a_mesh(), *place) for place in grid)))
    assert codes_of(geometry) == ["OVERLAPS_NOT_CHECKED", "LOOSE_BODIES"]
    assert geometry.findings[0].severity == "note"
    assert geometry.findings[1].message.startswith("1,100 bodies that nothing joins, from 1 cm³ to 1 cm³")


def _bubbles(count: int, *, step: float) -> Mesh:
    """Return that many hollows of a cubic millimetre in rows of fifty."""
    bubble = turned_inside_out(a_mesh(Manifold.cube((1, 1, 1))))
    return joined(*(moved(bubble, step * (number % 50), step * (number // 50)) for number in range(count)))


def test_very_many_hollows_are_told_by_their_boxes() -> None:
    block = a_mesh(Manifold.cube((110, 110, 10)).translate((-5, -5, -5)))
    geometry = geometry_of(block, _bubbles(2_300, step=2))
    assert geometry.cavities == 2_300
    assert codes_of(geometry)[0] == "CAVITY"
    assert geometry.measures.volume_cm3 == pytest.approx(121 - 2.3)


def test_very_many_bodies_inside_out_are_refused() -> None:
    geometry = geometry_of(a_mesh(Manifold.cube((10, 10, 10))), moved(_bubbles(2_300, step=2), 20))
    (finding,) = geometry.findings
    assert finding.code == "INSIDE_OUT"
    assert finding.message == "2,300 bodies face inwards, so that -2.3 cm³ are enclosed."
    assert finding.where.endswith("; …")


def test_bodies_of_very_many_triangles_are_not_united() -> None:
    ball = Manifold.sphere(10, 120)
    geometry = geometry_of(*(moved(a_mesh(ball), 5.0 * number) for number in range(8)))
    assert codes_of(geometry) == ["OVERLAPS_NOT_CHECKED", "LOOSE_BODIES"]
    assert geometry.measures.bodies == 8
    apart = geometry_of(*(moved(a_mesh(ball), 30.0 * number) for number in range(8)))
    assert codes_of(apart) == ["LOOSE_BODIES"]


def test_a_folded_sheet_encloses_nothing() -> None:
    sheet = mesh_from([(0, 0, 0), (20, 0, 0), (0, 20, 0)], [(0, 1, 2), (0, 2, 1)])
    geometry = geometry_of(sheet)
    (finding,) = geometry.findings
    assert (finding.code, finding.severity) == ("ZERO_VOLUME", "error")
    assert finding.message == "The 2 triangles enclose no volume: it is a sheet without thickness."
    assert geometry.measures.shape == ()


def test_a_sheet_beside_a_solid_is_a_warning() -> None:
    sheet = mesh_from([(20, 0, 0), (30, 0, 0), (20, 10, 0)], [(0, 1, 2), (0, 2, 1)])
    geometry = geometry_of(a_mesh(), sheet)
    (finding,) = geometry.findings
    assert (finding.code, finding.severity) == ("ZERO_VOLUME", "warning")
    assert finding.message == "1 body of 2 encloses no volume."
    assert finding.where == "(25.0, 5.0, 0.0) mm, 10.00 × 10.00 × 0.00"


def test_a_very_thin_sheet_is_still_a_solid() -> None:
    geometry = geometry_of(a_mesh(Manifold.cube((1000, 1000, 0.01))))
    assert codes_of(geometry) == ["THIN_WALL"]
    assert geometry.measures.thinnest_wall_mm == pytest.approx(0.01, rel=1e-2)


@pytest.mark.parametrize(
    ("point", "times"), [((5, 5, 5), 1), ((0.1, 9.9, 5), 1), ((-5, 5, 5), 0), ((50, 50, 50), 0), ((5, 5, 10.001), 0)]
)
def test_a_point_is_enclosed_once_inside_and_never_outside(point: tuple[float, float, float], times: int) -> None:
    cube = a_mesh()
    assert winding_number(np.array(point), cube.vertices, cube.triangles) == pytest.approx(times, abs=1e-9)
    inverted = turned_inside_out(cube)
    assert winding_number(np.array(point), inverted.vertices, inverted.triangles) == pytest.approx(-times, abs=1e-9)


def test_half_a_surface_is_seen_by_its_solid_angle() -> None:
    ball = a_mesh(Manifold.sphere(10, 128))
    upper = ball.vertices[ball.triangles].mean(axis=1)[:, 2] > 0
    half = with_triangles(ball, ball.triangles[upper])
    assert winding_number(np.zeros(3), half.vertices, half.triangles) == pytest.approx(0.5, abs=0.01)
    assert winding_number(np.zeros(3), ball.vertices, ball.triangles) == pytest.approx(1.0, abs=1e-9)
